"""Ends what a sandbox leaves behind, where the kernel does not do it.

With namespaces the kernel ends every process of a sandbox when its zygote ends. Elsewhere
(macOS, hardened kernels) a frozen runtime would stay for ever if sandbox and zygote were
killed: it never notices. So a small process waits for the sandbox's end, which it sees as
the end of its input, and kills what it was told of and what carries the sandbox's mark.

A daemon that a handler makes by ``fork`` alone, without starting a program, carries no mark
that another process could read; only namespaces catch that one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

__all__ = ["Reaper", "main", "marked"]

_GRACE_S = 0.5
"""What the zygote gets to end its processes itself."""


def marked(folder: str) -> list[psutil.Process]:
    """Return the processes whose ``/tmp`` lies below ``folder``: those a handler started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("TMPDIR", "").startswith(f"{folder}/"):
                found.append(process)
    return found


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class Reaper:
    """The sandbox's side: starts the process, and tells it of runtimes. Thread-safe.

    Parameters
    ----------
    folder
        Folder of the sandbox; every environment's ``/tmp`` lies below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._lock = threading.Lock()
        self._known: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lambdalab.sandbox.engine.reaper", self._folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """Remember a runtime or an extension, the leader of its group."""
        self._say("+", pid)

    def forget(self, pid: int) -> None:
        """Forget one that has ended."""
        self._say("-", pid)

    def _say(self, sign: str, pid: int) -> None:
        with self._lock:
            if sign == "+":
                self._known.add(pid)
            else:
                self._known.discard(pid)
            assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(f"{sign}{pid}\n".encode())
                self._process.stdin.flush()

    def kill_all(self) -> None:
        """Kill all that is known now: the zygote they came from is gone."""
        with self._lock:
            known = list(self._known)
        for pid in known:
            _kill_group(pid)
            self.forget(pid)
        for process in marked(self._folder):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def close(self) -> None:
        """Have it kill what is left, and wait for it."""
        with self._lock, contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main() -> None:
    """Read pids until the sandbox ends, then kill those that are left."""
    folder = sys.argv[1]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    known: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            known.add(pid)
        else:
            known.discard(pid)
    if known or marked(folder):
        time.sleep(_GRACE_S)
    for pid in known:
        _kill_group(pid)
    while left := marked(folder):  # one may make another while it is being killed
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
