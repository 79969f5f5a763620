"""Reading one file of the course's sources, with every problem and its place noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdalab.course.errors import Problem

__all__ = ["Reader"]


@dataclass(slots=True)
class Reader:
    """Notes what is wrong with a file.

    Attributes
    ----------
    lines
        Where each table's id stands (1-based), by id.
    place
        Id of the table that is being read; empty for the file itself.
    """

    path: Path
    lines: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)
    place: str = ""

    def wrong(self, text: str) -> None:
        """Note a problem of the current table."""
        place = f"{self.place}: " if self.place else ""
        self.problems.append(Problem(self.path, self.lines.get(self.place, 0), f"{place}{text}"))

    def keys(self, table: Mapping[str, Any], *allowed: str) -> None:
        """Note keys that nobody knows."""
        for name in sorted(set(table) - set(allowed)):
            self.wrong(f'"{name}" is unknown: there are {", ".join(allowed)}')
