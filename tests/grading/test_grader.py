"""A batch: one row for each submission, whatever it is, always in the same order."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from lambdalab.errors import LambdalabError
from lambdalab.grading import table
from lambdalab.grading.discovery import Submission, find_submissions
from lambdalab.grading.grader import Grade, Grader, grade_all
from lambdalab.grading.submission import SIZE_MAX
from tests.grading.lab import SOLUTIONS, DemoLab, copy_lab

DOUBLE = {"task-3-answer": SOLUTIONS["task-3-answer"]}


@pytest.fixture(autouse=True)
def in_english(clean_environment: Path) -> None:
    """Read messages in English."""


def rows(grades: list[Grade]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_csv(grades))))


def names(folder: Path) -> list[tuple[str, str | None]]:
    return [(one.name, one.assignment) for one in find_submissions(folder)]


def duplicate(data: dict[str, Any]) -> None:
    (cell,) = [one for one in data["cells"] if one["id"] == "task-3-answer"]
    data["cells"].append(cell | {"id": "copy", "source": "def double(n): return 0"})


def drop(data: dict[str, Any]) -> None:
    data["cells"] = [one for one in data["cells"] if one["id"] != "task-1-answer"]


def test_bad_files_never_stop_a_batch(demo: DemoLab, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    demo.hand_in(folder / "a-good.ipynb", SOLUTIONS, lang="zh-TW")
    demo.hand_in(folder / "b-untouched.ipynb")
    demo.hand_in(folder / "c-twice.ipynb", DOUBLE, change=duplicate)
    demo.hand_in(folder / "d-missing.ipynb", DOUBLE, change=drop)
    (folder / "e-text.ipynb").write_text("no json")
    (folder / "f-old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    (folder / "g-large.ipynb").write_bytes(b"[" + b" " * SIZE_MAX + b"]")
    (folder / "h-link.ipynb").symlink_to(folder / "a-good.ipynb")
    (folder / "i-folder.ipynb").mkdir()
    os.mkfifo(folder / "j-pipe.ipynb")
    demo.hand_in(folder / "k-exit.ipynb", DOUBLE | {"task-1-answer": "import os; os._exit(1)"})
    demo.hand_in(folder / "l-other.ipynb", change=lambda data: data["metadata"].clear())
    demo.hand_in(
        folder / "m-lab.ipynb",
        change=lambda data: data["metadata"]["lambdalab"].update(id="lab77"),
    )
    demo.hand_in(folder / "n-set.ipynb", {"task-1-answer": "cold_starts = {1}"})
    (folder / "notes.txt").write_text("not a submission")
    (folder / ".hidden.ipynb").write_text("not a submission")
    grader = Grader(demo.course, hidden=demo.course.hidden)
    grades, complete = grade_all(grader, find_submissions(folder), jobs=2)
    assert complete
    found = rows(grades)
    assert list(found[0]) == [
        "submission",
        "lab",
        "lang",
        "score",
        "max_score",
        "status",
        "task-1",
        "task-2",
        "task-3",
    ]
    assert list(found[0].values()) == [
        "a-good", "lab01", "zh-TW", "100", "100", "graded", "30", "40", "30",
    ]  # fmt: skip
    assert list(found[1].values()) == [
        "b-untouched", "lab01", "en", "0", "100", "not attempted", "0", "0", "0",
    ]  # fmt: skip
    status = {row["submission"]: (row["status"], row["score"]) for row in found}
    assert len(status) == 14
    assert status["c-twice"] == (
        "graded: cell task-3-answer is there more than once: the first counted",
        "30",
    )
    assert status["d-missing"] == ("graded: cell task-1-answer is missing", "30")
    for name, words in {
        "e-text": "not JSON",
        "f-old": "format 3",
        "g-large": "larger than 5 MiB",
        "h-link": "symbolic link",
        "i-folder": "not a file",
        "j-pipe": "not a file",
        "l-other": "--lab",
        "m-lab": "lab77",
    }.items():
        assert status[name][0].startswith("unreadable: ")
        assert words in status[name][0]
        assert status[name][1] == "0"
    assert status["k-exit"] == ("died: the process ended in task-1-answer", "0")
    assert status["n-set"] == ("cannot check: task-1", "0")


def test_same_input_same_file(demo: DemoLab, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("zoe", "adam", "Åsa", "王小明"):
        demo.hand_in(folder / f"{name}.ipynb", DOUBLE if name.isascii() else {})
    texts = []
    for jobs in (1, 3):
        grades, _ = grade_all(Grader(demo.course), find_submissions(folder), jobs=jobs)
        texts.append(table.to_csv(grades))
    assert texts[0] == texts[1]
    assert [row["submission"] for row in csv.DictReader(io.StringIO(texts[0]))] == [
        "adam",
        "zoe",
        "Åsa",
        "王小明",
    ]


def test_interrupted_batch_keeps_what_is_finished(demo: DemoLab, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    demo.hand_in(folder / "a.ipynb", DOUBLE)
    demo.hand_in(folder / "b.ipynb", {"task-1-answer": "while True: pass"})
    demo.hand_in(folder / "c.ipynb", DOUBLE)

    def interrupt(_: Grade) -> None:
        raise KeyboardInterrupt  # as if the first grade's arrival were the moment of Ctrl-C

    before = set(threading.enumerate())
    grades, complete = grade_all(
        Grader(demo.course), find_submissions(folder), jobs=1, done=interrupt
    )
    assert not complete
    assert [(one.submission.name, one.points) for one in grades] == [("a", 30)]
    assert set(threading.enumerate()) <= before


def test_without_hidden_checks(demo: DemoLab, tmp_path: Path) -> None:
    only_positive = {"task-3-answer": "def double(number):\n    return abs(2 * number)"}
    path = demo.hand_in(tmp_path / "in/a.ipynb", only_positive)
    one = Submission("a", path)
    public, official = Grader(demo.course), Grader(demo.course, hidden=demo.course.hidden)
    assert public.without_hidden() == ("lab01",)
    assert official.without_hidden() == ()
    assert public.grade(one).points == 30
    assert official.grade(one).points == 20


def test_time_limit_of_the_command(demo: DemoLab, tmp_path: Path) -> None:
    path = demo.hand_in(tmp_path / "a.ipynb", {"task-1-answer": "while True: pass"})
    grade = Grader(demo.course, seconds=0.5).grade(Submission("a", path))
    assert grade.status_text == (
        "timed out: task-1-answer had not ended when 0.5 s for all answers were over"
    )


def test_fault_of_the_course_is_told_in_its_row(
    demo: DemoLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = demo.hand_in(tmp_path / "a.ipynb", DOUBLE)
    blocked = tmp_path / "file"
    blocked.write_text("")
    grader = Grader(demo.course)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(blocked))
    grade = grader.grade(Submission("a", path))
    assert grade.status == "failed"
    assert rows([grade])[0]["score"] == "0"


# -- where submissions are ----------------------------------------------------------------


def test_nbgraders_layout(demo: DemoLab, tmp_path: Path) -> None:
    submitted = tmp_path / "submitted"
    demo.hand_in(submitted / "bob/lab01/01_demo.ipynb", DOUBLE)
    demo.hand_in(submitted / "alice/01_demo/01_demo.ipynb", DOUBLE)
    demo.hand_in(submitted / "carol/lab01/one.ipynb")
    demo.hand_in(submitted / "carol/lab01/two.ipynb")
    (submitted / "dave/lab01").mkdir(parents=True)
    (submitted / "dave/lab02").mkdir()
    (submitted / "eve").symlink_to(submitted / "bob")
    expected = [
        ("alice", "01_demo"),
        ("bob", "lab01"),
        ("carol/one", "lab01"),
        ("carol/two", "lab01"),
        ("dave", "lab01"),
        ("dave", "lab02"),
    ]
    assert names(tmp_path) == names(submitted) == expected
    grader = Grader(demo.course, lab="lab01")
    grades, _ = grade_all(grader, find_submissions(tmp_path), jobs=2)
    found = {one.submission.name: one.status_text for one in grades}
    assert found["alice"] == found["bob"] == "graded"
    assert found["dave"] == "unreadable: no notebook was handed in"


def test_other_labs_folder_is_left_out(demo: DemoLab, tmp_path: Path) -> None:
    lab = copy_lab(demo, tmp_path / "two")
    shutil.copytree(lab.course.content / "01_demo", lab.course.content / "02_more")
    for notebook in lab.root.glob("labs/*/01_demo.ipynb"):
        shutil.copy(notebook, notebook.with_name("02_more.ipynb"))
    grader = Grader(lab.course, lab="lab01")
    wanted = {
        name: grader.wants(Submission("a", None, name))
        for name in ("lab01", "01_demo", "lab02", "02_more", "week-3", None)
    }
    assert [name for name, wants in wanted.items() if not wants] == ["lab02", "02_more"]
    assert Grader(lab.course).wants(Submission("a", None, "lab02"))


def test_notebook_of_another_lab(demo: DemoLab, tmp_path: Path) -> None:
    path = demo.hand_in(
        tmp_path / "a.ipynb",
        change=lambda data: data["metadata"]["lambdalab"].update(id="lab02"),
    )
    grade = Grader(demo.course, lab="lab01").grade(Submission("a", path))
    assert grade.status_text == "unreadable: a notebook of lab02"
    assert rows([grade])[0]["task-1"] == "0"


def test_lab_that_a_notebook_does_not_name(demo: DemoLab, tmp_path: Path) -> None:
    path = demo.hand_in(tmp_path / "a.ipynb", DOUBLE, change=lambda data: data["metadata"].clear())
    assert Grader(demo.course, lab="lab01").grade(Submission("a", path)).points == 30
    assert Grader(demo.course).grade(Submission("a", path, "01_demo")).points == 30


@pytest.mark.parametrize("make", ["missing", "file", "empty"])
def test_nothing_to_grade(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "in"
    if make == "file":
        folder.write_text("")
    elif make == "empty":
        folder.mkdir()
    with pytest.raises(LambdalabError):
        find_submissions(folder)


# -- what is written ----------------------------------------------------------------------


def test_no_formulas_and_no_lines_in_cells() -> None:
    grade = Grade(Submission("=cmd|' /C calc'!A1", None), "failed", ("a\nb", "-c"))
    (row,) = rows([grade])
    assert row["submission"] == "'=cmd|' /C calc'!A1"
    assert row["status"] == "failed: a b; -c"


def test_name_that_is_not_utf8(demo: DemoLab, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.ipynb")
    path = demo.hand_in(tmp_path / "a.ipynb")
    try:
        path.rename(tmp_path / name)
    except OSError:
        return  # this file system takes UTF-8 only, so there is nothing to get wrong
    grades, _ = grade_all(Grader(demo.course), find_submissions(tmp_path), jobs=1)
    table.write(tmp_path / "grades.csv", grades)
    table.write_reports(tmp_path / "reports", grades)
    assert "udcff" in (tmp_path / "grades.csv").read_text(encoding="utf-8")


def test_reports_tell_both_shares(demo: DemoLab, tmp_path: Path) -> None:
    answers = SOLUTIONS | {"task-3-answer": "def double(number):\n    return abs(2 * number)"}
    path = demo.hand_in(tmp_path / "a.ipynb", answers, lang="zh-TW")
    grade = Grader(demo.course, hidden=demo.course.hidden).grade(Submission("a/b", path))
    table.write_reports(tmp_path / "reports", [grade, grade])
    assert sorted(one.name for one in (tmp_path / "reports").iterdir()) == [
        "a_b-2.json",
        "a_b.json",
    ]
    data = json.loads((tmp_path / "reports/a_b.json").read_text(encoding="utf-8"))
    third = data["tasks"][2]
    assert third["public"]["outcome"] == "passed"
    assert third["hidden"]["text"] == "隱藏。"
    assert third["points"] == 20
    assert data["answers"] == answers


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no/grades.csv"):
        with pytest.raises(LambdalabError, match="cannot be written"):
            table.check_place(path)
    table.check_place(tmp_path / "grades.csv")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"] or list(tmp_path.iterdir()) == []
