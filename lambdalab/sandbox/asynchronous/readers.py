"""The pollers of the asynchronous queue: a bounded number of threads, and a fair order."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from lambdalab.sandbox.asynchronous.event import QueuedEvent
from lambdalab.sandbox.scheduler import Scheduler

__all__ = ["Readers"]

_READERS = 192
"""Attempts at a time; the scheduler has more threads than that, for others."""


class Readers:
    """Hand out due events, in the scheduler's threads. Thread-safe.

    Parameters
    ----------
    scheduler
        Counts reading as work: whoever puts the clock forward waits for it.
    work
        Takes an event; it must not raise.
    """

    def __init__(self, scheduler: Scheduler, work: Callable[[QueuedEvent], None]) -> None:
        self._scheduler = scheduler
        self._work = work
        self._lock = threading.Lock()
        self._ready: OrderedDict[str, deque[QueuedEvent]] = OrderedDict()
        """Due events by function, which take turns: one with many cannot shut the others out."""
        self._reading = 0
        self._generation = 0

    def give(self, event: QueuedEvent, *, here: bool = False) -> None:
        """Give a due event to a reader. ``here``: this thread can be one."""
        with self._lock:
            self._ready.setdefault(event.function_arn, deque()).append(event)
            if self._reading >= _READERS:
                return
            generation = self._generation
        if here:
            self._read(generation)
        else:
            self._scheduler.soon(lambda: self._read(generation), label=event.label)

    def clear(self) -> None:
        """Forget all events; a reader that is at work reads no more after it."""
        with self._lock:
            self._generation += 1
            self._reading = 0
            self._ready.clear()

    def _read(self, generation: int) -> None:
        with self._lock:
            if generation != self._generation or self._reading >= _READERS:
                return
            self._reading += 1
        while (event := self._next(generation)) is not None:
            self._work(event)

    def _next(self, generation: int) -> QueuedEvent | None:
        with self._lock:
            if generation != self._generation:
                return None
            if not self._ready:
                self._reading -= 1
                return None
            arn, events = self._ready.popitem(last=False)
            event = events.popleft()
            if events:
                self._ready[arn] = events
            return event
