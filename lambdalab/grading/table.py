"""Grades as a CSV file, and one report for each submission."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lambdalab.course.storage import write_atomically
from lambdalab.errors import LambdalabError
from lambdalab.grading.grader import Grade
from lambdalab.grading.marking import Mark
from lambdalab.grading.verdict import Verdict
from lambdalab.i18n import LANGUAGES, message

__all__ = ["check_place", "report", "to_csv", "write", "write_reports"]

_HEAD = ("submission", "lab", "lang", "score", "max_score", "status")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(grades: Sequence[Grade]) -> str:
    """Return the grades as CSV: one row each, in order, the tasks in the last columns."""
    tasks = list(dict.fromkeys(name for grade in grades for name in _tasks(grade)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_HEAD, *tasks])
    for grade in grades:
        points = _tasks(grade)
        spec = grade.lab.spec if grade.lab else None
        row = [
            _safe(grade.submission.name),
            grade.lab.id if grade.lab else "",
            grade.lang or "",
            f"{grade.points:g}",
            f"{spec.points:g}" if spec else "",
            _safe(grade.status_text),
        ]
        writer.writerow(row + [points.get(name, "") for name in tasks])
    return text.getvalue()


def _tasks(grade: Grade) -> dict[str, str]:
    if grade.marks:
        return {mark.task.id: f"{mark.points:g}" for mark in grade.marks.tasks}
    return {task.id: "0" for task in grade.lab.spec.tasks} if grade.lab else {}


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula and any UTF-8 file can hold."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


def check_place(path: Path) -> None:
    """See that a file can be written before hours of grading are spent on it.

    Raises
    ------
    LambdalabError
        It cannot.
    """
    probe = path.with_name(f".{path.name}.probe")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write(path: Path, grades: Sequence[Grade]) -> None:
    """Write the CSV file, whole or not at all.

    Raises
    ------
    LambdalabError
        It cannot be written; an older one is untouched.
    """
    try:
        write_atomically(path, to_csv(grades).encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> LambdalabError:
    reason = error.strerror or str(error)
    return LambdalabError(message("grading.grade.unwritable", path=path, reason=reason))


def write_reports(folder: Path, grades: Sequence[Grade]) -> None:
    """Write one JSON report for each submission, named after it.

    Raises
    ------
    LambdalabError
        One cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, grade in _names(grades):
            text = json.dumps(report(grade), ensure_ascii=False, indent=2)
            write_atomically(
                folder / f"{name}.json", f"{text}\n".encode("utf-8", "backslashreplace")
            )
    except OSError as error:
        raise _unwritable(folder, error) from error


def _names(grades: Sequence[Grade]) -> Iterator[tuple[str, Grade]]:
    taken: set[str] = set()
    for grade in grades:
        lab = f"{grade.lab.id}-" if grade.lab and grade.submission.assignment else ""
        stem = re.sub(r"[^\w.-]", "_", f"{lab}{grade.submission.name}")[:100]
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name)
        yield name, grade


def report(grade: Grade) -> dict[str, Any]:
    """Return everything about one grade as JSON-ready data. It quotes hidden checks."""
    lang = grade.lang or LANGUAGES[0]
    marks = grade.marks

    def verdict(found: Verdict | None) -> object:
        if found is None:
            return None
        text = found.text[lang] if found.text else None
        return {"outcome": found.outcome, "score": found.score, "text": text}

    def task(mark: Mark) -> object:
        return {
            "task": mark.task.id,
            "outcome": mark.outcome,
            "points": mark.points,
            "max_points": mark.task.points,
            "public": verdict(mark.public),
            "hidden": verdict(mark.hidden),
        }

    return {
        "submission": grade.submission.name,
        "lab": grade.lab.id if grade.lab else None,
        "lang": grade.lang,
        "status": grade.status,
        "reasons": list(grade.reasons),
        "score": grade.points,
        "tasks": [task(mark) for mark in marks.tasks] if marks else [],
        "errors": dict(marks.ran.errors) if marks else {},
        "answers": dict(grade.answers.source) if grade.answers else {},
    }
