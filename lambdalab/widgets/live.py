"""What the live views share: a snapshot, deltas with numbers, and a follower that rests.

A view in the browser begins with the snapshot in the widget's state and then takes
deltas. A delta whose number is not the next one tells it that something was missed (a
page that was just opened, say); it then asks for the whole again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from lambdalab.i18n import language, messages
from lambdalab.sandbox import SandboxError
from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.events import Event
from lambdalab.widgets.following import Follower

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["LiveWidget", "asset"]

_PAGE = 10_000
_DRIFT_S = 0.5
"""How far a browser's reckoning of service time may be off, in seconds of the machine's."""


def asset(*names: str) -> str:
    """Return the text of our own script or style files, one after the other."""
    folder = resources.files("lambdalab.widgets") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _snapshot(_value: object, widget: LiveWidget) -> dict[str, Any]:
    return widget.message_whole()


class LiveWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """A view of a sandbox that is kept up to date from a background thread.

    Parameters
    ----------
    box
        The sandbox; ``None`` for a picture of events that were kept.
    part
        Which messages of ``locale/<language>/widgets.toml`` the browser needs.
    live
        Follow the sandbox.
    since
        Leave out events up to this number.
    own
        Messages of a view that has a file of its own; ``part`` is then not looked for.
    """

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    state = traitlets.Enum(["live", "still", "ended"], "still").tag(sync=True)
    """``live``: follows; ``still``: does not; ``ended``: the sandbox is gone."""
    note = traitlets.Unicode("").tag(sync=True)
    """What the person should know just now: an error, or what was done."""
    snapshot = traitlets.Dict().tag(sync=True, to_json=_snapshot)
    """Computed whenever a browser asks for the state; a change is sent as a delta instead."""
    _view_count = traitlets.Int(0, allow_none=True).tag(sync=True)
    _follower: Follower | None = None  # also of a view that could not be made, and is closed

    def __init__(
        self,
        box: Sandbox | None,
        part: str,
        *,
        live: bool = True,
        since: int = 0,
        own: Mapping[str, str] | None = None,
    ) -> None:
        self._box = box
        self._last = since
        self._version = 0
        self._guard = threading.RLock()
        """Held for every change of what is shown: the kernel has several threads."""
        self._control = threading.RLock()
        """Held while the sandbox is asked for or told something, so that answers keep order."""
        self._closed = False
        self._clock = VirtualClock()
        """Service time as far as it is known here: what the browser reckons from."""
        if box is not None:
            self._catch_up(box)
            self._reckon(box)
        lang = language()
        texts = {
            name: text
            for name, text in messages("widgets", lang).items()
            if name.startswith((f"{part}.", "common."))
        }
        super().__init__(labels={**texts, **(own or {})}, lang=lang)
        self.on_msg(self._asked)
        self.observe(self._seen, "_view_count")
        if box is not None and live:
            self.follow()

    def _catch_up(self, box: Sandbox) -> None:
        """Take what has happened so far."""
        while True:
            batch = box.events(self._last, limit=_PAGE)
            if batch:
                self._last = batch[-1].seq
                self._take(batch)
            if len(batch) < _PAGE:
                return

    # -- for the views --------------------------------------------------------------------

    def _take(self, events: Sequence[Event]) -> dict[str, Any] | None:
        """Take events in; return what changed as JSON-ready data, ``None`` if nothing did."""
        raise NotImplementedError

    def _whole(self) -> dict[str, Any]:
        """Return everything shown as JSON-ready data."""
        raise NotImplementedError

    def _look(self, box: Sandbox) -> dict[str, Any] | None:
        """Look at what the event log does not tell; return what changed."""
        raise NotImplementedError

    def _act(self, action: str, values: dict[str, Any]) -> None:
        """Do what a person asked for in the browser."""
        raise NotImplementedError

    def to_text(self) -> str:
        """Return the same as text."""
        raise NotImplementedError

    # -- following ------------------------------------------------------------------------

    def follow(self) -> None:
        """Follow the sandbox from where the picture ends, if it does not yet."""
        with self._guard:
            if self._box is None or self._closed or self.state == "ended":
                return
            if self._follower is None or self._follower.stopped:
                self._follower = Follower(self._box, self._last, self._happened, self._ended)
            self.state = "live"

    def rest(self) -> None:
        """Stop following; the picture stays."""
        with self._guard:
            if self._follower is not None:
                self._follower.stop()
            if self.state == "live":
                self.state = "still"

    def close(self) -> None:
        """Remove the widget everywhere and end its thread."""
        self._closed = True
        if self._follower is not None:
            self._follower.stop()
        super().close()

    def _happened(self, events: Sequence[Event]) -> None:
        box = self._box
        if box is None:
            return
        with contextlib.suppress(SandboxError):
            if self._reckon(box):
                self.send({"kind": "clock", **self._time()})
        with self._guard:
            fresh = [event for event in events if event.seq > self._last]
            if fresh:
                self._last = fresh[-1].seq
            self._tell(self._take(fresh) if fresh else None)
        self._refresh(box)

    def _reckon(self, box: Sandbox) -> bool:
        """Look at the sandbox's clock; say whether it is not as was reckoned."""
        with self._control:
            found = box.clock.look()
        now, scale, paused = found["now"], found["scale"], found["paused"]
        clock = self._clock
        changed = (clock.scale, clock.paused) != (scale, paused)
        drifted = abs(clock.now() - now) > _DRIFT_S * max(1.0, scale)
        clock.change(scale=scale)
        clock.set(now, paused=paused)
        return changed or drifted

    def _time(self) -> dict[str, float]:
        """Return service time, and its pace for as long as nothing else is told."""
        clock = self._clock
        return {"now": clock.now(), "pace": 0.0 if clock.paused else clock.scale}

    def _refresh(self, box: Sandbox) -> None:
        """Look at the sandbox; that it is gone is the follower's to find out."""
        try:
            with self._control:
                change = self._look(box)
        except SandboxError:
            return
        with self._guard:
            self._tell(change)

    def _ended(self) -> None:
        with self._guard:
            self.state = "ended"

    def _seen(self, change: dict[str, Any]) -> None:
        """Rest while no browser shows the widget any more (its cell was run again, say)."""
        if not change["new"] and change["old"]:
            self.rest()
        elif change["new"] and not change["old"] and self._follower is not None:
            self.follow()

    # -- messages -------------------------------------------------------------------------

    def message_whole(self) -> dict[str, Any]:
        """Return the snapshot that a view begins with."""
        with self._guard:
            return {"n": self._version, **self._time(), **self._whole()}

    def _tell(self, change: dict[str, Any] | None) -> None:
        if change is None:
            return
        self._version += 1
        self.send({"kind": "delta", "n": self._version, **self._time(), **change})

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:  # noqa: ANN401
        if not isinstance(content, dict):
            return
        action = content.get("do")
        if action == "want":
            if content.get("have") != self._version:
                self.send({"kind": "whole", **self.message_whole()})
        elif isinstance(action, str) and self._box is not None:
            try:
                with self._control:
                    self.note = ""
                    self._act(action, content)
            except SandboxError as error:
                self.note = str(error)
            if self._box.alive:
                self._refresh(self._box)

    # -- showing without a browser --------------------------------------------------------

    def __repr__(self) -> str:
        """Return the words: also what a closed widget shows."""
        return self.to_text()

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 1,
                "model_id": self.model_id,
            },
        }
