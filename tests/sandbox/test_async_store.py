"""When the asynchronous queue tells its store of an event, and what it does when things break."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lambdalab.rules.destinations import Response
from lambdalab.rules.retries import Policy
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.asynchronous import configuration
from lambdalab.sandbox.asynchronous.configuration import Configuration
from lambdalab.sandbox.asynchronous.event import QueuedEvent
from lambdalab.sandbox.asynchronous.queue import AsyncQueue
from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.engine.settings import Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.lambda_service.call import Call
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.model import InvokeResult
from lambdalab.sandbox.scheduler import Scheduler
from tests.sandbox.conftest import until


@dataclass
class Store:
    """Notes what it is told."""

    told: list[tuple[str, str, int]] = field(default_factory=list)
    broken: bool = False

    def put(self, event: QueuedEvent) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.told.append(("put", event.key, event.attempts))

    def settle(self, event: QueuedEvent) -> None:
        self.told.append(("settle", event.key, event.attempts))


@dataclass
class Service:
    """Does with each attempt what the test says."""

    outcomes: list[Callable[[], bytes]]
    settings: Settings = field(default_factory=Settings)

    def attempt(self, call: Call, request_id: str) -> InvokeResult:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return InvokeResult(request_id, outcome(), "$LATEST")

    def invoke(self, call: Call) -> object:
        raise AssertionError("no destination is set")


@dataclass
class Bench:
    """A queue of its own, without a sandbox."""

    queue: AsyncQueue
    store: Store
    clock: VirtualClock
    scheduler: Scheduler
    log: EventLog

    def kinds(self) -> list[str]:
        return [one.type for one in self.log.after(0)]

    def go(self, seconds: float) -> None:
        """Put the clock forward in steps, from one due time to the next."""
        end = self.clock.now() + seconds
        while True:
            assert self.scheduler.wait_quiet(5)
            step = self.scheduler.next_step()
            if step is None or step > end:
                break
            self.clock.advance(step)
        self.clock.advance(end)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    """Return what makes a queue over a service that does as it is told."""
    benches: list[Bench] = []

    def look(call: Call, lag: float) -> Configuration:
        return Configuration(Policy(lag=lag), None, None, None, "role", None)

    monkeypatch.setattr(configuration, "look", look)

    def make(*outcomes: Callable[[], bytes], **settings: Any) -> Bench:
        clock = VirtualClock()
        clock.change(paused=True)
        log = EventLog(clock)
        scheduler = Scheduler(clock, workers=8)
        service = Service(list(outcomes), Settings(**settings))
        queue = AsyncQueue(
            service, scheduler, log, lambda: service.settings, contextlib.nullcontext
        )
        queue.store = store = Store()
        scheduler.start()
        benches.append(Bench(queue, store, clock, scheduler, log))
        return benches[-1]

    yield make
    for bench in benches:
        bench.scheduler.close()


def right() -> bytes:
    return b"1"


def throttled() -> bytes:
    raise ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason="r")


def broken() -> bytes:
    raise RuntimeError("the zygote is gone")


CALL = Call("f", b"{}", invocation_type="Event")


def test_kept_before_it_is_accepted_and_until_it_has_left(made: Callable[..., Bench]) -> None:
    bench = made(throttled, right)
    bench.queue.accept(CALL, "id")
    assert bench.store.told[0] == ("put", "id/0", 0)
    bench.go(10)
    assert bench.store.told == [("put", "id/0", 0), ("put", "id/0", 1), ("settle", "id/0", 2)]
    assert bench.queue.waiting() == 0


def test_an_event_that_cannot_be_kept_is_not_accepted(made: Callable[..., Bench]) -> None:
    bench = made(right)
    bench.store.broken = True
    with pytest.raises(OSError, match="disk is full"):
        bench.queue.accept(CALL, "id")
    bench.go(10)
    assert bench.kinds() == [] and bench.queue.waiting() == 0


def test_an_event_whose_wait_cannot_be_kept_waits_all_the_same(
    made: Callable[..., Bench], capfd: pytest.CaptureFixture[str]
) -> None:
    def fills_the_disk() -> bytes:
        bench.store.broken = True
        return throttled()

    bench = made(fills_the_disk, right)
    bench.queue.accept(CALL, "id")
    bench.go(10)
    assert bench.store.told[-1][0] == "settle"
    assert "the disk is full" in capfd.readouterr().err


def test_an_error_of_the_service_is_tried_again(
    made: Callable[..., Bench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = made(broken, broken, broken, right, retry_lag=0.0)
    bench.queue.accept(CALL, "id")
    bench.go(60)
    retries = [one for one in bench.log.after(0) if isinstance(one, ev.RetryScheduled)]
    assert [(one.cause, one.delay_s) for one in retries] == [
        ("system-error", 1),
        ("system-error", 2),
        ("system-error", 4),
    ]
    assert bench.kinds()[-1] == "AttemptFinished" and bench.queue.waiting() == 0
    assert "the zygote is gone" in capfd.readouterr().err


def test_a_fault_of_the_queue_itself_loses_no_event(
    made: Callable[..., Bench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = made(right)
    usual, faults = configuration.look, [KeyError("moto"), KeyError("moto")]

    def look(call: Call, lag: float) -> Configuration | None:
        if lag and faults:
            raise faults.pop()
        return usual(call, lag)

    monkeypatch.setattr(configuration, "look", look)
    bench.queue.accept(CALL, "id")
    bench.go(60)
    assert faults == [] and bench.store.told[-1][0] == "settle"
    assert "KeyError: 'moto'" in capfd.readouterr().err


def test_cleared_while_it_runs(made: Callable[..., Bench]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> bytes:
        begun.set()
        assert go_on.wait(5)
        return throttled()

    bench = made(slow)
    bench.queue.accept(CALL, "id")
    assert begun.wait(5)
    bench.queue.clear()
    go_on.set()
    bench.go(100)
    assert bench.kinds() == ["EventQueued", "AttemptStarted"], "nothing is said of it any more"
    assert bench.store.told == [("put", "id/0", 0)]
    bench.queue.accept(CALL, "other")
    assert until(lambda: bench.store.told[-1][1] == "other/0"), "and the next one is served"


def test_duplicates_are_two_for_the_store(made: Callable[..., Bench]) -> None:
    bench = made(right, duplicate_events=True)
    bench.queue.accept(CALL, "id")
    bench.go(1)
    assert sorted(bench.store.told) == [
        ("put", "id/0", 0),
        ("put", "id/1", 0),
        ("settle", "id/0", 1),
        ("settle", "id/1", 1),
    ]


def test_what_was_dumped_is_loaded(made: Callable[..., Bench]) -> None:
    first = made(throttled)
    first.queue.accept(Call("f", b"\xff\x00", qualifier="live", invocation_type="Event"), "id")
    first.go(5)
    values = first.queue.dump()
    second = made(right)
    second.clock.set(first.clock.now())
    second.queue.load(values)
    assert second.queue.dump() == values
    second.go(300)
    started = [one for one in second.log.after(0) if isinstance(one, ev.AttemptStarted)]
    assert [(one.request_id, one.qualifier, one.attempt) for one in started] == [
        ("id", "live", values[0]["attempts"] + 1)
    ]


def test_an_event_survives_its_text() -> None:
    event = QueuedEvent(
        Call("f", b"\x00\xff", qualifier="1", trace_id="Root=1-0-0", source="sns"),
        "id",
        1.5,
        due=2.5,
        copy=1,
        attempts=4,
        runs=1,
        backoffs=3,
        response=Response("7", b"\xfe", "Unhandled"),
        refused=(429, "Rate Exceeded."),
    )
    assert QueuedEvent.from_json(event.to_json()) == event
