"""The published simulator, SimFaaS 0.2.2: the same requests, the same counts.

SimFaaS drags in pandas, scipy and matplotlib, so what it counted is kept in a file that
``python -m benchmarks sim --install-peers --record`` writes.
"""

from __future__ import annotations

import json
from collections import Counter
from math import sqrt
from pathlib import Path

import pytest

from benchmarks.simulator.draws import CASES, Case, Draws
from lambdalab.rules.concurrency import requests_per_second
from lambdalab.sim import Arrivals, Duration, Function, Scenario, simulate
from lambdalab.sim.arrays import ArrayPools
from lambdalab.sim.newest import NewestPools
from lambdalab.sim.pools import Layout, Pool, Pools
from tests.sim.reference import Request, block_of, fate

_COUNTED = json.loads((Path(__file__).parent / "simfaas.json").read_text(encoding="utf-8"))


def counts(case: Case, kind: type[Pools] | type[ArrayPools]) -> dict[str, int]:
    layout = Layout([Pool(0, 0, case.idle)], [case.cap], [requests_per_second(case.cap)])
    draws = Draws(case)
    rows = zip(draws.times, draws.services, draws.inits, strict=True)
    requests = [Request(time, 0, service, init) for time, service, init in rows]
    outcomes = kind(layout).run(*block_of(layout, requests)).tolist()
    found = Counter(fate(outcome, case.idle) for outcome in outcomes)
    return {"cold": found["cold"], "warm": found["warm"], "rejected": found["throttled"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_counts_under_its_routing(case: Case) -> None:
    assert counts(case, NewestPools) == _COUNTED["newest"][case.name]


@pytest.mark.parametrize("kind", [Pools, ArrayPools], ids=["lists", "arrays"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_counts_under_ours(case: Case, kind: type[Pools] | type[ArrayPools]) -> None:
    assert counts(case, kind) == _COUNTED["recent"][case.name]


def test_the_routings_can_be_told_apart() -> None:
    assert _COUNTED["newest"] != _COUNTED["recent"]
    assert _COUNTED["simfaas"] == "0.2.2"


def test_its_readme_run_is_reproduced() -> None:
    """1,213 cold starts of 898,469 requests, 7.6612 environments, 1.7879 of them running."""
    function = Function(
        "f",
        Arrivals(rate=0.9),
        Duration("exponential", mean=1.991),
        Duration(value=2.244 - 1.991),
        idle_timeout=600.0,
    )
    scenario = Scenario([function], requests=898_469, warmup=0, routing="newest")
    found = simulate(scenario).functions["f"]
    # Cold starts come in clusters while the pool grows: hence twice the deviation of a Poisson.
    assert abs(found.cold - 1213) < 4 * 2 * sqrt(1213) * sqrt(2)
    assert found.throttled == 0
    assert found.mean_concurrency == pytest.approx(1.7879, rel=0.01)
    assert found.mean_environments == pytest.approx(7.6612, rel=0.02)
