"""What a result offers: cost of a month, curves, tables."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lambdalab.i18n import LANGUAGES
from lambdalab.rules.lifecycle import billed_ms
from lambdalab.rules.pricing import FREE_REQUESTS, Usage, bill, gb_seconds
from lambdalab.sim import Account, Alias, Arrivals, Duration, Function, Result, Scenario, simulate


def of(*functions: Function, requests: int = 4_000, warmup: int = 0, trace: int = 0) -> Result:
    return simulate(Scenario(functions, requests=requests, warmup=warmup), trace=trace)


def test_the_bill_is_that_of_the_requests_one_by_one() -> None:
    function = Function(
        "f",
        Arrivals(rate=40.0),
        Duration("lognormal", mean=0.4),
        Duration(value=0.35),
        idle_timeout=2.0,
        memory=1024,
        ephemeral=1024,
        reserved=25,
        provisioned={"live": 8},
    )
    result = of(function, trace=4_000)
    found = result.functions["f"]
    assert found.cold > 0
    assert found.throttled > 0
    served = [one for one in result.trace if one.throttle_reason is None]
    seconds = {True: 0.0, False: 0.0}
    for one in served:
        milliseconds = billed_ms(one.duration * 1000.0, (one.init or 0.0) * 1000.0)
        seconds[one.provisioned] += milliseconds / 1000.0
    usage = Usage(
        requests=len(served),
        compute=gb_seconds(1024, seconds[False]),
        provisioned_held=gb_seconds(1024, 8 * result.seconds),
        provisioned_used=gb_seconds(1024, seconds[True]),
        ephemeral=gb_seconds(512, seconds[False] + seconds[True]),
    )
    assert found.cost_usd == pytest.approx(bill(usage).total)


def test_a_month_has_one_free_tier() -> None:
    both = [
        Function("x", Arrivals(rate=5.0), Duration(value=0.1)),
        Function("y", Arrivals(rate=5.0), Duration(value=0.1)),
        Function("z", Arrivals(rate=5.0), Duration(value=0.1), architecture="arm64"),
    ]
    result = of(*both)
    paid, free = result.monthly(free_tier=False), result.monthly()
    assert paid.requests - free.requests == pytest.approx(FREE_REQUESTS.value / 1e6 * 0.20)
    scale = 30 * 24 * 3600 / result.seconds
    one_by_one = sum(one.cost_usd for one in result.functions.values()) * scale
    assert paid.total == pytest.approx(one_by_one, rel=1e-6)


def test_curves_tell_when() -> None:
    burst = Function(
        "f", Arrivals("trace", times=[0.0] + [500.0] * 30 + [1000.0]), Duration(value=1.0),
        reserved=20, idle_timeout=50.0,
    )  # fmt: skip
    found = of(burst).functions["f"]
    throttles = found.throttles["ReservedFunctionConcurrentInvocationLimitExceeded"]
    assert throttles.sum() == found.throttled == 10
    place = int(np.flatnonzero(throttles)[0])
    width = found.times[1] - found.times[0]
    assert found.times[place] <= 500.0 < found.times[place] + width
    assert found.cold_starts[place] == 20
    # The bin of the burst ends half a millisecond after it.
    assert found.running[place : place + 2].sum() * width == pytest.approx(20.0)
    assert len(found.times) == len(found.idle) == len(throttles)


def test_the_area_under_the_curves_is_exact() -> None:
    function = Function(
        "f",
        Arrivals(rate=30.0),
        Duration("lognormal", mean=0.5, cv=2.0),
        idle_timeout=1.5,
        provisioned={"live": 5},
    )
    result = of(function, requests=9_000, trace=9_000)
    found = result.functions["f"]
    width = found.times[1] - found.times[0]
    edges = np.append(found.times, found.times[-1] + width)
    for provisioned, curve in ((True, found.provisioned_running), (False, found.running)):
        spans = [
            (one.time, one.time + one.duration + (one.init or 0.0))
            for one in result.trace
            if one.throttle_reason is None and one.provisioned is provisioned
        ]
        starts, ends = (np.array(side)[:, None] for side in zip(*spans, strict=True))
        low, high = np.maximum(starts, edges[:-1]), np.minimum(ends, edges[1:])
        wanted = np.maximum(high - low, 0.0).sum(axis=0) / width
        # The first counted arrival begins the clock; what ran before it is not in the trace.
        assert curve == pytest.approx(wanted, abs=1e-6)


def test_a_throttle_can_be_explained() -> None:
    functions = [
        Function("f", Arrivals("trace", times=[1.0] * 1_500), Duration(value=5.0)),
        Function("g", Arrivals("trace", times=[1.5]), Duration(value=5.0)),
    ]
    result = simulate(
        Scenario(functions, Account(limit=1_200), requests=2_000, warmup=0), trace=2_000
    )
    causes = [one.cause for one in result.trace if one.function == "f"]
    assert causes.count("scaling") == 500
    assert result.functions["f"].throttle_causes == {"scaling": 500}
    assert result.functions["f"].throttle_reasons == {"ConcurrentInvocationLimitExceeded": 500}
    assert result.trace[-1].cause is None


def test_provisioned_spills_into_what_is_left() -> None:
    times = [1.0] * 10
    reserved = Function(
        "f", Arrivals("trace", times=times), Duration(value=5.0), reserved=6,
        provisioned={"live": 4},
    )  # fmt: skip
    found = of(reserved).functions["f"]
    assert (found.provisioned, found.cold, found.throttled) == (4, 2, 4)
    unreserved = Function(
        "f", Arrivals("trace", times=times), Duration(value=5.0), provisioned={"live": 4}
    )
    found = of(unreserved).functions["f"]
    assert (found.provisioned, found.cold, found.throttled) == (4, 6, 0)


def test_versions_have_environments_of_their_own() -> None:
    times = [float(second) for second in range(400)]
    function = Function(
        "f",
        Arrivals("trace", times=times),
        Duration(value=0.1),
        aliases={"live": Alias("1", {"2": 0.5})},
        target="live",
    )
    result = of(function, trace=400)
    assert result.functions["f"].cold == 2
    assert {one.version for one in result.trace} == {"1", "2"}


def test_the_newest_routing_keeps_more_or_as_many_warm() -> None:
    function = Function("f", Arrivals(rate=5.0), idle_timeout=4.0)
    counts = {}
    for routing in ("recent", "newest"):
        scenario = Scenario([function], requests=20_000, warmup=0, routing=routing)
        found = simulate(scenario).functions["f"]
        counts[routing] = found.cold
        total = found.running.mean() + found.idle.mean()
        assert total == pytest.approx(found.mean_environments, rel=0.02)
    assert counts["newest"] != counts["recent"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notebook_shows_a_table(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    html = of(Function("<f>", reserved=0))._repr_html_()
    assert "&lt;f&gt;" in html
    assert ("Cold starts" if lang == "en" else "冷啟動") in html
    assert html.count("<td>") == 7


def test_a_dataframe_has_a_row_for_each_function(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = ModuleType("pandas")

    class DataFrame:
        @staticmethod
        def from_dict(rows: dict[str, Any], orient: str) -> dict[str, Any]:
            assert orient == "index"
            return rows

    pandas.DataFrame = DataFrame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    rows = of(Function("f", reserved=1), Function("g")).to_dataframe()
    assert list(rows) == ["f", "g"]
    assert rows["f"]["ReservedFunctionConcurrentInvocationLimitExceeded"] > 0
    assert rows["f"]["latency_p99"] > 0
    assert all(not isinstance(value, dict) for value in rows["f"].values())


def test_pandas_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pandas"):
        of(Function("f")).to_dataframe()


def test_progress_reaches_the_end() -> None:
    steps: list[tuple[int, int]] = []
    scenario = Scenario([Function("f")], requests=30_000, warmup=0)
    simulate(scenario, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (30_000, 30_000)
    assert len(steps) > 2
