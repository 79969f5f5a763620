"""Service time: its pace, pauses and leaps, in the clock itself and through ``box.clock``."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.errors import LambdalabError
from lambdalab.sandbox import Sandbox, SandboxError
from lambdalab.sandbox.clock import RealClock, VirtualClock
from lambdalab.sandbox.events import ClockChanged, SandboxReset
from lambdalab.sandbox.service_clock import ServiceClock
from tests.conftest import Functions
from tests.sandbox.conftest import Place, until

HOUR = 3600.0


# -- the clock ----------------------------------------------------------------


class Machine:
    """The machine's time, as a test wants it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 5000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_service_time_begins_at_the_machines_and_runs_as_fast() -> None:
    assert abs(VirtualClock().now() - RealClock().now()) < 1


def test_pace_pause_and_leap_add_up(machine: Machine) -> None:
    clock = VirtualClock(start=1000.0)
    machine.now += 10
    assert clock.now() == 1010
    clock.change(scale=60)
    machine.now += 10
    assert clock.now() == 1610, "the new pace counts from its change on"
    clock.change(paused=True)
    machine.now += 10
    assert clock.now() == 1610
    assert clock.advance(2000.0) == 390
    assert clock.now() == 2000
    clock.change(paused=False)
    machine.now += 1
    assert clock.now() == 2060


def test_a_leap_never_goes_back(machine: Machine) -> None:
    clock = VirtualClock(start=1000.0)
    assert clock.advance(900.0) == 0
    assert clock.now() == 1000
    clock.set(900.0)
    assert clock.now() == 900, "only a reset or a restored state does"


def test_until_is_the_machines_time(machine: Machine) -> None:
    clock = VirtualClock(scale=60, start=1000.0)
    assert clock.until(1120.0) == 2.0
    assert clock.until(999.0) == 0.0
    clock.change(paused=True)
    assert clock.until(1120.0) is None and clock.until(1000.0) == 0.0


def test_a_held_clock_stands_still_but_for_leaps(machine: Machine) -> None:
    clock = VirtualClock(start=1000.0)
    with clock.held(), clock.held():
        machine.now += 10
        assert clock.now() == 1000 and not clock.paused
        clock.advance(1100.0)
        assert clock.now() == 1100
    machine.now += 10
    assert clock.now() == 1110
    with clock.held():
        clock.change(paused=True)
    machine.now += 10
    assert clock.now() == 1110, "paused meanwhile: it does not go on by itself"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_pace_must_be_above_0(scale: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        VirtualClock(scale)
    clock = VirtualClock()
    with pytest.raises(ValueError, match="above 0"):
        clock.change(scale=scale)
    assert clock.scale == 1


def test_listeners_hear_of_every_change() -> None:
    clock, heard = VirtualClock(), []
    clock.listen(lambda: heard.append((clock.scale, clock.paused)))
    clock.change(scale=5)
    clock.change(paused=True)
    clock.advance(clock.now() + 1)
    clock.set(0.0, paused=True)
    assert heard == [(5, False), (5, True), (5, True), (5, True)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("scale"), st.floats(0.001, 1e5)),
            st.tuples(st.just("pause"), st.booleans()),
            st.tuples(st.just("leap"), st.floats(0, 1e6)),
        ),
        max_size=20,
    )
)
def test_service_time_never_goes_back(changes: list[tuple[str, float]]) -> None:
    clock = VirtualClock(start=1000.0)
    last = clock.now()
    for kind, value in changes:
        if kind == "scale":
            clock.change(scale=value)
        elif kind == "pause":
            clock.change(paused=bool(value))
        else:
            to = last + value
            clock.advance(to)
            assert clock.now() >= to
        now = clock.now()
        assert now >= last
        last = now


def test_threads_that_change_and_read_see_time_go_forward() -> None:
    clock, stop = VirtualClock(), threading.Event()
    wrong: list[tuple[float, float]] = []

    def read() -> None:
        last = clock.now()
        while not stop.is_set():
            now = clock.now()
            if now < last:
                wrong.append((last, now))
            last = now

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(3000):
        clock.change(scale=1 + n % 7, paused=n % 5 == 0)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong


# -- box.clock ----------------------------------------------------------------


def _changes(box: Sandbox) -> list[tuple[float, bool, float]]:
    return [
        (event.scale, event.paused, event.skipped_s)
        for event in box.events()
        if isinstance(event, ClockChanged)
    ]


