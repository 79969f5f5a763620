"""Pools without lists against environments in a list: every outcome, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.rules.concurrency import SCALING_BURST
from lambdalab.sim.arrays import ArrayPools
from lambdalab.sim.newest import NewestPools
from lambdalab.sim.outcomes import SCALING_LIMITED
from lambdalab.sim.pools import Layout, Pool, Pools, State
from tests.sim.reference import Naive, Request, block_of, fate

_STATES: dict[str, Callable[[Layout], State]] = {"lists": Pools, "arrays": ArrayPools}


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    groups = draw(st.integers(1, 3))
    pools = [
        Pool(
            function=index,
            group=draw(st.integers(0, groups - 1)),
            idle_timeout=draw(st.sampled_from([0.5, 1.0, 3.0, 100.0])),
            provisioned=draw(st.integers(0, 2)),
        )
        for index in range(draw(st.integers(1, 4)))
    ]
    return Layout(
        pools=pools,
        caps=[draw(st.integers(0, 4)) for _ in range(groups)],
        quotas=[draw(st.integers(0, 6)) for _ in range(groups)],
    )


@st.composite
def cases(draw: st.DrawFn, *, shortest: int = 0) -> tuple[Layout, list[Request]]:
    layout = draw(layouts())
    # Quarters of a second are exact, and make departures and arrivals coincide.
    quarters = st.integers(0, 8).map(lambda number: number / 4.0)
    now, requests = 0.0, []
    for _ in range(draw(st.integers(1, 60))):
        now += draw(quarters)
        requests.append(
            Request(
                time=now,
                pool=draw(st.integers(0, len(layout.pools) - 1)),
                service=draw(quarters.filter(lambda seconds: seconds >= shortest / 4.0)),
                init=draw(quarters),
            )
        )
    return layout, requests


def fates(layout: Layout, requests: Sequence[Request], outcomes: Sequence[float]) -> list[str]:
    return [
        fate(outcome, layout.pools[request.pool].idle_timeout)
        for request, outcome in zip(requests, outcomes, strict=True)
    ]


def in_parts(state: State, layout: Layout, requests: Sequence[Request], cut: int) -> list[float]:
    """Run requests as two blocks, as a long run would be cut."""
    said: list[float] = []
    for part in (requests[:cut], requests[cut:]):
        if part:
            said += state.run(*block_of(layout, part)).tolist()
    return said


@pytest.mark.parametrize("name", _STATES)
@settings(deadline=None)
@given(case=cases(), cut=st.integers(0, 60))
def test_every_request_fares_as_with_a_list(
    name: str, case: tuple[Layout, list[Request]], cut: int
) -> None:
    layout, requests = case
    found = in_parts(_STATES[name](layout), layout, requests, cut)
    wanted = Naive(layout).run(requests)
    assert fates(layout, requests, found) == fates(layout, requests, wanted)
    warm = [place for place, one in enumerate(fates(layout, requests, wanted)) if one == "warm"]
    assert [found[place] for place in warm] == [wanted[place] for place in warm]


@settings(deadline=None)
@given(case=cases(), cut=st.integers(0, 60))
def test_the_arrays_say_the_same_bit_for_bit(case: tuple[Layout, list[Request]], cut: int) -> None:
    layout, requests = case
    lists = in_parts(Pools(layout), layout, requests, cut)
    arrays = in_parts(ArrayPools(layout), layout, requests, cut)
    assert lists == arrays


@settings(deadline=None)
@given(case=cases(), cut=st.integers(0, 60))
def test_the_newest_environment_first(case: tuple[Layout, list[Request]], cut: int) -> None:
    layout, requests = case
    found = in_parts(NewestPools(layout), layout, requests, cut)
    wanted = Naive(layout, routing="newest").run(requests)
    assert fates(layout, requests, found) == fates(layout, requests, wanted)


@settings(deadline=None)
@given(case=cases(shortest=1))
def test_environments_alive_are_the_greatest_concurrency_of_the_last_idle_lifetime(
    case: tuple[Layout, list[Request]],
) -> None:
    layout, requests = case
    naive = Naive(layout)
    outcomes = naive.run(requests)
    spans: list[tuple[int, float, float]] = []
    for place, (request, outcome) in enumerate(zip(requests, outcomes, strict=True)):
        timeout = layout.pools[request.pool].idle_timeout
        kind = fate(outcome, timeout)
        if kind in ("warm", "cold"):
            lasts = request.service + (request.init if kind == "cold" else 0.0)
            spans.append((request.pool, request.time, request.time + lasts))
        alive = sum(
            _greatest([one[1:] for one in spans if one[0] == index], request.time, pool)
            for index, pool in enumerate(layout.pools)
        )
        assert alive == naive.alive[place]


def _greatest(spans: Sequence[tuple[float, float]], now: float, pool: Pool) -> int:
    """Return the greatest number of spans open at once in ``(now - T, now]``."""
    # It changes upward at beginnings alone; just after the window opens counts as well.
    moments = [now - pool.idle_timeout, *(begin for begin, _ in spans)]
    return max(
        sum(1 for begin, end in spans if begin <= moment < end)
        for moment in moments
        if now - pool.idle_timeout <= moment <= now
    )


@pytest.mark.parametrize("name", _STATES)
def test_past_the_scaling_rate_warm_requests_still_pass(name: str) -> None:
    burst = SCALING_BURST.value
    layout = Layout([Pool(0, 0, 600.0)], caps=[3 * burst], quotas=[30 * burst])
    requests = [Request(1.0, 0, 0.5) for _ in range(burst + 20)]
    requests += [Request(1.6, 0, 5.0) for _ in range(burst + 100)]
    found = _STATES[name](layout).run(*block_of(layout, requests)).tolist()
    assert fates(layout, requests, found) == fates(layout, requests, Naive(layout).run(requests))
    assert found[:burst].count(SCALING_LIMITED) == 0
    assert found[burst : burst + 20] == [SCALING_LIMITED] * 20
    # In 0.6 s sixty more are allowed; the thousand that are warm cost nothing.
    second = found[burst + 20 :]
    assert second.count(SCALING_LIMITED) == 40
    assert np.isinf(second).sum() == 60
