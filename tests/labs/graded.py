"""A lab of the course with its hidden checks, and what it makes of answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from lambdalab.grading.labs import Course, hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import Answers, find_answers, read_notebook
from lambdalab.i18n import Language

__all__ = ["Graded", "module", "outcomes"]


class Graded:
    """Grades answers to one lab as ``lambdalab grade`` does."""

    def __init__(self, name: str) -> None:
        course = Course.own()
        assert course.hidden is not None
        self._hidden = course.hidden / f"{name}.py"
        checks = hidden_checks(course.hidden, name)
        assert checks is not None
        self.lab = course.lab(name)
        self._marking = Marking(self.lab, checks)

    @classmethod
    @cache
    def of(cls, name: str) -> Graded:
        """Return the lab of that id, always the same one."""
        return cls(name)

    @property
    def starters(self) -> Mapping[str, str]:
        """The answer cells as learners get them."""
        return self.lab.starters

    def mark(self, source: Mapping[str, str], lang: Language = "en") -> Marks:
        """Run and grade answer cells."""
        return self._marking.mark(Answers(source, (), ()), lang)

    def answers(self, notebook: Path) -> Mapping[str, str]:
        """Return the answer cells of a notebook."""
        found = find_answers(read_notebook(notebook), list(self.starters))
        assert not found.missing and not found.duplicated
        return found.source

    def solution(self, lang: Language) -> Mapping[str, str]:
        """Return the answer cells of the solution."""
        return self.answers(self.lab.notebooks / "solutions" / lang / f"{self.lab.stem}.ipynb")

    def hidden_module(self) -> ModuleType:
        """Import the hidden checks, for tests of what they expect."""
        return module(self._hidden)


def module(path: Path) -> ModuleType:
    """Import a file of checks."""
    spec = importlib.util.spec_from_file_location(f"checks_{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def outcomes(marks: Marks) -> Mapping[str, str]:
    """Return outcome and texts of each task: what a failing test shows."""
    return {
        one.task.id: f"{one.outcome}: {one.public.text} {one.hidden.text if one.hidden else None}"
        for one in marks.tasks
    }
