"""Lab 03, graded for real: its solution, its starter, and many answers in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lambdalab.grading.labs import Course, hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import Answers, find_answers, read_notebook
from lambdalab.i18n import LANGUAGES
from tests.labs.lab01_answers import Answer
from tests.labs.lab03_answers import ANSWERS

COURSE = Course.own()
LAB = COURSE.lab("lab03")
ROUNDS = max(len(answers) for answers in ANSWERS.values())


@pytest.fixture(scope="module")
def marking() -> Marking:
    assert COURSE.hidden is not None
    hidden = hidden_checks(COURSE.hidden, "lab03")
    assert hidden is not None
    return Marking(LAB, hidden)


def mark(marking: Marking, source: Mapping[str, str]) -> Marks:
    return marking.mark(Answers(source, (), ()), "en")


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


def test_solution_earns_all_points(marking: Marking) -> None:
    answers = [
        answers_of(LAB.notebooks / "solutions" / lang / f"{LAB.stem}.ipynb") for lang in LANGUAGES
    ]
    assert answers[0] == answers[1]
    marks = mark(marking, answers[0])
    assert not marks.ran.errors
    assert marks.points == 100, outcomes(marks)
    assert {one.outcome for one in marks.tasks} == {"passed"}
    assert all(one.hidden is not None for one in marks.tasks), "each task has a hidden check"


def test_running_the_starter_changes_nothing(marking: Marking) -> None:
    """A line to no effect in every cell is no attempt: starters repeat what was delivered."""
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
        texts = (one.public.text, one.hidden.text)
        if got != pytest.approx((answer.public, answer.hidden), abs=0.005):
            wrong.append(f"{one.task.id} {answer.name}: {got}, {texts}")
        right = min(answer.public, answer.hidden) == 1
        if one.outcome != ("passed" if right else "incorrect"):
            wrong.append(f"{one.task.id} {answer.name}: {one.outcome}, {texts}")
        for verdict in (one.public, one.hidden):
            if verdict.outcome == "incorrect" and not verdict.text:
                wrong.append(f"{one.task.id} {answer.name}: says nothing")
    assert not wrong, "\n".join(wrong)
