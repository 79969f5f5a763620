"""One answer to a lab, as a learner might write it, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Answer", "function"]


@dataclass(frozen=True)
class Answer:
    """The source of its answer cells, and the share public and hidden checks give."""

    name: str
    cells: Mapping[str, str]
    public: float = 1.0
    hidden: float = 1.0


def function(task: str, name: str, source: str, public: float = 1, hidden: float = 1) -> Answer:
    """Return an answer of one cell, the task's own."""
    return Answer(name, {f"{task}-answer": source}, public, hidden)
