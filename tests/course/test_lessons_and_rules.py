"""What lessons state in prose is what the rulebook says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course import bank
from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules import (
    concurrency,
    lifecycle,
    limits,
    mappings,
    pricing,
    queueing,
    retries,
)
from lambdalab.rules.services import waiting
from lambdalab.rules.source import Fact


def _lesson(number: int) -> str:
    (folder,) = Path(bank.content_folder()).glob(f"{number:02d}_*")
    return (folder / "lesson.md").read_text("utf-8")


def test_default_timeout_in_the_quiz() -> None:
    question = bank.question("00-timeout")
    assert question.number is not None
    assert question.number.right == limits.TIMEOUT_DEFAULT.value
    assert question.number.why(limits.TIMEOUT_MAX.value) != question.number.otherwise
    for lang in LANGUAGES:
        assert str(limits.TIMEOUT_MAX.value) in question.explanation[lang]


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (lifecycle.INIT_TIMEOUT, {"zh-TW": "初始化階段最多 {} 秒", "en": "may last {} seconds"}),
        (lifecycle.IDLE_LIFETIME, {"zh-TW": "這門課假設 {} 秒", "en": "assumes {} seconds"}),
        (lifecycle.BILLING_STEP, {"zh-TW": "無條件進位到 {} 毫秒", "en": "rounded up to {} ms"}),
    ],
)
def test_numbers_in_the_lifecycle_lesson(fact: Fact[int], said: dict[Language, str]) -> None:
    text = _lesson(1)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


def test_long_init_is_the_sum_of_the_init_limit_and_the_second_try() -> None:
    right = bank.question("01-long-init").right_choice
    assert right is not None
    assert f"{lifecycle.INIT_TIMEOUT.value + 14} s" in right.text["en"]


def test_report_in_the_quiz_bills_as_the_rulebook_does() -> None:
    prompt = bank.question("01-report").prompt["en"]
    assert f"Billed Duration: {lifecycle.billed_ms(12.31, 1230.02)} ms" in prompt


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 6, 7, 8])
def test_right_choices_stand_in_varying_places(number: int) -> None:
    places = {
        [choice.right for choice in question.choices].index(True)
        for question in bank.questions_of(number).values()
        if question.choices
    }
    assert len(places) >= 3


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (limits.CONCURRENCY, {"zh-TW": "預設是 {:,}", "en": "by default {:,}"}),
        (limits.UNRESERVED_MIN, {"zh-TW": "至少要有 {} 留在", "en": "At least {} must stay"}),
        (
            concurrency.SCALING_BURST,
            {"zh-TW": "最多**新增** {:,} 個", "en": "may **add** up to {:,} environments"},
        ),
        (
            concurrency.SCALING_WINDOW,
            {"zh-TW": "每個函數每 {} 秒", "en": "per {} s: the allowance"},
        ),
        (
            concurrency.RATE_PER_CONCURRENCY,
            {"zh-TW": "**{} × 並行數**", "en": "**{} × concurrency**"},
        ),
    ],
)
def test_numbers_in_the_concurrency_lesson(fact: Fact[int], said: dict[Language, str]) -> None:
    text = _lesson(8)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


def _right(question: str) -> float | None:
    number = bank.question(question).number
    assert number is not None
    return number.right


def test_both_examples_are_rate_times_duration() -> None:
    assert _right("08-five-seconds") == queueing.mean_concurrency(100, 5)
    assert _right("08-half-second") == queueing.mean_concurrency(100, 0.5)
    assert _right("08-faster") == queueing.mean_concurrency(200, 1)


def test_scaling_questions_follow_the_scaling_rate() -> None:
    burst = concurrency.SCALING_BURST.value
    assert _right("08-ramp") == burst == concurrency.scaling_allowance(burst, 100)
    seconds = _right("08-ramp-time")
    assert seconds is not None
    assert burst + seconds * concurrency.scaling_allowance(0, 1) == 4_000


def test_reservations_of_the_concurrency_lesson_are_at_the_edge() -> None:
    assert concurrency.reserved_problem(20, account=120, others=0) is None
    problem = concurrency.reserved_problem(21, account=120, others=0)
    assert problem is not None
    assert _right("08-idle-reserve") == 120 - 20 == limits.UNRESERVED_MIN.value
    assert _right("08-rate") == concurrency.requests_per_second(1)
    explained = bank.question("08-which-reason").explanation
    for lang in LANGUAGES:
        assert f"{concurrency.requests_per_second(50)}" in explained[lang]


def test_provisioned_pays_from_the_share_that_the_lesson_names() -> None:
    compute, used = pricing.COMPUTE["x86_64"][0].usd, pricing.PROVISIONED_USED["x86_64"].value
    share = pricing.PROVISIONED_HELD["x86_64"].value / (compute - used)
    text = _lesson(8)
    for sentence in ("忙碌的時間超過 {:.0%}", "busy for more than {:.0%} of the time"):
        assert sentence.format(share) in text


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (
            limits.VCPU_MEMORY,
            {"zh-TW": "{:,} MB 相當於 1 個 vCPU", "en": "{:,} MB come with 1 vCPU"},
        ),
        (limits.VCPU_MAX, {"zh-TW": "AWS 的上限是 {} 個 vCPU", "en": "AWS goes up to {} vCPUs"}),
        (limits.EPHEMERAL_MIN, {"zh-TW": "預設 {} MB，免費", "en": "{} MB by default, for free"}),
        (limits.EPHEMERAL_MAX, {"zh-TW": "最多 {:,} MB", "en": "{:,} MB at most"}),
        (limits.MEMORY_MIN, {"zh-TW": "最小是 {} MB", "en": "The least is {} MB"}),
        (lifecycle.BILLING_STEP, {"zh-TW": "無條件進位到 {} 毫秒", "en": "rounded up to {} ms"}),
        (pricing.REQUESTS, {"zh-TW": "請求的 {:.2f} 美元", "en": "the {:.2f} USD for requests"}),
        (
            pricing.EPHEMERAL,
            {"zh-TW": "暫時性儲存每 GB 秒 {:.10f} 美元", "en": "{:.10f} USD per GB-second of eph"},
        ),
        (
            pricing.FREE_COMPUTE,
            {"zh-TW": "每月有 {:,} GB 秒", "en": "{:,} GB-seconds and 1 million"},
        ),
    ],
)
def test_numbers_in_the_memory_lesson(fact: Fact[float], said: dict[Language, str]) -> None:
    text = _lesson(3)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


@pytest.mark.parametrize(
    ("memory_mb", "duration_ms"), [(128, 1000), (1769, 72), (128, 120), (1769, 120)]
)
def test_costs_in_the_memory_lesson(memory_mb: int, duration_ms: int) -> None:
    compute = pricing.gb_seconds(memory_mb, duration_ms / 1000) * 1_000_000
    usd = pricing.bill(pricing.Usage(requests=0, compute=compute)).compute
    text = _lesson(3)
    for unit in ("毫秒", "ms"):
        assert f"| {memory_mb:,} MB | {duration_ms:,} {unit} | {usd:.2f} |" in text


def test_storage_and_prices_in_the_memory_lesson() -> None:
    extra = limits.EPHEMERAL_MAX.value - limits.EPHEMERAL_MIN.value
    ephemeral = pricing.gb_seconds(extra, 1) * 1_000_000
    usd = pricing.bill(pricing.Usage(requests=0, compute=0, ephemeral=ephemeral)).ephemeral
    text = _lesson(3)
    assert f"| 1,000 ms | {usd:.2f} |" in text
    assert text.count(f"{pricing.COMPUTE['x86_64'][0].usd:.10f} ") == 2
    ratio = limits.VCPU_MEMORY.value / limits.MEMORY_MIN.value
    for sentence in ("每一毫秒就貴 {:.1f} 倍", "each millisecond costs {:.1f} times as much"):
        assert sentence.format(ratio) in text


def test_vcpu_quiz_of_the_memory_lesson() -> None:
    question = bank.question("03-vcpu")
    assert question.number is not None
    assert question.number.right == limits.VCPU_MEMORY.value
    assert question.number.why(1792) != question.number.otherwise


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (limits.ASYNC_RETRIES, {"zh-TW": "函數錯誤再試 {} 次", "en": "| Lambda, twice after"}),
        (waiting.API_GATEWAY_TIMEOUT, {"zh-TW": "預設只等 {} 秒", "en": "waits {} s by default"}),
        (waiting.BOTO3_ATTEMPTS, {"zh-TW": "總共試 {} 次（`legacy`", "en": "makes {} attempts"}),
    ],
)
def test_numbers_in_the_synchronous_lesson(fact: Fact[int], said: dict[Language, str]) -> None:
    text = _lesson(4)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


def test_headings_and_answers_of_the_synchronous_lesson() -> None:
    megabytes = limits.PAYLOAD_SYNC.value / 1024**2
    for heading in ("### {:.0f} MB 的門", "### A door of {:.0f} MB"):
        assert heading.format(megabytes) in _lesson(4)
    many = bank.question("04-who-retries").number
    assert many is not None
    assert many.why(waiting.BOTO3_ATTEMPTS.value) != many.otherwise


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (limits.ASYNC_RETRIES, {"zh-TW": "再試 **{}** 次", "en": "tries **{}** more times"}),
        (limits.ASYNC_RETRIES, {"zh-TW": "（重試次數，0 到 {}）", "en": "(0 to {})"}),
        (limits.ASYNC_AGE_MIN, {"zh-TW": "（事件的最長存留時間，{} 到", "en": "an event, {} to"}),
        (limits.ASYNC_AGE_MAX, {"zh-TW": "到 {:,} 秒", "en": "to {:,} s)"}),
        (retries.LAG, {"zh-TW": "照這個比例晚 {:.0%}", "en": "late by the same {:.0%}"}),
    ],
)
def test_numbers_in_the_asynchronous_lesson(fact: Fact[float], said: dict[Language, str]) -> None:
    text = _lesson(5)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


def test_waits_in_the_asynchronous_lesson() -> None:
    first, second = (
        fact.value // 60 for fact in (limits.ASYNC_RETRY_FIRST, limits.ASYNC_RETRY_SECOND)
    )
    least, most = limits.ASYNC_BACKOFF_MIN.value, limits.ASYNC_BACKOFF_MAX.value // 60
    text = _lesson(5)
    for sentence in (
        f"第一次等 {first} 分鐘，第二次等 {second} 分鐘",
        f"It waits for {first} minute, then for {second}.",
        f"等 {least} 秒再試，再不行就 {2 * least} 秒、{4 * least} 秒，每次加倍，最多 {most} 分鐘",
        f"waits for {least} s, then for {2 * least} s, for {4 * least} s",
    ):
        assert sentence in text
    lag = 1 + retries.LAG.value
    for wait in (limits.ASYNC_RETRY_FIRST, limits.ASYNC_RETRY_SECOND):
        assert text.count(f"{wait.value * lag:.0f} ") >= len(LANGUAGES)


def test_answers_of_the_asynchronous_lesson_follow_the_rules() -> None:
    outcomes = [retries.Outcome.ERROR] * 10
    assert _right("05-attempts") == len(retries.schedule(outcomes))
    assert _right("05-age") == len(retries.schedule(outcomes, retries.Policy(max_age_s=100)))
    throttles = [retries.Outcome.THROTTLED] * 1000
    for policy in (retries.Policy(), retries.Policy(lag=0)):
        assert 75 <= len(retries.schedule(throttles, policy)) <= 80  # "about 80", "a few less"
    assert _right("05-throttle-counts") == limits.ASYNC_RETRIES.value
    assert _right("05-timeout-minutes") == 5 * (1 + limits.ASYNC_RETRIES.value)
    for lang in LANGUAGES:
        assert f"{limits.RECURSION.value} " in bank.question("05-loop").explanation[lang]


@pytest.mark.parametrize(
    ("number", "fact", "said"),
    [
        (6, limits.ASYNC_AGE_MIN, {"zh-TW": "最短的 {} 秒", "en": "the least there is, {} s"}),
        (7, mappings.VISIBILITY_ADVICE, {"zh-TW": "**{} 倍**", "en": "**{} times**"}),
        (7, mappings.SCALING_START, {"zh-TW": "從 {} 批開始", "en": "{} at first"}),
        (7, mappings.SCALING_PER_MINUTE, {"zh-TW": "每分鐘加 {}", "en": "{} more per minute"}),
        (7, mappings.CONCURRENCY_MIN, {"zh-TW": "它最小是 {}", "en": "least it can be is {}"}),
    ],
)
def test_numbers_in_the_lessons_of_destinations_and_polling(
    number: int, fact: Fact[int], said: dict[Language, str]
) -> None:
    text = _lesson(number)
    for sentence in said.values():
        assert sentence.format(fact.value) in text


def test_the_visibility_timeout_in_the_quiz_is_what_aws_recommends() -> None:
    question = bank.question("07-visibility-number")
    assert question.number is not None
    assert question.number.right == 30 * mappings.VISIBILITY_ADVICE.value
