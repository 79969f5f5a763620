"""Putting a lab back to its start, with a backup that can be brought back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.course import catalogue, folder
from lambdalab.course.errors import CourseError
from lambdalab.course.manifest import Entry, Manifest, fingerprint
from lambdalab.course.progress import Progress
from lambdalab.course.storage import locked, write_atomically
from lambdalab.course.workspace import LOCK, backup_folder
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = ["Done", "is_fresh", "reset", "restore"]

_RESULTS = "results.json"


@dataclass(frozen=True, slots=True)
class Done:
    """What was put back."""

    notebooks: tuple[Path, ...]
    """Relative to the course folder."""
    backup: Path | None
    """Where what was there before lies; ``None``: there was nothing to keep."""


def is_fresh(workspace: Path, lab: catalogue.Entry, langs: Sequence[Language], root: Path) -> bool:
    """Tell whether a lab is as at its start: notebooks untouched, no task checked."""
    if Progress(workspace).checks(lab.id):
        return False
    return all(_now(workspace / name) == data for name, data in _start(lab, langs, root).items())


def reset(workspace: Path, lab: catalogue.Entry, langs: Sequence[Language], root: Path) -> Done:
    """Put the notebooks of a lab back to their start and forget its results.

    Parameters
    ----------
    workspace
        The course folder.
    lab, langs
        Which lab, in which languages.
    root
        Folder with the ``labs/`` of the course.

    Raises
    ------
    CourseError
        Something cannot be read or written; what the learner has is in its place or in
        the backup.
    """
    with _writing(workspace) as state:
        start = _start(lab, langs, root)
        backup = _keep(workspace, lab, (start, {}), start)
        _put(workspace, start)
        Progress(workspace).put_checks(lab.id, {})
        manifest = Manifest.read(state)
        for name, data in start.items():
            manifest.files[name.as_posix()] = Entry(fingerprint(data))
        manifest.write()
    return Done(tuple(start), backup)


def restore(workspace: Path, lab: catalogue.Entry, root: Path) -> Done:
    """Bring the newest backup of a lab back, with its results.

    Work that is there now becomes the newest backup, so this can be undone in turn.

    Raises
    ------
    CourseError
        There is no backup, or something cannot be read or written.
    """
    with _writing(workspace) as state:
        backups = sorted((state / "backups" / lab.id).glob("*"))
        if not backups:
            raise CourseError(message("reset.no_backup", lab=lab.id))
        newest = backups[-1]
        saved = {
            path.relative_to(newest): path.read_bytes() for path in sorted(newest.rglob("*.ipynb"))
        }
        results = _results(newest / _RESULTS)
        backup = _keep(workspace, lab, (saved, results), _start(lab, LANGUAGES, root))
        _put(workspace, saved)
        Progress(workspace).put_checks(lab.id, results)
    return Done(tuple(saved), backup)


@contextlib.contextmanager
def _writing(workspace: Path) -> Iterator[Path]:
    state = workspace / folder.STATE
    try:
        with locked(state / LOCK):
            yield state
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else workspace
        raise folder.storage_error(Path(where), error) from error


def _start(lab: catalogue.Entry, langs: Sequence[Language], root: Path) -> dict[Path, bytes]:
    return {lab.path(lang): (root / lab.path(lang)).read_bytes() for lang in langs}


def _now(path: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _keep(
    workspace: Path,
    lab: catalogue.Entry,
    coming: tuple[Mapping[Path, bytes], Mapping[str, Any]],
    start: Mapping[Path, bytes],
) -> Path | None:
    """Back up what is there if ``coming`` (notebooks, results) would destroy any of it."""
    notebooks, coming_results = coming
    mine = {name: _now(workspace / name) for name in notebooks}
    lost = any(
        data is not None and data not in (notebooks[name], start.get(name))
        for name, data in mine.items()
    )
    results = Progress(workspace).raw_checks(lab.id)
    if not lost and (not results or results == coming_results):
        return None
    backup = backup_folder(workspace, lab.id)
    # All that was there, so that this backup alone brings the lab back.
    _put(backup, {name: data for name, data in mine.items() if data is not None})
    write_atomically(backup / _RESULTS, json.dumps(results, ensure_ascii=False).encode())
    return backup


def _put(place: Path, files: Mapping[Path, bytes]) -> None:
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place / name, data)


def _results(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
