"""Strides over service time: in order, each step to its end, the same every time."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lambdalab.errors import LambdalabError
from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.control import Control
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.scheduler import Due, Scheduler
from lambdalab.sandbox.service_clock import ServiceClock
from lambdalab.sandbox.timekeeper import Timekeeper
from tests.sandbox.conftest import until

START = 1_000_000.0
HOUR = 3600.0


class Desk:
    """A timekeeper behind the control calls, as a sandbox has it, without the sandbox."""

    def __init__(self) -> None:
        self.time = VirtualClock(start=START)
        self.events = EventLog(self.time)
        self.keeper = Timekeeper(self.time, self.events)
        self.keeper.scheduler.start()
        core: Any = SimpleNamespace(timekeeper=self.keeper)
        self._control = Control(core, "token")
        self.calls: list[tuple[str, str]] = []
        self.clock = ServiceClock(self.call)

    @property
    def scheduler(self) -> Scheduler:
        return self.keeper.scheduler

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.calls.append((method, path))
        text = b"" if body is None else json.dumps(body).encode()
        answer = self._control.answer(method, path, {"x-lambdalab-token": "token"}, text)
        found: dict[str, Any] = json.loads(answer.body)
        assert answer.status == 200, found
        return found

    def skips(self) -> list[float]:
        return [getattr(event, "skipped_s", 0.0) for event in self.events.after(0)]


def _interrupted(desk: Desk, when: str) -> ServiceClock:
    """Return the clock as it is for somebody who interrupts a stride."""

    def call(method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = {} if method == "GET" else desk.call(method, path, body)
        if method == when and body not in ({"halt": 1}, {"halt": None}):
            raise KeyboardInterrupt
        return answer

    return ServiceClock(call)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.time.set(START, paused=True)
    yield made
    made.scheduler.close()


def test_an_advance_does_what_falls_due_in_order_at_its_time(desk: Desk) -> None:
    done: list[tuple[str, float]] = []
    for delay, name in ((300, "c"), (100, "a"), (200, "b"), (301, "not yet")):

        def work(name: str = name) -> None:
            time.sleep(0.01)  # whoever does not wait for it has the next one's time
            done.append((name, desk.time.now() - START))

        desk.scheduler.after(delay, work, label=name)
    assert desk.clock.next() == Due(START + 100, "a")
    assert desk.clock.advance(300) == START + 300
    assert done == [("a", 100), ("b", 200), ("c", 300)]
    assert desk.clock.next() == Due(START + 301, "not yet")


def test_what_a_step_asks_for_inside_of_the_advance_is_done_too(desk: Desk) -> None:
    attempts: list[float] = []

    def attempt() -> None:
        attempts.append(desk.time.now() - START)
        if len(attempts) < 3:
            desk.scheduler.after(60.0 * len(attempts), attempt, label="retry")

    desk.scheduler.soon(attempt, label="first")
    assert desk.clock.advance(hours=6) == START + 6 * HOUR
    assert attempts == [0, 60, 180]
    assert [skip for skip in desk.skips() if skip] == [60, 120, 6 * HOUR - 180]


def test_time_that_handlers_take_is_none_of_service_time(desk: Desk) -> None:
    """Otherwise the planned delays would begin at moments that no run has twice."""
    desk.time.change(paused=False, scale=10_000)
    begun = desk.time.now()
    times: list[float] = []

    def attempt() -> None:
        time.sleep(0.02)  # 200 s at this pace
        times.append(desk.time.now())
        if len(times) < 4:
            desk.scheduler.after(60, attempt, label="retry")

    desk.scheduler.after(HOUR, attempt, label="first")
    desk.clock.advance(2 * HOUR)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert times[0] - begun == pytest.approx(HOUR, abs=60)
    assert gaps == pytest.approx([60, 60, 60], abs=1e-6)
    now = desk.time.now()
    time.sleep(0.02)
    assert desk.time.now() > now + 100, "afterwards it runs on at its pace"


def test_a_jump_goes_to_what_comes_next_and_waits_for_it(desk: Desk) -> None:
    done: list[str] = []

    def slow() -> None:
        time.sleep(0.1)
        done.append("first")
        desk.scheduler.after(60, lambda: done.append("second"), label="second")

    desk.scheduler.after(1000, slow, label="first")
    assert desk.clock.jump() == Due(START + 1000, "first")
    assert done == ["first"] and desk.time.now() == START + 1000
    assert desk.clock.jump() == Due(START + 1060, "second")
    assert done == ["first", "second"]
    assert desk.clock.jump() is None
    assert desk.time.now() == START + 1060, "with nothing to jump to, no time passes"


def test_a_jump_waits_first_for_what_decides_what_comes_next(desk: Desk) -> None:
    def slow() -> None:
        time.sleep(0.2)
        desk.scheduler.after(60, lambda: None, label="retry")

    desk.scheduler.soon(slow, label="attempt")
    assert desk.clock.jump() == Due(START + 60, "retry")


def test_housekeeping_is_done_on_the_way_but_is_nothing_to_jump_to(desk: Desk) -> None:
    polls: list[float] = []

    def poll() -> None:
        polls.append(desk.time.now() - START)
        desk.scheduler.after(10, poll, label="poll", background=True)
        if len(polls) == 3:
            desk.scheduler.soon(lambda: polls.append(-1.0), label="a message was there")

    desk.scheduler.after(10, poll, label="poll", background=True)
    desk.scheduler.after(45, lambda: None, label="work")
    assert desk.clock.next() == Due(START + 45, "work")
    assert desk.clock.jump() == Due(START + 45, "work")
    assert polls == [10, 20, 30, -1, 40]
    assert desk.clock.jump() is None, "a poll comes next: not worth a jump"
    assert [skip for skip in desk.skips() if skip] == [45], "one change for a person"


def test_a_stride_that_takes_long_is_asked_for_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdalab.sandbox.control._PROMPT_S", 0.05)
    desk.scheduler.after(60, lambda: time.sleep(0.3), label="slow")
    assert desk.clock.advance(60) == START + 60
    assert not desk.scheduler.busy
    assert ("POST", "clock") in desk.calls and desk.calls[-1][0] == "GET"


@pytest.mark.parametrize("when", ["GET", "POST"])
def test_an_interrupt_ends_the_stride_where_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr("lambdalab.sandbox.control._PROMPT_S", 0.05)
    desk.time.change(paused=False)
    release = threading.Event()
    desk.scheduler.after(60, release.wait, label="hangs")  # type: ignore[arg-type]
    later = desk.scheduler.after(120, lambda: None, label="later")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(desk, when).advance(hours=1)
    assert START + 60 <= desk.time.now() < START + 70
    first = desk.time.now()
    assert until(lambda: desk.time.now() > first), "it runs on"
    assert desk.clock.busy, "the work of the step goes on by itself"
    release.set()
    assert desk.scheduler.wait_quiet(5)
    assert later.cancel(), "what was to come later still waits"


def test_two_strides_at_once_follow_one_another(desk: Desk) -> None:
    threads = [threading.Thread(target=lambda: desk.clock.advance(100)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.time.now() == START + 500


def test_a_change_is_in_the_log_before_what_falls_due_by_it(desk: Desk) -> None:
    order: list[str] = []
    for delay in range(1, 50):
        desk.scheduler.after(
            delay, lambda: order.append(desk.events.after(0)[-1].type), label="work"
        )
    desk.clock.advance(60)
    skips = [event.time - START for event in desk.events.after(0)][1:]
    assert order == ["ClockChanged"] * 49 and skips == [*map(float, range(1, 50)), 60]


def test_time_goes_forward_only(desk: Desk) -> None:
    for seconds in (-1.0, float("inf"), float("nan")):
        with pytest.raises(LambdalabError, match="only goes forward"):
            desk.keeper.stride(seconds)


def test_clearing_ends_strides_and_forgets_what_waits(desk: Desk) -> None:
    release = threading.Event()
    desk.scheduler.after(60, release.wait, label="hangs")  # type: ignore[arg-type]
    number = desk.keeper.stride(HOUR)
    assert until(lambda: desk.scheduler.busy)
    desk.keeper.clear()
    assert desk.keeper.ended(number, 0)["done"]
    assert not desk.scheduler.busy and desk.clock.next() is None
    assert desk.time.now() == START + 60
    release.set()


def test_what_was_saved_is_where_time_goes_on(desk: Desk) -> None:
    saved = json.loads(json.dumps(desk.keeper.dump()))
    desk.time.set(START + 10 * HOUR)
    desk.keeper.load(saved)
    assert desk.time.now() == START and desk.time.paused
    desk.keeper.load(None)
    assert abs(desk.time.now() - time.time()) < 1 and not desk.time.paused


def test_an_hour_of_empty_polls_passes_in_seconds(desk: Desk) -> None:
    polls = 0

    def poll() -> None:
        nonlocal polls
        polls += 1
        desk.scheduler.after(1, poll, label="poll", background=True)

    poll()
    begun = time.monotonic()
    desk.clock.advance(hours=1)
    assert polls == 3601
    assert time.monotonic() - begun < 5
