"""What must hold of every scenario, whatever its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.rules.lifecycle import billed_ms
from lambdalab.rules.routing import choose_version
from lambdalab.sim import (
    Account,
    Alias,
    Arrivals,
    Duration,
    Function,
    FunctionResult,
    Scenario,
    simulate,
)
from lambdalab.sim.arrivals import merged
from lambdalab.sim.tally import billed
from lambdalab.sim.topology import Topology

seconds = st.floats(0.01, 5.0)
arrivals = st.one_of(
    st.builds(Arrivals, st.just("poisson"), rate=st.floats(0.1, 200.0)),
    st.builds(Arrivals, st.just("constant"), rate=st.floats(0.1, 200.0)),
    st.builds(
        Arrivals,
        st.just("burst"),
        rate=st.just(0.0) | st.floats(0.01, 50.0),
        every=st.floats(0.5, 20.0),
        size=st.integers(1, 300),
    ),
    st.builds(
        Arrivals,
        st.just("ramp"),
        rate=st.just(0.0) | st.floats(0.01, 100.0),
        to=st.floats(0.1, 300.0),
        over=st.floats(0.1, 60.0),
    ),
)
durations = st.one_of(
    st.builds(Duration, st.just("constant"), value=seconds),
    st.builds(Duration, st.just("exponential"), mean=seconds),
    st.builds(Duration, st.just("lognormal"), mean=seconds, cv=st.floats(0.1, 3.0)),
    st.builds(
        Duration, st.just("empirical"), values=st.lists(seconds, min_size=1, max_size=5).map(tuple)
    ),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    functions = []
    for name in "abc"[: draw(st.integers(1, 3))]:
        reserved = draw(st.none() | st.integers(0, 40))
        room = 10 if reserved is None else min(reserved, 10)
        held = draw(st.integers(0, room))
        functions.append(
            Function(
                name,
                draw(arrivals),
                draw(durations),
                draw(durations),
                idle_timeout=draw(st.floats(0.1, 100.0)),
                reserved=reserved,
                provisioned={"live": held} if held else {},
            )
        )
    return Scenario(
        functions,
        Account(limit=draw(st.integers(250, 400))),
        requests=2_000,
        warmup=draw(st.sampled_from([0, 1, 500])),
        seed=draw(st.integers(0, 2**40)),
    )


@settings(deadline=None, max_examples=60)
@given(scenario=scenarios())
def test_nothing_is_lost_and_no_limit_is_passed(scenario: Scenario) -> None:
    result = simulate(scenario)
    assert result.account.requests == scenario.requests - scenario.warmup
    for function in scenario.functions:
        found = result.functions[function.name]
        assert found.requests == found.served + found.throttled
        assert 0 <= found.cold + found.provisioned <= found.served
        assert sum(found.throttle_reasons.values()) == found.throttled
        assert sum(found.throttle_causes.values()) == found.throttled
        held = sum(function.provisioned.values())
        most = scenario.account.limit if function.reserved is None else function.reserved
        assert found.running.max(initial=0.0) <= most - held + 1e-6
        assert found.provisioned_running.max(initial=0.0) <= held + 1e-6
        assert -1e-9 <= found.mean_concurrency <= most + 1e-6
        assert found.mean_concurrency <= found.mean_environments + 1e-6
        assert found.cold_starts.sum() <= found.cold
    unreserved = [result.functions[one.name] for one in scenario.functions if one.reserved is None]
    if unreserved:
        together = sum((one.running + one.provisioned_running for one in unreserved), start=0.0)
        reserved = sum(one.reserved or 0 for one in scenario.functions)
        assert np.max(together, initial=0.0) <= scenario.account.limit - reserved + 1e-6


@settings(deadline=None, max_examples=40)
@given(
    arrivals=arrivals,
    duration=durations,
    reserved=st.lists(st.integers(0, 60), min_size=2, max_size=4).map(sorted),
    seed=st.integers(0, 1000),
)
def test_more_reserved_never_throttles_more(
    arrivals: Arrivals, duration: Duration, reserved: list[int], seed: int
) -> None:
    function = Function("f", arrivals, duration)

    def throttled(count: int) -> int:
        scenario = Scenario(
            [replace(function, reserved=count)], requests=1_500, warmup=0, seed=seed
        )
        return simulate(scenario).account.throttled

    found = [throttled(count) for count in reserved]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    "change", [{"reserved": 5}, {"idle_timeout": 3.0}, {"memory": 512}, {"provisioned": {"1": 3}}]
)
def test_a_slider_moves_the_result_and_not_the_draws(change: dict[str, object]) -> None:
    function = Function("f", Arrivals(rate=20.0), Duration("lognormal", mean=0.4))
    before = Scenario([function], requests=5_000, warmup=100)
    after = Scenario([replace(function, **change)], requests=5_000, warmup=100)  # type: ignore[arg-type]
    first, second = (simulate(one, trace=500).trace for one in (before, after))
    assert [one.time for one in first] == [one.time for one in second]
    both = [
        (one.duration, two.duration)
        for one, two in zip(first, second, strict=True)
        if one.throttle_reason is None and two.throttle_reason is None
    ]
    assert len(both) > 100
    assert all(one == two for one, two in both)


def test_another_function_leaves_the_draws_of_the_first_alone() -> None:
    first = Function("f", Arrivals(rate=20.0))
    other = Function("g", Arrivals(rate=35.0))
    alone = simulate(Scenario([first], requests=4_000, warmup=0), trace=4_000).trace
    shared = simulate(Scenario([other, first], requests=4_000, warmup=0), trace=3_000).trace
    mine = [(one.time, one.duration) for one in shared if one.function == "f"]
    assert mine == [(one.time, one.duration) for one in alone][: len(mine)]


def test_the_same_seed_gives_the_same_result_and_another_seed_another() -> None:
    def found(seed: int) -> FunctionResult:
        function = Function("f", Arrivals(rate=20.0), reserved=20)
        return simulate(Scenario([function], requests=5_000, seed=seed, warmup=0)).functions["f"]

    assert found(3).to_json() == found(3).to_json()
    assert found(3).throttled != found(4).throttled


def test_weighted_aliases_go_where_the_rulebook_says() -> None:
    alias = Alias("7", {"8": 0.3})
    scenario = Scenario([Function("f", aliases={"live": alias}, target="live")], requests=3_000)
    topology = Topology(scenario)
    block = next(merged(scenario.functions, scenario.seed))
    found = [topology.keys[place][1] for place in topology.pool_of(block)[:3_000]]
    wanted = [choose_version("7", alias.weights, draw) for draw in block.draws[:3_000].tolist()]
    assert found == wanted
    assert 0.25 < found.count("8") / len(found) < 0.35


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1_000.0), min_size=1, max_size=50))
def test_what_is_billed_follows_the_rulebook(durations: list[float]) -> None:
    found = billed(np.array(durations)) * 1000.0
    for duration, one in zip(durations, found.tolist(), strict=True):
        tail = abs(duration * 1000.0 % 1.0 - 0.0005)
        if tail > 1e-6:  # where rounding to a microsecond is a tie, either is right
            assert one == pytest.approx(billed_ms(duration * 1000.0))


def test_a_function_turned_off_names_its_reserved_concurrency() -> None:
    scenario = Scenario([Function("f", Arrivals(rate=5.0), reserved=0)], requests=500, warmup=0)
    found = simulate(scenario).functions["f"]
    assert found.throttle_reasons == {"ReservedFunctionConcurrentInvocationLimitExceeded": 500}
    assert found.cost_usd == 0.0
    assert found.latency == {"p50": None, "p90": None, "p99": None}


def test_above_ten_requests_a_second_for_each_unit_of_concurrency() -> None:
    function = Function("f", Arrivals("constant", rate=64.0), Duration(value=0.001), reserved=5)
    found = simulate(Scenario([function], requests=64 * 20, warmup=0)).functions["f"]
    # Of the 64 in a second, 50 pass; the first second has 63, for they begin at 1/64 s.
    assert found.throttle_reasons == {"ReservedFunctionInvocationRateLimitExceeded": 14 * 20 - 1}
    assert found.throttle_causes == {"rate": 14 * 20 - 1}


def test_constant_durations_have_exact_percentiles() -> None:
    function = Function("f", Arrivals(rate=3.0), Duration(value=0.1), reserved=50)
    found = simulate(Scenario([function], requests=5_000, warmup=500)).functions["f"]
    assert found.latency["p50"] == pytest.approx(0.1, rel=1e-12)


def test_percentiles_are_within_one_percent() -> None:
    function = Function("f", Arrivals(rate=3.0), Duration("lognormal", mean=0.7, cv=2.0))
    result = simulate(Scenario([function], requests=20_000, warmup=0), trace=20_000)
    durations = np.array([one.duration + (one.init or 0.0) for one in result.trace])
    for name, percent in (("p50", 50), ("p90", 90), ("p99", 99)):
        exact = np.percentile(durations, percent, method="inverted_cdf")
        assert result.functions["f"].latency[name] == pytest.approx(exact, rel=0.01)


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    import tracemalloc

    function = Function("f", Arrivals(rate=50.0), idle_timeout=5.0)
    simulate(Scenario([function], requests=2_000, warmup=100))  # loads what loads once

    def peak(requests: int) -> int:
        tracemalloc.start()
        simulate(Scenario([function], requests=requests, warmup=1_000))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(420_000) < 1.2 * peak(140_000)
