"""The memory-cost curve: numbers against the rulebook, words, refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules import limits, pricing
from lambdalab.rules.lifecycle import billed_ms
from lambdalab.widgets import MemoryCost
from lambdalab.widgets.memory_curve import ARCHITECTURES, MeasurementError, curve, curves, price

memories = st.integers(limits.MEMORY_MIN.value, limits.MEMORY_MAX.value)
durations = st.floats(0.01, 900_000)
measured = st.dictionaries(memories, durations, min_size=1, max_size=8)

CPU = [(128, 5600.0), (1024, 700.0), (1769, 400.0), (3008, 400.0)]


@given(memories, durations)
def test_a_price_is_the_rulebooks(memory: int, duration: float) -> None:
    billed, gb_s, usd = price(memory, duration)
    assert billed == billed_ms(duration)
    assert gb_s == pytest.approx(memory / 1024 * billed / 1000)
    for one in ARCHITECTURES:
        expected = pricing.COMPUTE[one][0].usd * gb_s + pricing.REQUESTS.value / 1e6
        assert usd[one] == pytest.approx(expected)
    assert usd["arm64"] < usd["x86_64"]


@given(measured)
def test_a_curve_goes_through_what_was_measured(known: dict[int, float]) -> None:
    found = curve("f", list(known.items()))
    assert {point.memory: point.duration for point in found.measured} == known
    sizes = [point.memory for point in found.points]
    assert sizes == sorted(set(sizes))
    assert (sizes[0], sizes[-1]) == (min(known), max(known))
    for one, two in pairwise(found.measured):
        low, high = sorted((one.duration, two.duration))
        for point in found.points:
            if one.memory < point.memory < two.memory:
                assert low * (1 - 1e-9) <= point.duration <= high * (1 + 1e-9)
    for architecture in ARCHITECTURES:
        cheapest = found.cheapest(architecture)
        assert cheapest.measured
        assert all(cheapest.usd[architecture] <= one.usd[architecture] for one in found.measured)


def test_several_durations_of_one_size_count_by_their_median() -> None:
    found = curve("f", [(128, 10.0), (128, 1000.0), (128, 12.0)])
    assert [(point.memory, point.duration) for point in found.points] == [(128, 12.0)]


def test_a_line_between_two_sizes_is_straight_on_logarithmic_axes() -> None:
    found = curve("f", [(128, 8000.0), (8192, 125.0)])
    assert len(found.points) > 100
    for point in found.points:
        assert point.duration * point.memory == pytest.approx(128 * 8000)


def test_of_equally_cheap_sizes_the_fastest() -> None:
    assert curve("f", [(1024, 200.0), (2048, 100.0)]).cheapest("x86_64").memory == 2048


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ([], "no measurements"),
        ({}, "no measurements"),
        ([(64, 1.0)], "128"),
        ([(20_000, 1.0)], "10,240 MB"),
        ([(128.5, 1.0)], "128.5"),
        ([(True, 1.0)], "True"),
        ([(128, 0.0)], "0.0"),
        ([(128, float("nan"))], "nan"),
        ([(128, "1")], "'1'"),
        ([128], "128"),
        ({"slow": [(128,)]}, "slow"),
    ],
)
def test_measurements_that_cannot_be(clean_environment: object, given_: Any, said: str) -> None:
    with pytest.raises(MeasurementError, match=said):
        curves(given_)


def test_options_that_cannot_be(clean_environment: object) -> None:
    with pytest.raises(MeasurementError, match="-1"):
        MemoryCost(CPU, rate=-1)
    architecture: Any = "riscv"
    with pytest.raises(MeasurementError, match="arm64"):
        MemoryCost(CPU, architecture=architecture)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_stand_in_for_the_picture(
    clean_environment: object, monkeypatch: pytest.MonkeyPatch, lang: Language
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    widget = MemoryCost({"cpu": CPU, "io": [(128, 200.0), (1024, 190.0)]}, architecture="arm64")
    told = widget._repr_mimebundle_()
    assert told is not None
    text = told["text/plain"]
    for memory, _ in CPU:
        assert f"{memory:,} MB" in text
    million = price(1769, 400.0)[2]["arm64"] * 1e6
    assert f"{million:,.2f}" in text
    assert pricing.REQUESTS.source is not None
    assert pricing.REQUESTS.source.read.isoformat() in text
    assert widget.memory == widget.curves[0].cheapest("arm64").memory
    assert widget.bounds["vcpu"] == limits.VCPU_MEMORY.value
    assert repr(widget) == "<MemoryCost: cpu, io>"
