"""Every lab, graded for real: many answers, and a starter with code to no effect.

Solutions and untouched labs are graded in ``tests/grading/test_labs.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from lambdalab.course.catalogue import catalogue, clone_root
from lambdalab.i18n import LANGUAGES
from tests.labs import (
    lab01_answers,
    lab03_answers,
    lab04_answers,
    lab05_answers,
    lab06_answers,
    lab07_answers,
    lab08_answers,
)
from tests.labs.answer import Answer
from tests.labs.graded import Graded, outcomes

ANSWERS: Mapping[str, Mapping[str, Sequence[Answer]]] = {
    "lab01": lab01_answers.ANSWERS,
    "lab03": lab03_answers.ANSWERS,
    "lab04": lab04_answers.ANSWERS,
    "lab05": lab05_answers.ANSWERS,
    "lab06": lab06_answers.ANSWERS,
    "lab07": lab07_answers.ANSWERS,
    "lab08": lab08_answers.ANSWERS,
}
ROUNDS = [
    (lab, number)
    for lab, tasks in ANSWERS.items()
    for number in range(max(len(answers) for answers in tasks.values()))
]


def test_every_lab_has_answers() -> None:
    labs = [one.id for one in catalogue(clone_root()) if one.kind == "lab"]
    assert labs == sorted(ANSWERS)
    for lab, tasks in ANSWERS.items():
        assert list(tasks) == [task.id for task in Graded.of(lab).lab.spec.tasks]


def test_labs_in_one_sandbox_do_not_get_in_each_others_way() -> None:
    """A function of an earlier lab would pass for the one that a later lab delivers."""
    names: dict[str, str] = {}
    for lab in ANSWERS:
        source = Graded.of(lab).lab.notebook("en").read_text("utf-8").replace('\\"', '"')
        for name in sorted(set(re.findall(r'(?:deliver|deploy|is_delivered)\("([\w-]+)"', source))):
            assert names.setdefault(name, lab) == lab, f"{lab} and {names[name]} have {name}"
    assert {"intake", "shelf"} <= names.keys()


@pytest.mark.parametrize("lab", ANSWERS)
def test_both_languages_have_the_same_code(lab: str) -> None:
    graded = Graded.of(lab)
    solutions = [graded.solution(lang) for lang in LANGUAGES]
    assert solutions[0] == solutions[1]
    for lang in LANGUAGES:
        assert graded.answers(graded.lab.notebook(lang)) == graded.starters


@pytest.mark.parametrize("lab", ANSWERS)
def test_running_the_starter_changes_nothing(lab: str) -> None:
    """Code to no effect is no attempt.

    What a check finds in the sandbox must then be what was delivered: starters may repeat the
    sources of the set-up, and this is what keeps them equal.
    """
    graded = Graded.of(lab)
    marks = graded.mark({name: f"{text}\nnothing = 1\n" for name, text in graded.starters.items()})
    assert not marks.ran.errors
    assert marks.points == 0
    assert {one.outcome for one in marks.tasks} == {"not attempted"}, outcomes(marks)


def _round(lab: str, number: int) -> Iterator[tuple[str, Answer]]:
    for task, answers in ANSWERS[lab].items():
        if number < len(answers):
            yield task, answers[number]


@pytest.mark.parametrize(("lab", "number"), ROUNDS)
def test_answers_earn_what_they_are_worth(lab: str, number: int) -> None:
    """One learner for each round, with an answer to every task."""
    graded = Graded.of(lab)
    answers = dict(_round(lab, number))
    source = dict(graded.starters)
    for answer in answers.values():
        source |= answer.cells
    wrong = []
    for one in graded.mark(source).tasks:
        if one.task.id not in answers:
            assert one.outcome == "not attempted"
            continue
        answer = answers[one.task.id]
        assert one.hidden is not None
        texts = (one.public.text, one.hidden.text)
        got = (one.public.score, one.hidden.score)
        if got != pytest.approx((answer.public, answer.hidden), abs=0.005):
            wrong.append(f"{one.task.id} {answer.name}: {got}, {texts}")
        right = min(answer.public, answer.hidden) == 1
        if one.outcome != ("passed" if right else "incorrect"):
            wrong.append(f"{one.task.id} {answer.name}: {one.outcome}, {texts}")
        for verdict in (one.public, one.hidden):
            if verdict.outcome == "incorrect" and not verdict.text:
                wrong.append(f"{one.task.id} {answer.name}: says nothing")
    assert not wrong, "\n".join(wrong)
