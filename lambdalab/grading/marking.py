"""One submission, from the source of its answers to the points of each task."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lambdalab.grading import left
from lambdalab.grading.checking import Check, run_checks
from lambdalab.grading.labs import Hidden, LabFiles
from lambdalab.grading.left import Left
from lambdalab.grading.running import Cell, Ran, Reading, run_cells
from lambdalab.grading.spec import Task
from lambdalab.grading.submission import Answers, untouched
from lambdalab.grading.verdict import Outcome, Verdict, not_attempted
from lambdalab.i18n import Language
from lambdalab.sandbox import Sandbox, SandboxError
from lambdalab.sandbox.registry import Record, remove_tree

__all__ = ["Mark", "Marking", "Marks", "combine", "fresh_sandbox"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How one task was judged."""

    task: Task
    public: Verdict
    hidden: Verdict | None
    """``None``: there was no hidden check."""

    @property
    def outcome(self) -> Outcome:
        """The outcome of both together."""
        return combine(self.public, self.hidden)[0]

    @property
    def points(self) -> float:
        """The smaller of both shares, in points."""
        return round(combine(self.public, self.hidden)[1] * self.task.points, 2)


def combine(public: Verdict, hidden: Verdict | None) -> tuple[Outcome, float]:
    """Return the official outcome and share of the points: the smaller of both shares."""
    if hidden is None:
        return public.outcome, public.score
    score = min(public.score, hidden.score)
    outcomes = (public.outcome, hidden.outcome)
    for outcome in ("cannot check", "not attempted"):
        if outcome in outcomes:
            return outcome, score
    return ("passed" if score == 1.0 else "incorrect"), score


@dataclass(frozen=True, slots=True)
class Marks:
    """How a whole submission was judged."""

    tasks: tuple[Mark, ...]
    ran: Ran = field(default_factory=Ran)

    @property
    def points(self) -> float:
        """All points earned."""
        return round(sum(mark.points for mark in self.tasks), 2)


@contextmanager
def fresh_sandbox() -> Iterator[Record]:
    """Start a sandbox for one submission; it is gone at the end, whatever was done to it."""
    with tempfile.TemporaryDirectory(
        prefix="lambdalab-graded-", ignore_cleanup_errors=True
    ) as folder:
        box = Sandbox.start(
            workspace=Path(folder), owner=os.getpid(), configure=False, durable=False
        )
        try:
            yield box.record
        finally:
            try:
                box.stop()
            except SandboxError:
                remove_tree(box.folder)


@dataclass(frozen=True)
class Marking:
    """Judges submissions of one lab.

    Parameters
    ----------
    lab
        The lab.
    hidden
        Its hidden checks; ``None``: public ones only.
    seconds
        Time for all answers of a submission; the lab's own if ``None``.
    sandbox
        Makes the sandbox of one submission, empty.
    """

    lab: LabFiles
    hidden: Hidden | None = None
    seconds: float | None = None
    sandbox: Callable[[], AbstractContextManager[Record]] = fresh_sandbox

    @property
    def timeout(self) -> float:
        """Time for all answers of a submission, in seconds."""
        return self.lab.spec.timeout if self.seconds is None else self.seconds

    def untouched(self, answers: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the tasks whose answer cells all are as they were handed out.

        A cell that is missing counts as untouched.
        """
        starters = self.lab.starters
        return frozenset(
            task.id
            for task in self.lab.spec.tasks
            if all(
                untouched(answers.get(name, ""), starters.get(name, ""))
                for name in task.answer_cells
            )
        )

    def mark(
        self, answers: Answers, lang: Language, *, stop: threading.Event | None = None
    ) -> Marks:
        """Run and judge the answers of one submission.

        Parameters
        ----------
        answers
            Their source.
        lang
            The language of the notebook.
        stop
            Once set, everything is ended.

        Raises
        ------
        StoppedError
            ``stop`` was set.
        LambdalabError
            The sandbox did not start, or a setup cell failed: never the answer's fault.
        """
        tasks = self.lab.spec.tasks
        _ = self.lab.checks  # read now: what a learner's code does to the file is too late
        idle = self.untouched(answers.source)
        if len(idle) == len(tasks):
            return Marks(tuple(Mark(task, not_attempted(), None) for task in tasks))
        with self.sandbox() as record:
            ran = run_cells(
                self._cells(answers.source),
                [self._reading(task) for task in tasks],
                record,
                lang=lang,
                seconds=self.timeout,
                hidden=[self.hidden.source.path.parent] if self.hidden else [],
                stop=stop,
            )
            attempted = [task for task in tasks if task.id not in idle]
            marks = self._judge(attempted, ran, record, stop)
        idle_mark = not_attempted()
        return Marks(
            tuple(marks.get(task.id) or Mark(task, idle_mark, None) for task in tasks), ran
        )

    def _cells(self, answers: Mapping[str, str]) -> list[Cell]:
        starters = self.lab.starters
        cells = []
        for cell in self.lab.cells:
            if cell.id in starters:
                cells.append(Cell(cell.id, answers.get(cell.id, ""), answer=True))
            elif "setup" in cell.tags:
                cells.append(Cell(cell.id, cell.source, answer=False))
        return cells

    def _reading(self, task: Task) -> Reading:
        place = {cell.id: index for index, cell in enumerate(self.lab.cells)}
        last = max(task.answer_cells, key=lambda name: place.get(name, -1))
        public, further = self._public(task), self._further(task)
        inputs = {
            name: [*public.get(name, ()), *further.get(name, ())] for name in public | further
        }
        return Reading(task.id, last, task.outputs, inputs)

    @staticmethod
    def _public(task: Task) -> dict[str, list[list[object]]]:
        return {one.name: [list(every) for every in one.inputs] for one in task.functions}

    def _further(self, task: Task) -> dict[str, list[list[object]]]:
        found = self.hidden.inputs.get(task.id, {}) if self.hidden else {}
        return {name: [list(one) for one in every] for name, every in found.items()}

    def _judge(
        self, tasks: list[Task], ran: Ran, record: Record, stop: threading.Event | None
    ) -> dict[str, Mark]:
        found = {task.id: ran.left.get(task.id) or self._nothing(task) for task in tasks}
        checks = [
            Check(task.id, self.lab.checks, found[task.id].only(self._public(task), {}))
            for task in tasks
        ]
        if self.hidden:
            checks += [
                Check(task.id, self.hidden.source, self._secret(task, found[task.id]), needed=False)
                for task in tasks
            ]
        verdicts = run_checks(
            self.lab.id, checks, record, seconds=self.lab.spec.check_timeout, stop=stop
        )
        public, hidden = verdicts[: len(tasks)], verdicts[len(tasks) :] or [None] * len(tasks)
        marks = {}
        for task, one, other in zip(tasks, public, hidden, strict=True):
            assert one is not None  # noqa: S101 - a public check is needed
            marks[task.id] = Mark(task, one, other)
        return marks

    def _nothing(self, task: Task) -> Left:
        """Return what a task left that was never reached: no call without an error."""
        wanted = self._reading(task)
        return left.from_json(None, wanted.outputs, wanted.inputs)

    def _secret(self, task: Task, found: Left) -> Left:
        """Return what the hidden check gets to see: results for its own inputs, if it has any."""
        public, further = self._public(task), self._further(task)
        skip = {name: len(public.get(name, ())) for name in further}
        return found.only(public | further, skip)
