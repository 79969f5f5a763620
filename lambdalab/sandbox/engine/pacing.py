"""The CPU share that comes with memory: processes that used theirs up stand still for a while.

It works on CPU time used, as the kernel's own quota does, not on time passed: a handler
that waits for the network owes nothing, and is not slowed down. The budget fills with the
share, and holds one period's worth; whoever drives the environment looks at what was used,
and stops the processes until the budget is out of debt. Looking late makes a longer
stop, not a larger share.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path

import psutil

from lambdalab.rules.cpu import vcpus
from lambdalab.sandbox.engine.processes import EnvironmentProcess

__all__ = ["Pacer", "cores"]

_PERIOD_S = 0.02
"""The budget never holds more than this period's share."""
_LOOK_MIN_S = 0.002
_FAMILY_S = 0.1
"""How often to look for processes that the environment's own have started."""


def cores() -> int:
    """Return how many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _used(pid: int) -> float | None:
    """Return the CPU time (s) a process has used, all threads together; ``None``: it is gone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # CPUCLOCK_SCHED of a process, as clock_getcpuclockid(3) makes it.
            return time.clock_gettime((~pid << 3) | 2)
        return None
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return None


def _children(pid: int) -> list[int]:
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for word in (task / "children").read_text().split():
                found += [int(word), *_children(int(word))]
    return found


class Pacer:
    """Holds one environment to the share of its memory. Used by whoever drives it.

    Parameters
    ----------
    memory_mb
        ``MemorySize`` of the function.

    Attributes
    ----------
    share
        In cores of this machine; never more than it has.
    """

    def __init__(self, memory_mb: int) -> None:
        self._cores = cores()
        self.share = min(vcpus(memory_mb), float(self._cores))
        self._most = self.share * _PERIOD_S
        self._budget = self._most
        self._seen = 0.0
        self._spent: dict[int, float] = {}
        """CPU time of each process when it was last looked at."""
        self._family: list[int] = []
        self._family_due = 0.0
        self._stopped = False

    def begin(self) -> None:
        """Note that the processes run on: they were frozen, and are not any more."""
        self._stopped = False
        self._family_due = 0.0

    def step(self, processes: Collection[EnvironmentProcess], now: float) -> float:
        """Stop or continue processes as their budget wants; return when to look again.

        Parameters
        ----------
        processes
            The environment's own.
        now
            Time of :func:`time.monotonic`; so is the answer.
        """
        self._earn(now)
        self._spend([process.pid for process in processes if process.pid], now)
        if self._budget < 0.0:
            # Each time: one may have come up since the others were stopped.
            self._signal(processes, signal.SIGSTOP)
            self._stopped = True
            return now - self._budget / self.share
        if self._stopped:
            self._signal(processes, signal.SIGCONT)
            self._stopped = False
        return now + max(self._budget / self._cores, _LOOK_MIN_S)

    def _earn(self, now: float) -> None:
        self._budget = min(self._most, self._budget + (now - self._seen) * self.share)
        self._seen = now

    def _spend(self, pids: list[int], now: float) -> None:
        if now >= self._family_due:
            self._family = [child for pid in pids for child in _children(pid)]
            self._family_due = now + _FAMILY_S
        spent: dict[int, float] = {}
        for pid in {*pids, *self._family}:
            used = _used(pid)
            if used is not None:
                spent[pid] = used
                # What a process did before it was first seen is not this invocation's.
                self._budget -= used - self._spent.get(pid, used)
        self._spent = spent

    def _signal(self, processes: Collection[EnvironmentProcess], number: signal.Signals) -> None:
        for process in processes:
            process.send_signal(number)
        for pid in self._family:  # those that left the group, too
            with contextlib.suppress(OSError):
                os.kill(pid, number)
