"""What the checks of lab 08 expect, held against the simulator and the rulebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.rules import concurrency
from lambdalab.sim import Account, Arrivals, Duration, Function, Scenario, simulate
from tests.labs.graded import Graded, module

LAB = Graded.of("lab08")
HIDDEN = LAB.hidden_module()
PUBLIC = module(Path(__file__).parents[2] / "lambdalab/course/content/08_concurrency/checks.py")


def _solution() -> dict[str, Any]:
    """Return the functions of the lab's own solution."""
    source = LAB.solution("en")
    names: dict[str, Any] = {"concurrency": concurrency}
    exec("sale = sorted([n / 4 for n in range(240)] + [10, 30, 50] * 30)", names)
    exec("from lambdalab.rules import pricing", names)
    for task in (1, 2, 5, 6):
        exec(source[f"task-{task}-answer"], names)
    return names


SOLUTION = _solution()


@settings(max_examples=200, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 40), min_size=1, max_size=40).map(sorted),
    duration=st.integers(1, 9),
    limit=st.integers(1, 6),
)
def test_throttled_is_what_the_simulator_counts(
    arrivals: list[int], duration: int, limit: int
) -> None:
    function = Function(
        "f",
        arrivals=Arrivals("trace", times=[float(one) for one in arrivals]),
        duration=Duration("constant", value=float(duration)),
        reserved=limit,
    )
    found = simulate(Scenario([function], Account(1000), requests=len(arrivals), warmup=0))
    causes = dict(found.functions["f"].throttle_causes)
    counts = {
        one(arrivals, duration, limit)
        for one in (HIDDEN._throttled, PUBLIC._throttled, SOLUTION["throttled"])
    }
    assert len(counts) == 1
    if "rate" not in causes:  # the lab leaves requests per second aside
        assert counts == {found.functions["f"].throttled}


@given(
    requests=st.integers(0, 60),
    provisioned=st.integers(0, 20),
    unreserved=st.integers(0, 40),
    more=st.none() | st.integers(0, 20),
)
def test_spillover_has_one_answer(**drawn: int | None) -> None:
    more = drawn.pop("more")
    provisioned = drawn["provisioned"]
    assert provisioned is not None
    drawn["reserved"] = None if more is None else provisioned + more
    found = HIDDEN._spillover(**drawn)
    assert sum(found.values()) == drawn["requests"]
    for one in (PUBLIC._spillover, SOLUTION["spillover"]):
        assert one(**drawn) == found


@given(rate=st.integers(1, 3000), duration_ms=st.integers(1, 9000))
def test_reservation_is_the_least_that_meets_both_quotas(rate: int, duration_ms: int) -> None:
    least = HIDDEN._reservation(rate, duration_ms)
    assert least == PUBLIC._reservation(rate, duration_ms)
    assert least == SOLUTION["reservation"](rate, duration_ms)
    assert concurrency.requests_per_second(least) >= rate
    assert least * 1000 >= rate * duration_ms


@given(hours=st.lists(st.integers(0, 12), min_size=24, max_size=24), memory=st.integers(128, 4096))
def test_cheapest_is_told_by_price_and_by_share_of_time(hours: list[int], memory: int) -> None:
    best = HIDDEN._cheapest(hours, memory)
    assert best == PUBLIC._cheapest(hours, memory) == SOLUTION["cheapest"](hours, memory)
    for one in (PUBLIC._cost, SOLUTION["cost"]):
        assert one(hours, memory, best) == pytest.approx(HIDDEN._cost(hours, memory, best))


def test_numbers_of_tasks_1_and_5() -> None:
    assert SOLUTION["needed"] == PUBLIC.NEEDED
    assert PUBLIC._throttled(SOLUTION["sale"], 1, PUBLIC.NEEDED) == 0
    assert PUBLIC._throttled(SOLUTION["sale"], 1, PUBLIC.NEEDED - 1) > 0
    assert SOLUTION["ready_after_s"] == PUBLIC.READY_AFTER_S
    left, seconds = concurrency.scaling_allowance(0, 0) + concurrency.SCALING_BURST.value, 0.0
    while left < 4_500:
        left += concurrency.scaling_allowance(0, 0.5)
        seconds += 0.5
    assert seconds == PUBLIC.READY_AFTER_S
