"""The simulator beside the closed forms it must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

from lambdalab.rules import queueing
from lambdalab.sim import Arrivals, Duration, Function, FunctionResult, Scenario, simulate

__all__ = ["Check", "run"]

_REQUESTS = 500_000
_WARMUP = 20_000
_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One closed form: what it says, what was simulated, and by how many deviations they differ.

    The deviation comes from independent runs with seeds of their own, so that it holds for
    losses as well, which come in clusters.
    """

    what: str
    wanted: float
    found: float
    deviation: float

    @property
    def z(self) -> float:
        """How many standard deviations the mean of the runs is off."""
        return (self.found - self.wanted) / self.deviation if self.deviation else 0.0


Measure = Callable[[FunctionResult], float]


def _check(what: str, wanted: float, function: Function, measure: Measure) -> Check:
    share = _REQUESTS // _BATCHES
    values = []
    for seed in range(1, _BATCHES + 1):
        scenario = Scenario([function], requests=_WARMUP + share, warmup=_WARMUP, seed=seed)
        values.append(measure(simulate(scenario).functions[function.name]))
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return Check(what, wanted, mean, sqrt(variance / len(values)))


def _lost(found: FunctionResult) -> float:
    return found.throttled / found.requests


def _cold(found: FunctionResult) -> float:
    return found.cold / found.served


def run() -> Iterator[Check]:
    """Yield one check after the other; fixed seeds, so always the same."""
    exponential = Duration("exponential", mean=1.0)
    durations = {
        "exponential": exponential,
        "constant": Duration(value=1.0),
        "lognormal": Duration("lognormal", mean=1.0, cv=2.0),
    }
    for load, servers in ((1.0, 1), (10.0, 10), (8.0, 12), (100.0, 100)):
        for name, duration in durations.items():
            function = Function("f", Arrivals(rate=load), duration, reserved=servers)
            yield _check(
                f"Erlang B, load {load:g}, reserved {servers}, {name}: share throttled",
                queueing.erlang_b(load, servers),
                function,
                _lost,
            )
    for rate in (0.5, 20.0, 90.0):
        function = Function("f", Arrivals(rate=rate), Duration("exponential", mean=2.0))
        yield _check(
            f"M/M/∞, {rate:g} requests/s of 2 s: mean concurrency",
            queueing.mean_concurrency(rate, 2.0),
            function,
            lambda found: found.mean_concurrency,
        )
    for idle in (0.5, 2.0, 5.0):
        function = Function("f", Arrivals(rate=0.5), exponential, reserved=1, idle_timeout=idle)
        yield _check(
            f"one environment, idle lifetime {idle:g} s: share of cold starts",
            queueing.alone_cold_probability(0.5, idle),
            function,
            _cold,
        )
        yield _check(
            f"one environment, idle lifetime {idle:g} s: mean environments",
            queueing.alone_mean_environments(0.5, 1.0, idle),
            function,
            lambda found: found.mean_environments,
        )
