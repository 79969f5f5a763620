"""The event log: typed records, in order, that can be waited for and told as JSON."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.sandbox import NoSandboxError, Sandbox
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.clock import RealClock
from lambdalab.sandbox.eventlog import EventLog
from tests.conftest import Functions
from tests.sandbox.conftest import Place


def _value(annotation: str) -> st.SearchStrategy[Any]:
    simple: dict[str, st.SearchStrategy[Any]] = {
        "str": st.text(),
        "int": st.integers(),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "bool": st.booleans(),
        "str | None": st.none() | st.text(),
        "float | None": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "tuple[str, ...]": st.lists(st.text()).map(tuple),
        "tuple[int, ...]": st.lists(st.integers()).map(tuple),
        "tuple[int, int]": st.tuples(st.integers(), st.integers()),
        "Mapping[str, str]": st.dictionaries(st.text(), st.text()),
    }
    return simple[annotation]


def _records() -> st.SearchStrategy[ev.Event]:
    return st.sampled_from(sorted(ev.EVENT_TYPES)).flatmap(
        lambda name: st.builds(
            ev.EVENT_TYPES[name],
            **{
                field.name: _value(str(field.type))
                for field in dataclasses.fields(ev.EVENT_TYPES[name])
            },
        )
    )


@given(_records())
def test_every_record_survives_json(record: ev.Event) -> None:
    import json

    data = json.loads(json.dumps(ev.event_to_json(record)))
    assert data["type"] == type(record).__name__
    again = ev.event_from_json(data)
    assert again == record and type(again) is type(record)


def test_record_of_another_version_is_named_or_read_as_far_as_known() -> None:
    with pytest.raises(ValueError, match="unknown event type 'Later'"):
        ev.event_from_json({"type": "Later"})
    read = ev.event_from_json({"type": "SandboxReset", "seq": 3, "time": 1.0, "new": True})
    assert read == ev.SandboxReset(seq=3, time=1.0)


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ev.SandboxReset().seq = 5  # type: ignore[misc]


# -- the log ----------------------------------------------------------------------------------


def test_log_numbers_stamps_and_forgets_the_oldest() -> None:
    log = EventLog(RealClock(), limit=3)
    before = time.time()
    for _ in range(5):
        log.record(ev.SandboxReset())
    assert [event.seq for event in log.after(0)] == [3, 4, 5]
    assert [event.seq for event in log.after(4)] == [5]
    assert [event.seq for event in log.after(0, limit=2)] == [3, 4]
    assert log.after(5) == [] and log.last == 5
    assert all(before <= event.time <= time.time() for event in log.after(0))


def test_reader_wakes_when_something_happens() -> None:
    log = EventLog(RealClock())
    threading.Timer(0.2, log.record, (ev.SandboxReset(),)).start()
    begun = time.monotonic()
    (event,) = log.after(0, wait=10)
    assert event.seq == 1 and time.monotonic() - begun < 5
    assert log.after(1, wait=0.1) == []


def test_many_writers_leave_no_gap() -> None:
    log = EventLog(RealClock())

    def write() -> None:
        for _ in range(200):
            log.record(ev.SandboxReset())

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [event.seq for event in log.after(0)] == list(range(1, 1601))


# -- of a sandbox ------------------------------------------------------------------------------


def test_life_of_an_environment_is_told_in_order(functions: Functions, sandbox: Sandbox) -> None:
    functions.create(code="def handler(event, context):\n    print('working')\n")
    answer = functions.client.invoke(FunctionName="f")
    functions.call()
    sandbox.shutdown_idle()
    events = [
        event
        for event in sandbox.events()
        if not isinstance(event, ev.SandboxReset | ev.Notice | ev.LogLine)
    ]
    assert [event.type for event in events] == [
        "InvokeReceived",
        "EnvironmentCreated",
        "InitStarted",
        "InitFinished",
        "InvokeStarted",
        "InvokeFinished",
        "EnvironmentFrozen",
        "InvokeReceived",
        "InvokeStarted",
        "InvokeFinished",
        "EnvironmentFrozen",
        "ShutdownStarted",
        "EnvironmentTerminated",
    ]
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    assert [event.time for event in events] == sorted(event.time for event in events)
    created, init, started, finished = events[1], events[3], events[4], events[5]
    assert isinstance(created, ev.EnvironmentCreated) and isinstance(init, ev.InitFinished)
    assert isinstance(started, ev.InvokeStarted) and isinstance(finished, ev.InvokeFinished)
    assert created.log_stream.endswith(created.environment)
    assert (started.cold, started.request_id) == (True, answer["ResponseMetadata"]["RequestId"])
    assert finished.init_ms == init.duration_ms and finished.status == "success"
    assert finished.billed_ms >= finished.duration_ms
    lines = [event.line for event in sandbox.events() if isinstance(event, ev.LogLine)]
    assert lines.count("working") == 2


def test_follow_yields_as_it_happens_and_ends_with_the_sandbox(place: Place) -> None:
    box = place.start()
    seen: list[ev.Event] = []
    ended = threading.Event()

    def follow() -> None:
        for event in box.follow():
            seen.append(event)
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    box.reset()
    deadline = time.monotonic() + 5
    while not seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(seen[-1], ev.SandboxReset)
    box.stop()
    assert ended.wait(10)
    with pytest.raises(NoSandboxError):
        box.events()


def test_events_can_be_asked_for_in_parts(functions: Functions, sandbox: Sandbox) -> None:
    functions.create()
    for number in range(3):
        functions.call(event=number)
    everything = sandbox.events()
    first = sandbox.events(limit=2)
    rest = sandbox.events(after=first[-1].seq)
    assert first + rest == everything
    assert sandbox.events(after=everything[-1].seq) == []


def test_run_changes_with_every_start(place: Place) -> None:
    runs = []
    for _ in range(2):
        box = place.start()
        runs.append(box._call("GET", "events")["run"])
        assert runs[-1] == box.status()["run"]
        box.stop()
    assert runs[0] != runs[1]


def test_notices_have_words_in_both_languages() -> None:
    from lambdalab.i18n import LANGUAGES, message

    values = {"function": "f", "runtime": "r", "host": "h", "source": "s"}
    for language in LANGUAGES:
        assert "f" in message("sandbox.notice.runtime_differs", language, **values)
