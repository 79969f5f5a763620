"""Every lab of the repository: solutions get everything, untouched labs nothing, files fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course.catalogue import clone_root
from lambdalab.grading.discovery import Submission
from lambdalab.grading.grader import Grader
from lambdalab.grading.labs import Course, hidden_checks
from lambdalab.grading.spec import check_name
from lambdalab.i18n import LANGUAGES, Language

COURSE = Course.own()
LABS = COURSE.lab_ids()
ROOT = clone_root()
assert ROOT is not None
EACH = [(lab, LANGUAGES[number % len(LANGUAGES)]) for number, lab in enumerate(LABS)]
"""Each lab in one of its languages, by turns: that their code is the same is tested elsewhere."""


@pytest.fixture(scope="module")
def grader() -> Grader:
    return Grader(COURSE, hidden=COURSE.hidden)


def notebook(kind: str, lab: str, lang: Language) -> Path:
    assert ROOT is not None
    return ROOT / kind / lang / f"{COURSE.lab(lab).stem}.ipynb"


def test_there_are_labs() -> None:
    assert "lab01" in LABS


@pytest.mark.parametrize(("lab", "lang"), EACH)
def test_solution_gets_everything(grader: Grader, lab: str, lang: Language) -> None:
    grade = grader.grade(Submission("solution", notebook("solutions", lab, lang)))
    assert grade.marks is not None
    found = {mark.task.id: (mark.outcome, mark.public, mark.hidden) for mark in grade.marks.tasks}
    assert (grade.status_text, grade.points) == ("graded", 100), found
    assert (grade.lang, grade.lab and grade.lab.id) == (lang, lab)
    assert grade.marks.ran.errors == {}


@pytest.mark.parametrize(("lab", "lang"), EACH)
def test_untouched_lab_is_not_attempted(grader: Grader, lab: str, lang: Language) -> None:
    grade = grader.grade(Submission("untouched", notebook("labs", lab, lang)))
    assert (grade.status_text, grade.points) == ("not attempted", 0)


@pytest.mark.parametrize("lab", LABS)
def test_every_task_has_its_public_check(lab: str) -> None:
    """And no check belongs to no task."""
    import runpy

    files = COURSE.lab(lab)
    wanted = {check_name(task.id) for task in files.spec.tasks}
    found = {name for name in runpy.run_path(str(files.checks.path)) if name.startswith("check_")}
    assert found == wanted


@pytest.mark.parametrize("lab", LABS)
def test_hidden_checks_fit_the_lab(lab: str) -> None:
    import runpy

    assert COURSE.hidden is not None
    files, hidden = COURSE.lab(lab), hidden_checks(COURSE.hidden, lab)
    assert hidden is not None
    tasks = {task.id: task for task in files.spec.tasks}
    found = {name for name in runpy.run_path(str(hidden.source.path)) if name.startswith("check_")}
    assert found
    assert found <= {check_name(name) for name in tasks}
    for task, functions in hidden.inputs.items():
        assert set(functions) <= {one.name for one in tasks[task].functions}
        assert check_name(task) in found, f"{task} has inputs and no check"


@pytest.mark.parametrize("lab", LABS)
def test_answer_cells_are_in_the_notebook(lab: str) -> None:
    files = COURSE.lab(lab)
    wanted = {name for task in files.spec.tasks for name in task.answer_cells}
    assert set(files.starters) == wanted


def test_hidden_checks_are_not_in_the_package() -> None:
    package = COURSE.content.parent.parent
    assert COURSE.hidden is not None
    assert package not in COURSE.hidden.parents
    assert not any("hidden" in path.name for path in package.rglob("*.py"))
