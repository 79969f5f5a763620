from __future__ import annotations

import builtins
import sys
from pathlib import Path

import pytest

from lambdalab.course.progress import Progress
from tests.commands.conftest import Type

EN, ZH = "labs/en/01_lifecycle.ipynb", "labs/zh-TW/01_lifecycle.ipynb"


def change(path: Path) -> bytes:
    data = path.read_bytes().replace(b"YOUR CODE HERE", b"MY CODE")
    path.write_bytes(data)
    return data


def test_reset_and_its_undo(typed: Type, learner: Path) -> None:
    start = (learner / EN).read_bytes()
    mine = change(learner / EN)
    Progress(learner).record_check("lab01", "task-1", "passed", 1, 10)
    said = typed("reset", "lab01", "--yes")
    assert said.code == 0
    assert (learner / EN).read_bytes() == start
    assert f"Put back to its start: {EN}" in said.out and ZH in said.out
    (backup,) = (learner / ".lambdalab/backups/lab01").iterdir()
    assert str(backup) in said.out
    assert "lambdalab reset lab01 --restore" in said.out
    assert Progress(learner).checks("lab01") == {}

    said = typed("reset", "lab01", "--restore", "--yes")
    assert f"Brought back: {EN}" in said.out
    assert (learner / EN).read_bytes() == mine
    assert Progress(learner).checks("lab01")["task-1"].score == 1


def test_one_language(typed: Type, learner: Path) -> None:
    mine = change(learner / EN)
    change(learner / ZH)
    said = typed("reset", "lab01", "--lang", "zh-TW", "--yes")
    assert ZH in said.out and EN not in said.out
    assert (learner / EN).read_bytes() == mine


def test_nothing_to_do(typed: Type, learner: Path) -> None:
    said = typed("reset", "lab01")
    assert said.code == 0
    assert "as it was at its start" in said.out
    assert not (learner / ".lambdalab/backups").exists()


@pytest.mark.parametrize(
    ("answer", "agreed"), [("y", True), ("YES ", True), ("", False), ("n", False)]
)
def test_it_asks_first(
    typed: Type, learner: Path, monkeypatch: pytest.MonkeyPatch, answer: str, agreed: bool
) -> None:
    mine = change(learner / EN)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked: list[str] = []

    def reply(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr(builtins, "input", reply)
    said = typed("reset", "lab01")
    assert "lab01" in asked[0]
    assert said.code == (0 if agreed else 1)
    assert ((learner / EN).read_bytes() != mine) is agreed


def test_with_nobody_to_ask_nothing_happens(
    typed: Type, learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = change(learner / EN)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    said = typed("reset", "lab01")
    assert said.code == 1
    assert "--yes" in said.err
    assert (learner / EN).read_bytes() == mine


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lab99"], "lab01"),
        (["lesson01"], "is not a lab"),
        (["lab01", "--restore", "--yes"], "no backup"),
    ],
)
def test_what_cannot_be_reset(typed: Type, learner: Path, words: list[str], told: str) -> None:
    said = typed("reset", *words)
    assert said.code == 1
    assert told in said.err


def test_outside_of_a_course_folder(typed: Type, learner: Path, tmp_path: Path) -> None:
    said = typed("reset", "lab01", "--folder", str(tmp_path))
    assert said.code == 1
    assert "lambdalab start" in said.err