def test_the_sandboxs_clock_runs_pauses_and_is_put_forward(sandbox: Sandbox) -> None:
    clock = sandbox.clock
    assert abs(clock.now() - time.time()) < 2
    assert (clock.scale, clock.paused, clock.next(), clock.jump()) == (1, False, None, None)
    clock.pause()
    first = clock.now()
    assert clock.paused and clock.now() == first
    assert clock.advance(1, minutes=2, hours=3) == first + 1 + 120 + 3 * HOUR
    clock.resume()
    assert not clock.paused
    sandbox.settings(time_scale=1000)
    assert clock.scale == 1000
    assert _changes(sandbox) == [
        (1, True, 0),
        (1, True, 1 + 120 + 3 * HOUR),
        (1, False, 0),
        (1000, False, 0),
    ]
    assert sandbox.status()["clock"]["scale"] == sandbox.status()["settings"]["time_scale"] == 1000


def test_events_are_in_order_and_by_service_time(sandbox: Sandbox, functions: Functions) -> None:
    sandbox.settings(time_scale=100_000)
    functions.create()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: functions.call(), range(40)))
    times = [event.time for event in sandbox.events()]
    assert times == sorted(times)


@pytest.mark.parametrize("scale", [0, -3, 100_001, True, "fast"])
def test_a_senseless_pace_is_refused(sandbox: Sandbox, scale: float) -> None:
    with pytest.raises(SandboxError, match="time_scale"):
        sandbox.settings(time_scale=scale)
    assert sandbox.clock.scale == 1


def test_time_does_not_go_back(sandbox: Sandbox) -> None:
    with pytest.raises(LambdalabError, match="only goes forward"):
        sandbox.clock.advance(-1)


def test_a_reset_begins_again_at_the_machines_time_and_keeps_the_pace(sandbox: Sandbox) -> None:
    sandbox.settings(time_scale=2)
    sandbox.clock.advance(hours=5)
    sandbox.clock.pause()
    sandbox.reset()
    assert abs(sandbox.clock.now() - time.time()) < 2
    assert (sandbox.clock.scale, sandbox.clock.paused) == (2, False)
    first, pace = sandbox.events()
    assert isinstance(first, SandboxReset) and abs(first.time - time.time()) < 2
    assert isinstance(pace, ClockChanged) and (pace.scale, pace.paused) == (2, False)


def test_a_saved_state_brings_its_time_along(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.clock.advance(hours=5)
    sandbox.clock.pause()
    saved = sandbox.clock.now()
    path = sandbox.save(tmp_path / "state.lab")
    sandbox.reset()
    sandbox.load(path)
    assert sandbox.clock.now() == saved and sandbox.clock.paused


def test_the_pace_is_set_at_the_start_and_when_it_is_joined_again(place: Place) -> None:
    box = place.start(time_scale=60)
    assert box.clock.scale == 60
    assert place.start().clock.scale == 60, "who joins without a word changes nothing"
    assert place.start(time_scale=5).clock.scale == box.clock.scale == 5


def test_environments_end_by_service_time(sandbox: Sandbox, functions: Functions) -> None:
    functions.create()
    functions.call()
    sandbox.clock.advance(599)
    assert sandbox.status()["environments"]
    functions.call()
    sandbox.clock.advance(601)
    functions.call()
    kinds = [event.type for event in sandbox.events()]
    assert kinds.count("EnvironmentCreated") == 2, "after its idle lifetime it serves no more"
    (ended,) = [event for event in sandbox.events() if event.type == "ShutdownStarted"]
    assert getattr(ended, "cause") == "idle"  # noqa: B009 - of one kind of event


def test_an_environment_ends_on_the_way_when_its_lifetime_is_over(
    sandbox: Sandbox, functions: Functions
) -> None:
    sandbox.clock.pause()
    functions.create()
    functions.call()
    idle_since = sandbox.clock.now()
    sandbox.clock.advance(hours=6)
    assert not sandbox.status()["environments"]
    (ended,) = [event for event in sandbox.events() if event.type == "ShutdownStarted"]
    assert ended.time == idle_since + 600
    assert sandbox.clock.next() is None, "nobody jumps to the end of an environment"
    sandbox.settings(idle_lifetime=30)
    functions.call()
    sandbox.clock.advance(29)
    assert sandbox.status()["environments"]
    sandbox.settings(idle_lifetime=10)
    assert until(lambda: not sandbox.status()["environments"]), "shorter from now on"


def test_the_handle_shows_itself(sandbox: Sandbox) -> None:
    assert isinstance(sandbox.clock, ServiceClock)
    assert "scale=1" in repr(sandbox.clock)
    sandbox.clock.pause()
    assert "paused" in repr(sandbox.clock)
