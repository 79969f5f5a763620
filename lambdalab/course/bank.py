"""Finding a question by its id, among those the installed course came with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lambdalab.course.errors import CourseError
from lambdalab.course.questions import Question, read_questions
from lambdalab.i18n import message

__all__ = ["Questions", "content_folder", "question", "questions_of"]

Questions = Mapping[str, Question]
_FILE = "questions.toml"


def content_folder() -> Path:
    """Return the folder of the course's content, inside this package."""
    return Path(__file__).resolve().parent / "content"


def questions_of(number: int) -> Questions:
    """Return the questions of the lesson of that number, in their order; it may have none."""
    for path in sorted(content_folder().glob(f"{number:02d}_*/{_FILE}")):
        return _read(path)
    return {}


def question(name: str) -> Question:
    """Return the question of an id.

    Raises
    ------
    CourseError
        There is none; the message lists those of its lesson, or the lessons with questions.
    """
    prefix = name.partition("-")[0]
    known = questions_of(int(prefix)) if len(prefix) == 2 and prefix.isdecimal() else {}
    if name in known:
        return known[name]
    names = list(known) or [
        f"{path.parent.name[:2]}-…" for path in sorted(content_folder().glob(f"*_*/{_FILE}"))
    ]
    raise CourseError(message("course.ask.unknown", name=name, names=", ".join(names) or "-"))


_cache: dict[Path, tuple[int, Questions]] = {}


def _read(path: Path) -> Questions:
    """Read a file anew only when it has changed: every ``ask`` of a notebook comes here."""
    stamp = path.stat().st_mtime_ns
    if path not in _cache or _cache[path][0] != stamp:
        _cache[path] = (stamp, read_questions(path))
    return _cache[path][1]
