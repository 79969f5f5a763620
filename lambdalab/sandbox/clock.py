"""The sandbox's clock: the one place that tells service time.

Service time is what AWS's own waiting is measured in: delays between retries, visibility
timeouts, schedules, the age of a record, and every timestamp. It can run faster than the
machine's time, stand still, and be put forward. Handlers run in the machine's time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

__all__ = ["Clock", "RealClock", "VirtualClock"]


class Clock(Protocol):
    """Service time in seconds since the epoch."""

    def now(self) -> float:
        """Return the time."""
        ...

    def until(self, due: float) -> float | None:
        """Return how many seconds of the machine's time it is to ``due``, at least 0.

        ``None``: service time stands still before it.
        """
        ...

    def listen(self, heard: Callable[[], None]) -> None:
        """Call ``heard`` after every change of pace or time; it must return at once."""
        ...


class RealClock:
    """Service time is the machine's time."""

    def now(self) -> float:
        """Return the time."""
        return time.time()

    def until(self, due: float) -> float | None:
        """Return how many seconds it is to ``due``, at least 0."""
        return max(0.0, due - time.time())

    def listen(self, heard: Callable[[], None]) -> None:
        """Call nothing: this clock never changes."""


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
        self._held = 0
        # Service time, machine's time and pace of the last change, replaced as one: whoever
        # asks for the time, on the way of every event, takes no lock.
        self._since = (time.time() if start is None else start, time.monotonic(), self._scale)

    @property
    def scale(self) -> float:
        """Seconds of service time in a second of the machine's."""
        return self._scale

    @property
    def paused(self) -> bool:
        """Whether service time stands still until it is told to go on."""
        return self._paused

    def now(self) -> float:
        """Return the service time, seconds since the epoch; it never goes back by itself."""
        service, machine, pace = self._since
        return service + (time.monotonic() - machine) * pace if pace else service

    def until(self, due: float) -> float | None:
        """Return how many seconds of the machine's time it is to ``due``, at least 0.

        ``None``: service time stands still before it.
        """
        service, machine, pace = self._since
        left = due - (service + (time.monotonic() - machine) * pace if pace else service)
        if left <= 0:
            return 0.0
        return left / pace if pace else None

    def change(self, *, scale: float | None = None, paused: bool | None = None) -> None:
        """Run at another pace, stand still, or go on.

        Raises
        ------
        ValueError
            The scale is not above 0.
        """
        with self._lock:
            if scale is not None:
                self._scale = _checked(scale)
            if paused is not None:
                self._paused = paused
            self._go_on(self.now())
        self._tell()

    def advance(self, to: float) -> float:
        """Put the clock forward to a service time; return by how many seconds, at least 0."""
        with self._lock:
            now = self.now()
            skipped = max(0.0, to - now)
            # Not now + skipped: what is due at ``to`` is due then to the last bit.
            self._go_on(max(now, to))
        self._tell()
        return skipped

    def set(self, to: float, *, paused: bool = False) -> None:
        """Begin again at a service time, backwards too: after a reset or a restored state."""
        with self._lock:
            self._paused = paused
            self._go_on(to)
        self._tell()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let service time stand still meanwhile, but for :meth:`advance`."""
        self._hold(1)
        try:
            yield
        finally:
            self._hold(-1)

    def _hold(self, more: int) -> None:
        with self._lock:
            self._held += more
            self._go_on(self.now())
        self._tell()

    def listen(self, heard: Callable[[], None]) -> None:
        """Call ``heard`` after every change of pace or time; it must return at once."""
        self._listeners.append(heard)

    def _go_on(self, service: float) -> None:
        pace = 0.0 if self._paused or self._held else self._scale
        self._since = (service, time.monotonic(), pace)

    def _tell(self) -> None:
        for heard in self._listeners:
            heard()


def _checked(scale: float) -> float:
    if not 0 < scale < float("inf"):
        raise ValueError(f"the time scale must be above 0, not {scale}")
    return float(scale)
