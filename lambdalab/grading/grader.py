"""Grading many submissions: each ends in one row, whatever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lambdalab.course.errors import CourseError
from lambdalab.errors import LambdalabError
from lambdalab.grading.checking import StoppedError
from lambdalab.grading.discovery import Submission
from lambdalab.grading.labs import Course, LabFiles, hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import (
    Answers,
    Notebook,
    UnreadableError,
    find_answers,
    read_notebook,
)
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = ["Grade", "Grader", "Status", "grade_all"]

Status = Literal[
    "graded", "not attempted", "cannot check", "died", "timed out", "unreadable", "failed"
]
_REASON_MAX = 300


@dataclass(frozen=True, slots=True)
class Grade:
    """What came of one submission."""

    submission: Submission
    status: Status
    reasons: tuple[str, ...] = ()
    lab: LabFiles | None = None
    lang: Language | None = None
    marks: Marks | None = None
    """``None``: nothing was judged, and every task has 0 points."""
    answers: Answers | None = field(default=None, repr=False)

    @property
    def points(self) -> float:
        """Points earned."""
        return self.marks.points if self.marks else 0.0

    @property
    def status_text(self) -> str:
        """The status in one line, with the reasons."""
        text = "; ".join(" ".join(reason.split()) for reason in self.reasons)
        return f"{self.status}: {text[:_REASON_MAX]}" if text else self.status


class Grader:
    """Grades submissions, one at a time; many threads may ask.

    Parameters
    ----------
    course
        Where the labs are.
    lab
        The lab every submission is of; what each says itself if ``None``.
    hidden
        Folder of the hidden checks; ``None``: public ones only.
    seconds
        Time for all answers of a submission; the lab's own if ``None``.

    Raises
    ------
    LambdalabError
        The lab does not exist, or it or its hidden checks cannot be used.
    """

    def __init__(
        self,
        course: Course,
        *,
        lab: str | None = None,
        hidden: Path | None = None,
        seconds: float | None = None,
    ) -> None:
        self.course = course
        # All are read before anything is graded: a fault of a lab is no submission's.
        wanted = course.lab_ids() if lab is None else (course.lab(lab).id,)
        self.markings = {name: self._marking(name, hidden, seconds) for name in wanted}
        self.only = wanted[0] if lab is not None else None
        self.stop = threading.Event()

    def _marking(self, name: str, hidden: Path | None, seconds: float | None) -> Marking:
        files = self.course.lab(name)
        _ = files.spec, files.starters, files.checks
        return Marking(files, hidden_checks(hidden, name) if hidden else None, seconds)

    def without_hidden(self) -> tuple[str, ...]:
        """Return the labs of which only public checks count."""
        return tuple(name for name, marking in self.markings.items() if marking.hidden is None)

    def wants(self, submission: Submission) -> bool:
        """Tell whether a submission is to be graded: not one in the folder of another lab."""
        if self.only is None or submission.assignment is None:
            return True
        try:
            return self.course.lab(submission.assignment).id == self.only
        except CourseError:
            return True

    def grade(self, submission: Submission) -> Grade:
        """Grade one submission.

        Raises
        ------
        StoppedError
            ``stop`` was set.
        """
        lab = self.markings[self.only].lab if self.only else None
        try:
            if submission.path is None:
                raise UnreadableError(message("grading.submission.none"))
            notebook = read_notebook(submission.path)
            marking = self._marking_of(notebook, submission)
            lab = marking.lab
            return self._graded(submission, notebook, marking)
        except UnreadableError as error:
            return Grade(submission, "unreadable", (str(error),), lab)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the batch goes on
            text = str(error) if isinstance(error, LambdalabError) else repr(error)
            return Grade(submission, "failed", (text,), lab)

    def _marking_of(self, notebook: Notebook, submission: Submission) -> Marking:
        if self.only is not None:
            if notebook.lab not in (None, self.only):
                raise UnreadableError(message("grading.submission.other_lab", lab=notebook.lab))
            return self.markings[self.only]
        for name in (notebook.lab, submission.assignment):
            for marking in self.markings.values():
                if name in (marking.lab.id, marking.lab.stem):
                    return marking
        key = "no_lab" if notebook.lab is None else "unknown_lab"
        raise UnreadableError(message(f"grading.submission.{key}", lab=str(notebook.lab)[:40]))

    def _graded(self, submission: Submission, notebook: Notebook, marking: Marking) -> Grade:
        lab, lang = marking.lab, notebook.lang or LANGUAGES[0]
        answers = find_answers(
            notebook, [name for task in lab.spec.tasks for name in task.answer_cells]
        )
        notes = [message("grading.submission.missing", cell=name) for name in answers.missing] + [
            message("grading.submission.duplicated", cell=name) for name in answers.duplicated
        ]
        marks = marking.mark(answers, lang, stop=self.stop)
        status, reason = _status(marks, marking)
        reasons = ([reason] if reason else []) + notes
        return Grade(submission, status, tuple(reasons), lab, notebook.lang, marks, answers)


def _status(marks: Marks, marking: Marking) -> tuple[Status, str | None]:
    ran = marks.ran
    outcomes = {mark.task.id: mark.outcome for mark in marks.tasks}
    if ran.end == "timed out":
        limit = f"{marking.timeout:g}"
        return "timed out", message("grading.status.timed_out", cell=ran.cell, seconds=limit)
    if ran.end != "finished":
        return "died", message("grading.status.died", cell=ran.cell)
    uncheckable = [name for name, outcome in outcomes.items() if outcome == "cannot check"]
    if uncheckable:
        return "cannot check", ", ".join(uncheckable)
    if set(outcomes.values()) == {"not attempted"}:
        return "not attempted", None
    return "graded", None


def grade_all(
    grader: Grader,
    submissions: Sequence[Submission],
    *,
    jobs: int,
    done: Callable[[Grade], None] = lambda _: None,
) -> tuple[list[Grade], bool]:
    """Grade submissions, several at a time.

    Parameters
    ----------
    grader
        Grades each.
    submissions
        What to grade.
    jobs
        How many at a time.
    done
        Called with each grade as it comes.

    Returns
    -------
    tuple
        The grades in the order of the submissions, and whether all are there: Ctrl-C ends
        what runs and leaves what was finished.
    """
    grades: dict[int, Grade] = {}
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="grade")
    futures = {pool.submit(grader.grade, one): index for index, one in enumerate(submissions)}
    complete = True
    try:
        _gather(futures, grades, done)
    except KeyboardInterrupt:
        complete = False
        grader.stop.set()
    finally:
        pool.shutdown(cancel_futures=True)
    for future, index in futures.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            grades.setdefault(index, future.result())
    return [grades[index] for index in sorted(grades)], complete


def _gather(
    futures: Mapping[Future[Grade], int], grades: dict[int, Grade], done: Callable[[Grade], None]
) -> None:
    waiting = set(futures)
    while waiting:
        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            grade = future.result()
            grades[futures[future]] = grade
            done(grade)
