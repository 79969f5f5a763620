"""What a figure depends on besides the code: the machine."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import psutil

__all__ = ["ORDINARY", "facts"]

ORDINARY = "ordinary"
"""The priority of a run that asked for none."""


def facts() -> dict[str, str]:
    """Return facts about this machine, name to text."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "Processor": _processor(),
        "Cores": str(psutil.cpu_count() or "unknown"),
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Load before": "unknown" if load is None else f"{load:.1f}",
        "Priority": _priority(),
    }


def _priority() -> str:
    if sys.platform == "linux" and os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO):
        return "real-time, for everyone measured alike"
    return ORDINARY


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
