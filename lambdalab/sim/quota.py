"""The requests-per-second quota: which requests of a block are above it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lambdalab.sim.variates import Array

__all__ = ["Quota", "Refused"]

Refused: TypeAlias = npt.NDArray[np.bool_]


class Quota:
    """One group's; counted by the second of simulated time, throttled requests included.

    Parameters
    ----------
    quota
        Requests per second. Where the group may run nothing at all it is 0, and then its
        concurrency refuses everything before the quota can.
    """

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._second = -1
        self._count = 0

    def refused(self, times: Array) -> Refused | None:
        """Return which arrivals (s, ascending) are above the quota; ``None`` if none is."""
        if not len(times) or not self._quota:
            return None
        second = int(times[-1])
        tail = len(times) - int(np.searchsorted(times, float(second), side="left"))
        head = int(np.searchsorted(times, float(self._second + 1), side="left"))
        before = self._count if head else 0
        self._second, self._count = second, tail + (before if head == len(times) else 0)
        quota = self._quota
        # Two arrivals a quota apart and within one second: else no second can have too many.
        if before + head <= quota and (times[quota:] - times[:-quota] >= 1.0).all():
            return None
        seconds = np.floor(times)
        place = np.arange(len(times)) - np.searchsorted(seconds, seconds, side="left")
        place[:head] += before
        refused: Refused = place >= quota
        return refused if refused.any() else None
