"""What is kept of millions of requests: a latency histogram, and a curve over time."""

from __future__ import annotations

from math import inf

import numpy as np

from lambdalab.sim.variates import Array

__all__ = ["Curve", "Histogram"]

_DECADES = (-5, 6)
"""From 10 microseconds to 11 days."""
_PER_DECADE = 250
"""Neighbouring bounds differ by 0.9 %."""


class Histogram:
    """Counts durations (s) in logarithmic bins, from which percentiles are read."""

    def __init__(self) -> None:
        low, high = _DECADES
        self.counts = np.zeros((high - low) * _PER_DECADE + 1, dtype=np.int64)
        """The first bin holds what is shorter than all others, zero for one."""

    def add(self, values: Array) -> None:
        """Count some durations; shape ``(n,)``."""
        floor = 10.0 ** _DECADES[0]
        places = np.log10(np.maximum(values, floor)) - _DECADES[0]
        bins = np.minimum((places * _PER_DECADE).astype(np.int64) + 1, len(self.counts) - 1)
        bins[values < floor] = 0
        self.counts += np.bincount(bins, minlength=len(self.counts))

    def percentile(self, percent: float) -> float | None:
        """Return the duration (s) that ``percent`` of them do not exceed, to within 1 %."""
        total = int(self.counts.sum())
        if not total:
            return None
        rank = max(1, int(np.ceil(total * percent / 100.0)))
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        if place == 0:
            return 0.0
        return float(10.0 ** (_DECADES[0] + (place - 0.5) / _PER_DECADE))


class Curve:
    """How many intervals are open, as a mean over each of some hundred bins of time.

    Intervals are given once, in any order; when time goes beyond the last bin, bins are
    joined in pairs. Nothing is kept of an interval: of all starts and ends in a bin, only
    their number and their sum, which is enough for the exact mean.
    """

    def __init__(self, start: float, bins: int = 512) -> None:
        self.start = start
        self.width = 0.0
        self._bins = bins
        self._sums = np.zeros((4, bins))
        """Number of starts, their sum, number of ends, their sum (s from ``start``)."""

    def add(self, starts: Array, ends: Array) -> None:
        """Add intervals; shapes ``(n,)``, seconds. What lies before ``start`` is cut off."""
        if not len(starts):
            return
        starts = np.maximum(starts - self.start, 0.0)
        ends = np.maximum(ends - self.start, 0.0)
        self._reach(float(ends.max()))
        for row, moments in ((0, starts), (2, ends)):
            places = np.minimum((moments / self.width).astype(np.int64), self._bins - 1)
            self._sums[row] += np.bincount(places, minlength=self._bins)
            self._sums[row + 1] += np.bincount(places, weights=moments, minlength=self._bins)

    def _reach(self, end: float) -> None:
        if not self.width:
            self.width = max(end, 1e-9) * 1.000001 / self._bins
        while end >= self.width * self._bins:
            pairs = self._sums.reshape(4, self._bins // 2, 2).sum(axis=2)
            self._sums = np.concatenate([pairs, np.zeros_like(pairs)], axis=1)
            self.width *= 2.0

    def means(self, end: float = inf) -> tuple[Array, Array]:
        """Return the bins' beginnings (s) and the mean number open in each, up to ``end``.

        The last bin may reach beyond ``end``; it is left out.
        """
        edges = np.arange(self._bins + 1) * self.width
        before = np.zeros((4, self._bins + 1))
        before[:, 1:] = np.cumsum(self._sums, axis=1)
        area = (before[0] * edges - before[1]) - (before[2] * edges - before[3])
        width = self.width or 1.0
        means = np.diff(area) / width
        whole = self.start + edges[1:] <= end
        starts = (self.start + edges[:-1][whole]).astype(np.float64)
        return starts, np.maximum(means[whole], 0.0).astype(np.float64)
