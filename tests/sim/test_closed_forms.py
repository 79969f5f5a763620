"""The simulator against queueing theory: |z| < 4 with fixed seeds."""

from __future__ import annotations

from math import sqrt

import pytest

from lambdalab.rules.queueing import (
    alone_cold_probability,
    alone_mean_environments,
    erlang_b,
    mean_concurrency,
)
from lambdalab.sim import Arrivals, Duration, Function, FunctionResult, Scenario, simulate


def run(function: Function, requests: int = 300_000) -> FunctionResult:
    scenario = Scenario([function], requests=requests, warmup=20_000, seed=7)
    return simulate(scenario).functions[function.name]


def z(found: float, wanted: float, count: int, *, inflation: float = 1.0) -> float:
    """Return by how many standard deviations a share of ``count`` trials is off.

    ``inflation`` widens them: losses come in clusters, and are no independent trials.
    """
    return (found - wanted) / (inflation * sqrt(wanted * (1 - wanted) / count))


@pytest.mark.parametrize(("load", "servers"), [(1.0, 1), (10.0, 10), (8.0, 12), (100.0, 100)])
@pytest.mark.parametrize(
    "duration",
    [
        Duration("exponential", mean=1.0),
        Duration("constant", value=1.0),
        Duration("lognormal", mean=1.0, cv=2.0),
    ],
    ids=lambda one: one.kind,
)
def test_losses_follow_erlang_b(load: float, servers: int, duration: Duration) -> None:
    found = run(Function("f", Arrivals(rate=load), duration, reserved=servers))
    # A loss lasts about one duration, in which the load's worth of requests arrives.
    clusters = sqrt(1.0 + load / 2.0)
    share = found.throttled / found.requests
    assert abs(z(share, erlang_b(load, servers), found.requests, inflation=clusters)) < 4


@pytest.mark.parametrize("rate", [0.5, 20.0, 90.0])
def test_unlimited_concurrency_is_rate_times_duration(rate: float) -> None:
    found = run(Function("f", Arrivals(rate=rate), Duration("exponential", mean=2.0)))
    wanted = mean_concurrency(rate, 2.0)
    seconds = found.requests / rate
    # M/M/inf: the concurrency is Poisson, and correlated over one mean duration.
    deviation = sqrt(2.0 * wanted * 2.0 / seconds)
    assert abs(found.mean_concurrency - wanted) < 4 * deviation
    assert found.throttled == 0


def test_littles_law_holds_for_what_was_served() -> None:
    found = run(Function("f", Arrivals(rate=30.0), Duration("lognormal", mean=0.7), reserved=25))
    seconds = found.requests / 30.0
    assert found.mean_concurrency == pytest.approx(found.served / seconds * 0.7, rel=0.01)


@pytest.mark.parametrize("idle_timeout", [0.5, 2.0, 10.0])
def test_one_environment_alone(idle_timeout: float) -> None:
    found = run(Function("f", Arrivals(rate=0.5), reserved=1, idle_timeout=idle_timeout))
    wanted = alone_cold_probability(0.5, idle_timeout)
    assert abs(z(found.cold / found.served, wanted, found.served)) < 4
    alive = alone_mean_environments(0.5, 1.0, idle_timeout)
    assert found.mean_environments == pytest.approx(alive, rel=0.01)


def test_the_curves_are_the_means() -> None:
    found = run(Function("f", Arrivals(rate=5.0), idle_timeout=30.0, provisioned={"live": 3}))
    busy = found.running.mean() + found.provisioned_running.mean()
    assert busy == pytest.approx(found.mean_concurrency, rel=0.02)
    alive = 3 + found.running.mean() + found.idle.mean()
    assert alive == pytest.approx(found.mean_environments, rel=0.02)
