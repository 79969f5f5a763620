"""Whose life a sandbox shares: finding that process, and noticing its end."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["identity", "notebook_owner", "terminal_owner", "watch"]

_POLL_S = 1.0


def identity(pid: int) -> str | None:
    """Return what tells this process from a later one of the same number.

    ``None``: there is no such process, or it has ended and only waits to be reaped.
    """
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def notebook_owner() -> int:
    """Return the owner for code that starts a sandbox itself.

    In a notebook that is the notebook server (the kernel itself comes and goes),
    in a script the script.
    """
    named = os.environ.get("JPY_PARENT_PID", "")
    if named.isdigit() and int(named) > 1 and identity(int(named)) is not None:
        return int(named)
    return os.getpid()


def terminal_owner() -> int | None:
    """Return the owner for a command typed into a terminal.

    The JupyterLab server if the terminal is one of its own, else the leader of the
    terminal's session; ``None`` if there is neither.
    """
    import psutil

    with contextlib.suppress(psutil.Error):
        for parent in psutil.Process().parents():
            words = parent.cmdline()[:3]
            if any("jupyter" in Path(word).name for word in words):
                return parent.pid
    leader = os.getsid(0)
    return leader if leader > 1 and leader != os.getpid() and identity(leader) else None


def watch(pid: int, known: str, ended: Callable[[], None]) -> threading.Thread:
    """Call ``ended`` in a thread once the process ``pid``, of identity ``known``, is gone."""

    def work() -> None:
        if identity(pid) == known:
            _wait(pid, known)
        ended()

    thread = threading.Thread(target=work, name="owner", daemon=True)
    thread.start()
    return thread


def _wait(pid: int, known: str) -> None:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            try:
                if identity(pid) == known:
                    poll = select.poll()
                    poll.register(descriptor, select.POLLIN)
                    poll.poll()
                return
            finally:
                os.close(descriptor)
    pause = threading.Event()
    while identity(pid) == known:
        pause.wait(_POLL_S)
