"""How far the learner is: every lesson and lab of the course beside what was done of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lambdalab.course import bank
from lambdalab.course.catalogue import Entry, catalogue
from lambdalab.course.progress import Answer, Check, Progress
from lambdalab.course.questions import Kind
from lambdalab.course.tasks import LabTask, read_tasks

__all__ = ["LabView", "LessonView", "Tally", "Views", "overview"]


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of so many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LessonView:
    """A lesson, and what was answered of its questions."""

    entry: Entry
    predictions: Tally
    """How many were made, right or wrong."""
    quiz: Tally
    """How many were solved."""

    @property
    def done(self) -> bool:
        """Whether every question has been dealt with."""
        both = (self.predictions, self.quiz)
        return all(one.done == one.total for one in both) and any(one.total for one in both)


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task of a lab, and its last check if there was one."""

    id: str
    points: float
    check: Check | None


@dataclass(frozen=True, slots=True)
class LabView:
    """A lab, and how its tasks stand."""

    entry: Entry
    tasks: tuple[TaskView, ...]

    @property
    def passed(self) -> Tally:
        """How many tasks have all their points."""
        full = [one for one in self.tasks if one.check and one.check.score >= one.points]
        return Tally(len(full), len(self.tasks))

    @property
    def score(self) -> float:
        """Points of the best checks."""
        return sum(min(one.check.score, one.points) for one in self.tasks if one.check)

    @property
    def points(self) -> float:
        """All points there are."""
        return sum(one.points for one in self.tasks)


Views = Sequence[LessonView | LabView]


def overview(progress: Progress) -> Views:
    """Return every lesson and lab in the course's order.

    Raises
    ------
    CourseError
        The course or the progress cannot be read.
    """
    answers = progress.answers()
    views: list[LessonView | LabView] = []
    for entry in catalogue():
        if entry.kind == "lab":
            checks = progress.checks(entry.id)
            tasks = (TaskView(one.id, one.points, checks.get(one.id)) for one in _tasks(entry))
            views.append(LabView(entry, tuple(tasks)))
            continue
        questions = bank.questions_of(entry.number)

        def tally(kind: Kind, of: bank.Questions = questions) -> Tally:
            asked = [name for name, question in of.items() if question.kind == kind]
            return Tally(sum(_counts(kind, answers.get(name)) for name in asked), len(asked))

        views.append(LessonView(entry, tally("prediction"), tally("quiz")))
    return views


def _counts(kind: Kind, answer: Answer | None) -> bool:
    return answer is not None and (kind == "prediction" or answer.solved)


def _tasks(entry: Entry) -> Sequence[LabTask]:
    return read_tasks(bank.content_folder() / entry.stem / "lab.toml")
