"""Checks and grades: ``open_lab`` for notebooks, ``World`` and verdicts for checks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.grading.lab import Lab, open_lab
    from lambdalab.grading.values import CallResult
    from lambdalab.grading.verdict import Verdict, incorrect, not_attempted, passed
    from lambdalab.grading.world import Invocation, World

__all__ = [
    "CallResult",
    "Invocation",
    "Lab",
    "Verdict",
    "World",
    "incorrect",
    "not_attempted",
    "open_lab",
    "passed",
]

_HOMES = {
    "lab": ("Lab", "open_lab"),
    "values": ("CallResult",),
    "verdict": ("Verdict", "incorrect", "not_attempted", "passed"),
    "world": ("Invocation", "World"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"lambdalab.grading.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
