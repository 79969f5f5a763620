"""Lab 01, graded for real: its solution, its starter, and many answers in between."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.grading.labs import Course, hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import Answers, find_answers, read_notebook
from lambdalab.i18n import LANGUAGES, Language
from tests.labs.lab01_answers import ANSWERS, TASK_5, Answer

COURSE = Course.own()
LAB = COURSE.lab("lab01")
ROUNDS = max(len(answers) for answers in ANSWERS.values())


@pytest.fixture(scope="module")
def marking() -> Marking:
    assert COURSE.hidden is not None
    hidden = hidden_checks(COURSE.hidden, "lab01")
    assert hidden is not None
    return Marking(LAB, hidden)


def mark(marking: Marking, source: Mapping[str, str], lang: Language = "en") -> Marks:
    return marking.mark(Answers(source, (), ()), lang)


def answers_of(notebook: Path) -> Mapping[str, str]:
    found = find_answers(read_notebook(notebook), list(LAB.starters))
    assert not found.missing and not found.duplicated
    return found.source


def outcomes(marks: Marks) -> Mapping[str, str]:
    """Return outcome and texts of each task: what a failing test shows."""
    return {
        one.task.id: f"{one.outcome}: {one.public.text} {one.hidden.text if one.hidden else None}"
        for one in marks.tasks
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_solution_earns_all_points(marking: Marking, lang: Language) -> None:
    notebook = LAB.notebooks / "solutions" / lang / f"{LAB.stem}.ipynb"
    marks = mark(marking, answers_of(notebook), lang)
    assert not marks.ran.errors
    assert marks.points == 100, outcomes(marks)
    assert {one.outcome for one in marks.tasks} == {"passed"}
    assert all(one.hidden is not None for one in marks.tasks), "each task has a hidden check"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_untouched_lab_is_not_attempted(marking: Marking, lang: Language) -> None:
    marks = mark(marking, answers_of(LAB.notebook(lang)), lang)
    assert marks.points == 0
    assert {one.outcome for one in marks.tasks} == {"not attempted"}


def test_running_the_starter_changes_nothing(marking: Marking) -> None:
    """A comment in every cell does not count as an attempt; nor does other code to no effect.

    What a check finds in the sandbox must then be what was delivered: the starters repeat the
    sources of the set-up, and this is what keeps them equal.
    """
    source = {name: f"{text}\nnothing = 1\n" for name, text in LAB.starters.items()}
    marks = mark(marking, source)
    assert not marks.ran.errors
    assert marks.points == 0
    assert {one.outcome for one in marks.tasks} == {"not attempted"}, outcomes(marks)


def _round(number: int) -> Iterator[tuple[str, Answer]]:
    for task, answers in ANSWERS.items():
        if number < len(answers):
            yield task, answers[number]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_answers_earn_what_they_are_worth(marking: Marking, number: int) -> None:
    """One learner for each round, with an answer to every task."""
    answers = dict(_round(number))
    source = dict(LAB.starters)
    for answer in answers.values():
        source |= answer.cells
    marks = mark(marking, source)
    wrong = []
    for one in marks.tasks:
        if one.task.id not in answers:
            assert one.outcome == "not attempted"
            continue
        answer = answers[one.task.id]
        assert one.hidden is not None
        got = (one.public.score, one.hidden.score)
        if got != pytest.approx((answer.public, answer.hidden), abs=0.005):
            texts = (one.public.text, one.hidden.text)
            wrong.append(f"{one.task.id} {answer.name}: {got}, {texts}")
        right = min(answer.public, answer.hidden) == 1
        if one.outcome != ("passed" if right else "incorrect"):
            wrong.append(f"{one.task.id} {answer.name}: {one.outcome}")
        for verdict in (one.public, one.hidden):
            if verdict.outcome == "incorrect" and not verdict.text:
                wrong.append(f"{one.task.id} {answer.name}: says nothing")
    assert not wrong, "\n".join(wrong)


def test_victims_that_are_not_json_are_told(marking: Marking) -> None:
    cells = {"task-3-victims": 'victims = {"cleo", "eve"}'}
    marks = mark(marking, {**LAB.starters, **cells})
    (third,) = [one for one in marks.tasks if one.task.id == "task-3"]
    assert third.outcome == "cannot check"
    assert third.public.text is not None and "victims" in third.public.text["en"]


@pytest.fixture(scope="module")
def hidden_module() -> ModuleType:
    assert COURSE.hidden is not None
    spec = importlib.util.spec_from_file_location("hidden_lab01", COURSE.hidden / "lab01.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@settings(max_examples=300, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 60), max_size=40).map(sorted),
    duration=st.integers(1, 12),
    idle_lifetime=st.integers(1, 30),
)
def test_the_hidden_count_is_that_of_a_list_of_environments(
    hidden_module: ModuleType, arrivals: list[int], duration: int, idle_lifetime: int
) -> None:
    """The identity that the hidden check counts by, against environments one by one."""
    namespace: dict[str, object] = {}
    exec(TASK_5[0].cells["task-5-answer"], namespace)
    count = namespace["cold_starts"]
    assert callable(count)
    expected = hidden_module._cold_starts(arrivals, duration, idle_lifetime)
    assert count(arrivals, duration, idle_lifetime) == expected
