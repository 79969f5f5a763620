"""The retry timeline without a browser: stories, rows, the plan, and what is told in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.rules import limits
from lambdalab.rules.retries import Condition, GiveUp, Outcome, Policy, Retry, schedule
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox import events as ev
from lambdalab.widgets import RetryTimeline
from lambdalab.widgets.lengths import length, short_arn
from lambdalab.widgets.retry_plan import PlanError, RetryPlan
from lambdalab.widgets.retry_rows import ROWS, rows_of
from lambdalab.widgets.retry_stories import Stories
from lambdalab.widgets.retry_text import plan_sentences
from tests.conftest import Functions
from tests.widgets.records import Log
from tests.widgets.test_live import until

FAILS = "def handler(event, context):\n    raise ConnectionError('no')\n"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Speak English, and leave no widget behind."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    ipywidgets.Widget.close_all()


class Queue:
    """Writes the log of asynchronous events as the queue does."""

    def __init__(self, log: Log | None = None) -> None:
        self.log = log or Log()

    def add(self, kind: type[ev.Event], request: str, after: float = 0.0, **values: Any) -> None:
        who = {"function": "mailer", "qualifier": "$LATEST", "request_id": request}
        self.log.add(kind, after, **who | values)

    def accept(self, request: str, max_age_s: float = 21_600) -> None:
        values: dict[str, Any] = {
            "source": "api",
            "payload_bytes": 2,
            "max_retries": 2,
            "max_age_s": max_age_s,
        }
        self.add(ev.EventQueued, request, **values)

    def attempt(self, request: str, number: int, status: str, **values: Any) -> None:
        self.add(ev.AttemptStarted, request, attempt=number)
        error = {"error": "ConnectionError", "throttled": "ReservedFunction…"}.get(status)
        values = {"status": status, "error_type": error, **values}
        self.add(ev.AttemptFinished, request, 0.01, attempt=number, **values)

    def again(self, request: str, number: int, delay: float, cause: str) -> None:
        values: dict[str, Any] = {"delay_s": delay, "due": self.log.now + delay, "cause": cause}
        self.add(ev.RetryScheduled, request, attempt=number, **values)

    def run(self, request: str, *statuses: str) -> None:
        """Accept an event and let its attempts go so; the last of them ends it."""
        self.accept(request)
        for number, status in enumerate(statuses, 1):
            self.attempt(request, number, status)
            if number < len(statuses):
                self.again(request, number + 1, 60.0, "function-error")
                self.log.now += 60
        if statuses and statuses[-1] != "success":
            values: dict[str, Any] = {"condition": "RetriesExhausted", "attempts": len(statuses)}
            self.add(ev.EventDropped, request, **values)


def test_a_real_event_from_its_acceptance_to_its_end(
    sandbox: Sandbox, functions: Functions, clients: Any
) -> None:
    functions.create("mailer", FAILS)
    clients("iam").attach_role_policy(
        RoleName="lambda", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    )
    queue = clients("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    arn = clients("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    functions.client.put_function_event_invoke_config(
        FunctionName="mailer",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn["Attributes"]["QueueArn"]}},
    )
    timeline = RetryTimeline(sandbox, "mailer")
    assert "No asynchronous event" in timeline.to_text()
    functions.client.invoke(FunctionName="mailer", InvocationType="Event", Payload=b"{}")
    sandbox.clock.advance(seconds=30)
    until(lambda: timeline.stories and timeline.stories[0].waits)
    assert "attempt 2 in 1 min 3 s" in timeline.to_text()
    sandbox.clock.advance(minutes=5)
    until(lambda: timeline.stories[0].ended and timeline.stories[0].sent)
    (story,) = timeline.stories
    assert (story.statuses, story.condition) == (("error", "error"), "RetriesExhausted")
    assert story.attempts[1].started - story.accepted == pytest.approx(63, abs=0.5)
    assert (story.attempts[0].error_type, story.max_retries) == ("ConnectionError", 1)
    assert story.sent[0].kind == "on-failure"
    text = timeline.to_text()
    for words in ("+1 min 3 s  attempt 2: function error (ConnectionError)", "sqs dead-letters"):
        assert words in text
    (row,) = timeline.get_state()["snapshot"]["rows"]
    assert row["attempts"][0]["wait"]["delay"] == pytest.approx(63)
    assert row["attempts"][0]["wait"]["cause"] == "function-error"
    sandbox.reset()
    until(lambda: not timeline.stories)


def test_an_event_that_is_handed_out_twice_has_two_stories(
    sandbox: Sandbox, functions: Functions
) -> None:
    functions.create("mailer", FAILS)
    sandbox.settings(duplicate_events=True)
    functions.client.invoke(FunctionName="mailer", InvocationType="Event", Payload=b"{}")
    sandbox.clock.advance(minutes=10)
    first, second = RetryTimeline.of(sandbox.events(), "mailer").stories
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.request_id == second.request_id
    for one in (first, second):
        assert one.statuses == ("error", "error", "error")
        assert one.condition == "RetriesExhausted"
        numbers = [attempt.number for attempt in one.attempts]
        assert numbers == [1, 2, 3]
        assert [attempt.retry is None for attempt in one.attempts] == [False, False, True]


def test_what_began_before_the_log_and_other_functions_are_left_out() -> None:
    queue = Queue()
    queue.attempt("before", 2, "success")
    queue.accept("mine")
    queue.log.add(ev.AttemptStarted, function="other", qualifier="1", request_id="mine", attempt=1)
    stories = Stories("mailer")
    assert stories.feed(queue.log.events)
    assert [(one.request_id, one.statuses) for one in stories.all()] == [("mine", ())]
    assert not stories.feed(
        [
            ev.LogLine(
                environment="e", function="mailer", version="1", request_id=None, line="a line"
            )
        ]
    )
    assert not Stories("nobody").feed(queue.log.events)


def test_a_few_events_stand_by_themselves_and_a_thousand_share_rows() -> None:
    queue = Queue()
    for number in range(3):
        queue.run(f"few-{number}", "success")
    few = len(queue.log.events)
    stories = Stories()
    stories.feed(queue.log.events)
    rows, left = rows_of(stories.all())
    assert [row.story.request_id for row in rows] == ["few-2", "few-1", "few-0"]
    assert left == 0

    for number in range(900):
        queue.run(f"quick-{number}", "success")
    for number in range(ROWS + 3):
        for twin in range(2):
            queue.run(f"{number}-{twin}", *["throttled"] * (number + 1), "success")
    queue.run("lost", "error", "error", "error")
    queue.accept("waits")
    stories.feed(queue.log.events[few:])
    rows, left = rows_of(stories.all())
    assert len(rows) == ROWS
    assert rows[0].story.request_id == "lost"
    assert rows[1].story.request_id == "waits"
    assert len(rows[2].story.attempts) == ROWS + 4
    assert (rows[-1].count, rows[-1].story.statuses) == (903, ("success",))
    assert sum(row.count for row in rows) + left == len(stories.all()) == 935
    everything, left = rows_of(stories.all(), 10 * ROWS)
    assert left == 0
    assert sum(row.count for row in everything) == 935


def test_the_browser_may_ask_for_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    for number in range(ROWS + 3):
        queue.run(f"{number}", *["error"] * (number + 1))
    timeline = RetryTimeline.of(queue.log.events)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(timeline, "send", lambda content, buffers=None: sent.append(content))
    before = timeline.message_whole()
    assert (len(before["rows"]), before["left"]) == (ROWS, 3)
    timeline._act("more", {})
    assert (len(sent[0]["rows"]), sent[0]["left"], sent[0]["n"]) == (ROWS + 3, 0, 1)


def test_old_stories_are_dropped_and_counted() -> None:
    queue = Queue()
    queue.accept("open")
    for number in range(20):
        queue.run(f"{number}", "success")
    stories = Stories(limit=10)
    stories.feed(queue.log.events)
    kept = [one.request_id for one in stories.all()]
    assert kept[0] == "open"
    assert kept[1:] == [str(number) for number in range(11, 20)]
    assert stories.dropped == 11


# -- the plan -----------------------------------------------------------------------------


plans = st.builds(
    RetryPlan,
    first=st.sampled_from(Outcome),
    until_s=st.sampled_from([0, 1, 10, 100, 3600, 21_600]),
    then=st.sampled_from(Outcome),
    changed=st.dictionaries(st.integers(1, 12), st.sampled_from(Outcome), max_size=3),
    max_retries=st.integers(0, 2),
    max_age_s=st.sampled_from([60, 61, 100, 600, 3600, 21_600]),
    duration_s=st.sampled_from([0, 0.5, 30, 300, 900]),
    late=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(plans)
def test_a_plan_is_a_schedule_of_the_rulebook(plan: RetryPlan) -> None:
    attempts = plan.attempts()
    outcomes = [one.outcome for one in attempts]
    assert attempts == schedule(outcomes, plan.policy, duration_s=plan.duration_s)
    assert not isinstance(attempts[-1].decision, Retry)
    for one in attempts:
        assert one.outcome is plan.outcome(one.number, one.time_s)
    assert RetryPlan.from_json(plan.to_json()) == plan
    for lang in LANGUAGES:
        told = plan_sentences(plan, lang)
        assert told
        assert not [text for text in told if "{" in text]


def test_from_which_attempt_on_each_wait_is_five_minutes() -> None:
    timeline = RetryTimeline(plan=RetryPlan(until_s=21_600))
    waits = [one.decision.delay_s for one in timeline.attempts if isinstance(one.decision, Retry)]
    first = waits.index(limits.ASYNC_BACKOFF_MAX.value) + 1
    assert first == 10
    assert f"From attempt {first} on, each wait is 5 min" in timeline.to_text()


def test_an_hour_of_throttles_uses_no_retry_of_function_errors() -> None:
    timeline = RetryTimeline(plan=RetryPlan(until_s=3600))
    ran = [one for one in timeline.attempts if one.outcome is Outcome.ERROR]
    assert len(ran) == 1 + limits.ASYNC_RETRIES.value
    assert ran[0].time_s >= 3600
    text = timeline.to_text()
    assert "Retry 1 of 2 comes after 1 min" in text
    assert "Attempts that were sent back used none" in text


def test_an_age_of_a_minute_leaves_no_second_attempt() -> None:
    timeline = RetryTimeline(plan=RetryPlan(max_age_s=60))
    (only,) = timeline.attempts
    assert only.decision == GiveUp(Condition.EVENT_AGE_EXCEEDED)
    text = timeline.to_text()
    assert "The next attempt would come at 1 min" in text
    assert "0 of 2 used, 2 left" in text


def test_a_plan_may_be_as_late_as_the_queue() -> None:
    assert RetryPlan().policy == Policy(lag=0.0)
    assert RetryPlan(late=True).policy == Policy()


@pytest.mark.parametrize(
    "wrong", [{"max_retries": 3}, {"max_age_s": 59}, {"until_s": -1}, {"duration_s": 901}]
)
def test_what_aws_would_refuse(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match=next(iter(wrong))):
        RetryPlan(**wrong)


def test_a_plan_with_a_sandbox_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(PlanError, match="not both"):
        RetryTimeline(sandbox, plan=RetryPlan())


# -- words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.0001, "0 s"),
        (0.025, "0.025 s"),
        (0.5, "0.5 s"),
        (1.05, "1.05 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min"),
        (63, "1 min 3 s"),
        (300, "5 min"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h"),
        (3660, "1 h 1 min"),
        (21_600, "6 h"),
    ],
)
def test_lengths_of_time(seconds: float, told: str) -> None:
    assert length(seconds, "en") == told


def test_targets_by_name() -> None:
    assert short_arn("arn:aws:sqs:us-east-1:123456789012:dead") == "sqs dead"
    assert short_arn("arn:aws:lambda:us-east-1:123456789012:function:f") == "lambda f"
    assert short_arn("arn:aws:events:us-east-1:123456789012:event-bus/default") == "events default"
    assert short_arn("no arn") == "no arn"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_view_gets_every_word_it_needs(lang: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/05.ipynb")
    widget = RetryTimeline()
    assert widget.labels.items() >= messages("retry_timeline", lang).items()
    assert widget.mode == "plan"
    assert RetryPlan.from_json(widget.setting) == RetryPlan()
    assert widget.rules["facts"][0]["label"] == limits.ASYNC_RETRIES.label[lang]
    folder = resources.files("lambdalab.widgets") / "static"
    for name in ("words", "chart", "details", "plan", "timeline"):
        script = (folder / f"retry_{name}.js").read_text(encoding="utf-8")
        said = re.findall(r'say\("([a-z_.]+)"', script)
        assert [key for key in said if key not in widget.labels] == []
        starts = re.findall(r"say\(`([a-z_.]+)\$\{", script)
        known = tuple(widget.labels)
        assert [one for one in starts if not any(key.startswith(one) for key in known)] == []
    for outcome in Outcome:
        assert f"outcome.{outcome}" in widget.labels
