"""The sandbox's clock: the one place that tells service time."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "RealClock"]


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
