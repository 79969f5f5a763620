"""The picture of a simulated function."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from lambdalab.sim import Arrivals, Duration, Function, Result, Scenario, plot, simulate


@pytest.fixture(scope="module")
def result() -> Result:
    api = Function(
        "a<b",
        Arrivals(rate=40.0),
        Duration("exponential", mean=1.0),
        reserved=45,
        provisioned={"live": 10},
        idle_timeout=5.0,
    )
    return simulate(Scenario([api], requests=20_000, warmup=1_000))


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_three_layers_lie_on_each_other_and_stay_inside(result: Result) -> None:
    found = result.functions["a<b"]
    picture = plot("a<b", found)
    areas = drawn(picture.svg).findall(".//{*}polygon")
    assert len(areas) == 3
    for area in areas:
        points = [tuple(map(float, one.split(","))) for one in area.attrib["points"].split()]
        assert len(points) == 2 * len(found.times)
        assert all(0 <= x <= 760 and 0 <= y <= 260 for x, y in points)
    lines = [one.attrib["points"].split() for one in drawn(picture.svg).findall(".//{*}polyline")]
    for lower, upper in pairwise(lines):
        for one, other in zip(lower, upper, strict=True):
            assert float(one.split(",")[1]) >= float(other.split(",")[1]) - 0.1


def test_marks_stand_where_something_happened(result: Result) -> None:
    found = result.functions["a<b"]
    groups = drawn(plot("a<b", found).svg).findall("{*}g")
    throttled = np.sum(list(found.throttles.values()), axis=0) > 0
    assert [len(group) for group in groups] == [
        int((found.cold_starts > 0).sum()),
        int(throttled.sum()),
    ]
    assert len(groups[1]) > 0, "the case must throttle"


def test_words_say_the_same_and_nothing_is_fetched(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = result.functions["a<b"]
    for lang, words in (("en", "cold starts"), ("zh-TW", "冷啟動")):
        monkeypatch.setenv("LAMBDALAB_LANG", lang)
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        picture = plot("a<b", found)
        assert words in repr(picture) and f"{found.cold:,}" in repr(picture)
        assert picture._repr_html_() == picture.svg
        assert re.findall(r"https?://[^\"]+", picture.svg) == ["http://www.w3.org/2000/svg"]


def test_a_run_too_short_for_a_curve() -> None:
    one = simulate(Scenario([Function("f")], requests=1, warmup=0)).functions["f"]
    assert len(drawn(plot("f", one).svg).findall(".//{*}polygon")) == 3
