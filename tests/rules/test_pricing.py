"""Bills, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import pricing
from lambdalab.rules.pricing import Usage, bill, gb_seconds


def test_a_month_by_hand() -> None:
    # 3 million requests of 120 ms at 1,536 MB: 3e6 * 0.12 * 1.5 = 540,000 GB-s.
    usage = Usage(requests=3_000_000, compute=gb_seconds(1536, 3e6 * 0.12))
    assert usage.compute == pytest.approx(540_000)
    assert bill(usage).requests == pytest.approx(0.60)
    assert bill(usage).compute == pytest.approx(540_000 * 0.0000166667)
    free = bill(usage, free_tier=True)
    assert free.requests == pytest.approx(0.40)
    assert free.compute == pytest.approx(140_000 * 0.0000166667)


def test_the_free_tier_is_no_refund() -> None:
    assert bill(Usage(requests=10, compute=10.0), free_tier=True).total == 0.0


@pytest.mark.parametrize(
    ("architecture", "amount", "usd"),
    [
        ("x86_64", 6e9, 6e9 * 0.0000166667),
        ("x86_64", 15e9, 6e9 * 0.0000166667 + 9e9 * 0.000015),
        ("x86_64", 16e9, 6e9 * 0.0000166667 + 9e9 * 0.000015 + 1e9 * 0.0000133334),
        ("arm64", 7.5e9, 7.5e9 * 0.0000133334),
        (
            "arm64",
            20e9,
            7.5e9 * 0.0000133334 + 11.25e9 * 0.0000120001 + 1.25e9 * 0.0000106667,
        ),
    ],
)
def test_tiers(architecture: pricing.Architecture, amount: float, usd: float) -> None:
    usage = Usage(requests=0, compute=amount, architecture=architecture)
    assert bill(usage).compute == pytest.approx(usd)


def test_provisioned_is_paid_held_and_used_and_never_free() -> None:
    usage = Usage(requests=0, compute=0.0, provisioned_held=1_000_000.0, provisioned_used=250_000.0)
    usd = 1e6 * 0.0000041667 + 250_000 * 0.0000097222
    assert bill(usage).provisioned == pytest.approx(usd)
    assert bill(usage, free_tier=True).provisioned == pytest.approx(usd)


def test_tmp_above_512_megabytes() -> None:
    usage = Usage(requests=0, compute=0.0, ephemeral=gb_seconds(10_240 - 512, 1e6))
    assert bill(usage).ephemeral == pytest.approx(9.5e6 * 0.0000000309)


@given(st.integers(0, 10**12), st.floats(0, 1e11), st.floats(0, 1e9))
def test_more_is_never_cheaper(requests: int, compute: float, held: float) -> None:
    less = Usage(requests=requests, compute=compute, provisioned_held=held)
    more = Usage(requests=requests + 1, compute=compute + 1.0, provisioned_held=held + 1.0)
    assert bill(more).total >= bill(less).total
    assert bill(less, free_tier=True).total <= bill(less).total


def test_arm_is_cheaper_for_the_same_seconds() -> None:
    for compute in (1.0, 1e9, 1e10, 1e11):
        arm = bill(Usage(requests=0, compute=compute, architecture="arm64"))
        assert arm.total < bill(Usage(requests=0, compute=compute)).total


def test_prices_say_where_and_when_they_were_read() -> None:
    for fact in (
        pricing.REQUESTS,
        pricing.EPHEMERAL,
        *pricing.PROVISIONED_HELD.values(),
        *pricing.PROVISIONED_USED.values(),
    ):
        assert set(fact.label) == {"zh-TW", "en"}
        assert fact.source is not None
        assert fact.source.read.year >= 2026
