"""The learner's copy of the course: made, brought up to date, never overwritten.

A file nobody changed is replaced by its new version. One the learner changed stays, and
the new version is put beside it. One the learner deleted comes back: deleting is how
people ask for a fresh copy, and the notebooks link to each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lambdalab.course import catalogue, folder
from lambdalab.course.errors import CourseError
from lambdalab.course.manifest import Entry, Manifest, fingerprint
from lambdalab.course.storage import locked, write_atomically
from lambdalab.i18n import LANGUAGES, message

__all__ = [
    "DEFAULT",
    "LOCK",
    "Report",
    "backup_folder",
    "bring_up_to_date",
    "check_place",
    "course_files",
]

DEFAULT = "lambdalab-course"
LOCK = "workspace.lock"
_README = "README.md"


@dataclass(slots=True)
class Report:
    """What was done to a course folder; paths are relative to it."""

    workspace: Path
    fresh: bool
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    """Deleted by the learner, and back."""
    kept: dict[str, str] = field(default_factory=dict)
    """Changed by the learner -> where its new version lies."""
    retired: list[str] = field(default_factory=list)
    """Not part of the course any more, and moved to the backups."""
    backups: Path | None = None
    """Where the versions that were replaced or moved lie, if the learner had run them."""


def course_files(root: Path | None = None) -> Mapping[str, bytes]:
    """Return the files of a course folder, as they are at the start.

    Parameters
    ----------
    root
        Folder with ``lessons/`` and ``labs/``; the course's own if left out.

    Raises
    ------
    CourseError
        This installation has no lessons, or they cannot be read.
    """
    root = root or catalogue.course_root()
    readme = Path(__file__).resolve().parent / "static" / "workspace.md"
    path = readme
    try:
        files = {_README: readme.read_bytes()}
        for one in catalogue.catalogue(root):
            for lang in LANGUAGES:
                path = root / one.path(lang)
                files[one.path(lang).as_posix()] = path.read_bytes()
    except OSError as error:
        raise folder.storage_error(path, error) from error
    return files


def check_place(place: Path) -> Path:
    """Return where a course folder may be: the resolved path of ``place``.

    Raises
    ------
    CourseError
        It is a file, belongs to the course's own files, lies inside another course
        folder, or is too much to be one.
    """
    target = place.expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise CourseError(message("workspace.refuse.file", path=target))
    for parent in target.parents:
        if parent.exists() and not parent.is_dir():
            raise CourseError(message("workspace.refuse.file", path=parent))
    if target in (Path.home().resolve(), Path(target.anchor)):
        raise CourseError(message("workspace.refuse.wide", path=target))
    clone = catalogue.clone_root()
    if clone is not None and (target == clone or _inside(target, clone)):
        inner = ("lessons", "labs", "solutions", "lambdalab", "tests", "docs")
        if target == clone or target.relative_to(clone).parts[0] in inner:
            raise CourseError(message("workspace.refuse.clone", path=target, clone=clone))
    package = Path(__file__).resolve().parent.parent
    if target == package or _inside(target, package):
        raise CourseError(message("workspace.refuse.clone", path=target, clone=package))
    around = folder.find(target.parent)
    if around is not None and around != target:
        raise CourseError(message("workspace.refuse.nested", path=target, workspace=around))
    return target


def _inside(path: Path, parent: Path) -> bool:
    return parent in path.parents


def backup_folder(workspace: Path, name: str) -> Path:
    """Make and return a new folder ``.lambdalab/backups/<name>/<time>``; later ones sort later.

    Raises
    ------
    OSError
        It cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    made = workspace / folder.STATE / "backups" / name / stamp
    made.mkdir(parents=True)
    return made


def bring_up_to_date(workspace: Path, files: Mapping[str, bytes]) -> Report:
    """Copy the course into a folder, leaving alone what the learner changed.

    Parameters
    ----------
    workspace
        A place that :func:`check_place` returned.
    files
        What :func:`course_files` returned.

    Raises
    ------
    CourseError
        It cannot be written; what is there is whole, and a second run goes on.
    """
    state = workspace / folder.STATE
    try:
        fresh = not state.is_dir()
        state.mkdir(parents=True, exist_ok=True)
        with locked(state / LOCK):
            return _Copy(Report(workspace, fresh), Manifest.read(state)).run(files)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else workspace
        raise folder.storage_error(Path(os.fspath(where)), error) from error


@dataclass(slots=True)
class _Copy:
    """One pass over the files of a course folder."""

    report: Report
    manifest: Manifest

    def run(self, files: Mapping[str, bytes]) -> Report:
        for name, data in files.items():
            self._bring(name, data)
        for name in sorted(set(self.manifest.files) - set(files)):
            self._retire(name)
        self.manifest.write()
        return self.report

    def _bring(self, name: str, data: bytes) -> None:
        path, known = self.report.workspace / name, self.manifest.files.get(name)
        new = fingerprint(data)
        if not path.exists():
            self._write(path, data)
            (self.report.added if known is None else self.report.restored).append(name)
            self.manifest.files[name] = Entry(new)
            return
        old = path.read_bytes()
        mine = fingerprint(old)
        if mine == new:
            self.manifest.files[name] = Entry(new)
        elif known is not None and mine in (known.copied, known.offered):  # or taken over since
            if old != data and _was_run(old):
                self._back_up(name, old)
            self._write(path, data)
            self.report.updated.append(name)
            self.manifest.files[name] = Entry(new)
        elif known is None or new not in (known.copied, known.offered):
            beside = _beside(path, new)
            if not beside.exists():
                self._write(beside, data)
            self.report.kept[name] = beside.relative_to(self.report.workspace).as_posix()
            self.manifest.files[name] = Entry(known.copied if known else "", new)

    def _retire(self, name: str) -> None:
        """Move away what a new version of the course does not have, if nobody changed it."""
        known = self.manifest.files.pop(name)
        path = self.report.workspace / name
        if path.is_file() and fingerprint(path.read_bytes()) == known.copied:
            self._back_up(name, path.read_bytes())
            path.unlink()
            self.report.retired.append(name)

    def _back_up(self, name: str, data: bytes) -> None:
        if self.report.backups is None:
            self.report.backups = backup_folder(self.report.workspace, "upgrade")
        self._write(self.report.backups / name, data)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def _was_run(data: bytes) -> bool:
    """Tell whether a notebook holds outputs: the learner's, though anyone can make them again."""
    return b'"output_type"' in data


def _beside(path: Path, print_of_new: str) -> Path:
    """Return ``01_lifecycle.new.ipynb``, or a numbered one if that name holds something else."""
    for name in _names(path):
        beside = path.with_name(name)
        if not beside.exists() or fingerprint(beside.read_bytes()) == print_of_new:
            return beside
    raise AssertionError("the names never end")


def _names(path: Path) -> Iterator[str]:
    yield f"{path.stem}.new{path.suffix}"
    number = 2
    while True:
        yield f"{path.stem}.new{number}{path.suffix}"
        number += 1
