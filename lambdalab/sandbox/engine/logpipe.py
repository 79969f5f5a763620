"""The one pipe an environment's output comes through, cut into log entries.

Plain output is cut at line ends. The runtime client frames its records (magic, length,
time in µs, text) so that a record of many lines stays one entry; both share a pipe,
so that their order is the order they were written in.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct

__all__ = ["LogPipe"]

_FRAME = struct.Struct(">IIQ")
_MAGIC = b"\xa5\x5a\x00"
_MAX_PLAIN = 256 * 1024
"""CloudWatch Logs takes no event above 256 KB."""
_F_SETPIPE_SZ = 1031


class LogPipe:
    """The reading end, with what has been read and is not yet a whole entry."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(OSError):  # room for what is written between two looks of ours
            fcntl.fcntl(self._reader, _F_SETPIPE_SZ, 1 << 20)
        self._data = b""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._reader

    def drain(self, *, flush: bool = False) -> list[str]:
        """Return the entries that are complete; with ``flush`` the last, unended one too."""
        while True:
            try:
                data = os.read(self._reader, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                break
            self._data += data
        entries: list[str] = []
        while self._data:
            entry, used = self._frame() if self._data.startswith(_MAGIC) else self._plain(flush)
            if not used:
                break
            if entry is not None:
                entries.append(entry)
            self._data = self._data[used:]
        return entries

    def _frame(self) -> tuple[str | None, int]:
        if len(self._data) < _FRAME.size:
            return None, 0
        _, length, _ = _FRAME.unpack_from(self._data)
        end = _FRAME.size + length
        if len(self._data) < end:
            return None, 0
        text = self._data[_FRAME.size : end].decode("utf-8", "replace")
        return text.rstrip("\n") or None, end

    def _plain(self, flush: bool) -> tuple[str | None, int]:
        frame = self._data.find(_MAGIC)
        line = self._data.find(b"\n")
        if line >= 0 and (frame < 0 or line < frame):
            end, used = line, line + 1
        elif frame > 0:
            end = used = frame
        elif flush or len(self._data) >= _MAX_PLAIN:
            end = used = min(len(self._data), _MAX_PLAIN)
        else:
            return None, 0
        text = self._data[:end].decode("utf-8", "replace").rstrip("\r")
        return text or None, used

    def close(self) -> None:
        """Close both ends."""
        for descriptor in (self._reader, self.writer):
            if descriptor >= 0:
                os.close(descriptor)
        self._reader = self.writer = -1
