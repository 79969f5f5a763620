"""Scenarios as files and as data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from lambdalab.sim import Alias, Arrivals, Function, Scenario, ScenarioError, simulate
from lambdalab.sim.reading import read_scenario, read_times
from tests.sim.test_properties import scenarios

ISSUE = """
seed = 1
requests = 1_000_000
warmup = 100_000
[account]
limit = 1000
[[function]]
name = "api"
arrivals = {kind = "poisson", rate = 10.0}          # requests/s
duration = {kind = "exponential", mean = 1.0}       # s
init = {kind = "constant", value = 0.0}             # s
memory = 1769                                       # MB
idle_timeout = 600.0                                # s
reserved = 10
provisioned = {live = 2}                            # alias or version -> environments
"""


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")


def test_a_file_means_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(ISSUE, encoding="utf-8")
    scenario = read_scenario(path)
    scenario.check()
    function = scenario.functions[0]
    assert (scenario.requests, scenario.warmup, scenario.account.limit) == (
        1_000_000,
        100_000,
        1000,
    )
    assert function.arrivals == Arrivals("poisson", rate=10.0)
    assert (function.reserved, function.provisioned, function.qualifier) == (
        10,
        {"live": 2},
        "live",
    )


@settings(deadline=None, max_examples=40)
@given(scenario=scenarios())
def test_a_scenario_survives_json(scenario: Scenario) -> None:
    assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


def test_aliases_and_arrays_survive_json() -> None:
    function = Function(
        "f",
        Arrivals("trace", times=np.array([0.5, 1.5])),
        aliases={"live": Alias("1", {"2": 0.1})},
        target="live",
    )
    data = json.loads(json.dumps(Scenario([function]).to_json()))
    assert data["function"][0]["arrivals"] == {"kind": "trace", "times": [0.5, 1.5]}
    assert Scenario.from_json(data).functions[0].aliases == function.aliases


def test_a_trace_comes_from_a_csv_file_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,path\n0.5,/a\n\n0.75,/b\n9,/c\n", encoding="utf-8")
    path = tmp_path / "scenario.toml"
    path.write_text(
        'warmup = 0\n[[function]]\nname = "f"\narrivals = {kind = "trace", file = "x.csv"}\n'
        'duration = {kind = "constant", value = 1.0}\n',
        encoding="utf-8",
    )
    result = simulate(read_scenario(path), trace=10)
    assert [one.time for one in result.trace] == [0.5, 0.75, 9.0]
    assert result.functions["f"].cold == 2
    assert result.functions["f"].requests == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("requests = ", "is no TOML"),
        ("[[function]]\nname = 'f'\nmemroy = 128\n", "function.f.memroy: nothing is called memroy"),
        ("[[function]]\narrivals = {}\n", "function.name: is missing"),
        ("[function]\nname = 'f'\n", "write [[function]]"),
        (
            "[[function]]\nname = 'f'\narrivals = {kind = 'trace', file = 'none.csv'}\n",
            "none.csv cannot be read",
        ),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    assert words in str(caught.value)


def test_a_csv_file_that_is_wrong_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("time\n1.0\nnoon\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="line 3: 'noon'"):
        read_times(path)
    path.write_bytes(b"\xff\xfe1")
    with pytest.raises(ScenarioError, match="no UTF-8"):
        read_times(path)
