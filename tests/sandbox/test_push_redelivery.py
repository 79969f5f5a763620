"""What a target did not take is sent again, until its retry policy is exhausted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.gate import Gate
from lambdalab.sandbox.push import hub as hubs
from lambdalab.sandbox.push.delivery import Failure
from lambdalab.sandbox.push.redelivery import Delivery, Exhausted, RetryPolicy, deliver
from lambdalab.sandbox.scheduler import Scheduler
from tests.sandbox.conftest import until

BUSY = Failure("THROTTLING", "busy", again=True)
FORBIDDEN = Failure("NO_PERMISSIONS", "no")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hubs.Hub]:
    clock = VirtualClock(scale=2000, start=0)
    scheduler = Scheduler(clock)
    scheduler.start()
    made = hubs.Hub(cast(Any, None), EventLog(clock), scheduler, Gate())
    monkeypatch.setattr(hubs, "_attached", [made])
    yield made
    scheduler.close()


class Target:
    """Takes an event at its ``takes``-th attempt, if at any."""

    def __init__(self, hub: hubs.Hub, failure: Failure, takes: int | None = None) -> None:
        self.hub, self.failure, self.takes = hub, failure, takes
        self.attempts: list[int] = []
        self.times: list[float] = []
        self.ends: list[Exhausted] = []

    def send(self, attempt: int) -> Failure | None:
        self.attempts.append(attempt)
        self.times.append(self.hub.clock.now())
        return None if attempt == self.takes else self.failure

    def get(self, policy: RetryPolicy) -> None:
        began = self.hub.clock.now()
        deliver(Delivery("a target", policy, began, self.send, self.ends.append))


def test_a_target_that_is_busy_gets_it_later(hub: hubs.Hub) -> None:
    target = Target(hub, BUSY, takes=4)
    target.get(RetryPolicy())
    assert until(lambda: len(target.attempts) == 4)
    assert target.attempts == [1, 2, 3, 4] and target.ends == []
    waits = [later - sooner for sooner, later in zip(target.times, target.times[1:], strict=False)]
    assert all(wait >= least for wait, least in zip(waits, (1, 2, 4), strict=True))


def test_attempts_are_exhausted(hub: hubs.Hub) -> None:
    target = Target(hub, BUSY)
    target.get(RetryPolicy.of({"MaximumRetryAttempts": 2}))
    assert until(lambda: target.ends)
    assert target.attempts == [1, 2, 3]
    assert target.ends == [Exhausted(BUSY, 2, "MaximumRetryAttempts")]


def test_the_event_gets_too_old(hub: hubs.Hub) -> None:
    target = Target(hub, BUSY)
    target.get(RetryPolicy.of({"MaximumEventAgeInSeconds": 60}))
    assert until(lambda: target.ends)
    (end,) = target.ends
    assert end.condition == "MaximumEventAgeInSeconds" and end.retries == len(target.attempts) - 1
    assert all(time <= 60 + 20 for time in target.times)


def test_what_cannot_help_is_not_tried_again(hub: hubs.Hub) -> None:
    target = Target(hub, FORBIDDEN)
    target.get(RetryPolicy())
    assert target.attempts == [1]
    assert target.ends == [Exhausted(FORBIDDEN, 0, None)]


def test_nothing_is_sent_into_new_state(hub: hubs.Hub) -> None:
    target = Target(hub, BUSY)
    target.get(RetryPolicy())
    hub.numbers.load(None)
    assert until(lambda: hub.scheduler.next_due() is None and not hub.scheduler.busy)
    assert target.attempts == [1] and target.ends == []


def test_default_policy_is_the_guides() -> None:
    assert RetryPolicy.of(None) == RetryPolicy(185, 24 * 3600)
