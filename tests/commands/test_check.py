"""``lambdalab check``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambdalab import cli
from lambdalab.grading.labs import Course
from tests.grading.lab import SOLUTIONS, DemoLab, make_lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: Path) -> DemoLab:
    """Return the demo lab, which the command takes for the course's own."""
    made = make_lab(tmp_path / "course")
    monkeypatch.setattr(Course, "own", lambda: made.course)
    return made


def test_notebook_of_the_course_folder(
    lab: DemoLab, clean_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_environment / ".lambdalab").mkdir()
    answers = SOLUTIONS | {"task-1-answer": "cold_starts = 3", "task-3-answer": "1 / 0"}
    lab.hand_in(clean_environment / "labs/en/01_demo.ipynb", answers)
    assert cli.main(["check", "lab01"]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "task-1 Count cold starts Not right yet 0 of 30 points" in lines
    assert "Not `1`." in lines
    assert "task-2 Create a function Public checks passed 40 of 40 points" in lines
    assert "task-3-answer: ZeroDivisionError: division by zero" in lines
    assert any(line.startswith("Together: 40 of 100 points") for line in lines)
    kept = json.loads((clean_environment / ".lambdalab/progress.json").read_bytes())
    assert kept["labs"]["lab01"]["task-2"]["score"] == 40


def test_all_passed(lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lab.hand_in(tmp_path / "mine.ipynb", SOLUTIONS, lang="zh-TW")
    assert cli.main(["check", "lab01", str(path)]) == 0
    said = capsys.readouterr().out
    assert "公開檢查通過" in said  # in the notebook's language
    assert "100 / 100 分" in said
    assert "隱藏檢查" in said


def test_one_task(lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lab.hand_in(tmp_path / "mine.ipynb", {"task-3-answer": SOLUTIONS["task-3-answer"]})
    assert cli.main(["check", "lab01", "--task", "task-3", str(path)]) == 0
    assert "task-1" not in capsys.readouterr().out
    assert cli.main(["check", "lab01", "--task", "task-1", str(path)]) == 1


def test_untouched(lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lab.hand_in(tmp_path / "mine.ipynb")
    assert cli.main(["check", "lab01", str(path)]) == 1
    assert capsys.readouterr().out.count("Not attempted") == 3


def test_endless_answer_is_named(
    lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = lab.course.content / "01_demo/lab.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("timeout = 20", "timeout = 1", 1))
    path = lab.hand_in(tmp_path / "mine.ipynb", {"task-1-answer": "while True: pass"})
    assert cli.main(["check", "lab01", str(path)]) == 1
    assert "The run ended in task-1-answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lab09"], "There are: lab01."),
        (["lab01", "--task", "task-9", "other.ipynb"], "It has: task-1, task-2, task-3."),
        (["lab01"], "not a course folder"),
        (["lab01", "nowhere.ipynb"], "nowhere.ipynb: cannot be read"),
        (["lab01", "other.ipynb"], "a notebook of lab02"),
    ],
)
def test_wrong_use(
    lab: DemoLab,
    words: list[str],
    said: str,
    clean_environment: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab.hand_in(
        clean_environment / "other.ipynb",
        change=lambda data: data["metadata"]["lambdalab"].update(id="lab02"),
    )
    assert cli.main(["check", *words]) == 1
    assert said in capsys.readouterr().err
