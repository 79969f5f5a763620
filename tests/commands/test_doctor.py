from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lambdalab.course import machine
from tests.commands.conftest import Type


def pretend(monkeypatch: pytest.MonkeyPatch, *findings: machine.Finding) -> None:
    def look() -> Iterator[machine.Finding]:
        yield from findings

    monkeypatch.setattr(machine, "look", look)


FINE = machine.Finding("python", "ok", "Python 3.11")
ODD = machine.Finding("font", "warning", "No font", "Install one")
BAD = machine.Finding("sandbox", "problem", "No sandbox", "Start one")


def test_a_warning_is_no_failure(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, FINE, ODD)
    said = typed("doctor")
    assert said.code == 0
    assert "[ok] Python 3.11\n[warning] No font\n    Install one\n" in said.out
    assert "Everything that the course needs works here." in said.out


def test_a_problem_is_1(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, FINE, BAD)
    said = typed("doctor")
    assert said.code == 1
    assert "[PROBLEM] No sandbox\n    Start one\n" in said.out
    monkeypatch.setenv("LAMBDALAB_LANG", "zh-TW")
    assert "[問題] No sandbox" in typed("doctor").out


def test_json(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, ODD, BAD)
    said = typed("doctor", "--json")
    assert said.code == 1
    assert json.loads(said.out) == {
        "ok": False,
        "findings": [
            {"name": "font", "level": "warning", "text": "No font", "advice": "Install one"},
            {"name": "sandbox", "level": "problem", "text": "No sandbox", "advice": "Start one"},
        ],
    }


def test_this_very_machine(typed: Type) -> None:
    said = typed("doctor", "--json")
    report = json.loads(said.out)
    problems = [one for one in report["findings"] if one["level"] == "problem"]
    assert problems == []
    assert said.code == 0
    assert {"sandbox", "isolation", "parts"} <= {one["name"] for one in report["findings"]}
