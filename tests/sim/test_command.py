"""``lambdalab simulate``, as a person and as a script use it."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambdalab.cli import main
from lambdalab.i18n import LANGUAGES
from lambdalab.sim.sweep import Axis, read_axis
from tests.sim.test_files import ISSUE

SMALL = ["--requests", "6000"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "scenario.toml"
    path.write_text(ISSUE.replace("100_000", "1_000"), encoding="utf-8")
    return str(path)


def test_json_has_the_names_that_scripts_rely_on(scenario: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["simulate", scenario, *SMALL, "--json", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    api = found["functions"]["api"]
    assert api["requests"] == 5_000
    assert api["served"] + api["throttled"] == 5_000
    assert set(api) >= {"cold", "throttle_reasons", "mean_concurrency", "mean_environments"}
    assert set(api["latency"]) >= {"p50", "p99"}
    assert api["cost_usd"] > 0
    assert found["account"]["requests"] == 5_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_table_in_both_languages(
    lang: str, scenario: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    assert main(["simulate", scenario, *SMALL]) == 0
    said = capsys.readouterr().out
    assert "api" in said
    assert ("Cold starts" if lang == "en" else "冷啟動") in said
    assert "ReservedFunctionConcurrentInvocationLimitExceeded" in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_help_in_both_languages(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    with pytest.raises(SystemExit, match="0"):
        main(["simulate", "--help"])
    assert ("grid" if lang == "en" else "網格") in capsys.readouterr().out


def test_a_sweep_runs_every_combination(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--sweep", "function.api.reserved=5,10", "--sweep", "seed=1,2", "--processes", "2"]
    assert main(["simulate", scenario, *SMALL, *words, "--csv", "-"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    varied = [(row["function.api.reserved"], row["scenario.seed"]) for row in rows]
    assert varied == [("5", "1"), ("5", "2"), ("10", "1"), ("10", "2")]
    assert int(rows[0]["throttled"]) > int(rows[2]["throttled"])


def test_arrivals_from_a_csv_file(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{n / 10}\n" for n in range(3_000)), encoding="utf-8")
    assert main(["simulate", scenario, "--arrivals", str(path), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["account"]["requests"] == 2_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sweep", "function.api.reserved"], "is no sweep"),
        (["--sweep", "function.nobody.reserved=1"], "function.nobody.reserved: there is no"),
        (["--sweep", "function.api.reserved=5,950"], "below its minimum value of [100]"),
        (["--sweep", "function.api.memroy=5"], "function.api.memroy: nothing is called memroy"),
        (["--sweep", f"seed={','.join(map(str, range(10_001)))}"], "too many; at most 10000"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler is for a --sweep"),
        (["--requests", "5"], "leaves nothing to count"),
        (["--json", "/nowhere/out.json", *SMALL], "cannot be written"),
        (["--arrivals", "/nowhere.csv"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    words: list[str], said: str, scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", scenario, *words]) == 1
    assert said in capsys.readouterr().err


def test_values_of_a_sweep_are_toml_or_words() -> None:
    assert read_axis("function.f.memory=128, 256") == Axis("function.f.memory", [128, 256])
    assert read_axis("routing=recent,newest").values == ["recent", "newest"]
    assert read_axis("function.f.idle_timeout=0.5,1e3").values == [0.5, 1000.0]


SWEEP = ["--sweep", "function.api.reserved=5,10"]


def test_dask_is_asked_for_where_it_is_missing(
    scenario: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["simulate", scenario, *SWEEP, "--scheduler", "tcp://127.0.0.1:1"]) == 1
    assert "lambdalab[dask]" in capsys.readouterr().err


class _Future:
    def __init__(self, value: Any) -> None:
        self._value = value

    def result(self) -> Any:
        return self._value


class _Client:
    """As much of distributed.Client as a sweep uses; runs everything here."""

    def __init__(self, address: str, timeout: float) -> None:
        assert timeout > 0
        if address != "tcp://10.0.0.1:8786":
            raise OSError("nobody answers")

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, run: Any, *arguments: Any, pure: bool) -> _Future:
        assert not pure
        return _Future(run(*arguments))


@pytest.fixture
def dask(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_completed(futures: list[_Future]) -> Iterator[_Future]:
        return reversed(futures)

    module = ModuleType("distributed")
    module.Client = _Client  # type: ignore[attr-defined]
    module.as_completed = as_completed  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distributed", module)
    assert importlib.import_module("distributed") is module


@pytest.mark.usefixtures("dask")
def test_a_dask_cluster_answers_in_any_order(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, *SWEEP, "--scheduler", "tcp://10.0.0.1:8786", "--json", "-"]
    assert main(["simulate", scenario, *words]) == 0
    found = json.loads(capsys.readouterr().out)["sweep"]
    assert [one["parameters"] for one in found] == [
        {"function.api.reserved": 5},
        {"function.api.reserved": 10},
    ]
    assert found[0]["account"]["throttled"] > found[1]["account"]["throttled"]


@pytest.mark.usefixtures("dask")
def test_a_dask_cluster_that_does_not_answer(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, *SWEEP, "--scheduler", "tcp://10.0.0.2:8786"]
    assert main(["simulate", scenario, *words]) == 1
    assert "tcp://10.0.0.2:8786 cannot be used: nobody answers" in capsys.readouterr().err
