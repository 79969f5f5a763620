"""Pools, spillover and rates: the rulebook's pure decisions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.concurrency import (
    Demand,
    PoolKind,
    pool_of,
    provisioned_twice,
    rate_step,
    rate_throttle_reason,
    reserved_problem,
    scaling_allowance,
    throttle_reason,
)
from lambdalab.rules.errors import ThrottleReason
from lambdalab.rules.lifecycle import Initialization, init_limit_s
from lambdalab.sim.quota import Quota


def demand(**values: int | None) -> Demand:
    usual: dict[str, int | None] = {
        "function": 0,
        "unreserved": 0,
        "reserved": None,
        "reserved_total": 0,
        "account": 1000,
    }
    return Demand(**(usual | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "reason", "pool"),
    [
        ({"ready": 1, "unreserved": 1000}, None, PoolKind.PROVISIONED),
        ({"ready": 1, "reserved": 1, "provisioned": 1}, None, PoolKind.PROVISIONED),
        ({"reserved": 3, "provisioned": 1, "function": 1}, None, PoolKind.RESERVED),
        (
            {"reserved": 3, "provisioned": 1, "function": 2},
            ThrottleReason.RESERVED_CONCURRENT,
            None,
        ),
        ({"provisioned_unreserved": 10, "unreserved": 989}, None, PoolKind.UNRESERVED),
        (
            {"provisioned_unreserved": 10, "unreserved": 990},
            ThrottleReason.CONCURRENT,
            None,
        ),
        ({"reserved_total": 900, "unreserved": 99}, None, PoolKind.UNRESERVED),
        ({"reserved_total": 900, "unreserved": 100}, ThrottleReason.CONCURRENT, None),
        ({"reserved": 0}, ThrottleReason.RESERVED_CONCURRENT, None),
    ],
)
def test_spillover(
    values: dict[str, int], reason: ThrottleReason | None, pool: PoolKind | None
) -> None:
    found = demand(**values)
    assert throttle_reason(found) == reason
    if pool is not None:
        assert pool_of(found) == pool


@given(
    st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=60),
    st.integers(0, 12),
    st.integers(1, 20),
)
def test_one_request_at_a_time_counts_as_a_block_does(
    times: list[float], quota: int, size: int
) -> None:
    times.sort()
    second, count, one_by_one = -1, 0, []
    for now in times:
        second, count, above = rate_step(second, count, now, quota)
        one_by_one.append(above)
    counter = Quota(quota)
    in_blocks: list[bool] = []
    for start in range(0, len(times), size):
        block = np.array(times[start : start + size])
        refused = counter.refused(block)
        in_blocks += [False] * len(block) if refused is None else refused.tolist()
    assert one_by_one == in_blocks


def test_rate_reasons() -> None:
    assert rate_throttle_reason(reserved=True) is ThrottleReason.RESERVED_RATE
    assert rate_throttle_reason(reserved=False) is ThrottleReason.RATE


def test_scaling_refills_up_to_its_burst() -> None:
    assert scaling_allowance(0.0, 1.0) == 100.0
    assert scaling_allowance(990.0, 1.0) == 1000.0
    assert scaling_allowance(0.0, 5.0, 4.0) == 2.0
    assert scaling_allowance(4.0, 5.0, 4.0) == 4.0


def test_reserved_never_below_provisioned() -> None:
    said = reserved_problem(1, account=1000, others=0, provisioned=2)
    assert said is not None
    assert "provisioned concurrency [2]" in said
    assert reserved_problem(2, account=1000, others=0, provisioned=2) is None


def test_a_version_is_provisioned_once() -> None:
    assert provisioned_twice(alias=True) != provisioned_twice(alias=False)


@pytest.mark.parametrize(
    ("kind", "timeout", "limit"),
    [
        (Initialization.ON_DEMAND, 3, 10),
        (Initialization.ON_DEMAND, 900, 10),
        (Initialization.PROVISIONED, 3, 130),
        (Initialization.PROVISIONED, 900, 900),
    ],
)
def test_init_limit(kind: Initialization, timeout: int, limit: int) -> None:
    assert init_limit_s(kind, timeout) == limit
