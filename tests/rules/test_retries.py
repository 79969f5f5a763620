"""What the asynchronous queue decides, against the documented delays and an observed timeline."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import limits
from lambdalab.rules.retries import (
    LAG,
    Cause,
    Condition,
    Done,
    GiveUp,
    Outcome,
    Policy,
    Retry,
    after_attempt,
    before_attempt,
    function_error_delay,
    schedule,
    throttle_delay,
)

PUNCTUAL = Policy(lag=0.0)


def test_the_observed_timeline() -> None:
    # 16:07:12, 16:08:15 and 16:10:21, as a failing function was seen to be tried.
    plan = schedule(itertools.repeat(Outcome.ERROR))
    assert [round(attempt.time_s) for attempt in plan] == [0, 63, 63 + 126]
    assert plan[-1].decision == GiveUp(Condition.RETRIES_EXHAUSTED)


def test_documented_delays_without_lag() -> None:
    assert [function_error_delay(runs, 0) for runs in (1, 2)] == [60, 120]
    expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert [throttle_delay(backoffs, 0) for backoffs in range(1, 12)] == expected
    assert throttle_delay(10_000, 0) == 300
    assert LAG.source is None and "assumption" in LAG.label["en"] and "假設" in LAG.label["zh-TW"]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_retries_of_function_errors(retries: int) -> None:
    plan = schedule(itertools.repeat(Outcome.ERROR), Policy(max_retries=retries, lag=0.0))
    assert len(plan) == retries + 1
    assert plan[-1].decision == GiveUp(Condition.RETRIES_EXHAUSTED)
    assert all(
        isinstance(one.decision, Retry) and one.decision.cause is Cause.FUNCTION_ERROR
        for one in plan[:-1]
    )


def test_throttles_use_up_no_retries() -> None:
    outcomes = [
        Outcome.THROTTLED,
        Outcome.ERROR,
        Outcome.SYSTEM,
        Outcome.THROTTLED,
        Outcome.ERROR,
        Outcome.ERROR,
    ]
    plan = schedule(outcomes, PUNCTUAL)
    assert [one.time_s for one in plan] == [0, 1, 61, 62, 64, 184]
    assert [one.decision.cause for one in plan if isinstance(one.decision, Retry)] == [
        Cause.THROTTLE,
        Cause.FUNCTION_ERROR,
        Cause.SYSTEM_ERROR,
        Cause.THROTTLE,
        Cause.FUNCTION_ERROR,
    ]
    assert plan[-1].decision == GiveUp(Condition.RETRIES_EXHAUSTED)


def test_six_hours_of_throttling() -> None:
    plan = schedule(itertools.repeat(Outcome.THROTTLED), PUNCTUAL)
    assert plan[-1].decision == GiveUp(Condition.EVENT_AGE_EXCEEDED)
    # 1 + 2 + 4 + … + 256 s, then every 300 s: the last attempt is less than that before the end.
    assert limits.ASYNC_AGE_MAX.value - 300 <= plan[-1].time_s < limits.ASYNC_AGE_MAX.value
    assert len(plan) == 1 + 9 + (limits.ASYNC_AGE_MAX.value - 511 - 1) // 300


def test_no_retry_that_would_come_too_late() -> None:
    # Seen on AWS with 60 s: given up at once, with EventAgeExceeded and one run.
    plan = schedule(itertools.repeat(Outcome.ERROR), Policy(max_age_s=60, lag=0.0))
    assert len(plan) == 1 and plan[0].decision == GiveUp(Condition.EVENT_AGE_EXCEEDED)
    plan = schedule(itertools.repeat(Outcome.ERROR), Policy(max_age_s=100, lag=0.0))
    assert len(plan) == 2 and plan[1].decision == GiveUp(Condition.EVENT_AGE_EXCEEDED)


def test_exhausted_retries_say_so_even_when_the_event_is_old() -> None:
    decision = after_attempt(
        Outcome.ERROR, runs=1, backoffs=0, age_s=99, policy=Policy(max_retries=0, max_age_s=60)
    )
    assert decision == GiveUp(Condition.RETRIES_EXHAUSTED)


def test_before_an_attempt() -> None:
    policy = Policy(max_age_s=60)
    assert before_attempt(59.9, policy) is None
    assert before_attempt(60, policy) == GiveUp(Condition.EVENT_AGE_EXCEEDED)
    assert before_attempt(0, policy, reserved=5) is None
    assert before_attempt(0, policy, reserved=0) == GiveUp(Condition.ZERO_RESERVED)


@given(
    st.lists(st.sampled_from(Outcome), max_size=200),
    st.builds(
        Policy,
        max_retries=st.integers(0, 2),
        max_age_s=st.floats(60, 21_600),
        lag=st.floats(0, 1),
    ),
    st.floats(0, 900),
)
def test_every_event_leaves_the_queue(
    outcomes: list[Outcome], policy: Policy, duration_s: float
) -> None:
    plan = schedule([*outcomes, *[Outcome.ERROR] * 3], policy, duration_s=duration_s)
    last = plan[-1]
    assert isinstance(last.decision, Done | GiveUp)
    assert all(isinstance(one.decision, Retry) for one in plan[:-1])
    assert all(one.time_s < policy.max_age_s for one in plan)
    assert [one.time_s for one in plan] == sorted(one.time_s for one in plan)
    runs = sum(one.outcome is Outcome.ERROR for one in plan)
    assert runs <= policy.max_retries + 1
    assert (last.decision == Done()) == (last.outcome is Outcome.SUCCESS)
