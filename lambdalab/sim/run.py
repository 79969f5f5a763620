"""Runs a scenario: draws requests, sends them through the pools, keeps what is asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lambdalab.rules.concurrency import requests_per_second
from lambdalab.rules.errors import ThrottleReason
from lambdalab.sim.arrivals import Block, Indices, merged
from lambdalab.sim.pools import COLD_LIMITED, THROTTLED, Pools
from lambdalab.sim.result import Result
from lambdalab.sim.scenario import Scenario
from lambdalab.sim.tally import Tally
from lambdalab.sim.topology import Topology
from lambdalab.sim.variates import Array

__all__ = ["simulate"]

Progress = Callable[[int, int], None]


class _RateQuota:
    """The requests-per-second quota: which requests of a block are above it.

    Counted by the second of simulated time, throttled requests included.
    """

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._second = -1
        self._count = 0

    def admits(self, times: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return for each arrival (s, ascending) whether it is within the quota."""
        seconds = np.floor(times).astype(np.int64)
        first = np.searchsorted(seconds, seconds, side="left")
        place = np.arange(len(times)) - first
        if len(times) and seconds[0] == self._second:
            place[: int(np.searchsorted(seconds, self._second, side="right"))] += self._count
        if len(times):
            self._second = int(seconds[-1])
            self._count = int(place[-1]) + 1
        admitted: np.ndarray[tuple[int], np.dtype[np.bool_]] = place < self._quota
        return admitted


def simulate(scenario: Scenario, *, trace: int = 0, progress: Progress | None = None) -> Result:
    """Run a scenario and return what came of it.

    Parameters
    ----------
    trace
        How many of the counted requests to keep one by one, for drawing; the first ones.
    progress
        Called now and then with the requests done and the requests in all.

    Raises
    ------
    ScenarioError
        A parameter makes no sense.
    """
    scenario.check()
    topology = Topology(scenario)
    pools = topology.pools()
    quotas = [_RateQuota(requests_per_second(cap)) for cap in topology.rate_caps]
    tally: Tally | None = None
    done, now = 0, 0.0
    for drawn in merged(scenario.functions, scenario.seed):
        block = drawn.part(slice(0, scenario.requests - done))
        parts = [block]
        if done < scenario.warmup <= done + len(block):
            cut = scenario.warmup - done
            parts = [block.part(slice(0, cut)), block.part(slice(cut, None))]
        for part in parts:
            if tally is None and done == scenario.warmup:
                pools.settle(now)
                tally = Tally(topology, pools, now, trace)
            if not len(part):
                continue
            indices, outcomes, reasons = _pass(part, topology, pools, quotas)
            now = float(part.times[-1])
            done += len(part)
            if tally is not None:
                tally.add(part, indices, outcomes, reasons)
        if progress is not None:
            progress(done, scenario.requests)
        if done >= scenario.requests:
            break
    if tally is None:  # the traces ended within the warm-up
        pools.settle(now)
        tally = Tally(topology, pools, now, trace)
    pools.settle(now)
    return tally.result(scenario, now)


def _pass(
    block: Block, topology: Topology, pools: Pools, quotas: list[_RateQuota]
) -> tuple[Indices, Array, Indices]:
    """Return the pool, the outcome and the throttle reason (index; -1 for none) of each request."""
    indices = _pool_of(block, topology)
    reasons = np.full(len(block), -1)
    within = np.ones(len(block), dtype=bool)
    for function, quota in enumerate(quotas):
        mine = block.functions == function
        within[mine] = quota.admits(block.times[mine])
    outcomes = np.full(len(block), THROTTLED)
    run = block if within.all() else block.part(within)
    said = pools.run(
        run.times.tolist(),
        indices[within].tolist(),
        run.services.tolist(),
        run.inits.tolist(),
    )
    outcomes[within] = said
    by_rate = np.array([topology.reason(reason) for reason in _RATE])
    by_concurrency = np.array([topology.reason(reason) for reason in _CONCURRENT])
    reserved = topology.reserved[block.functions].astype(np.int64)
    reasons[~within] = by_rate[reserved[~within]]
    refused = within & ((outcomes == THROTTLED) | (outcomes == COLD_LIMITED))
    reasons[refused] = by_concurrency[reserved[refused]]
    # Past the scaling rate the service names the account's reason, reserved or not.
    reasons[within & (outcomes == COLD_LIMITED)] = topology.reason(ThrottleReason.CONCURRENT)
    outcomes[~within] = THROTTLED
    return indices, outcomes, reasons


_RATE = (ThrottleReason.RATE, ThrottleReason.RESERVED_RATE)
_CONCURRENT = (ThrottleReason.CONCURRENT, ThrottleReason.RESERVED_CONCURRENT)


def _pool_of(block: Block, topology: Topology) -> Indices:
    indices: Indices = topology.primary[block.functions]
    for function, alias in topology.weighted.items():
        mine = block.functions == function
        # choose_version for many draws at once: an alias weighs one version besides its own.
        for version, weight in alias.weights.items():
            indices[mine & (block.draws < weight)] = topology.pool(function, version)
    return indices
