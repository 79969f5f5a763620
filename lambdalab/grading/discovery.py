"""Which submissions are in a folder: notebooks side by side, or nbgrader's layout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message

__all__ = ["Submission", "find_submissions"]

_SUFFIX = ".ipynb"
_SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing to grade."""

    name: str
    """The student, or the notebook's name."""
    path: Path | None
    """``None``: there is no notebook where one should be."""
    assignment: str | None = None
    """The name of its folder in nbgrader's layout."""


def find_submissions(folder: Path) -> Sequence[Submission]:
    """Return what a folder holds, in the order of the names.

    Parameters
    ----------
    folder
        With notebooks side by side (``alice.ipynb``), or a course folder of nbgrader with
        ``submitted/<student>/<assignment>/*.ipynb``, or that ``submitted`` folder itself.

    Raises
    ------
    LambdalabError
        It is no folder, cannot be read, or holds no submission.
    """
    try:
        if not folder.is_dir():
            raise LambdalabError(message("grading.grade.no_folder", path=folder))
        found = [Submission(path.name.removesuffix(_SUFFIX), path) for path in _notebooks(folder)]
        if not found:
            inner = folder / _SUBMITTED
            found = list(_nbgrader(inner if inner.is_dir() else folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise LambdalabError(
            message("grading.grade.unreadable", path=error.filename or folder, reason=reason)
        ) from error
    if not found:
        raise LambdalabError(message("grading.grade.empty", path=folder))
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(
            (entry for entry in entries if not entry.name.startswith(".")),
            key=lambda entry: entry.name,
        )


def _notebooks(folder: Path) -> list[Path]:
    """Return what is named like a notebook, whatever it is."""
    return [Path(entry.path) for entry in _entries(folder) if entry.name.endswith(_SUFFIX)]


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]


def _nbgrader(submitted: Path) -> Iterator[Submission]:
    for student in _folders(submitted):
        for assignment in _folders(student):
            notebooks = _notebooks(assignment)
            if not notebooks:
                yield Submission(student.name, None, assignment.name)
            for path in notebooks:
                # More than one: each has to be told from the other.
                name = student.name if len(notebooks) == 1 else f"{student.name}/{path.stem}"
                yield Submission(name, path, assignment.name)
