"""Trying again: what a target did not take, until its retry policy is exhausted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lambdalab.rules.services.pushed import RULE_ATTEMPTS, RULE_HOURS
from lambdalab.sandbox.push.delivery import Failure
from lambdalab.sandbox.push.hub import hub

__all__ = ["Delivery", "Exhausted", "RetryPolicy", "deliver"]

_HOUR_S = 3600.0
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long an event is sent again."""

    attempts: int = RULE_ATTEMPTS.value
    """Retries, the first attempt not counted."""
    age_s: float = RULE_HOURS.value * _HOUR_S
    """Seconds of service time after which it is given up."""

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> RetryPolicy:
        """Return the policy that a target asks for; what it leaves out is AWS's default."""
        usual = cls()
        values = given or {}
        return cls(
            int(values.get("MaximumRetryAttempts", usual.attempts)),
            float(values.get("MaximumEventAgeInSeconds", usual.age_s)),
        )


@dataclass(frozen=True, slots=True)
class Exhausted:
    """What was given up: the last failure, the retries made, and what they exhausted."""

    failure: Failure
    retries: int
    condition: str | None
    """``None``: the failure is one that is never tried again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one target."""

    label: str
    """What it is, to a person who waits for it."""
    policy: RetryPolicy
    began: float
    """Service time, epoch seconds."""
    send: Callable[[int], Failure | None]
    """Takes the number of the attempt, from 1."""
    give_up: Callable[[Exhausted], None]


def deliver(delivery: Delivery, retries: int = 0) -> None:
    """Send it; if that fails and may help, again later; if not, give it up.

    AWS documents an exponential delay with jitter, no numbers: here it doubles from a second
    to ten minutes.
    """
    failure = delivery.send(retries + 1)
    if failure is None:
        return
    if not failure.again:
        delivery.give_up(Exhausted(failure, retries, None))
        return
    due = hub().clock.now() + min(_FIRST_DELAY_S * 2.0**retries, _LONGEST_DELAY_S)
    if retries >= delivery.policy.attempts:
        delivery.give_up(Exhausted(failure, retries, "MaximumRetryAttempts"))
    elif due > delivery.began + delivery.policy.age_s:
        delivery.give_up(Exhausted(failure, retries, "MaximumEventAgeInSeconds"))
    else:
        hub().at(due, lambda: deliver(delivery, retries + 1), label=delivery.label)
