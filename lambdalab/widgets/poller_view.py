"""The poller view: what pollers took out of queues and shards, and what became of each record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import traitlets

from lambdalab.i18n import language, message, messages
from lambdalab.sandbox.events import Event, MappingEvent
from lambdalab.widgets.live import LiveWidget, asset
from lambdalab.widgets.poller_lanes import Lane
from lambdalab.widgets.poller_steps import Step, Steps
from lambdalab.widgets.poller_text import as_text, lane_json, step_json

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["PollerView"]

_SCRIPTS = (
    "common.js",
    "timeline_shapes.js",
    "lengths.js",
    "poller_steps.js",
    "poller_lanes.js",
    "poller_view.js",
)


class PollerView(LiveWidget):
    """Draws what the pollers of event source mappings did, and plays it step by step.

    Parameters
    ----------
    box
        The sandbox.
    mapping
        UUID of a mapping, or name of a function: all of its mappings. Several may be given, to
        be compared. Left out: all mappings. One that is not there yet may still come; until
        then :attr:`note` says so.
    live
        Go on as things happen. The following ends with the widget or the sandbox, and
        rests while no browser shows the widget any more.
    since
        Leave out events whose ``seq`` is not above this.

    Raises
    ------
    SandboxError
        The sandbox does not answer.
    """

    _esm = asset(*_SCRIPTS)
    _css = asset("common.css", "poller_view.css")

    function = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    """What it was asked for, for its title."""

    def __init__(
        self,
        box: Sandbox | None,
        mapping: str | Sequence[str] | None = None,
        *,
        live: bool = True,
        since: int = 0,
        _events: Iterable[Event] = (),
    ) -> None:
        names = [mapping] if isinstance(mapping, str) else mapping
        self._words = language()
        self._steps = Steps(names)
        self._known: set[str] = set()
        """Mappings and functions that the log speaks of."""
        self._wanted = set(names or ())
        self._sent: set[str] = set()
        """Lanes that the browser knows."""
        self._take(tuple(_events))
        own = dict(messages("poller_view", self._words))
        unit = messages("retry_timeline", self._words)
        own.update({key: text for key, text in unit.items() if key.startswith("unit.")})
        super().__init__(box, "poller_view", live=live, since=since, own=own)
        self.function = None if names is None else ", ".join(name[:36] for name in names)
        self._warn()

    @classmethod
    def of(cls, events: Iterable[Event], mapping: str | Sequence[str] | None = None) -> Self:
        """Draw a list of event records; nothing is followed."""
        return cls(None, mapping, live=False, _events=events)

    @property
    def steps(self) -> list[Step]:
        """What happened, step by step."""
        with self._guard:
            return list(self._steps.steps)

    @property
    def lanes(self) -> list[Lane]:
        """Queues and shards, as they are now."""
        with self._guard:
            return list(self._steps.lanes.values())

    def to_text(self) -> str:
        """Return the same in words: counters of each lane, and the newest steps."""
        with self._guard:
            text = as_text(self._steps, self._words, function=self.function)
        return f"{text}\n{self.note}" if self.note else text

    # -- for the base ---------------------------------------------------------------------

    def _take(self, events: Sequence[Event]) -> dict[str, Any] | None:
        for event in events:
            if isinstance(event, MappingEvent):
                self._known |= {event.mapping, event.function}
        if self.note:
            self._warn()
        fresh, gone = self._steps.feed(events)
        if gone:
            return self._whole()
        if not fresh:
            return None
        new = [lane for name, lane in self._steps.lanes.items() if name not in self._sent]
        return self._data(new, fresh, cleared=False)

    def _warn(self) -> None:
        """Say which of the wanted mappings the log does not speak of, if it speaks of others."""
        missing = sorted(self._wanted - self._known)
        told = ""
        if missing and self._known:
            told = message(
                "poller_view.problem.unknown",
                self._words,
                name=repr(missing[0]),
                known=", ".join(sorted(self._known)),
            )
        self.note = told

    def _whole(self) -> dict[str, Any]:
        return self._data(self._steps.lanes.values(), self._steps.steps, cleared=True)

    def _data(
        self, lanes: Iterable[Lane], steps: Iterable[Step], *, cleared: bool
    ) -> dict[str, Any]:
        told = [lane_json(lane, self._words) for lane in lanes]
        self._sent |= {lane["id"] for lane in told}
        return {
            "cleared": cleared,
            "lanes": told,
            "steps": [step_json(step, self._words) for step in steps],
            "dropped": self._steps.dropped,
        }

    def _look(self, box: Sandbox) -> dict[str, Any] | None:
        return None

    def _act(self, action: str, values: dict[str, Any]) -> None:
        """Nothing is done from the browser: it only looks."""
