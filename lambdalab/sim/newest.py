"""Pools that prefer the environment created last, as SimFaaS does.

AWS does not publish which of several idle environments gets a request. With this rule an
environment has a name of its own, and each pool keeps a list; it is slower, and there to
be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

import numpy as np

from lambdalab.sim.arrivals import Indices
from lambdalab.sim.outcomes import PROVISIONED, SCALING_LIMITED, THROTTLED
from lambdalab.sim.pools import Layout, Pools
from lambdalab.sim.variates import Array

__all__ = ["NewestPools"]


class NewestPools(Pools):
    """As :class:`~lambdalab.sim.pools.Pools`, but for which environment is next."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._busy: list[list[tuple[float, int]]] = [[] for _ in layout.pools]
        """Heaps of (departure, number of the environment in the order of their making)."""
        self._resting: list[list[tuple[int, float]]] = [[] for _ in layout.pools]
        """Heaps of (minus that number, idle since)."""
        self._expired: list[list[float]] = [[] for _ in layout.pools]
        self._made = 0

    def in_flight(self) -> Iterator[tuple[int, bool, Array]]:
        """Yield pool, whether provisioned, and when each of its requests will depart (s)."""
        for index, busy in enumerate(self._busy):
            yield index, False, np.array([time for time, _ in busy])
        yield from (one for one in super().in_flight() if one[1])

    def idle(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when each environment is idle (s); some may have expired."""
        for index, resting in enumerate(self._resting):
            yield index, np.array([since for _, since in resting])

    def forgotten(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when environments were idle that were found expired."""
        for index, expired in enumerate(self._expired):
            if expired:
                yield index, np.array(expired)
                expired.clear()

    def _settle(self, index: int, now: float) -> None:
        busy, resting = self._busy[index], self._resting[index]
        while busy and busy[0][0] <= now:
            time, number = heappop(busy)
            heappush(resting, (-number, time))
            self._loads[self.layout.pools[index].group] -= 1

    def _loop(self, times: Array, indices: Indices, ends: Array, late: Array) -> Array:
        rows = zip(times.tolist(), indices.tolist(), ends.tolist(), late.tolist(), strict=True)
        return np.array([self._one(*row) for row in rows])

    def _one(self, now: float, index: int, end: float, cold_end: float) -> float:
        pool, ready = self.layout.pools[index], self._ready[index]
        while ready[0] <= now:
            heappop(ready)
        if len(ready) <= pool.provisioned:
            heappush(ready, end)
            return PROVISIONED
        self._settle(index, now)
        if self._loads[pool.group] >= self.layout.caps[pool.group] and not self._room(
            pool.group, now
        ):
            return THROTTLED
        number, gap = self._take(index, now)
        if gap == inf:
            if not self._may_start(pool.function, now):
                return SCALING_LIMITED
            self._made += 1
            number, end = self._made, cold_end
        heappush(self._busy[index], (end, number))
        self._loads[pool.group] += 1
        return gap

    def _take(self, index: int, now: float) -> tuple[int, float]:
        """Return the newest idle environment and how long it was; ``inf`` if there is none."""
        resting = self._resting[index]
        while resting:
            number, since = heappop(resting)
            if now - since < self.layout.pools[index].idle_timeout:
                return -number, now - since
            self._expired[index].append(since)
        return 0, inf
