"""Unpacked deployment packages and layers: each distinct zip once, read only."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from lambdalab.rules import limits
from lambdalab.sandbox.lambda_service.errors import ApiError, invalid_parameter
from lambdalab.sandbox.registry import remove_tree

__all__ = ["CodeStore", "digest", "inspect"]

_NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
_TOO_LARGE = f"Unzipped size must be smaller than {limits.ZIP_UNPACKED.value} bytes"
_CHUNK = 1 << 20
_GRACE_S = 2.0
"""An invocation may still be on its way to code that was dropped just now."""


def digest(data: bytes) -> str:
    """Return the name a zip is kept under."""
    return hashlib.sha256(data).hexdigest()


def inspect(data: bytes, *, direct: bool = True) -> int:
    """Return the unpacked size of a zip, in bytes, as its directory states it.

    Parameters
    ----------
    data
        The zip.
    direct
        It came in the request itself, not by way of S3.

    Raises
    ------
    ApiError
        It is none, it is empty, it is too large, or a name in it leads outside.
    """
    if direct and len(data) > limits.ZIP_DIRECT.value:
        most = -(-limits.ZIP_DIRECT.value * 4 // 3)  # as base64
        raise ApiError(
            413,
            "RequestEntityTooLargeException",
            f"Request must be smaller than {most} bytes for the CreateFunction operation",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise invalid_parameter(_NOT_A_ZIP) from error
    if not entries:
        raise invalid_parameter("Uploaded file must be a non-empty zip")
    for entry in entries:
        _inside(entry.filename)
        if entry.flag_bits & 0x1:  # encrypted
            raise invalid_parameter(_NOT_A_ZIP)
    size = sum(entry.file_size for entry in entries)
    if size > limits.ZIP_UNPACKED.value:
        raise invalid_parameter(_TOO_LARGE)
    return size


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise invalid_parameter(_NOT_A_ZIP)
    return path


class CodeStore:
    """The folder of unpacked zips of one sandbox. Thread-safe.

    Parameters
    ----------
    folder
        Where they go.
    in_use
        Returns the digests that functions and layers refer to.
    environments
        Returns the environments that exist: id and name of the function.
    """

    def __init__(
        self,
        folder: Path,
        in_use: Callable[[], set[str]],
        environments: Callable[[], Iterable[tuple[str, str]]],
    ) -> None:
        self._folder = folder
        self._in_use = in_use
        self._environments = environments
        self._lock = threading.Lock()
        self._dropped: dict[str, tuple[float, set[str]]] = {}

    def unpacked(self, data: bytes) -> Path:
        """Return the folder with the zip's files, unpacking it the first time.

        Raises
        ------
        ApiError
            It cannot be unpacked, or is larger than it says.
        """
        return self.folder_of(digest(data), data)

    def folder_of(self, name: str, data: bytes) -> Path:
        """Return the folder of the zip ``data``, whose digest is ``name``."""
        place = self._folder / name
        with self._lock:
            self._dropped.pop(name, None)
            if place.is_dir():
                return place
            fresh = self._folder / f"{name}.{os.getpid()}.new"
            remove_tree(fresh)
            fresh.mkdir(parents=True)
            try:
                _unpack(data, fresh)
                fresh.rename(place)
                place.chmod(0o555)
            except BaseException:
                remove_tree(fresh)
                raise
            return place

    def collect(self, function: str | None = None) -> None:
        """Remove what nothing refers to and no environment from before may still read.

        Called after every change (of ``function``); what cannot go yet goes at a later call.
        """
        if not self._folder.is_dir():
            return
        wanted = self._in_use()
        environments = list(self._environments())
        alive = {name for name, _ in environments}
        readers_now = {name for name, of in environments if function in (None, of)}
        now = time.monotonic()
        with self._lock:
            for place in self._folder.iterdir():
                name = place.name
                if name in wanted or name.endswith(".new"):
                    self._dropped.pop(name, None)
                    continue
                since, readers = self._dropped.setdefault(name, (now, readers_now))
                readers &= alive
                if not readers and now - since >= _GRACE_S:
                    del self._dropped[name]
                    remove_tree(place)

    @property
    def waiting(self) -> bool:
        """Whether something could not be removed yet."""
        return bool(self._dropped)


def _unpack(data: bytes, folder: Path) -> None:
    left = limits.ZIP_UNPACKED.value
    links: list[tuple[Path, str]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for entry in package.infolist():
                place = folder / _inside(entry.filename)
                mode = entry.external_attr >> 16
                if entry.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if stat.S_ISLNK(mode):
                    links.append((place, package.read(entry).decode()))
                    continue
                with package.open(entry) as source, place.open("wb") as target:
                    while chunk := source.read(min(_CHUNK, left + 1)):
                        left -= len(chunk)
                        if left < 0:
                            raise invalid_parameter(_TOO_LARGE)
                        target.write(chunk)
                place.chmod(0o555 if mode & 0o111 else 0o444)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        FileExistsError,
        NotADirectoryError,
        IsADirectoryError,
    ) as error:
        raise invalid_parameter(_NOT_A_ZIP) from error
    for place, target_name in links:
        # A link is made last and only to the inside, so that no entry can pass through one.
        target_path = Path(os.path.normpath(place.parent / target_name))
        if Path(target_name).is_absolute() or not target_path.is_relative_to(folder):
            raise invalid_parameter(_NOT_A_ZIP)
        if place.exists():
            raise invalid_parameter(_NOT_A_ZIP)
        place.symlink_to(target_name)
    for inner, _, _ in os.walk(folder, topdown=False):
        if Path(inner) != folder:
            Path(inner).chmod(0o555)
