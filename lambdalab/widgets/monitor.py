"""The sandbox monitor: which environments exist, what is logged, and two buttons."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from lambdalab.i18n import as_language, message
from lambdalab.sandbox import SandboxError
from lambdalab.sandbox.events import Event, LogLine, SandboxReset
from lambdalab.widgets.live import LiveWidget, asset
from lambdalab.widgets.text import short

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["Monitor"]

_LINES = 500
_TEXT_LINES = 20


class Monitor(LiveWidget):
    """Shows a sandbox's environments and log, live; retires idle ones; resets, undoably.

    Parameters
    ----------
    box
        The sandbox.
    live
        Go on as things happen.

    Raises
    ------
    SandboxError
        The sandbox does not answer.
    """

    _esm = asset("common.js", "monitor.js")
    _css = asset("common.css", "monitor.css")

    working = traitlets.Bool(False).tag(sync=True)
    """Something that was asked for takes its time."""
    undoable = traitlets.Bool(False).tag(sync=True)
    """There is a saved state to put back."""

    def __init__(self, box: Sandbox, *, live: bool = True) -> None:
        self._lines: deque[LogLine] = deque(maxlen=_LINES)
        self._dropped = False
        self._environments: list[dict[str, Any]] = []
        self._invocations = 0
        self._saves = 0
        self._saved: Path | None = None
        self._observe_status(box)
        super().__init__(box, "monitor", live=live)

    @property
    def environments(self) -> list[dict[str, Any]]:
        """What exists: ``id``, ``function``, ``version``, ``state``, ``pid`` of each."""
        with self._guard:
            return list(self._environments)

    @property
    def lines(self) -> list[LogLine]:
        """The newest log lines, oldest first."""
        with self._guard:
            return list(self._lines)

    def to_text(self) -> str:
        """Return the environments and the end of the log in words."""
        lang = as_language(self.lang)

        def say(key: str, **values: object) -> str:
            return message(f"widgets.monitor.{key}", lang, **values)

        environments, lines = self.environments, self.lines
        text = [say("title"), say("counts", count=len(environments), invocations=self._invocations)]
        for one in environments:
            state = say(f"states.{one['state']}")
            text.append(f"  {short(one['id'])}  {one['function']}:{one['version']}  {state}")
        text.append(say("log"))
        for line in lines[-_TEXT_LINES:]:
            moment = datetime.fromtimestamp(line.time).astimezone()
            text.append(f"  {moment:%H:%M:%S}  {line.function}  {line.line}")
        if not lines:
            text.append(f"  {say('log_empty')}")
        return "\n".join(text)

    # -- what the buttons do --------------------------------------------------------------

    def retire_idle(self) -> int:
        """Retire idle environments now; return how many."""
        count = self._sandbox().shutdown_idle()
        self._remark("retired", count=count)
        return count

    def reset_sandbox(self) -> Path:
        """Empty the sandbox; return the file that holds what was there.

        Raises
        ------
        SandboxError
            The state could not be saved (then nothing is emptied), or not be emptied.
        """
        box = self._sandbox()
        saved = box.save(self._next_file(box))
        box.reset()
        self._keep(saved)
        self._remark("reset_done", path=saved)
        return saved

    def undo(self) -> Path:
        """Put the saved state back; return the file that holds what was there until now.

        Raises
        ------
        SandboxError
            Nothing was saved, or it cannot be put back; then nothing changes.
        """
        box, wanted = self._sandbox(), self._saved
        if wanted is None:
            raise SandboxError(message("widgets.monitor.nothing_saved", as_language(self.lang)))
        saved = box.save(self._next_file(box))
        box.load(wanted)
        self._keep(saved)
        self._remark("undone", path=saved)
        return saved

    def _sandbox(self) -> Sandbox:
        box = self._box
        assert box is not None  # noqa: S101 - a monitor always has one
        return box

    def _next_file(self, box: Sandbox) -> Path:
        """Return a file beside the sandbox's own: it is removed with the sandbox."""
        self._saves += 1
        return box.folder / f"monitor-{self.model_id[:8]}-{self._saves}.lab"

    def _keep(self, saved: Path) -> None:
        """Keep one saved state, the newest."""
        before, self._saved = self._saved, saved
        if before is not None:
            before.unlink(missing_ok=True)
        self.undoable = True

    def _remark(self, key: str, **values: object) -> None:
        self.note = message(f"widgets.monitor.{key}", as_language(self.lang), **values)

    # -- for the base ---------------------------------------------------------------------

    def _act(self, action: str, values: dict[str, Any]) -> None:
        actions = {"retire": self.retire_idle, "reset": self.reset_sandbox, "undo": self.undo}
        if action not in actions:
            self._remark("unknown_action", action=action)
            return
        self.working = True
        try:
            actions[action]()
        finally:
            self.working = False

    def _take(self, events: Sequence[Event]) -> dict[str, Any] | None:
        cleared = False
        fresh: list[LogLine] = []
        for event in events:
            if isinstance(event, SandboxReset):
                cleared, self._dropped = True, False
                fresh.clear()
                self._lines.clear()
            elif isinstance(event, LogLine):
                fresh.append(event)
        if not fresh and not cleared:
            return None
        surplus = len(self._lines) + len(fresh) - _LINES
        self._dropped = self._dropped or surplus > 0
        self._lines.extend(fresh)
        return self._log(fresh[-_LINES:], cleared)

    def _whole(self) -> dict[str, Any]:
        return {
            **self._log(list(self._lines), cleared=True),
            "environments": self._environments,
            "invocations": self._invocations,
        }

    def _log(self, lines: Sequence[LogLine], cleared: bool) -> dict[str, Any]:
        return {
            "cleared": cleared,
            "dropped": self._dropped,
            "limit": _LINES,
            "lines": [
                {
                    "seq": line.seq,
                    "time": line.time,
                    "function": line.function,
                    "request_id": line.request_id,
                    "line": line.line,
                }
                for line in lines
            ],
        }

    def _observe_status(self, box: Sandbox) -> bool:
        status = box.status()
        seen = (status["environments"], status["invocations"])
        changed = seen != (self._environments, self._invocations)
        self._environments, self._invocations = seen
        return changed

    def _look(self, box: Sandbox) -> dict[str, Any] | None:
        if not self._observe_status(box):
            return None
        return {
            "limit": _LINES,
            "environments": self._environments,
            "invocations": self._invocations,
        }
