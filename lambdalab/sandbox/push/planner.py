"""One timer for each thing that has a next time, so that none runs twice or for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.scheduler import Timer

__all__ = ["Planner"]


class Planner:
    """Holds timers by name. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: dict[str, Timer] = {}

    def plan(self, name: str, due: float, work: Callable[[], None], *, label: str) -> None:
        """Do ``work`` at a service time, in the place of what was planned under this name."""
        with self._lock:
            self._cancel(name)
            self._timers[name] = hub().at(due, work, label=label)

    def drop(self, name: str) -> None:
        """Do nothing more under this name."""
        with self._lock:
            self._cancel(name)

    def clear(self) -> None:
        """Do nothing more."""
        with self._lock:
            for name in list(self._timers):
                self._cancel(name)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
