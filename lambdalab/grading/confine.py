"""The process in which a learner's code runs, and its supervisor, which ends it with all it began.

On Linux, where the kernel allows it, the code gets process ids of its own: it can signal
nothing outside, and its end is the end of everything it started.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from lambdalab.grading import shield
from lambdalab.sandbox.engine import linux

__all__ = ["LIMITS", "PROCESSES_MAX", "supervise"]

PROCESSES_MAX = 128
"""More descendants than this are taken for a fork bomb."""
_MIB = 1024 * 1024
LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 256 * _MIB,
    resource.RLIMIT_AS: 4096 * _MIB,
}
_LOOK_S = 0.2

_Process = tuple[int, float]
"""A process: its id, and when it began."""


def supervise(
    work: Callable[[], None], *, writable: Sequence[Path] = (), hidden: Sequence[Path] = ()
) -> NoReturn:
    """Run ``work`` in a child process; end this one as the child ended, leaving nothing behind.

    SIGTERM, too many processes, or this process's own end are the end of all of it.

    Parameters
    ----------
    work
        What to run.
    writable
        Folders it may write to, where the kernel lets us forbid the others.
    hidden
        Folders that look empty to it, likewise.
    """
    if linux.AVAILABLE:
        # Hardened kernels and containers may refuse: then the child is watched only.
        with contextlib.suppress(OSError):
            here = Path.cwd()
            linux.unshare_mounts_and_pids()
            shield.protect(writable, hidden)
            os.chdir(here)  # it is another mount now, one that can be written
    child = os.fork()
    if child == 0:
        _work(work)
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    seen: set[_Process] = set()
    for _ in _looks(child):
        _look(child, seen)
    _, status = os.waitpid(child, 0)
    _sweep(child, seen)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _work(work: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        if sys.platform == "linux":
            linux.die_with_parent()
        os.setpgid(0, 0)
        for name, limit in LIMITS.items():
            _, most = resource.getrlimit(name)
            allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
            with contextlib.suppress(OSError, ValueError):  # macOS has no RLIMIT_AS to speak of
                resource.setrlimit(name, (allowed, allowed))
        if linux.AVAILABLE:
            with contextlib.suppress(OSError):
                shield.drop_privileges()
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
        traceback.print_exc()
    finally:
        os._exit(status)


def _looks(child: int) -> Iterator[None]:
    """Yield every moment or so until the child has ended; it is left to be reaped.

    No thread: a process that has new process ids for its children may not start one.
    """
    if not hasattr(os, "pidfd_open"):
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            yield
            time.sleep(_LOOK_S / 4)
        return
    ended = os.pidfd_open(child)
    try:
        while not select.select([ended], [], [], _LOOK_S)[0]:
            yield
    finally:
        os.close(ended)


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _look(child: int, seen: set[_Process]) -> None:
    """Note the child's descendants, and end it if they are too many."""
    import psutil

    with contextlib.suppress(psutil.Error):
        found = psutil.Process(child).children(recursive=True)
        if len(found) > PROCESSES_MAX:
            _end(child)
        for one in found:
            with contextlib.suppress(psutil.Error):
                seen.add((one.pid, one.create_time()))


def _sweep(child: int, seen: set[_Process]) -> None:
    """End what outlived the child: nothing does where it had process ids of its own."""
    import psutil

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    for pid, created in seen:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.create_time() == created:
                process.kill()
