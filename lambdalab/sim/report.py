"""From what was counted to a result."""

from __future__ import annotations

from lambdalab.rules import limits
from lambdalab.rules.pricing import Usage, gb_seconds
from lambdalab.sim import series
from lambdalab.sim.outcomes import CAUSES, reason
from lambdalab.sim.result import AccountResult, Counts, FunctionResult, Result, TracedRequest
from lambdalab.sim.scenario import Scenario
from lambdalab.sim.tally import Tally
from lambdalab.sim.topology import Topology

__all__ = ["report"]


def report(
    scenario: Scenario,
    topology: Topology,
    tally: Tally,
    end: float,
    trace: tuple[TracedRequest, ...],
) -> Result:
    """Return what was counted until ``end`` (s)."""
    functions = {
        function.name: _function(index, topology, tally, end)
        for index, function in enumerate(scenario.functions)
    }
    return Result(
        scenario=scenario,
        seconds=end - tally.start,
        functions=functions,
        account=AccountResult.of(functions.values()),
        trace=trace,
    )


def _function(index: int, topology: Topology, tally: Tally, end: float) -> FunctionResult:
    function, curves = topology.functions[index], tally.curves
    counts, seconds = tally.totals[index].astype(int).tolist(), tally.totals[index].tolist()
    span = max(end - tally.start, 1e-12)
    held = topology.held(index)
    causes: dict[str, int] = {}
    reasons: dict[str, int] = {}
    in_bins: dict[str, Counts] = {}
    for number, cause in enumerate(CAUSES):
        row = series.LIMITED + number
        found = curves.total(index, row)
        if not found:
            continue
        name = reason(cause, reserved=bool(topology.reserved[index])).value
        causes[cause.value] = found
        reasons[name] = reasons.get(name, 0) + found
        binned = curves.counts(index, row, end)
        in_bins[name] = binned + in_bins[name] if name in in_bins else binned
    on_demand = seconds[series.BUSY] - seconds[series.BUSY_PROVISIONED]
    extra = max(function.ephemeral - limits.EPHEMERAL_MIN.value, 0)
    billed, billed_provisioned = seconds[series.BILLED], seconds[series.BILLED_PROVISIONED]
    return FunctionResult(
        requests=counts[series.REQUESTS],
        served=counts[series.SERVED],
        cold=curves.total(index, series.COLD),
        provisioned=counts[series.PROVISIONED_COUNT],
        throttled=sum(causes.values()),
        throttle_reasons=reasons,
        throttle_causes=causes,
        mean_concurrency=seconds[series.BUSY] / span,
        mean_environments=held + (on_demand + seconds[series.IDLE_TIME]) / span,
        latency={
            name: tally.latency.percentile(index, percent)
            for name, percent in (("p50", 50.0), ("p90", 90.0), ("p99", 99.0))
        },
        usage=Usage(
            requests=counts[series.SERVED],
            compute=gb_seconds(function.memory, billed),
            provisioned_held=gb_seconds(function.memory, held * span),
            provisioned_used=gb_seconds(function.memory, billed_provisioned),
            ephemeral=gb_seconds(extra, billed + billed_provisioned),
            architecture=function.architecture,
        ),
        times=curves.times(end),
        running=curves.means(index, series.RUNNING, end),
        provisioned_running=curves.means(index, series.PROVISIONED_RUNNING, end),
        idle=curves.means(index, series.IDLE, end),
        cold_starts=curves.counts(index, series.COLD, end),
        throttles=in_bins,
    )
