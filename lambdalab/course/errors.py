"""Errors of the course, and the problems a source can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lambdalab.errors import LambdalabError

__all__ = ["CourseError", "Problem", "SourceError"]


class CourseError(LambdalabError):
    """Something about the course or its folder that a person can put right."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a source file, for the person who writes it."""

    path: Path
    line: int
    """1-based; 0: the whole file."""
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.text}"


class SourceError(CourseError):
    """Sources that cannot be built; ``problems`` names every one that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        head = "1 problem in the sources" if count == 1 else f"{count} problems in the sources"
        super().__init__("\n  ".join([f"{head}; nothing was built.", *map(str, self.problems)]))
