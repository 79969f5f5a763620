"""The environment timeline: what each execution environment did, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import traitlets

from lambdalab.i18n import as_language, message
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.sandbox import SandboxError
from lambdalab.sandbox.events import Event
from lambdalab.widgets.lanes import LIMIT, Drawing
from lambdalab.widgets.live import LiveWidget, asset
from lambdalab.widgets.picture import Picture
from lambdalab.widgets.text import as_text

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["Timeline"]

_SCRIPTS = (
    "common.js",
    "timeline_picture.js",
    "timeline_axis.js",
    "timeline_shapes.js",
    "timeline_idle.js",
    "timeline.js",
)
_TEXT_ITEMS = 60
"""Bars and points that the plain text beside a widget tells."""


class Timeline(LiveWidget):
    """Draws execution environments over time, one lane each, from the event log.

    Parameters
    ----------
    box
        The sandbox to draw.
    function
        Only this function's environments and requests.
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
    _css = asset("common.css", "timeline.css")

    function = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    idle_lifetime = traitlets.Float(None, allow_none=True).tag(sync=True)
    """Seconds an idle environment is kept, as the sandbox has it; ``None`` without one."""
    idle_default = traitlets.Int(IDLE_LIFETIME.value).tag(sync=True)
    """What the sandbox starts with (s), and the end of the slider."""

    def __init__(
        self,
        box: Sandbox | None,
        function: str | None = None,
        *,
        live: bool = True,
        since: int = 0,
        _events: Iterable[Event] = (),
    ) -> None:
        self._drawing = Drawing(function, LIMIT)
        self._drawing.feed(_events)
        super().__init__(box, "timeline", live=live, since=since)
        self.function = function
        if box is not None:
            self._look(box)

    @classmethod
    def of(cls, events: Iterable[Event], function: str | None = None) -> Self:
        """Draw a list of event records; nothing is followed."""
        return cls(None, function, live=False, _events=events)

    @property
    def picture(self) -> Picture:
        """Lanes, bars and points as they are drawn now."""
        with self._guard:
            return self._drawing.picture()

    def to_text(self) -> str:
        """Return the timeline in words: one line for each bar and refused request."""
        return self._text(None)

    def _text(self, limit: int | None) -> str:
        lang = as_language(self.lang)
        return as_text(self.picture, lang, function=self.function, limit=limit)

    def __repr__(self) -> str:
        return self._text(_TEXT_ITEMS)

    # -- for the base ---------------------------------------------------------------------

    def _take(self, events: Sequence[Event]) -> dict[str, Any] | None:
        self._drawing.feed(events)
        delta = self._drawing.delta()
        return delta.to_json() if delta else None

    def _whole(self) -> dict[str, Any]:
        return self._drawing.whole().to_json()

    def _look(self, box: Sandbox) -> dict[str, Any] | None:
        self.idle_lifetime = float(box.status()["settings"]["idle_lifetime"])
        return None

    def _act(self, action: str, values: dict[str, Any]) -> None:
        if action == "idle_lifetime":
            self.set_idle_lifetime(values.get("seconds"))

    def set_idle_lifetime(self, seconds: object) -> None:
        """Keep idle environments for so many seconds from now on, as the slider does.

        Raises
        ------
        SandboxError
            That is not a number above 0, or the sandbox does not answer.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise SandboxError(message("widgets.timeline.idle.refused", as_language(self.lang)))
        if self._box is not None:
            answer = self._box.settings(idle_lifetime=float(seconds))
            self.idle_lifetime = float(answer["idle_lifetime"])
