"""What Lambda's asynchronous queue does with an event after each attempt.

Function errors are tried again a fixed number of times; throttles and errors of the service
itself go back to the queue until the event is too old. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lambdalab.rules import limits
from lambdalab.rules.source import Fact

__all__ = [
    "LAG",
    "Cause",
    "Condition",
    "Decision",
    "Done",
    "GiveUp",
    "Outcome",
    "Planned",
    "Policy",
    "Retry",
    "after_attempt",
    "before_attempt",
    "function_error_delay",
    "schedule",
    "throttle_delay",
]

LAG: Fact[float] = Fact(
    0.05,
    "",
    {
        "zh-TW": "重試比文件所載晚多少（占等待時間的比例；本課程的假設，AWS 未公布）",
        "en": "how late a retry is, as a part of its delay (this course's assumption; "
        "AWS publishes none)",
    },
    None,
)
"""Retries observed 63 s and 126 s apart, where 60 s and 120 s are documented."""


class Outcome(StrEnum):
    """How an attempt went: ``status`` of an ``AttemptFinished`` event."""

    SUCCESS = "success"
    ERROR = "error"
    """The function failed: it raised, timed out or crashed."""
    THROTTLED = "throttled"
    """429: no concurrency for it."""
    SYSTEM = "system"
    """5xx: the service itself failed."""


class Cause(StrEnum):
    """Why an event waits for another attempt."""

    FUNCTION_ERROR = "function-error"
    THROTTLE = "throttle"
    SYSTEM_ERROR = "system-error"


class Condition(StrEnum):
    """How it ended for an event: ``condition`` of a destination's record.

    The first three are documented. AWS documents that an event goes to the on-failure
    destination when reserved concurrency is 0 or a loop is stopped, not the word for it: the
    last two are what others saw, and an assumption.
    """

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED = "ZeroReservedConcurrency"
    RECURSION = "RecursiveInvocation"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is set for an event.

    Attributes
    ----------
    max_retries
        Retries after function errors, 0 to 2.
    max_age_s
        How old an event may become, in seconds, 60 to 21,600.
    lag
        How late the queue is, as a part of each delay.
    """

    max_retries: int = limits.ASYNC_RETRIES.value
    max_age_s: float = float(limits.ASYNC_AGE_MAX.value)
    lag: float = LAG.value


@dataclass(frozen=True, slots=True)
class Retry:
    """The event goes back to the queue, for ``delay_s`` seconds."""

    delay_s: float
    cause: Cause


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The event leaves the queue: to the on-failure destination and the dead-letter queue."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Done:
    """The event leaves the queue: the function has processed it."""

    condition: Condition = Condition.SUCCESS


Decision = Retry | GiveUp | Done


def function_error_delay(runs: int, lag: float = LAG.value) -> float:
    """Return how long an event waits after a function error, in seconds.

    Parameters
    ----------
    runs
        How often the function has failed with it, at least 1.
    lag
        How late the queue is, as a part of the delay.
    """
    wait = limits.ASYNC_RETRY_FIRST if runs <= 1 else limits.ASYNC_RETRY_SECOND
    return wait.value * (1 + lag)


def throttle_delay(backoffs: int, lag: float = LAG.value) -> float:
    """Return how long an event waits after a throttle or an error of the service, in seconds.

    It doubles from 1 s to 5 minutes.

    Parameters
    ----------
    backoffs
        How often in a row it could not be given to the function, at least 1.
    lag
        How late the queue is, as a part of the delay.
    """
    doublings = min(max(backoffs, 1) - 1, limits.ASYNC_BACKOFF_MAX.value.bit_length())
    wait = min(limits.ASYNC_BACKOFF_MIN.value << doublings, limits.ASYNC_BACKOFF_MAX.value)
    return wait * (1 + lag)


def before_attempt(age_s: float, policy: Policy, *, reserved: int | None = None) -> GiveUp | None:
    """Say whether an event is given up before it is handed to the function.

    Parameters
    ----------
    age_s
        Seconds since it was accepted.
    policy
        What is set for it.
    reserved
        The function's reserved concurrency. 0 sends events straight to where failures go
        (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
    """
    if reserved == 0:
        return GiveUp(Condition.ZERO_RESERVED)
    if age_s >= policy.max_age_s:
        return GiveUp(Condition.EVENT_AGE_EXCEEDED)
    return None


def after_attempt(
    outcome: Outcome, *, runs: int, backoffs: int, age_s: float, policy: Policy
) -> Decision:
    """Say what comes after an attempt.

    An event whose next attempt would come when it is too old is given up at once: AWS does not
    document when, and was seen not to wait until then.

    Parameters
    ----------
    outcome
        How the attempt went.
    runs
        How often the function has run with the event, this attempt included.
    backoffs
        How often in a row it could not be given to the function, this attempt included.
    age_s
        Seconds since it was accepted.
    policy
        What is set for it.
    """
    if outcome is Outcome.SUCCESS:
        return Done()
    if outcome is Outcome.ERROR:
        if runs > policy.max_retries:
            return GiveUp(Condition.RETRIES_EXHAUSTED)
        retry = Retry(function_error_delay(runs, policy.lag), Cause.FUNCTION_ERROR)
    else:
        cause = Cause.THROTTLE if outcome is Outcome.THROTTLED else Cause.SYSTEM_ERROR
        retry = Retry(throttle_delay(backoffs, policy.lag), cause)
    if age_s + retry.delay_s >= policy.max_age_s:
        return GiveUp(Condition.EVENT_AGE_EXCEEDED)
    return retry


@dataclass(frozen=True, slots=True)
class Planned:
    """One attempt of a plan.

    Attributes
    ----------
    number
        Counts from 1.
    time_s
        When it begins, in seconds after the event was accepted.
    outcome
        How it goes.
    decision
        What comes after it.
    """

    number: int
    time_s: float
    outcome: Outcome
    decision: Decision


def schedule(
    outcomes: Iterable[Outcome], policy: Policy = Policy(), *, duration_s: float = 0.0
) -> list[Planned]:
    """Return the attempts of an event whose attempts go as ``outcomes`` say, one after another.

    It ends when the event leaves the queue, or with the last of the outcomes; an endless
    iterable is fine, for every event leaves the queue in the end.

    Parameters
    ----------
    outcomes
        How the 1st, 2nd … attempt goes.
    policy
        What is set for the event.
    duration_s
        How long the function runs, in seconds.
    """
    plan: list[Planned] = []
    time_s, runs, backoffs = 0.0, 0, 0
    for number, outcome in enumerate(outcomes, start=1):
        if outcome in (Outcome.SUCCESS, Outcome.ERROR):
            runs, backoffs, ended = runs + 1, 0, time_s + duration_s
        else:
            backoffs, ended = backoffs + 1, time_s
        decision = after_attempt(outcome, runs=runs, backoffs=backoffs, age_s=ended, policy=policy)
        plan.append(Planned(number, time_s, outcome, decision))
        if not isinstance(decision, Retry):
            break
        time_s = ended + decision.delay_s
    return plan
