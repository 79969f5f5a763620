"""The pools of execution environments of a scenario, and the loop that runs requests through them.

With most-recently-used routing, one request per environment and one idle lifetime ``T`` per
version, a pool needs no list of environments and no expiry events. With ``n`` requests in
flight, ``last[n]`` is when the environment that would serve the next one became idle:

* a departure at ``t``: ``n -= 1; last[n] = t``
* an arrival at ``t``: it is cold if and only if ``t - last[n] >= T``; then ``n += 1``.

Environments alive are thus the maximum concurrency of the last ``T`` seconds, and a cold
start is a new record within that window. It is exact.

A pool looks at its departures only when a request arrives for it, or when its group seems
full: what it writes down then does not depend on when it looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from typing import Protocol

import numpy as np

from lambdalab.rules.concurrency import SCALING_BURST, scaling_allowance
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.outcomes import PROVISIONED, RATE_LIMITED, SCALING_LIMITED, THROTTLED
from lambdalab.sim.quota import Quota, Refused
from lambdalab.sim.variates import Array

__all__ = ["Layout", "Pool", "Pools", "State"]


@dataclass(frozen=True, slots=True)
class Pool:
    """Environments of one version of one function.

    Attributes
    ----------
    function
        Index of its function.
    group
        Index of the group whose cap it lives under.
    idle_timeout
        Seconds.
    provisioned
        Environments that are always there, and tried first.
    """

    function: int
    group: int
    idle_timeout: float
    provisioned: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """All pools of a scenario and what limits them.

    Attributes
    ----------
    pools
        One for each version that serves.
    caps
        On-demand concurrency of each group of pools.
    quotas
        Requests per second of each group.
    """

    pools: Sequence[Pool]
    caps: Sequence[int]
    quotas: Sequence[int]

    @property
    def functions(self) -> int:
        """How many functions there are."""
        return 1 + max(pool.function for pool in self.pools)


class State(Protocol):
    """Pools with requests in flight: one of several implementations of the same rules."""

    layout: Layout

    def run(self, block: Block, indices: Indices) -> Array:
        """Run a block of requests, each meant for the pool of that index; say what became of each.

        The answer is in numbers of :mod:`lambdalab.sim.outcomes`; shape ``(n,)``.
        """
        ...

    def settle(self, now: float) -> None:
        """Let everything depart that is due by ``now`` (s)."""
        ...

    def in_flight(self) -> Iterator[tuple[int, bool, Array]]:
        """Yield pool, whether provisioned, and when each of its requests will depart (s)."""
        ...

    def idle(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when each environment is idle (s); some may have expired."""
        ...

    def forgotten(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when environments were idle that expired unmentioned by ``run``.

        Each is told once.
        """
        ...


class Pools:
    """The pools as lists: plain Python."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        # Infinity at the end of a heap: there is always something to compare with.
        self._heaps: list[list[float]] = [[inf] for _ in layout.pools]
        self._ready: list[list[float]] = [[inf] for _ in layout.pools]
        self._last: list[list[float]] = [[] for _ in layout.pools]
        self._loads = [0] * len(layout.caps)
        self._left = [float(SCALING_BURST.value)] * layout.functions
        self._looked = [0.0] * layout.functions
        self._quotas = [Quota(quota) for quota in layout.quotas]
        self._groups = np.array([pool.group for pool in layout.pools])

    def run(self, block: Block, indices: Indices) -> Array:
        """Run a block of requests."""
        refused = self._above_quota(block.times, indices)
        ends = block.times + block.services
        late = ends + block.inits
        if refused is None:
            return self._loop(block.times, indices, ends, late)
        outcomes = np.full(len(block), RATE_LIMITED)
        within = ~refused
        outcomes[within] = self._loop(
            block.times[within], indices[within], ends[within], late[within]
        )
        return outcomes

    def _above_quota(self, times: Array, indices: Indices) -> Refused | None:
        if len(self._quotas) == 1:
            return self._quotas[0].refused(times)
        found: Refused | None = None
        groups = self._groups[indices]
        for group, quota in enumerate(self._quotas):
            mine = groups == group
            refused = quota.refused(times[mine])
            if refused is not None:
                found = np.zeros(len(times), dtype=np.bool_) if found is None else found
                found[mine] = refused
        return found

    def _loop(self, times: Array, indices: Indices, ends: Array, late: Array) -> Array:
        alone = len(self.layout.pools) == 1 and not self.layout.pools[0].provisioned
        if alone and bool((ends > times).all()):
            said = self._run_one(times.tolist(), ends.tolist(), late)
        else:
            said = self._run_all(times.tolist(), indices.tolist(), ends.tolist(), late)
        return np.fromiter(said, float, len(said))

    def settle(self, now: float) -> None:
        """Let everything depart that is due by ``now`` (s)."""
        for index in range(len(self._heaps)):
            self._settle(index, now)
            ready = self._ready[index]
            while ready[0] <= now:
                heappop(ready)

    def in_flight(self) -> Iterator[tuple[int, bool, Array]]:
        """Yield pool, whether provisioned, and when each of its requests will depart (s)."""
        for kind, heaps in ((False, self._heaps), (True, self._ready)):
            for index, heap in enumerate(heaps):
                yield index, kind, np.array([time for time in heap if time < inf])

    def idle(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when each environment is idle (s); some may have expired."""
        for index, last in enumerate(self._last):
            yield index, np.array(last[len(self._heaps[index]) - 1 :])

    def forgotten(self) -> Iterator[tuple[int, Array]]:
        """Yield nothing: an environment that expired stays in its place until it is replaced."""
        yield from ()

    def _settle(self, index: int, now: float) -> None:
        heap, last = self._heaps[index], self._last[index]
        gone = 0
        while heap[0] <= now:
            time = heappop(heap)
            last[len(heap) - 1] = time
            gone += 1
        self._loads[self.layout.pools[index].group] -= gone

    def _room(self, group: int, now: float) -> bool:
        """Look again, at all departures of a group that seems full."""
        for index, pool in enumerate(self.layout.pools):
            if pool.group == group:
                self._settle(index, now)
        return self._loads[group] < self.layout.caps[group]

    def _may_start(self, function: int, now: float) -> bool:
        left = scaling_allowance(self._left[function], now - self._looked[function])
        self._looked[function] = now
        allowed = left >= 1.0
        self._left[function] = left - 1.0 if allowed else left
        return allowed

    def _run_all(
        self, times: list[float], indices: list[int], ends: list[float], late: Array
    ) -> list[float]:
        # Cold starts are few: their ends are looked up, by how many requests came before.
        heaps, lasts, readies, loads = self._heaps, self._last, self._ready, self._loads
        caps = self.layout.caps
        held = [pool.provisioned for pool in self.layout.pools]
        timeouts = [pool.idle_timeout for pool in self.layout.pools]
        groups = [pool.group for pool in self.layout.pools]
        functions = [pool.function for pool in self.layout.pools]
        outcomes: list[float] = []
        said = outcomes.append
        for now, index, end in zip(times, indices, ends, strict=True):
            if held[index]:
                ready = readies[index]
                while ready[0] <= now:
                    heappop(ready)
                if len(ready) <= held[index]:
                    heappush(ready, end)
                    said(PROVISIONED)
                    continue
            group = groups[index]
            heap = heaps[index]
            last = lasts[index]
            while heap[0] <= now:
                time = heappop(heap)
                last[len(heap) - 1] = time
                loads[group] -= 1
            if loads[group] >= caps[group] and not self._room(group, now):
                said(THROTTLED)
                continue
            try:
                gap = now - last[len(heap) - 1]
            except IndexError:
                last.append(-inf)
                gap = inf
            if gap < timeouts[index]:
                heappush(heap, end)
            elif self._may_start(functions[index], now):
                heappush(heap, float(late[len(outcomes)]))
            else:
                said(SCALING_LIMITED)
                continue
            said(gap)
            loads[group] += 1
        return outcomes

    def _run_one(self, times: list[float], ends: list[float], late: Array) -> list[float]:
        """Do the same for a single pool: nothing is looked up, and numbers stay in locals.

        Every request must last some time.
        """
        pool = self.layout.pools[0]
        heap, last = self._heaps[0], self._last[0]
        timeout, cap = pool.idle_timeout, self.layout.caps[pool.group]
        running = len(heap) - 1
        outcomes: list[float] = []
        said = outcomes.append
        for now, end in zip(times, ends, strict=True):
            if heap[0] <= now:
                # One departs as one arrives: a heap does both in one step.
                running -= 1
                last[running] = heapreplace(heap, end)
                while heap[0] <= now:
                    running -= 1
                    last[running] = heappop(heap)
                gap = now - last[running]
                if gap < timeout:
                    said(gap)
                    running += 1
                    continue
                heap.remove(end)
                heapify(heap)
            elif running >= cap:
                said(THROTTLED)
                continue
            else:
                try:
                    gap = now - last[running]
                except IndexError:
                    last.append(-inf)
                    gap = inf
                if gap < timeout:
                    heappush(heap, end)
                    said(gap)
                    running += 1
                    continue
            if self._may_start(pool.function, now):
                heappush(heap, float(late[len(outcomes)]))
                said(gap)
                running += 1
            else:
                said(SCALING_LIMITED)
        self._loads[pool.group] = running
        return outcomes
