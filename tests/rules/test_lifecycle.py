"""What an environment's life is bound by."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import lifecycle


@pytest.mark.parametrize(
    ("internal", "external", "limit"),
    [(False, False, 0), (True, False, 500), (False, True, 2000), (True, True, 2000)],
)
def test_shutdown_limits(internal: bool, external: bool, limit: int) -> None:
    assert lifecycle.shutdown_limit_ms(internal=internal, external=external) == limit


@given(st.floats(0, 900_000), st.floats(0, 10_000))
def test_billing_is_rounded_up_to_the_millisecond(duration: float, init: float) -> None:
    billed = lifecycle.billed_ms(duration, init)
    assert billed >= 1
    assert billed >= duration + init - 0.001
    assert billed <= max(1, ceil(duration + init))


def test_billing_examples() -> None:
    assert lifecycle.billed_ms(79.67) == 80
    assert lifecycle.billed_ms(0.0) == 1
    assert lifecycle.billed_ms(100.0, 50.0) == 150
    assert lifecycle.billed_ms(0.1 + 0.2, 0.7) == 1, "no cent for the error of a float"


def test_assumption_is_no_documented_number() -> None:
    assert lifecycle.IDLE_LIFETIME.source is None
    assert "假設" in lifecycle.IDLE_LIFETIME.label["zh-TW"]
    assert lifecycle.INIT_TIMEOUT.value == 10 and lifecycle.INIT_TIMEOUT.source is not None


def test_order_of_the_phases() -> None:
    assert lifecycle.INIT_ORDER == ("extension", "runtime", "function")
    assert lifecycle.SHUTDOWN_ORDER == ("runtime", "extension")
