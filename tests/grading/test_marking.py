"""One submission: run in a fresh sandbox, judged from outside, both shares counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdalab.errors import LambdalabError
from lambdalab.grading.labs import Course
from lambdalab.grading.marking import Marking, Marks, combine
from lambdalab.grading.spec import Text
from lambdalab.grading.submission import Answers
from lambdalab.grading.verdict import cannot_check, incorrect, not_attempted, passed
from tests.grading.lab import CHECKS, LAB, SOLUTIONS, DemoLab, copy_lab

_MARK = Callable[..., Marks]
NO: Text = {"zh-TW": "不", "en": "no"}


def outcomes(marks: Marks) -> dict[str, str]:
    return {mark.task.id: mark.outcome for mark in marks.tasks}


def test_solution_has_all_points(mark: _MARK) -> None:
    marks = mark(SOLUTIONS)
    assert marks.points == 100
    assert set(outcomes(marks).values()) == {"passed"}
    assert marks.ran.errors == {}
    assert [bool(one.hidden) for one in marks.tasks] == [False, False, True]


def test_untouched_lab_runs_nothing(mark: _MARK) -> None:
    started = time.monotonic()
    marks = mark({})
    assert set(outcomes(marks).values()) == {"not attempted"}
    assert marks.points == 0
    assert time.monotonic() - started < 1


def test_one_answer_of_three(mark: _MARK) -> None:
    marks = mark({"task-3-answer": SOLUTIONS["task-3-answer"]})
    assert outcomes(marks) == {
        "task-1": "not attempted",
        "task-2": "not attempted",
        "task-3": "passed",
    }


def test_smaller_share_counts(mark: _MARK) -> None:
    only_positive = "def double(number):\n    return abs(2 * number)"
    answers = SOLUTIONS | {"task-3-answer": only_positive}
    with_hidden, public = mark(answers).tasks[2], mark(answers, hidden=False).tasks[2]
    assert (with_hidden.outcome, with_hidden.points) == ("incorrect", 20)  # 2 of 3 hidden inputs
    assert with_hidden.public.outcome == "passed"
    assert (public.outcome, public.points) == ("passed", 30)


def test_partial_credit_and_text(mark: _MARK) -> None:
    small = SOLUTIONS["task-2-answer"].replace("256", "128")
    second = mark({"task-2-answer": small}).tasks[1]
    assert (second.outcome, second.points) == ("incorrect", 20)
    assert second.public.text == {"zh-TW": "記憶體不對。", "en": "Wrong memory."}


def test_error_costs_its_own_task_only(mark: _MARK) -> None:
    marks = mark(SOLUTIONS | {"task-1-answer": "cold_starts = 1\nraise SystemExit('bye')"})
    assert marks.points == 100  # what stood before the error counts
    marks = mark(SOLUTIONS | {"task-1-answer": "import nothing_there\ncold_starts = 1"})
    assert outcomes(marks)["task-1"] == "not attempted"
    assert marks.points == 70
    assert marks.ran.errors["task-1-answer"].startswith("ModuleNotFoundError")


def test_value_that_is_not_json(mark: _MARK) -> None:
    first = mark({"task-1-answer": "cold_starts = {1}"}).tasks[0]
    assert first.outcome == "cannot check"
    assert first.public.text is not None
    assert "`cold_starts`" in first.public.text["en"]
    assert "a set" in first.public.text["en"]


def test_values_are_read_where_the_check_stands(mark: _MARK) -> None:
    later = SOLUTIONS["task-3-answer"] + "\ncold_starts = 99"
    assert mark(SOLUTIONS | {"task-3-answer": later}).points == 100


def test_ipython_works_in_answers(mark: _MARK) -> None:
    answer = "import asyncio\nawait asyncio.sleep(0)\nlines = !echo 1\ncold_starts = int(lines[0])"
    assert mark({"task-1-answer": answer}).tasks[0].points == 30


def test_output_costs_nothing(mark: _MARK) -> None:
    noise = (
        "import sys, warnings\nprint('x' * 50_000_000)\nprint('no', file=sys.stderr)\n"
        "warnings.warn('loud')\ncold_starts = 1"
    )
    assert mark({"task-1-answer": noise}).tasks[0].points == 30


def test_endless_loop_takes_what_comes_after_only(mark: _MARK) -> None:
    marks = mark(SOLUTIONS | {"task-2-answer": "while True: pass"}, seconds=1.0)
    assert marks.ran.end == "timed out"
    assert marks.ran.cell == "task-2-answer"
    # A function that was never called has no right results, hidden ones neither.
    assert outcomes(marks) == {
        "task-1": "passed",
        "task-2": "not attempted",
        "task-3": "incorrect",
    }
    assert marks.points == 30


def test_death_takes_what_comes_after_only(mark: _MARK) -> None:
    code = SOLUTIONS["task-2-answer"] + "\nimport os\nos._exit(0)"
    marks = mark(SOLUTIONS | {"task-2-answer": code})
    assert (marks.ran.end, marks.ran.cell) == ("died", "task-2-answer")
    assert marks.points == 70  # what it built stands


def test_fork_bomb_is_ended(mark: _MARK) -> None:
    bomb = (
        "import os, time\nfor _ in range(400):\n    if os.fork() == 0:\n"
        "        time.sleep(120)\n        os._exit(0)\ntime.sleep(120)"
    )
    marks = mark(SOLUTIONS | {"task-2-answer": bomb}, seconds=60.0)
    assert (marks.ran.end, marks.ran.cell) == ("died", "task-2-answer")  # not "timed out"


def test_memory_is_bounded(mark: _MARK) -> None:
    marks = mark({"task-1-answer": "x = bytearray(64 * 1024**3)", "task-3-answer": "y = 1"})
    assert marks.ran.errors["task-1-answer"].startswith("MemoryError")


def test_stdin_is_empty(mark: _MARK) -> None:
    marks = mark({"task-1-answer": "cold_starts = 1\ncold_starts = input()"})
    assert marks.ran.errors["task-1-answer"].startswith("EOFError")
    assert marks.points == 30


def test_only_answer_cells_are_taken(demo: DemoLab, tmp_path: Path) -> None:
    """A submission's own setup cell is not run: ours is."""
    from lambdalab.grading.submission import find_answers, read_notebook

    def spoil(data: dict[str, object]) -> None:
        for cell in data["cells"]:  # type: ignore[attr-defined]
            if cell["id"] == "setup":
                cell["source"] = "raise RuntimeError"

    path = demo.hand_in(tmp_path / "n.ipynb", SOLUTIONS, change=spoil)
    names = list(SOLUTIONS)
    marks = Marking(demo.course.lab("lab01")).mark(find_answers(read_notebook(path), names), "en")
    assert marks.points == 100


