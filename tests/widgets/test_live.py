"""The live views against a real sandbox: what they send, when they stop, what is left in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from lambdalab.sandbox import Sandbox, SandboxError
from lambdalab.widgets import Monitor, Timeline
from lambdalab.widgets.live import LiveWidget
from lambdalab.widgets.picture import Phase
from tests.conftest import Functions

PATIENCE_S = 20.0


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen")
        time.sleep(0.01)


def followers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "lambdalab-follower"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Speak English, and leave no widget behind."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    ipywidgets.Widget.close_all()
    until(lambda: not followers())


class Browser:
    """Plays the browser's part: keeps what is sent, and answers."""

    def __init__(self, widget: LiveWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.heard: list[dict[str, Any]] = []
        self.clocks: list[dict[str, Any]] = []
        monkeypatch.setattr(widget, "send", self._send)

    def _send(self, content: dict[str, Any], buffers: object = None) -> None:
        (self.clocks if content["kind"] == "clock" else self.heard).append(content)

    def say(self, **content: Any) -> None:
        self.widget._handle_custom_msg(content, [])

    def items(self) -> set[str]:
        """Return the ids of what a browser would show that began with nothing."""
        shown: set[str] = set()
        for message in self.heard:
            if message["cleared"]:
                shown.clear()
            shown -= set(message["removed"])
            shown |= {item["id"] for item in message["items"]}
        return shown


def drawn(timeline: Timeline) -> set[str]:
    return {item.id for item in timeline.picture.items}


def test_what_was_is_there_at_once_and_what_comes_is_sent_as_deltas(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create()
    functions.call()
    timeline = Timeline(sandbox)
    assert len(timeline.picture.items) == 3
    state = timeline.get_state()
    assert [item["phase"] for item in state["snapshot"]["items"]] == ["init", "invoke", "frozen"]
    browser = Browser(timeline, monkeypatch)
    before = drawn(timeline)
    functions.call()
    until(lambda: len(timeline.picture.items) == 5 and browser.heard)
    until(lambda: browser.items() >= drawn(timeline) - before)
    assert [message["n"] for message in browser.heard] == list(range(1, len(browser.heard) + 1))
    assert all(len(message["items"]) <= 3 for message in browser.heard)  # never the whole again


def test_a_browser_reckons_with_service_time(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create()
    sandbox.settings(time_scale=60)
    sandbox.clock.advance(hours=5)
    timeline = Timeline(sandbox)
    told = timeline.get_state()["snapshot"]
    assert told["pace"] == 60 and abs(told["now"] - sandbox.clock.now()) < 60
    browser = Browser(timeline, monkeypatch)
    functions.call()
    until(lambda: browser.heard)
    assert browser.heard[-1]["pace"] == 60
    assert abs(browser.heard[-1]["now"] - sandbox.clock.now()) < 60
    assert not browser.clocks, "nothing that was not reckoned with"
    sandbox.clock.pause()
    until(lambda: browser.clocks)
    assert browser.clocks[-1] == {"kind": "clock", "now": sandbox.clock.now(), "pace": 0.0}
    sandbox.clock.advance(hours=1)
    until(lambda: browser.clocks[-1]["now"] == sandbox.clock.now())


def test_a_browser_that_missed_something_gets_the_whole(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create()
    timeline = Timeline(sandbox, live=False)
    browser = Browser(timeline, monkeypatch)
    browser.say(do="want", have=0)
    assert browser.heard == []  # it has everything
    browser.say(do="want", have=7)
    assert [message["kind"] for message in browser.heard] == ["whole"]
    assert browser.items() == drawn(timeline)


def test_a_reset_clears_the_picture(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create()
    functions.call()
    timeline = Timeline(sandbox)
    browser = Browser(timeline, monkeypatch)
    sandbox.reset()
    until(lambda: not timeline.picture.items)
    until(lambda: browser.heard and browser.heard[-1]["cleared"])
    assert timeline.state == "live"
    assert "Nothing has happened yet" in timeline.to_text()


def test_since_and_function_leave_out_the_rest(sandbox: Sandbox, functions: Functions) -> None:
    functions.create("one")
    functions.create("two")
    functions.call("one")
    last = sandbox.events()[-1].seq
    functions.call("two")
    functions.call("one")
    late = Timeline(sandbox, live=False, since=last)
    assert {lane.function for lane in late.picture.lanes} == {"one", "two"}
    assert len(late.picture.items) == 5
    assert {lane.function for lane in Timeline(sandbox, "two", live=False).picture.lanes} == {"two"}


def test_closing_ends_the_thread(sandbox: Sandbox) -> None:
    timeline = Timeline(sandbox)
    assert len(followers()) == 1
    assert all(thread.daemon for thread in followers())
    timeline.close()
    until(lambda: not followers())
    timeline.follow()
    assert followers() == []


def test_it_rests_while_nobody_looks_and_misses_nothing(
    sandbox: Sandbox, functions: Functions
) -> None:
    functions.create()
    timeline = Timeline(sandbox)
    timeline.set_state({"_view_count": 1})
    assert timeline.state == "live"
    timeline.set_state({"_view_count": 0})
    assert timeline.state == "still"
    until(lambda: not followers())
    functions.call()
    timeline.set_state({"_view_count": 1})
    until(lambda: len(timeline.picture.items) == 3)
    assert len(followers()) == 1


def test_looking_at_a_still_picture_does_not_make_it_follow(sandbox: Sandbox) -> None:
    timeline = Timeline(sandbox, live=False)
    timeline.set_state({"_view_count": 1})
    assert (timeline.state, followers()) == ("still", [])


def test_it_ends_with_the_sandbox(tmp_path: Path) -> None:
    box = Sandbox.start(workspace=tmp_path / "other", configure=False, quiet=True)
    timeline, monitor = Timeline(box), Monitor(box)
    box.stop()
    until(lambda: (timeline.state, monitor.state) == ("ended", "ended"))
    until(lambda: not followers())
    timeline._handle_custom_msg({"do": "idle_lifetime", "seconds": 5}, [])
    assert "Sandbox.start()" in timeline.note
    assert timeline.to_text()


def test_the_slider_sets_the_idle_lifetime(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = Timeline(sandbox)
    assert timeline.idle_lifetime == 600
    browser = Browser(timeline, monkeypatch)
    browser.say(do="idle_lifetime", seconds=12.5)
    assert sandbox.status()["settings"]["idle_lifetime"] == 12.5
    assert (timeline.idle_lifetime, timeline.note) == (12.5, "")
    for refused in (0, -1, None, True, "5"):
        browser.say(do="idle_lifetime", seconds=refused)
        assert "above 0" in timeline.note
    assert timeline.idle_lifetime == 12.5
    sandbox.settings(idle_lifetime=30)  # by code in another cell
    until(lambda: timeline.idle_lifetime == 30)


def test_an_environment_retired_by_its_idle_lifetime_is_seen(
    sandbox: Sandbox, functions: Functions
) -> None:
    functions.create()
    timeline = Timeline(sandbox)
    timeline.set_idle_lifetime(0.2)
    functions.call()
    until(lambda: timeline.picture.lanes and timeline.picture.lanes[0].ended)
    last = timeline.picture.bars(timeline.picture.lanes[0].id)[-1]
    assert (last.phase, last.cause) == (Phase.SHUTDOWN, "idle")


def test_words_beside_the_widget(sandbox: Sandbox, functions: Functions) -> None:
    functions.create()
    functions.call()
    timeline = Timeline(sandbox)
    bundle = timeline._repr_mimebundle_()
    assert bundle is not None
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == timeline.model_id
    for word in ("init", "invoke", "cold start", "frozen", "f:$LATEST"):
        assert word in bundle["text/plain"]
    timeline.close()
    assert repr(timeline) == timeline.to_text()  # what a closed widget shows


def test_kept_events_are_drawn_without_a_sandbox(sandbox: Sandbox, functions: Functions) -> None:
    functions.create()
    functions.call()
    kept = sandbox.events()
    timeline = Timeline.of(kept, "f")
    assert (timeline.state, timeline.idle_lifetime, followers()) == ("still", None, [])
    assert len(timeline.picture.items) == 3
    assert Timeline.of([]).to_text().startswith("Execution environments")


# -- the monitor --------------------------------------------------------------------------


def test_the_monitor_shows_environments_and_log(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create(code="def handler(event, context):\n    print('a line')\n")
    monitor = Monitor(sandbox)
    browser = Browser(monitor, monkeypatch)
    functions.call()
    until(lambda: [one["state"] for one in monitor.environments] == ["frozen"])
    until(lambda: len(monitor.lines) >= 4)
    until(lambda: any(one.get("environments") for one in browser.heard))
    (one,) = monitor.environments
    assert (one["function"], one["version"], one["state"]) == ("f", "$LATEST", "frozen")
    sent = [line["line"] for message in browser.heard for line in message.get("lines", ())]
    assert "a line" in sent
    assert "a line" in monitor.to_text()
    assert "f:$LATEST  frozen" in monitor.to_text()


def test_the_monitor_retires_idle_environments(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create()
    functions.call()
    monitor = Monitor(sandbox)
    Browser(monitor, monkeypatch).say(do="retire")
    assert monitor.environments == []
    assert sandbox.status()["environments"] == []
    assert "1" in monitor.note
    assert not monitor.working


def test_a_reset_can_be_undone_and_the_undo_too(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create("mine")
    monitor = Monitor(sandbox)
    browser = Browser(monitor, monkeypatch)
    assert not monitor.undoable

    def names() -> list[str]:
        found = functions.client.list_functions()["Functions"]
        return [one["FunctionName"] for one in found]

    browser.say(do="reset")
    assert names() == []
    assert monitor.undoable
    browser.say(do="undo")
    assert names() == ["mine"]
    browser.say(do="undo")
    assert names() == []
    assert len(list(sandbox.folder.glob("monitor-*.lab"))) == 1


def test_nothing_is_emptied_when_it_cannot_be_saved(
    sandbox: Sandbox, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.create("mine")
    monitor = Monitor(sandbox)
    browser = Browser(monitor, monkeypatch)
    monkeypatch.setattr(monitor, "_next_file", lambda box: Path("/proc/nowhere/state.lab"))
    browser.say(do="reset")
    assert "/proc/nowhere" in monitor.note
    assert not monitor.undoable
    assert not monitor.working
    assert len(functions.client.list_functions()["Functions"]) == 1


def test_undo_without_a_reset_and_an_unknown_action_say_so(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor(sandbox, live=False)
    with pytest.raises(SandboxError, match="nothing to put back"):
        monitor.undo()
    browser = Browser(monitor, monkeypatch)
    browser.say(do="explode")
    assert "explode" in monitor.note
    browser.say(nonsense=1)
    monitor._handle_custom_msg("not even a dict", [])
