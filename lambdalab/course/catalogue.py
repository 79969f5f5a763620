"""Which lessons and labs there are, told by the built notebooks themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lambdalab
from lambdalab.course.errors import CourseError
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = ["Entry", "Kind", "catalogue", "clone_root", "course_root", "entry", "welcome"]

Kind = Literal["lesson", "lab"]
_FOLDERS: Mapping[Kind, str] = {"lesson": "lessons", "lab": "labs"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson or a lab."""

    id: str
    """``lesson01`` or ``lab01``."""
    kind: Kind
    number: int
    stem: str
    """``01_lifecycle``."""
    minutes: int
    title: Mapping[Language, str]

    def path(self, lang: Language) -> Path:
        """Return its notebook's place, relative to the course's or the workspace's root."""
        return Path(_FOLDERS[self.kind]) / lang / f"{self.stem}.ipynb"


def clone_root() -> Path | None:
    """Return the top folder of the clone this package is imported from, if it is one."""
    root = Path(lambdalab.__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "lessons").is_dir() else None


def course_root() -> Path:
    """Return the folder with ``lessons/`` and ``labs/``: of the clone, or of the installed wheel.

    Raises
    ------
    CourseError
        This installation came without the notebooks.
    """
    installed = Path(lambdalab.__file__).resolve().parent / "_course"
    for root in (clone_root(), installed):
        if root is not None and (root / "lessons").is_dir():
            return root
    raise CourseError(message("course.catalogue.none", path=installed))


def catalogue(root: Path | None = None) -> Sequence[Entry]:
    """Return every lesson and lab, in order: each lesson before its lab.

    Parameters
    ----------
    root
        Folder that has ``lessons/`` and ``labs/``; the course's own if left out.

    Raises
    ------
    CourseError
        A notebook is damaged, or exists in one language only.
    """
    root = root or course_root()
    found = []
    for kind, folder in _FOLDERS.items():
        stems = sorted(
            {path.stem for lang in LANGUAGES for path in (root / folder / lang).glob("*.ipynb")}
        )
        found += [_entry(root, kind, stem) for stem in stems if stem[:2].isdecimal()]
    return sorted(found, key=lambda one: (one.number, one.kind == "lab"))


def _entry(root: Path, kind: Kind, stem: str) -> Entry:
    heads = {}
    for lang in LANGUAGES:
        path = root / _FOLDERS[kind] / lang / f"{stem}.ipynb"
        try:
            heads[lang] = json.loads(path.read_bytes())["metadata"]["lambdalab"]
            heads[lang]["title"], int(heads[lang]["minutes"]), heads[lang]["id"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CourseError(message("course.catalogue.damaged", path=path)) from error
    first = heads[LANGUAGES[0]]
    return Entry(
        id=str(first["id"]),
        kind=kind,
        number=int(stem[:2]),
        stem=stem,
        minutes=int(first["minutes"]),
        title={lang: str(heads[lang]["title"]) for lang in LANGUAGES},
    )


def entry(name: str, root: Path | None = None) -> Entry:
    """Return the lesson or lab of an id: ``lab01``.

    Raises
    ------
    CourseError
        There is none; the message lists those there are.
    """
    every = catalogue(root)
    for one in every:
        if one.id == name:
            return one
    raise CourseError(
        message("course.catalogue.unknown", name=name, names=", ".join(one.id for one in every))
    )


def welcome(root: Path | None = None) -> Entry:
    """Return the lesson to begin with.

    Raises
    ------
    CourseError
        There is no lesson.
    """
    for one in catalogue(root):
        if one.kind == "lesson":
            return one
    raise CourseError(message("course.catalogue.none", path=root or course_root()))
