"""Having answers run in a process of their own, and keeping what they leave."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lambdalab.errors import LambdalabError
from lambdalab.grading import left
from lambdalab.grading.checking import StoppedError
from lambdalab.grading.left import Inputs, Left
from lambdalab.grading.processes import Child, base_environment
from lambdalab.grading.values import read_json
from lambdalab.i18n import Language, message
from lambdalab.sandbox import credentials
from lambdalab.sandbox.registry import Record

__all__ = ["GRADING", "Cell", "Ran", "Reading", "run_cells"]

GRADING = "LAMBDALAB_GRADING"
"""Set where answers run to be graded: ``check()`` waits for the grader there."""
SETUP_S = 60.0
"""Time for starting Python and for the setup cells before the first answer."""

End = Literal["finished", "timed out", "died", "too much"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell to run."""

    id: str
    source: str
    answer: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read once a task's last cell has run."""

    task: str
    last: str
    """The cell after which it is read."""
    outputs: Sequence[str]
    inputs: Inputs


@dataclass(slots=True)
class Ran:
    """What came of it."""

    left: dict[str, Left] = field(default_factory=dict)
    """Task -> what it left; a task that was not reached is missing."""
    errors: dict[str, str] = field(default_factory=dict)
    """Cell -> the exception that ended it."""
    end: End = "finished"
    cell: str = ""
    """The cell that ran when it ended, unless it finished."""
    status: int | None = None
    """Exit status of the process; negative for a signal."""


def run_cells(
    cells: Sequence[Cell],
    readings: Sequence[Reading],
    record: Record,
    *,
    lang: Language,
    seconds: float,
    hidden: Sequence[Path] = (),
    stop: threading.Event | None = None,
) -> Ran:
    """Run cells in a process of their own, which is gone with all it started on return.

    Parameters
    ----------
    cells
        Setup and answers, in order.
    readings
        What to read, and when.
    record
        The sandbox they work in.
    lang
        The language of the notebook they come from.
    seconds
        Time from the start of the first answer.
    hidden
        Folders that look empty in there, where the kernel can do that.
    stop
        Once set, the process is ended.

    Raises
    ------
    LambdalabError
        A setup cell failed, which is never the answer's fault.
    StoppedError
        ``stop`` was set.
    """
    ran = Ran()
    with tempfile.TemporaryDirectory(
        prefix="lambdalab-answers-", ignore_cleanup_errors=True
    ) as folder:
        environment = base_environment(
            HOME=folder,
            TMPDIR=folder,
            IPYTHONDIR=folder,
            LAMBDALAB_LANG=lang,
            OPENBLAS_NUM_THREADS="1",
            **credentials.environment(record.url, record.folder, record.path, {}),
        )
        environment[GRADING] = "1"
        child = Child(
            "lambdalab.grading.runner",
            _request(cells, readings, hidden),
            environment=environment,
            folder=Path(folder),
            seconds=SETUP_S,
            stop=stop,
        )
        with child:
            listener = _Listener(cells, readings, child, seconds, ran)
            listener.listen()
        if child.ending == "stopped":
            raise StoppedError(message("grading.stopped"))
        if listener.finished:
            return ran
        ran.status = child.status
        ran.end = "died" if child.ending == "finished" else child.ending
        setup = [cell.id for cell in cells if not cell.answer]
        if not ran.cell or ran.cell in setup:
            reason = child.error_text.rpartition("\n")[2] or f"{ran.end}, {ran.status}"
            raise LambdalabError(message("grading.run.setup", cell=ran.cell or "-", reason=reason))
    return ran


class _Listener:
    """Takes what the process says for what it is: words of somebody else."""

    def __init__(
        self,
        cells: Sequence[Cell],
        readings: Sequence[Reading],
        child: Child,
        seconds: float,
        ran: Ran,
    ) -> None:
        self._cells = {cell.id: cell for cell in cells}
        self._readings = {one.task: one for one in readings}
        self._child = child
        self._seconds = seconds
        self._ran = ran
        self._timing = False
        self.finished = False

    def listen(self) -> None:
        for line in self._child.lines():
            try:
                said = read_json(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                self._hear(said)
            if self.finished:
                return

    def _hear(self, said: Mapping[str, Any]) -> None:
        ran = self._ran
        match said:
            case {"cell": str(name)} if name in self._cells:
                ran.cell = name
                if self._cells[name].answer and not self._timing:
                    self._timing = True
                    self._child.deadline = time.monotonic() + self._seconds
            case {"ended": str(name), "error": str(error)} if name in self._cells:
                ran.errors[name] = error
                if not self._timing:
                    raise LambdalabError(message("grading.run.setup", cell=name, reason=error))
            case {"task": str(name), "left": found} if name in self._readings:
                wanted = self._readings[name]
                ran.left[name] = left.from_json(found, wanted.outputs, wanted.inputs)
            case {"done": True}:
                self.finished = True


def _request(cells: Sequence[Cell], readings: Sequence[Reading], hidden: Sequence[Path]) -> bytes:
    return json.dumps(
        {
            "hidden": [str(folder) for folder in hidden],
            "cells": [{"id": cell.id, "source": cell.source} for cell in cells],
            "tasks": [
                {
                    "id": one.task,
                    "last": one.last,
                    "outputs": list(one.outputs),
                    "inputs": {name: list(every) for name, every in one.inputs.items()},
                }
                for one in readings
            ],
        }
    ).encode()
