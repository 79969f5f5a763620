"""What the builder needs to know of a lab's tasks: which cells, how many points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LabTask", "read_tasks"]


@dataclass(frozen=True, slots=True)
class LabTask:
    """One task of a lab, as far as its notebook shows it."""

    id: str
    points: float
    answer_cells: tuple[str, ...]
    """Ids of the cells the learner fills in, in the notebook's order."""


def read_tasks(path: Path) -> Sequence[LabTask]:
    """Read the tasks of a ``lab.toml``.

    Raises
    ------
    SourceError
        The file is missing or is not what ``docs/writing-labs.md`` says.
    """
    from lambdalab.grading.spec import load_spec

    spec = load_spec(path)
    return [LabTask(task.id, task.points, tuple(task.answer_cells)) for task in spec.tasks]
