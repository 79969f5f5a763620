"""Admission, the scaling rate, quotas, and what cannot be reserved or provisioned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import concurrency, limits
from lambdalab.rules.concurrency import Demand, provisioned_problem, reserved_problem
from lambdalab.rules.errors import ThrottleReason


@pytest.mark.parametrize(
    ("running", "unreserved", "reserved", "wanted"),
    [
        (9, 0, 10, None),
        (10, 0, 10, ThrottleReason.RESERVED_CONCURRENT),
        (0, 0, 0, ThrottleReason.RESERVED_CONCURRENT),
        (0, 990, 10, None),  # others fill the rest: what is reserved stays free
        (0, 989, None, None),
        (0, 990, None, ThrottleReason.CONCURRENT),  # ten are reserved, busy or not
        (500, 989, None, None),
    ],
)
def test_who_is_admitted(
    running: int, unreserved: int, reserved: int | None, wanted: ThrottleReason | None
) -> None:
    demand = Demand(
        function=running,
        unreserved=unreserved,
        reserved=reserved,
        reserved_total=10,
        account=limits.CONCURRENCY.value,
    )
    assert concurrency.throttle_reason(demand) is wanted


def test_a_thousand_environments_in_ten_seconds_refilled_continuously() -> None:
    assert concurrency.scaling_allowance(0.0, 10.0) == 1000.0
    assert concurrency.scaling_allowance(0.0, 0.01) == 1.0
    assert concurrency.scaling_allowance(900.0, 3600.0) == 1000.0  # not accrued


@given(st.floats(0, 1000), st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_looking_more_often_gives_no_more(left: float, waits: list[float]) -> None:
    step = left
    for wait in waits:
        step = concurrency.scaling_allowance(step, wait)
    assert step == pytest.approx(concurrency.scaling_allowance(left, sum(waits)))


def test_ten_requests_a_second_for_each_unit() -> None:
    assert concurrency.requests_per_second(1000) == 10_000
    assert concurrency.requests_per_second(0) == 0


def test_a_hundred_must_stay_unreserved() -> None:
    assert reserved_problem(900, account=1000, others=0) is None
    assert reserved_problem(400, account=1000, others=500) is None
    said = reserved_problem(401, account=1000, others=500)
    assert said is not None
    assert said.endswith("below its minimum value of [100].")
    assert reserved_problem(0, account=10, others=0) is None
    assert "greater than or equal to 0" in (reserved_problem(-1, account=1000, others=0) or "")


@pytest.mark.parametrize(
    ("count", "qualifier", "options", "words"),
    [
        (0, "live", {}, "greater than or equal to 1"),
        (1, "$LATEST", {}, "unpublished function versions"),
        (1, "live", {"weighted": True}, "Alias with weights"),
        (6, "live", {"reserved": 10, "others": 5}, "should not be greater than the reserved"),
        (5, "live", {"reserved": 10, "others": 5}, None),
        (5, "live", {"reserved": 10, "others": 5, "available": 0}, None),
        (8, "live", {"available": 7}, "unreserved concurrency [7]"),
        (7, "live", {"available": 7}, None),
    ],
)
def test_what_can_be_provisioned(
    count: int, qualifier: str, options: dict[str, int], words: str | None
) -> None:
    given_ = {"reserved": None, "others": 0, "available": 900} | options
    said = provisioned_problem(count, qualifier, **given_)  # type: ignore[arg-type]
    assert said is None if words is None else words in (said or "")


def test_every_number_has_a_page_and_a_label_in_both_languages() -> None:
    for fact in (
        concurrency.SCALING_BURST,
        concurrency.SCALING_WINDOW,
        concurrency.RATE_PER_CONCURRENCY,
    ):
        assert set(fact.label) == {"zh-TW", "en"}
        assert fact.source is not None
        assert fact.source.url.startswith("https://docs.aws.amazon.com/")
