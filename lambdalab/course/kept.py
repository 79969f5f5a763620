"""One answer and one check, as the learner's progress keeps them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

__all__ = ["Answer", "Check", "read_answer", "read_check"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the learner answered to one question."""

    question: str
    value: str | float
    """The id of a choice, or a number."""
    attempts: int = 1
    solved: bool = False
    """Whether a right answer was ever given; of a prediction, whether it was right."""
    revealed: bool = False
    """A prediction only: its answer has been shown, so it cannot be changed any more."""


@dataclass(frozen=True, slots=True)
class Check:
    """How one task of a lab stands."""

    task: str
    outcome: str
    """Of the last check: ``passed``, ``incorrect``, ``not attempted`` or ``cannot check``."""
    score: float
    """Points of the best check so far."""
    max_score: float


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def read_answer(question: str, entry: object) -> Answer | None:
    """Return an answer as the file holds it; ``None`` if it is none."""
    if not isinstance(entry, dict):
        return None
    value = entry.get("answer")
    if not isinstance(value, str) and _number(value) is None:
        return None
    attempts = entry.get("attempts")
    return Answer(
        question,
        cast("str | float", value),
        attempts if isinstance(attempts, int) and attempts > 0 else 1,
        entry.get("solved") is True,
        bool(entry.get("revealed")),
    )


def read_check(task: str, entry: object) -> Check | None:
    """Return a check as the file holds it; ``None`` if it is none."""
    if not isinstance(entry, dict) or not isinstance(entry.get("outcome"), str):
        return None
    score, most = _number(entry.get("score")), _number(entry.get("max"))
    if score is None or most is None:
        return None
    return Check(task, entry["outcome"], score, most)
