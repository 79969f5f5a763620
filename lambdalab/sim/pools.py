"""The pools of execution environments of a scenario, and the loop that runs requests through them.

With most-recently-used routing, one request per environment and one idle lifetime ``T`` per
version, a pool needs no list of environments and no expiry events. With ``n`` requests in
flight, ``last[n]`` is when the environment that would serve the next one became idle:

* a departure at ``t``: ``n -= 1; last[n] = t``
* an arrival at ``t``: it is cold if and only if ``t - last[n] >= T``; then ``n += 1``.

Environments alive are thus the maximum concurrency of the last ``T`` seconds, and a cold
start is a new record within that window. It is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from lambdalab.rules.concurrency import SCALING_BURST, scaling_allowance

__all__ = [
    "COLD_LIMITED",
    "PROVISIONED",
    "THROTTLED",
    "Group",
    "Pool",
    "Pools",
]

THROTTLED = -1.0
"""What the loop says of a request that finds no concurrency left,"""
COLD_LIMITED = -2.0
"""that would need one environment more than the scaling rate allows now,"""
PROVISIONED = -3.0
"""or that a provisioned environment served. Of all others it says how long the environment
had been idle (seconds; ``inf``: there was none)."""


@dataclass(slots=True)
class Group:
    """Pools that share a cap on their on-demand concurrency."""

    cap: int
    running: int = 0


@dataclass(slots=True)
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
    last
        When the environment for the next request became idle, by requests in flight.
    """

    function: int
    group: int
    idle_timeout: float
    provisioned: int = 0
    running: int = 0
    provisioned_running: int = 0
    last: list[float] = field(default_factory=lambda: [-inf])

    def idle_until(self, now: float) -> float:
        """Return how long the environments that are idle now have been idle, in all (s)."""
        return sum(
            min(now - since, self.idle_timeout)
            for since in self.last[self.running :]
            if since > -inf
        )


@dataclass(slots=True)
class Pools:
    """All pools, the groups they share, and the departures to come."""

    pools: list[Pool]
    groups: list[Group]
    departures: list[tuple[float, int]] = field(default_factory=list)
    """A heap of (time, index of the pool); ``-1 - index`` for a provisioned environment."""
    _left: list[float] = field(default_factory=list)
    _looked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        functions = 1 + max(pool.function for pool in self.pools)
        self._left = [float(SCALING_BURST.value)] * functions
        self._looked = [0.0] * functions

    @property
    def simple(self) -> bool:
        """Whether one pool without provisioned concurrency is all there is."""
        return len(self.pools) == 1 and self.pools[0].provisioned == 0

    def run(
        self, times: list[float], indices: list[int], services: list[float], inits: list[float]
    ) -> list[float]:
        """Run a block of requests; return what became of each (see the constants above).

        Parameters
        ----------
        times
            Arrivals in seconds, ascending.
        indices
            The pool each is meant for.
        services
            Duration of each handler (s).
        inits
            Duration of the init, should it be cold (s).
        """
        if self.simple:
            return self._run_one(times, services, inits)
        return self._run_all(times, indices, services, inits)

    def settle(self, now: float) -> None:
        """Let everything depart that is due by ``now``."""
        heap = self.departures
        while heap and heap[0][0] <= now:
            time, index = heappop(heap)
            if index < 0:
                self.pools[-1 - index].provisioned_running -= 1
                continue
            pool = self.pools[index]
            pool.running -= 1
            pool.last[pool.running] = time
            self.groups[pool.group].running -= 1

    def _may_start(self, function: int, now: float) -> bool:
        left = scaling_allowance(self._left[function], now - self._looked[function])
        self._looked[function] = now
        allowed = left >= 1.0
        self._left[function] = left - 1.0 if allowed else left
        return allowed

    def _run_all(
        self, times: list[float], indices: list[int], services: list[float], inits: list[float]
    ) -> list[float]:
        heap, pools, groups = self.departures, self.pools, self.groups
        outcomes: list[float] = []
        said = outcomes.append
        for now, index, service, init in zip(times, indices, services, inits, strict=True):
            while heap and heap[0][0] <= now:
                time, gone = heappop(heap)
                if gone < 0:
                    pools[-1 - gone].provisioned_running -= 1
                else:
                    pool = pools[gone]
                    running = pool.running = pool.running - 1
                    pool.last[running] = time
                    groups[pool.group].running -= 1
            pool = pools[index]
            if pool.provisioned_running < pool.provisioned:
                pool.provisioned_running += 1
                heappush(heap, (now + service, -1 - index))
                said(PROVISIONED)
                continue
            group = groups[pool.group]
            if group.running >= group.cap:
                said(THROTTLED)
                continue
            running = pool.running
            gap = now - pool.last[running]
            if gap < pool.idle_timeout:
                heappush(heap, (now + service, index))
            elif self._may_start(pool.function, now):
                heappush(heap, (now + init + service, index))
            else:
                said(COLD_LIMITED)
                continue
            said(gap)
            running += 1
            pool.running = running
            group.running += 1
            if running == len(pool.last):
                pool.last.append(-inf)
        return outcomes

    def _run_one(
        self, times: list[float], services: list[float], inits: list[float]
    ) -> list[float]:
        """Do the same for a single pool: nothing is looked up, and numbers stay in locals."""
        pool = self.pools[0]
        group = self.groups[pool.group]
        heap = [time for time, _ in self.departures]
        last, timeout, cap = pool.last, pool.idle_timeout, group.cap
        running, length = pool.running, len(pool.last)
        outcomes: list[float] = []
        said = outcomes.append
        for now, service, init in zip(times, services, inits, strict=True):
            while heap and heap[0] <= now:
                running -= 1
                last[running] = heappop(heap)
            if running >= cap:
                said(THROTTLED)
                continue
            gap = now - last[running]
            if gap < timeout:
                heappush(heap, now + service)
            elif self._may_start(pool.function, now):
                heappush(heap, now + init + service)
            else:
                said(COLD_LIMITED)
                continue
            said(gap)
            running += 1
            if running == length:
                last.append(-inf)
                length += 1
        pool.running = group.running = running
        self.departures = [(time, 0) for time in heap]
        return outcomes
