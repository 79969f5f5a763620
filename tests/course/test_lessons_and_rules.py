"""What lessons 00 and 01 state in prose is what the rulebook says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course import bank
from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules import lifecycle, limits
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


@pytest.mark.parametrize("number", [0, 1])
def test_right_choices_stand_in_varying_places(number: int) -> None:
    places = {
        [choice.right for choice in question.choices].index(True)
        for question in bank.questions_of(number).values()
        if question.choices
    }
    assert len(places) >= 3
