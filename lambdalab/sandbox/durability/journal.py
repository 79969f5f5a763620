"""The journal: what happened since the last snapshot, one frame after the other.

A frame is in the file when :meth:`Journal.write` returns: the kernel has it, and the end of
this process, however it comes, cannot take it back. Nothing is forced to the disk: a machine
that loses power may lose the last moments, which a sandbox does not promise to keep.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FACT", "REQUEST", "Entry", "Journal", "entries"]

FACT = ord("F")
REQUEST = ord("R")
_FRAME = struct.Struct("<IIBd")
"""Length of the content, checksum of kind, time and content, kind, service time."""
_CHECKED = struct.Struct("<Bd")
_LENGTH_MAX = 1 << 31


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame: its kind, when it was written (service time, epoch seconds), what it holds."""

    kind: int
    time: float
    content: bytes


class Journal:
    """A file that only grows. Thread-safe.

    Parameters
    ----------
    path
        The file; one that is there is gone on with.

    Raises
    ------
    OSError
        It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self.size = os.fstat(self._descriptor).st_size
        """Bytes in the file."""

    def write(self, kind: int, time: float, *content: bytes) -> None:
        """Append a frame: all of it or, if there is no room, nothing.

        Raises
        ------
        OSError
            It cannot be written.
        """
        length = sum(map(len, content))
        checksum = zlib.crc32(_CHECKED.pack(kind, time))
        for part in content:
            checksum = zlib.crc32(part, checksum)
        data = b"".join((_FRAME.pack(length, checksum, kind, time), *content))
        with self._lock:
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(self._descriptor, left) :]
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self.size)
                raise
            self.size += len(data)

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            os.close(self._descriptor)


def entries(path: Path) -> Iterator[Entry]:
    """Yield the frames of a journal up to its end, or to the first that is not whole.

    A process that was killed while it wrote leaves half a frame: nobody was told that what it
    says had been accepted.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            length, checksum, kind, time = _FRAME.unpack(head)
            if length > _LENGTH_MAX:
                return
            content = file.read(length)
            whole = len(content) == length
            if not whole or zlib.crc32(content, zlib.crc32(_CHECKED.pack(kind, time))) != checksum:
                return
            yield Entry(kind, time, content)
