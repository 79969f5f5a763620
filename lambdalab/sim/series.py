"""What is kept of millions of requests: sums, a latency histogram, curves over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lambdalab.sim.outcomes import CAUSES
from lambdalab.sim.variates import Array

__all__ = ["Curves", "Histogram"]

# Columns of the sums: counts, and seconds.
REQUESTS, SERVED, PROVISIONED_COUNT = 0, 1, 2
BUSY, BUSY_PROVISIONED, IDLE_TIME, BILLED, BILLED_PROVISIONED = 3, 4, 5, 6, 7
COLUMNS = 8

# Rows of the curves. Intervals have four: number of beginnings in each bin, sum of how far
# into the bin they lie (s), number of ends, sum of theirs. Moments have one.
RUNNING, PROVISIONED_RUNNING, IDLE = 0, 4, 8
COLD = 12
LIMITED = 13
ROWS = LIMITED + len(CAUSES)

HISTOGRAM_SHIFT = 45
"""Leaves 7 binary digits of a number and its exponent: neighbouring bins differ by 0.8 %."""
_OCTAVES = (-17, 21)
"""From 8 microseconds to 24 days."""
HISTOGRAM_BASE = ((1023 + _OCTAVES[0]) << 7) - 1
HISTOGRAM_BINS = ((_OCTAVES[1] - _OCTAVES[0]) << 7) + 1


class Histogram:
    """Counts durations (s) in logarithmic bins, from which percentiles are read.

    The first bin holds what is shorter than all others, zero for one.
    """

    def __init__(self, functions: int) -> None:
        self.counts = np.zeros((functions, HISTOGRAM_BINS), dtype=np.int64)
        self.sums = np.zeros((functions, HISTOGRAM_BINS))

    def add(self, function: int, values: Array) -> None:
        """Count some durations of a function; shape ``(n,)``."""
        bins = (values.view(np.int64) >> HISTOGRAM_SHIFT) - HISTOGRAM_BASE
        np.clip(bins, 0, HISTOGRAM_BINS - 1, out=bins)
        self.counts[function] += np.bincount(bins, minlength=HISTOGRAM_BINS)
        self.sums[function] += np.bincount(bins, weights=values, minlength=HISTOGRAM_BINS)

    def percentile(self, function: int, percent: float) -> float | None:
        """Return the duration (s) that ``percent`` of them do not exceed, to within 1 %."""
        counts = self.counts[function]
        total = int(counts.sum())
        if not total:
            return None
        rank = max(1, int(np.ceil(total * percent / 100.0)))
        place = int(np.searchsorted(np.cumsum(counts), rank))
        return float(self.sums[function, place] / counts[place])


class Curves:
    """How many intervals are open, and how many moments fall, in each of some hundred bins.

    When time goes beyond the last bin, bins are joined in pairs. Nothing is kept of an
    interval but its share of the counts and sums of two bins, which is enough for the exact
    mean. An end beyond the last bin waits until time has come so far.
    """

    def __init__(self, functions: int, start: float, bins: int = 512) -> None:
        self.start = start
        self.width = 0.0
        self.bins = bins
        self.values = np.zeros((functions, ROWS, bins))
        self._waiting: list[tuple[int, int, Array]] = []

    @property
    def horizon(self) -> float:
        """Where the last bin ends (s)."""
        return self.start + self.width * self.bins

    def reach(self, now: float) -> None:
        """Make room for moments until ``now`` (s), and take in the ends that waited for it."""
        since = now - self.start
        if not self.width:
            self.width = max(since, 1e-9) * 1.000001 / self.bins
        elif since < self.width * self.bins:
            return
        while since >= self.width * self.bins:
            left, right = self.values[:, :, 0::2], self.values[:, :, 1::2].copy()
            for row in (RUNNING, PROVISIONED_RUNNING, IDLE):
                for count in (row, row + 2):
                    right[:, count + 1] += right[:, count] * self.width
            self.values = np.concatenate([left + right, np.zeros_like(right)], axis=2)
            self.width *= 2.0
        waiting, self._waiting = self._waiting, []
        for function, row, ends in waiting:
            self.ends(function, row, ends)

    def ascending(self, function: int, row: int, times: Array) -> None:
        """Add beginnings or ends in ascending order (s): far quicker than in any order."""
        if not len(times):
            return
        since = np.maximum(times - self.start, 0.0)
        first, last = self._places(since[[0, -1]]).tolist()
        places = np.arange(first, last + 1)
        begins = np.searchsorted(since, places[1:] * self.width, side="left")
        begins = np.concatenate([[0], begins])
        numbers = np.diff(begins, append=len(since))
        filled = numbers > 0
        places, begins, numbers = places[filled], begins[filled], numbers[filled]
        counts = self.values[function]
        counts[row, places] += numbers
        counts[row + 1, places] += np.add.reduceat(since, begins) - numbers * places * self.width

    def intervals(self, function: int, row: int, starts: Array, ends: Array) -> None:
        """Add intervals; seconds, shapes ``(n,)``. What lies before the beginning is cut off."""
        if len(starts):
            self._mark(function, row, starts)
            self.ends(function, row + 2, ends)

    def starts(self, function: int, row: int, starts: Array) -> None:
        """Add beginnings of intervals whose ends are added apart."""
        self._mark(function, row, starts)

    def ends(self, function: int, row: int, ends: Array) -> None:
        """Add ends of intervals; ``row`` is that of their number."""
        beyond = ends >= self.horizon
        if beyond.any():
            self._waiting.append((function, row, ends[beyond]))
            ends = ends[~beyond]
        self._mark(function, row, ends)

    def wait(self, function: int, rows: npt.NDArray[np.int64], ends: Array) -> None:
        """Keep ends of intervals beyond the last bin; ``rows`` are those of their numbers."""
        for row in (RUNNING, PROVISIONED_RUNNING):
            mine = ends[rows == row + 2]
            if len(mine):
                self._waiting.append((function, row + 2, mine))

    def moments(self, function: int, row: int, times: Array) -> None:
        """Count moments (s)."""
        if len(times):
            places = self._places(times - self.start)
            self.values[function, row] += np.bincount(places, minlength=self.bins)

    def _mark(self, function: int, row: int, moments: Array) -> None:
        since = np.maximum(moments - self.start, 0.0)
        places = self._places(since)
        counts = self.values[function]
        counts[row] += np.bincount(places, minlength=self.bins)
        counts[row + 1] += np.bincount(
            places, weights=since - places * self.width, minlength=self.bins
        )

    def _places(self, since: Array) -> npt.NDArray[np.int64]:
        places: npt.NDArray[np.int64] = (since * (1.0 / self.width)).astype(np.int64)
        return np.minimum(places, self.bins - 1, out=places)

    def whole(self, end: float) -> int:
        """Return how many bins lie before ``end`` (s) as a whole."""
        return min(int((end - self.start) / self.width + 1e-9), self.bins) if self.width else 0

    def times(self, end: float) -> Array:
        """Return where the bins begin, in seconds from the beginning of all."""
        return np.arange(self.whole(end), dtype=np.float64) * np.float64(self.width)

    def means(self, function: int, row: int, end: float) -> Array:
        """Return the mean number of open intervals in each bin before ``end`` (s)."""
        bins = self.whole(end)
        starts, into, ends, before = self.values[function, row : row + 4, :bins]
        opened = np.cumsum(starts - ends) - (starts - ends)
        width = self.width or 1.0
        means: Array = opened + (starts - into / width) - (ends - before / width)
        return np.maximum(means, 0.0, out=means)

    def counts(self, function: int, row: int, end: float) -> npt.NDArray[np.int64]:
        """Return how many moments fell in each bin before ``end`` (s)."""
        return self.values[function, row, : self.whole(end)].astype(np.int64)

    def total(self, function: int, row: int) -> int:
        """Return how many moments there were."""
        return int(self.values[function, row].sum())
