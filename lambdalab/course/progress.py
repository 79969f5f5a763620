"""What the learner has done, kept in the course folder and shared by both languages.

``.lambdalab/progress.json`` is keyed by question id and by lab and task id. It is read
anew for every call and written whole under a lock, because notebooks, commands and
checks write it from different processes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from lambdalab.course import folder
from lambdalab.course.kept import Answer, Check, read_answer, read_check
from lambdalab.course.questions import Kind
from lambdalab.course.storage import locked, write_atomically
from lambdalab.i18n import message

__all__ = ["Answer", "Check", "Progress", "record_check"]

FILE = "progress.json"
_LOCK = "progress.lock"
_QUESTIONS = "questions"
_LABS = "labs"
_CANNOT_CHECK = "cannot check"
Table = dict[str, Any]


def _say(text: str) -> None:
    print(text, file=sys.stderr)


class Progress:
    """The progress kept in one course folder.

    Parameters
    ----------
    workspace
        The course folder.
    tell
        Called with a text for the learner if the file was found damaged.
    """

    def __init__(self, workspace: Path, tell: Callable[[str], None] = _say) -> None:
        self.workspace = workspace
        self._folder = workspace / folder.STATE
        self._tell = tell

    @property
    def path(self) -> Path:
        """The file it is kept in."""
        return self._folder / FILE

    # -- questions ------------------------------------------------------------------------

    def answer(self, question: str) -> Answer | None:
        """Return what was answered; ``None`` if nothing was."""
        return self.answers().get(question)

    def answers(self) -> Mapping[str, Answer]:
        """Return every answer, by question."""
        table = _table(self._read(), _QUESTIONS)
        found = (read_answer(name, entry) for name, entry in table.items())
        return {one.question: one for one in found if one is not None}

    def record_answer(
        self, question: str, kind: Kind, value: str | float, *, right: bool | None
    ) -> Answer:
        """Keep an answer; one that has been revealed stays as it was.

        A quiz stays solved when another answer is tried afterwards; a prediction is
        what was said last.

        Parameters
        ----------
        question, kind
            Its id, and what kind of question it is.
        value
            The id of a choice, or a number.
        right
            Whether it is right; ``None``: nobody can say yet.

        Returns
        -------
        Answer
            What is kept now.

        Raises
        ------
        CourseError
            It cannot be written.
        """
        with self._change() as data:
            table = _table(data, _QUESTIONS)
            before = read_answer(question, table.get(question))
            if before is not None and before.revealed:
                return before
            entry = _entry(table, question)
            entry |= {
                "answer": value,
                "attempts": (before.attempts if before else 0) + 1,
                "solved": bool(right or (kind == "quiz" and before and before.solved)),
                "answered": _now(),
            }
            return cast(Answer, read_answer(question, entry))

    def record_reveal(self, question: str) -> Answer | None:
        """Keep that the answer of a prediction has been shown; return the prediction.

        A prediction that was not made stays open: ``None``.
        """
        with self._change() as data:
            table = _table(data, _QUESTIONS)
            before = read_answer(question, table.get(question))
            if before is None:
                return None
            if not before.revealed:
                _entry(table, question)["revealed"] = _now()
            return read_answer(question, table[question])

    # -- labs -----------------------------------------------------------------------------

    def checks(self, lab: str) -> Mapping[str, Check]:
        """Return the checked tasks of a lab, by task."""
        table = _table(_table(self._read(), _LABS), lab)
        found = (read_check(name, entry) for name, entry in table.items())
        return {one.task: one for one in found if one is not None}

    def record_check(
        self, lab: str, task: str, outcome: str, score: float, max_score: float
    ) -> Check:
        """Keep the result of a check: its outcome, and the best score so far.

        ``cannot check`` says nothing about the work, so it replaces no other outcome.

        Raises
        ------
        CourseError
            It cannot be written.
        """
        with self._change() as data:
            table = _table(_table(data, _LABS), lab)
            before = read_check(task, table.get(task))
            entry = _entry(table, task)
            if before is None or outcome != _CANNOT_CHECK:
                entry["outcome"] = outcome
            entry["score"] = max(score, min(before.score, max_score) if before else 0.0)
            entry["max"] = max_score
            entry["checked"] = _now()
            return cast(Check, read_check(task, entry))

    def raw_checks(self, lab: str) -> Mapping[str, Any]:
        """Return the results of a lab as they are kept, for :meth:`put_checks`."""
        return _table(_table(self._read(), _LABS), lab)

    def put_checks(self, lab: str, results: Mapping[str, Any]) -> None:
        """Replace the results of a lab by others, or by none."""
        with self._change() as data:
            _table(data, _LABS).pop(lab, None)
            if results:
                data[_LABS][lab] = dict(results)

    # -- the file -------------------------------------------------------------------------

    def _read(self) -> Table:
        data = self._parse()
        if data is None:
            with self._locked():
                data = self._load()
        return data

    def _parse(self) -> Table | None:
        """Return the file's content; ``None``: it is damaged."""
        try:
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            return None
        except OSError as error:
            raise folder.storage_error(self.path, error) from error
        if not isinstance(data, dict):
            return None
        tables = (data.get(name, {}) for name in (_QUESTIONS, _LABS))
        return data if all(isinstance(table, dict) for table in tables) else None

    def _load(self) -> Table:
        """Return the content, having moved a damaged file aside. The lock must be held."""
        data = self._parse()
        if data is not None:
            return data
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"progress.damaged-{stamp}.json")
        try:
            self.path.rename(aside)
        except OSError as error:
            raise folder.storage_error(self.path, error) from error
        self._tell(message("course.progress.damaged", path=self.path, aside=aside))
        return {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                self._folder.mkdir(exist_ok=True)
                stack.enter_context(locked(self._folder / _LOCK))
            except OSError as error:
                raise folder.storage_error(self.path, error) from error
            yield

    @contextmanager
    def _change(self) -> Iterator[Table]:
        with self._locked():
            data = self._load()
            before = json.dumps(data)
            yield data
            if json.dumps(data) == before:
                return
            text = json.dumps({"version": 1} | data, ensure_ascii=False, indent=1)
            try:
                write_atomically(self.path, f"{text}\n".encode())
            except OSError as error:
                raise folder.storage_error(self.path, error) from error


def record_check(
    lab: str,
    task: str,
    outcome: str,
    score: float,
    max_score: float,
    *,
    workspace: Path | None = None,
) -> Check | None:
    """Keep the result of a check in the course folder.

    Parameters
    ----------
    lab, task
        Their ids: ``lab01``, ``task-2``.
    outcome
        ``passed``, ``incorrect``, ``not attempted`` or ``cannot check``.
    score, max_score
        Points.
    workspace
        The course folder; the one around the current folder if left out.

    Returns
    -------
    Check or None
        What is kept now; ``None`` outside of a course folder, where nothing is kept.

    Raises
    ------
    CourseError
        It cannot be written.
    """
    place = workspace or folder.find()
    if place is None:
        return None
    return Progress(place).record_check(lab, task, outcome, score, max_score)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _table(data: Table, name: str) -> Table:
    """Return a table inside another one, made (or made anew, if it is none) when missing."""
    if not isinstance(data.get(name), dict):
        data[name] = {}
    return cast(Table, data[name])


_entry = _table
"""An entry of a table is one too; keys that a newer version wrote stay in it."""
