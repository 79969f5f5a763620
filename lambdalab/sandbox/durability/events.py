"""Keeps the asynchronous queue's events: in saved states, and fact by fact in the journal."""

from __future__ import annotations

import threading
from typing import Any

from lambdalab.sandbox.asynchronous.event import QueuedEvent
from lambdalab.sandbox.asynchronous.queue import AsyncQueue
from lambdalab.sandbox.keepers import Keepers, Value

__all__ = ["KeptEvents"]


class KeptEvents:
    """An :class:`lambdalab.sandbox.asynchronous.event.EventStore`. Thread-safe.

    It holds the events itself: one that was accepted and is not yet in the queue's own memory
    must not be missing from a snapshot taken in between.

    Parameters
    ----------
    queue
        Whose events they are.
    keepers
        Saves them, and writes its facts down.
    """

    def __init__(self, queue: AsyncQueue, keepers: Keepers) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._events: dict[str, QueuedEvent] = {}
        queue.store = self
        self._note = keepers.register("asynchronous", self._dump, self._load, self._replay)

    def put(self, event: QueuedEvent) -> None:
        """Keep an event as it is now."""
        with self._lock:
            self._events[event.key] = event
            self._note({"put": event.to_json()})

    def settle(self, event: QueuedEvent) -> None:
        """Let go of an event."""
        with self._lock:
            if self._events.pop(event.key, None) is not None:
                self._note({"settled": event.key})

    def waiting(self) -> int:
        """Count the events that are kept."""
        return len(self._events)

    # -- saved and restored -----------------------------------------------------------------

    def _dump(self) -> list[dict[str, Any]]:
        with self._lock:
            return [event.to_json() for event in self._events.values()]

    def _load(self, values: list[dict[str, Any]] | None) -> None:
        events = [QueuedEvent.from_json(value) for value in values or ()]
        with self._lock:
            self._events = {event.key: event for event in events}
        self._queue.load(values)

    def _replay(self, fact: Value) -> None:
        with self._lock:
            if "put" in fact:
                event = QueuedEvent.from_json(fact["put"])
                self._events[event.key] = event
            else:
                self._events.pop(fact["settled"], None)
