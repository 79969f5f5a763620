"""The running sandbox's event log: bounded, numbered, and one can wait for the next."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice

from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.events import Event

__all__ = ["EventLog"]


class EventLog:
    """A thread-safe ring of the newest ``limit`` events.

    Parameters
    ----------
    clock
        Stamps each event.
    limit
        How many events are kept; older ones are dropped, and readers who ask for
        them get what is left.
    """

    def __init__(self, clock: Clock, limit: int = 100_000) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=limit)
        self._changed = threading.Condition()
        self._waiting = 0
        self._last = 0

    @property
    def last(self) -> int:
        """Number of the newest event; 0 when there was none yet."""
        return self._last

    def record(self, event: Event) -> None:
        """Keep an event, numbered and stamped."""
        with self._changed:
            now = self._clock.now()
            self._last += 1
            # A frozen record is stamped here, where it enters the log, and nowhere else.
            object.__setattr__(event, "seq", self._last)
            object.__setattr__(event, "time", now)
            self._events.append(event)
            if self._waiting:
                self._changed.notify_all()

    def after(self, seq: int, *, wait: float = 0.0, limit: int = 10_000) -> list[Event]:
        """Return the events numbered above ``seq``, oldest first.

        Parameters
        ----------
        seq
            0 for all that is kept.
        wait
            Seconds to wait for one if there is none yet.
        limit
            At most so many.
        """
        with self._changed:
            if self._last <= seq and wait > 0:
                self._waiting += 1
                self._changed.wait_for(lambda: self._last > seq, timeout=wait)
                self._waiting -= 1
            skip = max(0, len(self._events) - (self._last - seq))
            return list(islice(self._events, skip, skip + limit))
