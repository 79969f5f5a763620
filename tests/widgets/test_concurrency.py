"""The concurrency lab without a browser: settings, words, draws, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.rules.errors import ThrottleReason
from lambdalab.sim import Account, Arrivals, Duration, Function, Scenario, ScenarioError, simulate
from lambdalab.sim.scenario import Alias
from lambdalab.widgets import ConcurrencyLab
from lambdalab.widgets.concurrency import unit_draws
from lambdalab.widgets.concurrency_presets import PRESETS
from lambdalab.widgets.concurrency_rules import problems, rules_for_view
from lambdalab.widgets.concurrency_setting import LabError, Setting

concurrency = st.none() | st.integers(0, 1200)
settings_ = st.builds(
    Setting,
    reserved=concurrency,
    provisioned=st.integers(0, 1200),
    account=st.integers(10, 2000),
    other_rate=st.sampled_from([0.0, 5.0]),
    other_reserved=concurrency,
)


@given(settings_)
def test_refused_just_when_the_simulator_refuses_and_in_the_same_words(setting: Setting) -> None:
    said = problems(setting)
    try:
        setting.scenario().check()
    except ScenarioError as error:
        assert any(words in str(error) for words in said.values())
    else:
        assert said == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_runs_and_comes_back(name: str) -> None:
    setting = PRESETS[name]
    assert problems(setting) == {}
    assert Setting.from_json(setting.to_json()) == setting
    assert Setting.of(setting.scenario()).scenario() == setting.scenario()
    for lang in LANGUAGES:
        known = messages("concurrency", lang)
        assert {f"preset.{name}", f"about.{name}"} <= set(known)


def test_the_presets_show_what_they_are_for() -> None:
    ran = {name: simulate(setting.scenario()) for name, setting in PRESETS.items()}
    api = {name: result.functions["api"] for name, result in ran.items()}
    assert api["five-seconds"].mean_concurrency == pytest.approx(500, rel=0.02)
    assert api["half-second"].mean_concurrency == pytest.approx(50, rel=0.02)
    assert set(api["burst"].throttle_causes) == {"scaling"}
    assert api["spillover-unreserved"].throttled == 0
    assert api["spillover-unreserved"].provisioned < api["spillover-unreserved"].served
    assert list(api["spillover-reserved"].throttle_reasons) == [ThrottleReason.RESERVED_CONCURRENT]
    assert list(api["noisy-neighbour"].throttle_reasons) == [ThrottleReason.CONCURRENT]
    assert api["neighbour-reserved"].throttled == 0
    assert ran["neighbour-reserved"].functions["other"].throttled > 0
    assert 0.02 < api["seldom"].cold / api["seldom"].served < 0.2


@pytest.mark.parametrize("kind", ["exponential", "lognormal", "constant"])
def test_draws_are_the_simulators_own(kind: Any) -> None:
    setting = Setting(duration_kind=kind, duration=2.0, duration_cv=1.5, requests=500, warmup=0)
    trace = simulate(setting.scenario(), trace=500).trace
    gaps = np.frombuffer(unit_draws(1, "api", "arrivals", 500), "<f8")
    assert [one.time for one in trace] == pytest.approx(np.cumsum(gaps) / setting.rate)
    durations = np.full(500, 2.0)
    if kind == "exponential":
        durations = np.frombuffer(unit_draws(1, "api", "exponential", 500), "<f8") * 2.0
    if kind == "lognormal":
        variance = np.log(1 + 1.5**2)
        normal = np.frombuffer(unit_draws(1, "api", "normal", 500), "<f8")
        durations = np.exp(np.log(2.0) - variance / 2 + np.sqrt(variance) * normal)
    assert [one.duration for one in trace] == pytest.approx(durations)


def refused(function: Function, *more: Function, **options: Any) -> str:
    with pytest.raises(LabError) as caught:
        ConcurrencyLab(Scenario([function, *more], **{"requests": 1000, "warmup": 100} | options))
    return str(caught.value)


def test_what_has_no_slider_is_refused_by_name(clean_environment: object) -> None:
    assert "ramp" in refused(Function("a", arrivals=Arrivals("ramp", rate=1, to=2, over=5)))
    assert "empirical" in refused(Function("a", duration=Duration("empirical", values=[1.0])))
    assert "3" in refused(Function("a"), Function("b"), Function("c"))
    assert "100,000" in refused(Function("a"), requests=200_000)
    assert "routing" in refused(Function("a"), routing="newest")
    weighted = Function("a", aliases={"live": Alias("1", {"2": 0.5})}, target="live")
    assert "weighted" in refused(weighted)
    assert "(b)" in refused(Function("a"), Function("b", arrivals=Arrivals("constant", rate=1.0)))
    elsewhere = Function("a", provisioned={"live": 2}, target="$LATEST")
    assert "provisioned" in refused(elsewhere)
    with pytest.raises(LabError, match="five-seconds"):
        ConcurrencyLab(preset="nothing")
    with pytest.raises(LabError, match="not both"):
        ConcurrencyLab(Scenario([Function("a")]), preset="burst")
    with pytest.raises(ScenarioError, match="below its minimum value"):
        ConcurrencyLab(Scenario([Function("a", reserved=950)]))


def test_a_scenario_of_ones_own(clean_environment: object) -> None:
    first = Function(
        "web",
        arrivals=Arrivals("burst", rate=5.0, size=20, every=10.0),
        duration=Duration("lognormal", mean=0.4, cv=2.0),
        init=Duration("constant", value=0.2),
        reserved=30,
        provisioned={"live": 10},
        memory=512,
        idle_timeout=60.0,
    )
    other = Function(
        "batch",
        arrivals=Arrivals("poisson", rate=7.0),
        init=Duration("constant", value=0.2),
        idle_timeout=60.0,
    )
    scenario = Scenario([first, other], account=Account(500), requests=4000, warmup=400, seed=3)
    lab = ConcurrencyLab(scenario, compare="burst")
    assert lab.result.to_json() == simulate(scenario).to_json()
    assert lab.compared == PRESETS["burst"].scenario()
    lab.setting = {**lab.setting, "rate": 6.0}
    assert lab.scenario.functions[0].arrivals.rate == 6.0
    with pytest.raises(LabError, match="speed"):
        Setting.from_json({"speed": 1})


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_stand_in_for_the_picture(
    clean_environment: object, monkeypatch: pytest.MonkeyPatch, lang: Language
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    lab = ConcurrencyLab(preset="spillover-reserved")
    told = lab._repr_mimebundle_()
    assert told is not None
    text = told["text/plain"]
    assert ThrottleReason.RESERVED_CONCURRENT in text
    assert f"{lab.result.functions['api'].throttled:,}" in text
    assert "2026-" in text
    assert "100" in text.splitlines()[1]
    assert repr(lab) == "<ConcurrencyLab: spillover-reserved>"
    lab.setting = {**lab.setting, "reserved": 950}
    assert rules_for_view()["words"]["reserved"] in lab.to_text()


def test_draws_go_out_when_asked_for(
    clean_environment: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = ConcurrencyLab(preset="seldom")
    sent: list[tuple[Any, Any]] = []
    monkeypatch.setattr(lab, "send", lambda content, buffers: sent.append((content, buffers)))
    good = {"do": "draws", "key": "k", "seed": 1, "name": "api", "kind": "normal", "count": 10}
    for bad in ({"count": 10**9}, {"kind": "x"}, {"seed": "1"}, {"do": "other"}, {"name": None}):
        lab._asked(lab, good | bad, [])
    assert sent == []
    lab._asked(lab, good, [])
    assert sent == [({"kind": "draws", "key": "k"}, [unit_draws(1, "api", "normal", 10)])]
    assert len(sent[0][1][0]) == 80
