"""The learner's course folder: finding it, and what to say when it cannot be written."""

from __future__ import annotations

import errno
from pathlib import Path

from lambdalab.course.errors import CourseError
from lambdalab.i18n import message

__all__ = ["STATE", "find", "needed", "storage_error"]

STATE = ".lambdalab"
"""The folder inside a course folder that marks it and holds what is not for editing."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def find(start: Path | None = None) -> Path | None:
    """Return the course folder around ``start`` (the current folder if left out), if any."""
    try:
        here = (start or Path.cwd()).resolve()
    except OSError:  # the current folder was deleted under us
        return None
    for folder in (here, *here.parents):
        if (folder / STATE).is_dir():
            return folder
    return None


def needed(start: Path | None = None) -> Path:
    """Return the course folder around ``start``.

    Raises
    ------
    CourseError
        There is none.
    """
    found = find(start)
    if found is None:
        raise CourseError(message("course.folder.none", path=start or _current()))
    return found


def _current() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "."


def storage_error(path: Path, error: OSError) -> CourseError:
    """Return the error that tells a person why ``path`` cannot be read or written."""
    if error.errno in _FULL:
        key = "full"
    elif error.errno in _READ_ONLY:
        key = "read_only"
    else:
        key = "storage"
    reason = error.strerror or str(error)
    return CourseError(message(f"course.folder.{key}", path=path, reason=reason))
