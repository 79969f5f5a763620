"""Counts what comes of requests, block by block, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lambdalab.rules import limits
from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.rules.pricing import Usage, gb_seconds
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.pools import PROVISIONED, Pools
from lambdalab.sim.result import AccountResult, FunctionResult, Result, TracedRequest
from lambdalab.sim.scenario import Scenario
from lambdalab.sim.series import Curve, Histogram
from lambdalab.sim.topology import Topology
from lambdalab.sim.variates import Array

__all__ = ["Tally"]


@dataclass(slots=True)
class _Counts:
    """Of one function; seconds where nothing else is said."""

    running: Curve
    provisioned_running: Curve
    idle_curve: Curve
    requests: int = 0
    cold: int = 0
    served: int = 0
    provisioned: int = 0
    reasons: dict[int, int] = field(default_factory=dict)
    busy: float = 0.0
    provisioned_busy: float = 0.0
    idle: float = 0.0
    billed: float = 0.0
    billed_provisioned: float = 0.0
    latency: Histogram = field(default_factory=Histogram)


class Tally:
    """Begins when the warm-up ends.

    Parameters
    ----------
    pools
        As they are at that moment: what is in flight and idle is counted from here on.
    start
        That moment (s).
    trace
        How many requests to keep one by one.
    """

    def __init__(self, topology: Topology, pools: Pools, start: float, trace: int) -> None:
        self._topology = topology
        self._pools = pools
        self._start = start
        self._left = trace
        self._traced: list[TracedRequest] = []
        self._functions = [
            _Counts(Curve(start), Curve(start), Curve(start)) for _ in topology.functions
        ]
        self._owner = np.array([index for index, _ in topology.keys])
        self._timeouts = np.array([pool.idle_timeout for pool in pools.pools])
        for time, index in pools.departures:
            pool = pools.pools[index if index >= 0 else -1 - index]
            counts = self._functions[pool.function]
            counts.busy += time - start
            counts.provisioned_busy += time - start if index < 0 else 0.0
            curve = counts.running if index >= 0 else counts.provisioned_running
            curve.add(np.array([start]), np.array([time]))
        for pool in pools.pools:
            self._functions[pool.function].idle -= pool.idle_until(start)

    def add(self, block: Block, indices: Indices, outcomes: Array, reasons: Indices) -> None:
        """Count a block of requests.

        Parameters
        ----------
        indices
            The pool of each.
        outcomes
            As :meth:`Pools.run` says them.
        reasons
            Why it was refused; -1 if it was not.
        """
        timeouts = self._timeouts[indices]
        served = reasons < 0
        on_demand = served & (outcomes != PROVISIONED)
        cold = on_demand & (outcomes >= timeouts)
        durations = block.services + np.where(cold, block.inits, 0.0)
        ends = block.times + durations
        known = on_demand & np.isfinite(outcomes)
        idle = np.where(known, np.minimum(outcomes, timeouts), 0.0)
        # The environment had been idle since then; the comparison keeps -inf out.
        since = np.where(known, block.times - np.where(known, outcomes, 0.0), 0.0)
        step = BILLING_STEP.value
        billed = np.maximum(np.ceil(np.round(durations * 1000.0, 3) / step) * step, step) / 1000.0
        for index, counts in enumerate(self._functions):
            # A slice costs nothing, a mask copies.
            mine = slice(None) if len(self._functions) == 1 else block.functions == index
            counts.requests += len(block.times[mine])
            ok, provided = served[mine], served[mine] & ~on_demand[mine]
            counts.served += int(np.count_nonzero(ok))
            counts.cold += int(np.count_nonzero(cold[mine]))
            counts.provisioned += int(np.count_nonzero(provided))
            self._refusals(counts, reasons[mine])
            lasted, began, ended = durations[mine], block.times[mine], ends[mine]
            counts.busy += float(lasted[ok].sum())
            counts.provisioned_busy += float(lasted[provided].sum())
            counts.idle += float(idle[mine].sum())
            counts.billed += float(billed[mine][on_demand[mine]].sum())
            counts.billed_provisioned += float(billed[mine][provided].sum())
            counts.latency.add(lasted[ok])
            counts.running.add(began[on_demand[mine]], ended[on_demand[mine]])
            counts.provisioned_running.add(began[provided], ended[provided])
            rested = known[mine]
            counts.idle_curve.add(since[mine][rested], (since + idle)[mine][rested])
        if self._left:
            self._trace(block, indices, outcomes, cold, reasons)

    @staticmethod
    def _refusals(counts: _Counts, reasons: Indices) -> None:
        refused = reasons[reasons >= 0]
        if len(refused):
            for number, count in enumerate(np.bincount(refused).tolist()):
                counts.reasons[number] = counts.reasons.get(number, 0) + count

    def _trace(
        self, block: Block, indices: Indices, outcomes: Array, cold: Array, reasons: Indices
    ) -> None:
        count = min(self._left, len(block))
        self._left -= count
        for place in range(count):
            index, version = self._topology.keys[indices[place]]
            reason = int(reasons[place])
            self._traced.append(
                TracedRequest(
                    time=float(block.times[place]) - self._start,
                    function=self._topology.functions[index].name,
                    version=version,
                    duration=float(block.services[place]) if reason < 0 else 0.0,
                    init=float(block.inits[place]) if cold[place] else None,
                    provisioned=reason < 0 and bool(outcomes[place] == PROVISIONED),
                    throttle_reason=next(iter(self._topology.reasons({reason: 1})))
                    if reason >= 0
                    else None,
                )
            )

    def result(self, scenario: Scenario, end: float) -> Result:
        """Return what was counted until ``end`` (s); the pools must be settled to it."""
        for time, index in self._pools.departures:
            pool = self._pools.pools[index if index >= 0 else -1 - index]
            counts = self._functions[pool.function]
            counts.busy -= time - end
            counts.provisioned_busy -= time - end if index < 0 else 0.0
        for pool in self._pools.pools:
            counts = self._functions[pool.function]
            counts.idle += pool.idle_until(end)
            for since in pool.last[pool.running :]:
                if since > -np.inf:
                    counts.idle_curve.add(
                        np.array([since]), np.array([min(end, since + pool.idle_timeout)])
                    )
        span = max(end - self._start, 1e-12)
        functions = {
            function.name: self._function(index, span, end)
            for index, function in enumerate(scenario.functions)
        }
        return Result(
            scenario=scenario,
            seconds=end - self._start,
            functions=functions,
            account=AccountResult.of(functions.values()),
            trace=tuple(self._traced),
        )

    def _function(self, index: int, span: float, end: float) -> FunctionResult:
        function, counts = self._topology.functions[index], self._functions[index]
        held = sum(
            count for (owner, _), count in self._topology.provisioned.items() if owner == index
        )
        extra = max(function.ephemeral - limits.EPHEMERAL_MIN.value, 0)
        times, running = counts.running.means(end)
        return FunctionResult(
            requests=counts.requests,
            served=counts.served,
            cold=counts.cold,
            provisioned=counts.provisioned,
            throttled=sum(counts.reasons.values()),
            throttle_reasons=self._topology.reasons(counts.reasons),
            mean_concurrency=counts.busy / span,
            mean_environments=held + self._on_demand(counts, span),
            latency={
                name: counts.latency.percentile(percent)
                for name, percent in (("p50", 50.0), ("p90", 90.0), ("p99", 99.0))
            },
            usage=Usage(
                requests=counts.served,
                compute=gb_seconds(function.memory, counts.billed),
                provisioned_held=gb_seconds(function.memory, held * span),
                provisioned_used=gb_seconds(function.memory, counts.billed_provisioned),
                ephemeral=gb_seconds(extra, counts.billed + counts.billed_provisioned),
                architecture=function.architecture,
            ),
            times=times - self._start,
            running=running,
            provisioned_running=_aligned(counts.provisioned_running, times, end),
            idle=_aligned(counts.idle_curve, times, end),
        )

    @staticmethod
    def _on_demand(counts: _Counts, span: float) -> float:
        return (counts.busy - counts.provisioned_busy + counts.idle) / span


def _aligned(curve: Curve, times: Array, end: float) -> Array:
    """Return another curve's means at the times of the first."""
    own, means = curve.means(end)
    return np.interp(times, own, means) if len(own) else np.zeros(len(times))
