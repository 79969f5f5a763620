"""What a check says of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lambdalab.grading.spec import Text
from lambdalab.i18n import LANGUAGES

__all__ = [
    "OUTCOMES",
    "Outcome",
    "Verdict",
    "cannot_check",
    "incorrect",
    "not_attempted",
    "outcome_key",
    "passed",
]

Outcome = Literal["passed", "incorrect", "not attempted", "cannot check"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def outcome_key(outcome: Outcome) -> str:
    """Return the last part of an outcome's message key."""
    return outcome.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check. Made by :func:`passed`, :func:`incorrect`, :func:`not_attempted`.

    Raises
    ------
    ValueError
        ``score`` does not fit the outcome.
    TypeError
        A text is missing in one of the languages.
    """

    outcome: Outcome
    score: float
    """Share of the points earned, 0 to 1."""
    text: Text | None = None
    """What to say, in each language."""

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"no outcome {self.outcome!r}: there are {', '.join(OUTCOMES)}")
        good = {"passed": self.score == 1.0, "incorrect": 0.0 <= self.score < 1.0}
        if not good.get(self.outcome, self.score == 0.0):
            raise ValueError(f"{self.outcome} with a score of {self.score!r}")
        if self.text is not None and (
            set(self.text) != set(LANGUAGES)
            or not all(isinstance(one, str) and one.strip() for one in self.text.values())
        ):
            raise TypeError(f"a verdict's text needs one for each of {', '.join(LANGUAGES)}")


def passed(text: Text | None = None) -> Verdict:
    """Return that the answer is right."""
    return Verdict("passed", 1.0, text)


def incorrect(text: Text, score: float = 0.0) -> Verdict:
    """Return that the answer is not right.

    Parameters
    ----------
    text
        In each language, what was found and what was asked for; never the solution.
    score
        Share of the points earned all the same, from 0 to below 1.
    """
    return Verdict("incorrect", float(score), text)


def not_attempted(text: Text | None = None) -> Verdict:
    """Return that there is nothing to judge."""
    return Verdict("not attempted", 0.0, text)


def cannot_check(text: Text) -> Verdict:
    """Return that nobody can say, and why: never the answer's fault."""
    return Verdict("cannot check", 0.0, text)
