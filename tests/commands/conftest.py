"""A course folder with the real course in it, and commands typed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambdalab import cli


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Type = Callable[..., Said]


@pytest.fixture
def typed(clean_environment: Path, capsys: pytest.CaptureFixture[str]) -> Type:
    """Return ``typed("progress", "--json")``: runs a command in this process."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = cli.main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def learner(typed: Type, clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a course folder made by ``lambdalab start``, which this test is in."""
    assert typed("start", "mine", "--copy-only").code == 0
    folder = clean_environment / "mine"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    return folder
