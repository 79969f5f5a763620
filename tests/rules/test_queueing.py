"""Closed forms against other ways to reach the same numbers."""

from __future__ import annotations

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.queueing import (
    alone_cold_probability,
    alone_mean_environments,
    erlang_b,
    mean_concurrency,
)


def test_the_two_examples_of_the_guide() -> None:
    assert mean_concurrency(100, 5) == 500
    assert mean_concurrency(100, 0.5) == 50


def test_erlang_b_as_tables_print_it() -> None:
    assert erlang_b(10, 10) == pytest.approx(0.214582, abs=5e-7)
    assert erlang_b(100, 100) == pytest.approx(0.0757005, abs=5e-8)
    assert erlang_b(0.0, 5) == 0.0
    assert erlang_b(3.0, 0) == 1.0


@given(st.floats(0.01, 60.0), st.integers(0, 60))
def test_erlang_b_is_the_last_term_of_its_sum(load: float, servers: int) -> None:
    terms = [load**n / factorial(n) for n in range(servers + 1)]
    assert erlang_b(load, servers) == pytest.approx(terms[-1] / sum(terms), rel=1e-9)


def test_erlang_b_does_not_overflow() -> None:
    assert 0.0 < erlang_b(10_000.0, 10_000) < 0.01


@given(st.floats(0.01, 10.0), st.floats(0.01, 10.0), st.floats(0.01, 100.0))
def test_one_environment_is_alive_while_it_runs_and_up_to_one_lifetime_longer(
    rate: float, duration: float, lifetime: float
) -> None:
    alive = alone_mean_environments(rate, duration, lifetime)
    busy = duration / (duration + 1 / rate)
    assert busy <= alive <= 1.0
    cold = alone_cold_probability(rate, lifetime)
    assert cold == exp(-rate * lifetime)
    # What is missing of one environment is the time after the lifetime, of each cold gap.
    gone = cold / rate / (duration + 1 / rate)
    assert alive == pytest.approx(1.0 - gone)
