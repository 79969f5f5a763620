"""Work at service times: when, in which order, how it is taken back, and that it is cheap."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.scheduler import Due, Scheduler
from tests.sandbox.conftest import until

START = 1_000_000.0


@pytest.fixture
def clock() -> VirtualClock:
    made = VirtualClock()
    made.set(START, paused=True)
    return made


@pytest.fixture
def scheduler(clock: VirtualClock) -> Iterator[Scheduler]:
    made = Scheduler(clock)
    made.start()
    yield made
    made.close()


def _nothing() -> None:
    pass


def test_work_is_done_at_its_time_and_not_before(clock: VirtualClock, scheduler: Scheduler) -> None:
    done: list[float] = []
    scheduler.after(60, lambda: done.append(clock.now()), label="x")
    clock.advance(START + 59.9)
    assert scheduler.wait_quiet(5) and not done
    clock.advance(START + 60)
    assert scheduler.wait_quiet(5) and done == [START + 60]


def test_the_machines_time_brings_it_too(clock: VirtualClock, scheduler: Scheduler) -> None:
    done = threading.Event()
    clock.change(scale=1000, paused=False)
    begun = time.monotonic()
    scheduler.after(100, done.set, label="x")
    assert done.wait(5) and 0.09 < time.monotonic() - begun < 2


def test_a_faster_clock_wakes_what_waits(clock: VirtualClock, scheduler: Scheduler) -> None:
    done = threading.Event()
    clock.change(paused=False)
    scheduler.after(10_000, done.set, label="x")
    assert not done.wait(0.05)
    clock.change(scale=100_000)
    assert done.wait(5)


def test_what_comes_earlier_is_not_held_up(clock: VirtualClock, scheduler: Scheduler) -> None:
    done = threading.Event()
    clock.change(paused=False)
    scheduler.after(10_000, _nothing, label="late")
    time.sleep(0.05)  # the thread waits for that one by now
    scheduler.after(0.05, done.set, label="early")
    assert done.wait(5)


def test_work_that_is_overdue_is_done_at_once(clock: VirtualClock, scheduler: Scheduler) -> None:
    done = threading.Event()
    scheduler.at(START - 5, done.set, label="x")
    assert done.wait(5), "though service time stands still"
    soon = threading.Event()
    scheduler.soon(soon.set, label="x")
    assert soon.wait(5)


def test_nothing_runs_before_the_start(clock: VirtualClock) -> None:
    scheduler = Scheduler(clock)
    done = threading.Event()
    scheduler.soon(done.set, label="x")
    assert not done.wait(0.1)
    scheduler.start()
    assert done.wait(5)
    scheduler.close()


def test_work_of_one_moment_begins_in_the_order_it_was_asked_for(clock: VirtualClock) -> None:
    scheduler = Scheduler(clock, workers=1)
    scheduler.start()
    done: list[int] = []
    for n in range(50):
        scheduler.at(START + 10, lambda n=n: done.append(n), label="x")  # type: ignore[misc]
    clock.advance(START + 10)
    assert scheduler.wait_quiet(5) and done == list(range(50))
    scheduler.close()


def test_what_is_taken_back_never_runs(clock: VirtualClock, scheduler: Scheduler) -> None:
    done: list[str] = []
    timer = scheduler.after(10, lambda: done.append("cancelled"), label="x")
    scheduler.after(10, lambda: done.append("kept"), label="y")
    assert timer.cancel() and not timer.cancel()
    clock.advance(START + 10)
    assert scheduler.wait_quiet(5) and done == ["kept"]
    ran = scheduler.soon(_nothing, label="z")
    assert scheduler.wait_quiet(5) and not ran.cancel()


def test_cancel_and_run_agree_who_was_first(clock: VirtualClock, scheduler: Scheduler) -> None:
    for n in range(300):
        ran: list[int] = []
        timer = scheduler.after(1, lambda: ran.append(1), label="x")  # noqa: B023 - waited for
        mover = threading.Thread(target=clock.advance, args=(clock.now() + 1,))
        mover.start()
        cancelled = timer.cancel()
        mover.join()
        assert scheduler.wait_quiet(5)
        assert bool(ran) != cancelled, n


def test_what_comes_next_leaves_housekeeping_out(scheduler: Scheduler) -> None:
    assert scheduler.next_due() is None
    scheduler.after(5, _nothing, label="poll", background=True)
    assert scheduler.next_due() is None and scheduler.next_step() == START + 5
    late = scheduler.after(20, _nothing, label="late")
    early = scheduler.after(10, _nothing, label="early")
    assert scheduler.next_due() == Due(START + 10, "early")
    early.cancel()
    assert scheduler.next_due() == Due(START + 20, "late")
    late.cancel()
    assert scheduler.next_due() is None


def test_quiet_is_when_nothing_runs(scheduler: Scheduler) -> None:
    release = threading.Event()
    scheduler.soon(release.wait, label="x")  # type: ignore[arg-type]
    assert scheduler.busy and not scheduler.wait_quiet(0.05)
    with scheduler.doing():
        release.set()
        assert not scheduler.wait_quiet(0.05), "a part's own thread counts as well"
    assert scheduler.wait_quiet(5) and not scheduler.busy


def test_work_that_fails_is_told_and_ends_nothing(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("boom")

    scheduler.soon(fail, label="x")
    assert scheduler.wait_quiet(5)
    assert "ValueError: boom" in capsys.readouterr().err
    done = threading.Event()
    scheduler.soon(done.set, label="x")
    assert done.wait(5)


def test_clearing_forgets_and_lets_old_work_ask_for_nothing(
    clock: VirtualClock, scheduler: Scheduler
) -> None:
    release, ended, ghost = threading.Event(), threading.Event(), threading.Event()

    def old() -> None:
        release.wait(5)
        scheduler.soon(ghost.set, label="ghost")
        scheduler.after(5, ghost.set, label="ghost")
        ended.set()

    scheduler.soon(old, label="x")
    timer = scheduler.after(10, ghost.set, label="y")
    scheduler.clear()
    assert not scheduler.busy, "what runs still ends by itself and counts no more"
    assert not timer.cancel() and scheduler.next_due() is None
    fresh = threading.Event()
    scheduler.after(20, fresh.set, label="z")
    release.set()
    assert ended.wait(5)
    clock.advance(START + 20)
    assert fresh.wait(5) and scheduler.wait_quiet(5) and not ghost.is_set()


def test_after_the_end_nothing_runs(clock: VirtualClock) -> None:
    scheduler = Scheduler(clock)
    scheduler.start()
    done = threading.Event()
    scheduler.after(5, done.set, label="x")
    scheduler.close()
    clock.advance(START + 10)
    scheduler.soon(done.set, label="x")
    assert not done.wait(0.1) and scheduler.wait_quiet(1)


def test_many_that_wait_cost_nothing(clock: VirtualClock, scheduler: Scheduler) -> None:
    """Ten thousand visibility timeouts must not slow down each message that is sent."""
    timers = [scheduler.after(3600 + n, _nothing, label="x") for n in range(10_000)]
    begun = time.perf_counter()
    for _ in range(2000):
        scheduler.soon(_nothing, label="x")
        scheduler.next_due()
        assert scheduler.next_step() is not None
    assert scheduler.wait_quiet(10)
    assert time.perf_counter() - begun < 2, "linear in what waits, it would be half a minute"
    begun = time.perf_counter()
    for timer in timers:
        assert timer.cancel()
        assert scheduler.after(3600, _nothing, label="y").cancel()
    assert time.perf_counter() - begun < 2
    assert scheduler.next_due() is None
    held = sum(len(heap._entries) for heap in (scheduler._main, scheduler._background))
    assert held < 200, "what was taken back is let go"


def test_a_wait_for_quiet_is_woken_once(clock: VirtualClock, scheduler: Scheduler) -> None:
    """Thousands of changes while somebody waits for the end of one piece of work."""
    release, quiet = threading.Event(), threading.Event()
    scheduler.soon(release.wait, label="x")  # type: ignore[arg-type]

    def wait() -> None:
        if scheduler.wait_quiet(20):
            quiet.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    looks = 0
    real = scheduler._busy

    def count() -> bool:
        nonlocal looks
        looks += 1
        return real()

    scheduler._busy = count  # type: ignore[method-assign]
    for _ in range(3000):
        scheduler.soon(_nothing, label="x")
    release.set()
    waiting.join()
    assert quiet.is_set() and looks < 300


def test_waiting_for_ever_is_no_trouble(clock: VirtualClock, scheduler: Scheduler) -> None:
    clock.change(paused=False)
    scheduler.at(sys.float_info.max, _nothing, label="never")
    done = threading.Event()
    scheduler.after(0.05, done.set, label="x")
    assert done.wait(5) and until(lambda: not scheduler.busy)
