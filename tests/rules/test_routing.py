"""Which version serves, and who is admitted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.concurrency import Demand, throttle_reason
from lambdalab.rules.errors import ThrottleReason
from lambdalab.rules.routing import choose_version, routing_problem


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_weight_is_the_share_of_the_draw(draw: float, weight: float) -> None:
    assert choose_version("1", {"2": weight}, draw) == ("2" if draw < weight else "1")


@given(st.floats(0, 1, exclude_max=True))
def test_without_weights_the_primary_serves(draw: float) -> None:
    assert choose_version("7", {}, draw) == "7"


@pytest.mark.parametrize(
    ("primary", "additional", "words"),
    [
        ("1", {"2": 0.5, "3": 0.1}, "cannot be greater than 1"),
        ("$LATEST", {"2": 0.5}, "$LATEST is not supported"),
        ("1", {"$LATEST": 0.5}, "$LATEST is not supported"),
        ("1", {"live": 0.5}, "not a version number"),
        ("1", {"1": 0.5}, "already included"),
        ("1", {"2": 1.5}, "weights go from 0.0 to 1.0"),
        ("1", {"2": -0.1}, "weights go from 0.0 to 1.0"),
    ],
)
def test_routing_that_cannot_be(primary: str, additional: dict[str, float], words: str) -> None:
    problem = routing_problem(primary, additional)
    assert problem is not None and words in problem


@pytest.mark.parametrize("additional", [{}, {"2": 0.0}, {"2": 1.0}])
def test_routing_that_can_be(additional: dict[str, float]) -> None:
    assert routing_problem("1", additional) is None


_counts = st.integers(0, 2000)


@given(_counts, _counts, _counts, _counts)
def test_reserved_concurrency_is_a_guarantee_and_a_cap(
    running: int, unreserved: int, reserved: int, account: int
) -> None:
    reason = throttle_reason(
        Demand(
            function=running,
            unreserved=unreserved,
            reserved=reserved,
            reserved_total=reserved,
            account=account,
        )
    )
    assert reason == (ThrottleReason.RESERVED_CONCURRENT if running >= reserved else None)


@given(_counts, _counts, _counts)
def test_others_share_what_is_not_reserved(unreserved: int, reserved: int, account: int) -> None:
    reason = throttle_reason(
        Demand(
            function=unreserved,
            unreserved=unreserved,
            reserved=None,
            reserved_total=reserved,
            account=account,
        )
    )
    full = unreserved >= account - reserved
    assert reason == (ThrottleReason.CONCURRENT if full else None)
