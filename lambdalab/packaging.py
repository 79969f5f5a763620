"""Deployment packages: the same files always make the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message

__all__ = ["PackagingError", "deployment_package"]

_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip can say: a file's own date would change the package."""

_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints", ".git", ".DS_Store"})
_PROGRAM = 0o755
_DATA = 0o644


class PackagingError(LambdalabError):
    """The source cannot become a deployment package."""


def deployment_package(source: Path | str | Mapping[str, str | bytes]) -> bytes:
    """Return a deployment package (a zip) with the files of ``source``.

    Parameters
    ----------
    source
        A folder, or a mapping of file name to text or bytes. ``bootstrap`` and what
        lies in ``extensions/`` can be executed, and so can any file of a folder that
        its owner can.

    Raises
    ------
    PackagingError
        There is nothing in it, or a name leads out of it.

    Examples
    --------
    >>> deployment_package({"app.py": "x = 1"}) == deployment_package({"app.py": "x = 1"})
    True
    """
    files = _of_mapping(source) if isinstance(source, Mapping) else _of_folder(Path(source))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, (data, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3  # Unix, or the modes would not count
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, data)
    return buffer.getvalue()


def _of_mapping(source: Mapping[str, str | bytes]) -> dict[str, tuple[bytes, int]]:
    if not source:
        raise PackagingError(message("sandbox.package.empty_mapping"))
    files: dict[str, tuple[bytes, int]] = {}
    for name, content in source.items():
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
            raise PackagingError(message("sandbox.package.bad_name", name=repr(name)))
        data = content.encode() if isinstance(content, str) else bytes(content)
        files[str(path)] = (data, _mode(path))
    return files


def _of_folder(folder: Path) -> dict[str, tuple[bytes, int]]:
    if not folder.exists():
        raise PackagingError(message("sandbox.package.missing", path=folder))
    if not folder.is_dir():
        raise PackagingError(message("sandbox.package.not_folder", path=folder))
    files: dict[str, tuple[bytes, int]] = {}
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if _SKIPPED.intersection(inner.parts) or not path.is_file():
            continue
        try:
            data = path.read_bytes()
            executable = bool(path.stat().st_mode & 0o100)
        except OSError as error:
            raise PackagingError(
                message("sandbox.package.unreadable", path=path, reason=error.strerror or error)
            ) from error
        name = PurePosixPath(*inner.parts)
        files[str(name)] = (data, _PROGRAM if executable else _mode(name))
    if not files:
        raise PackagingError(message("sandbox.package.empty", path=folder))
    return files


def _mode(name: PurePosixPath) -> int:
    program = name == PurePosixPath("bootstrap") or name.parts[0] == "extensions"
    return _PROGRAM if program else _DATA
