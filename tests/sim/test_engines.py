"""The loops that numba compiles, run as plain Python: they are the same source."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lambdalab.sim import Alias, Arrivals, Duration, Function, Scenario, ScenarioError, simulate
from lambdalab.sim.fast import ARRAYS
from lambdalab.sim.parts import PYTHON
from lambdalab.sim.run import run

_SCENARIOS = {
    "one pool": Scenario(
        [
            Function(
                "f",
                Arrivals(rate=20.0),
                init=Duration("lognormal", mean=0.3),
                idle_timeout=4.0,
                reserved=25,
            )
        ],
        requests=30_000,
        warmup=1_000,
    ),
    "everything": Scenario(
        [
            Function(
                "a",
                Arrivals("burst", rate=30.0, every=20.0, size=60),
                Duration("empirical", values=(0.05, 0.4, 2.0)),
                Duration("constant", value=0.25),
                idle_timeout=15.0,
                reserved=70,
                provisioned={"3": 20},
                target="3",
            ),
            Function(
                "b",
                Arrivals("ramp", rate=1.0, to=60.0, over=100.0),
                Duration("lognormal", mean=1.5, cv=0.8),
                idle_timeout=5.0,
                aliases={"live": Alias("1", {"2": 0.25})},
                target="live",
            ),
            Function("c", Arrivals("constant", rate=9.0), idle_timeout=2.0, architecture="arm64"),
        ],
        requests=30_000,
        warmup=2_000,
    ),
    "a trace that ends": Scenario(
        [Function("f", Arrivals("trace", times=np.arange(0.0, 500.0, 0.25)), idle_timeout=3.0)],
        requests=30_000,
        warmup=500,
    ),
}


@pytest.mark.parametrize("name", _SCENARIOS)
def test_compiled_loops_count_the_same(name: str) -> None:
    scenario = _SCENARIOS[name]
    plain, compiled = run(scenario, PYTHON), run(scenario, ARRAYS)
    for function, wanted in plain.functions.items():
        found = compiled.functions[function]
        assert wanted.cold > 0
        for one in dataclasses.fields(wanted):
            ours, theirs = getattr(found, one.name), getattr(wanted, one.name)
            if isinstance(theirs, int) or one.name.startswith("throttle_"):
                assert ours == theirs, one.name
            elif isinstance(theirs, float):
                assert ours == pytest.approx(theirs, rel=1e-9), one.name
        assert found.latency == pytest.approx(wanted.latency, rel=1e-9)
        assert dataclasses.asdict(found.usage) == {
            key: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(wanted.usage).items()
        }
        for curve in ("times", "running", "provisioned_running", "idle"):
            assert getattr(found, curve) == pytest.approx(getattr(wanted, curve), abs=1e-6)
        assert found.cold_starts.tolist() == wanted.cold_starts.tolist()
        assert {reason: counts.tolist() for reason, counts in found.throttles.items()} == {
            reason: counts.tolist() for reason, counts in wanted.throttles.items()
        }


def test_everything_is_refused_for_every_reason_somewhere() -> None:
    found = simulate(_SCENARIOS["everything"])
    assert found.functions["a"].throttled > 0
    assert found.functions["a"].provisioned > 0


def test_numba_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.setattr("lambdalab.sim.run.find_spec", lambda name: None)
    with pytest.raises(ScenarioError, match=r"lambdalab\[fast\]"):
        simulate(Scenario([Function("f")], requests=100, warmup=10), engine="numba")


def test_an_engine_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    with pytest.raises(ScenarioError, match="there is no engine steam"):
        simulate(Scenario([Function("f")]), engine="steam")  # type: ignore[arg-type]
