"""How much memory an environment's processes use, and have used at the most."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

import psutil

__all__ = ["peak_mb", "resident_mb"]

_MB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident_mb(pids: Iterable[int]) -> float:
    """Return the resident memory of the processes together, in MB."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, psutil.Error, ValueError, IndexError):
            if sys.platform == "linux":
                with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - on the hot path
                    total += int(file.read().split()[1]) * _PAGE
            else:
                total += psutil.Process(pid).memory_info().rss
    return total / _MB


def _status(pid: int) -> bytes:
    """Read without a file object: this is done in every invocation."""
    descriptor = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 16_384)
    finally:
        os.close(descriptor)


def peak_mb(pids: Iterable[int]) -> float:
    """Return the highest resident memory the processes had, summed, in MB.

    Where the system keeps no such record, it is what they use now.
    """
    if sys.platform != "linux":
        return resident_mb(pids)
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = _status(pid)
            start = text.index(b"VmHWM:") + 6
            total += int(text[start : text.index(b"kB", start)]) * 1024
    return total / _MB