def changed(demo: DemoLab, tmp_path: Path, name: str, old: str, new: str) -> Course:
    lab = copy_lab(demo, tmp_path / "changed")
    path = lab.course.content / "01_demo" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return lab.course


ANSWERS = Answers(SOLUTIONS, (), ())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    if world.outputs.get", "    1 / 0\n    if world.outputs.get", "ZeroDivisionError"),
        ("    if world.outputs.get", "    return None\n    if world.outputs.get", "NoneType"),
        ("def check_task_1(", "def check_task_one(", "no check_task_1"),
        ("from lambdalab", "from nowhere import x\nfrom lambdalab", "nowhere"),
        ("    if world.outputs.get", "    while True: pass\n    if world.outputs.get", "5 s"),
    ],
)
def test_fault_of_a_check_is_not_the_answers(
    demo: DemoLab, tmp_path: Path, old: str, new: str, words: str
) -> None:
    course = changed(demo, tmp_path, "checks.py", old, new)
    marks = Marking(course.lab("lab01")).mark(ANSWERS, "en")
    first = marks.tasks[0]
    assert first.outcome == "cannot check"
    assert first.public.text is not None
    assert words in first.public.text["en"]
    if "nowhere" not in words:
        assert marks.points == 70  # the other checks ran all the same


def test_check_that_ends_its_process(demo: DemoLab, tmp_path: Path) -> None:
    text = "    if found is None:"
    assert text in CHECKS
    course = changed(demo, tmp_path, "checks.py", text, f"    import os; os._exit(9)\n{text}")
    marks = Marking(course.lab("lab01")).mark(ANSWERS, "en")
    assert outcomes(marks) == {
        "task-1": "passed",
        "task-2": "cannot check",
        "task-3": "cannot check",
    }


def test_setup_that_fails_is_not_the_answers_fault(demo: DemoLab, tmp_path: Path) -> None:
    from lambdalab.course import builder

    lab = copy_lab(demo, tmp_path / "changed")
    path = lab.course.content / "01_demo/lab.md"
    path.write_text(LAB.replace("import json\n", "import jason\n", 1), encoding="utf-8")
    built = builder.build(builder.read_sources(lab.course.content))
    builder.write(lab.root, built, builder.drift(lab.root, built))
    with pytest.raises(LambdalabError, match=r"setup failed.*jason"):
        Marking(lab.course.lab("lab01")).mark(ANSWERS, "en")


@pytest.mark.parametrize(
    ("public", "hidden", "outcome", "score"),
    [
        (passed(), None, "passed", 1.0),
        (passed(), passed(), "passed", 1.0),
        (passed(), incorrect(NO, 0.25), "incorrect", 0.25),
        (incorrect(NO, 0.5), passed(), "incorrect", 0.5),
        (incorrect(NO, 0.5), incorrect(NO, 0.75), "incorrect", 0.5),
        (not_attempted(), passed(), "not attempted", 0.0),
        (passed(), cannot_check(NO), "cannot check", 0.0),
        (not_attempted(), cannot_check(NO), "cannot check", 0.0),
    ],
)
def test_official_grade(public: object, hidden: object, outcome: str, score: float) -> None:
    assert combine(public, hidden) == (outcome, score)  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [1.0, -0.1, 2])
def test_incorrect_has_no_full_score(score: float) -> None:
    with pytest.raises(ValueError):
        incorrect(NO, score)


def test_verdict_speaks_both_languages() -> None:
    with pytest.raises(TypeError):
        passed({"en": "well done"})
    with pytest.raises(TypeError):
        incorrect({"zh-TW": "不", "en": " "})
