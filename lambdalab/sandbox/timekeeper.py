"""Changes service time on demand: its pace, pauses, and strides over time that is empty.

While a stride lasts, service time stands still but for its steps, from one due time to the
next, and each step waits until the work is done: how long handlers really run moves nothing,
and what happens at which service time is the same every time.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import ClockChanged
from lambdalab.sandbox.scheduler import Due, Scheduler

__all__ = ["Timekeeper"]

_LOOK_S = 60.0
_KEPT = 64
"""How many strides that ended can still be asked for."""


@dataclass(slots=True)
class _Stride:
    """One jump or advance on its way. ``seconds`` is ``None``: to what comes next."""

    id: int
    seconds: float | None
    due: Due | None = None
    halted: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class Timekeeper:
    """Holds the clock and its scheduler, and records what becomes of service time.

    Parameters
    ----------
    clock
        Tells service time.
    events
        Gets :class:`lambdalab.sandbox.events.ClockChanged`.
    """

    def __init__(self, clock: VirtualClock, events: EventLog) -> None:
        self.clock = clock
        self._events = events
        self._known = (clock.scale, clock.paused)
        self._skipping = 0.0
        """How far time was put forward since it was last recorded."""
        self._silent = False
        self._recording = threading.Lock()
        clock.listen(self._heard)
        # After our own listener: a change is in the log before what falls due by it.
        self.scheduler = Scheduler(clock)
        self._turn = threading.Lock()
        self._strides: dict[int, _Stride] = {}
        self._numbers = itertools.count(1)

    def look(self) -> dict[str, Any]:
        """Return what ``GET /_lambdalab/clock`` answers."""
        coming = self.scheduler.next_due()
        return {
            "now": self.clock.now(),
            "scale": self.clock.scale,
            "paused": self.clock.paused,
            "next": None if coming is None else _told(coming),
            "busy": self.scheduler.busy,
        }

    def change(self, *, scale: float | None = None, paused: bool | None = None) -> None:
        """Run at another pace, stand still, or go on."""
        self.clock.change(scale=scale, paused=paused)

    def clear(self) -> None:
        """Forget all that waits, and end every stride."""
        self.halt()
        self.scheduler.clear()

    def dump(self) -> dict[str, Any]:
        """Return what is saved of service time; its pace is a setting."""
        return {"now": self.clock.now(), "paused": self.clock.paused}

    def load(self, saved: dict[str, Any] | None) -> None:
        """Go on from what was saved; ``None``: from the machine's time."""
        known = saved or {"now": time.time(), "paused": False}
        self.clock.set(float(known["now"]), paused=bool(known["paused"]))

    def tell(self) -> None:
        """Record a pace that is not the machine's where an event log begins."""
        if self._known != (1.0, False):
            scale, paused = self._known
            self._events.record(ClockChanged(scale=scale, paused=paused))

    # -- strides --------------------------------------------------------------------------

    def stride(self, seconds: float | None) -> int:
        """Begin to put the clock forward; return a number to ask for it by.

        ``seconds``: by how much; ``None``: to what comes next.
        """
        if seconds is not None and not 0 <= seconds < float("inf"):
            raise LambdalabError(message("sandbox.clock.backwards", seconds=seconds))
        one = _Stride(next(self._numbers), seconds)
        self._strides[one.id] = one
        for old in [number for number in self._strides if number <= one.id - _KEPT]:
            if self._strides[old].ended.is_set():
                del self._strides[old]
        name = f"stride-{one.id}"
        threading.Thread(target=self._go, args=(one,), name=name, daemon=True).start()
        return one.id

    def ended(self, number: int, wait: float) -> dict[str, Any]:
        """Return whether a stride has ended, after at most ``wait`` seconds, and where it led."""
        one = self._strides[number]
        done = one.ended.wait(wait)
        due = None if one.due is None else _told(one.due)
        return {"stride": number, "done": done, "due": due}

    def halt(self, number: int | None = None) -> None:
        """End a stride where it is, or all; what its last step began goes on by itself."""
        strides = list(self._strides.values()) if number is None else [self._strides[number]]
        for one in strides:
            one.halted = True
        self.scheduler.rouse()
        for one in strides:
            one.ended.wait()

    def _go(self, one: _Stride) -> None:
        try:
            with self._turn, self.clock.held():
                self._walk(one)
        except Exception:  # noqa: BLE001 - whoever waits for it is told that it ended
            traceback.print_exc(file=sys.stderr)
        finally:
            one.ended.set()

    def _walk(self, one: _Stride) -> None:
        self._settle(one)
        if one.seconds is None:
            one.due = None if one.halted else self.scheduler.next_due()
            if one.due is None:
                return
            target = one.due.time
        else:
            target = self.clock.now() + one.seconds
        while not one.halted:
            step = self.scheduler.next_step()
            if step is None or step > target:
                self._skip(target)
                return
            coming = self.scheduler.next_due()
            self._skip(step, silent=coming is None or coming.time > step)
            self._settle(one)
        self._skip(self.clock.now())  # what was silent so far is said at the end

    def _settle(self, one: _Stride) -> None:
        while not one.halted and not self.scheduler.wait_quiet(_LOOK_S, lambda: one.halted):
            pass

    # -- the event log --------------------------------------------------------------------

    def _skip(self, to: float, *, silent: bool = False) -> None:
        """Put the clock forward; ``silent``: to housekeeping, which is not worth a record."""
        self._skipping += to - self.clock.now()
        self._silent = silent
        self.clock.advance(to)

    def _heard(self) -> None:
        with self._recording:
            now = (self.clock.scale, self.clock.paused)
            if now != self._known or (self._skipping > 0 and not self._silent):
                self._known = now
                scale, paused = now
                skipped, self._skipping = self._skipping, 0.0
                self._events.record(ClockChanged(scale=scale, paused=paused, skipped_s=skipped))


def _told(due: Due) -> dict[str, Any]:
    return {"time": due.time, "label": due.label}
