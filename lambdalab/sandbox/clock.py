"""The sandbox's clock: the one place that tells service time.

Service time is what AWS's own waiting is measured in: delays between retries, visibility
timeouts, schedules, the age of a record, and every timestamp. It can run faster than the
machine's time, stand still, and be put forward. Handlers run in the machine's time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "RealClock", "VirtualClock"]


class Clock(Protocol):
    """Service time in seconds since the epoch."""

    def now(self) -> float:
        """Return the time."""
        ...


class RealClock:
    """Service time is the machine's time."""

    def now(self) -> float:
        """Return the time."""
        return time.time()


class VirtualClock:
    """Service time that runs ``scale`` times as fast as the machine's. Thread-safe.

    Parameters
    ----------
    scale
        Seconds of service time in a second of the machine's; above 0.
    start
        Service time to begin with, seconds since the epoch; the machine's if ``None``.
    """

    def __init__(self, scale: float = 1.0, start: float | None = None) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._scale = _checked(scale)
        self._paused = False
        self._service = time.time() if start is None else start
        self._machine = time.monotonic()

    @property
    def scale(self) -> float:
        """Seconds of service time in a second of the machine's."""
        return self._scale

    @property
    def paused(self) -> bool:
        """Whether service time stands still."""
        return self._paused

    def now(self) -> float:
        """Return the service time, seconds since the epoch; it never goes back by itself."""
        with self._lock:
            return self._now()

    def _now(self) -> float:
        if self._paused:
            return self._service
        return self._service + (time.monotonic() - self._machine) * self._scale

    def until(self, due: float) -> float | None:
        """Return how many seconds of the machine's time it is to ``due``, at least 0.

        ``None``: service time stands still before it.
        """
        with self._lock:
            left = due - self._now()
            if left <= 0:
                return 0.0
            return None if self._paused else left / self._scale

    def change(self, *, scale: float | None = None, paused: bool | None = None) -> None:
        """Run at another pace, stand still, or go on.

        Raises
        ------
        ValueError
            The scale is not above 0.
        """
        with self._lock:
            self._settle()
            if scale is not None:
                self._scale = _checked(scale)
            if paused is not None:
                self._paused = paused
        self._tell()

    def advance(self, to: float) -> float:
        """Put the clock forward to a service time; return by how many seconds, at least 0."""
        with self._lock:
            self._settle()
            skipped = max(0.0, to - self._service)
            self._service += skipped
        self._tell()
        return skipped

    def set(self, to: float) -> None:
        """Begin again at a service time, backwards too: after a reset or a restored state."""
        with self._lock:
            self._settle()
            self._service = to
        self._tell()

    def listen(self, heard: Callable[[], None]) -> None:
        """Call ``heard`` after every change of pace or time; it must return at once."""
        self._listeners.append(heard)

    def _settle(self) -> None:
        self._service = self._now()
        self._machine = time.monotonic()

    def _tell(self) -> None:
        for heard in self._listeners:
            heard()


def _checked(scale: float) -> float:
    if not 0 < scale < float("inf"):
        raise ValueError(f"the time scale must be above 0, not {scale}")
    return float(scale)
