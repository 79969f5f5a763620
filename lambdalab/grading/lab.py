"""What a lab's notebook holds: ``check = open_lab("lab01").check``, and its hints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdalab.errors import LambdalabError
from lambdalab.grading import attempts
from lambdalab.grading.calling import collect
from lambdalab.grading.checking import Check, run_checks
from lambdalab.grading.labs import Course, LabFiles
from lambdalab.grading.left import Left
from lambdalab.grading.running import GRADING
from lambdalab.grading.spec import Task
from lambdalab.grading.submission import untouched
from lambdalab.grading.verdict import Verdict, cannot_check, not_attempted
from lambdalab.i18n import LANGUAGES, language, message
from lambdalab.sandbox import NoSandboxError, Sandbox

if TYPE_CHECKING:
    from lambdalab.grading.view import HintView, ResultView

__all__ = ["Lab", "UnknownTaskError", "open_lab"]

_NBGRADER = "NBGRADER_EXECUTION"
"""nbgrader sets it in the kernels it grades and validates with."""


class UnknownTaskError(LambdalabError):
    """The lab has no task of that id."""


def open_lab(name: str, *, course: Course | None = None) -> Lab:
    """Open a lab.

    Parameters
    ----------
    name
        Its id: ``"lab01"``.
    course
        Where it is; this package's own course if ``None``.

    Raises
    ------
    CourseError
        There is no such lab; the message lists those there are.
    """
    if GRADING in os.environ:  # the grader checks once this process has ended
        return Lab(name, None)
    attempts.watch()
    return Lab(name, (course or Course.own()).lab(name))


class Lab:
    """A lab in its notebook. Made by :func:`open_lab`."""

    def __init__(self, name: str, files: LabFiles | None) -> None:
        self.id = name
        self._files = files
        self._shown: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Lab {self.id}>"

    def check(self, task: str) -> ResultView | float | None:
        """Check a task's answer with the public checks, and show what came of it.

        The check runs in another process and looks at the sandbox. The result is kept
        in the course folder.

        Parameters
        ----------
        task
            Its id: ``"task-2"``.

        Returns
        -------
        ResultView
            What the notebook shows. Under nbgrader the points alone, as it wants them; while
            ``lambdalab grade`` runs the answers, nothing.

        Raises
        ------
        UnknownTaskError
            The lab has no such task; the message lists those it has.
        """
        from lambdalab.grading.view import ResultView

        if self._files is None:
            return None
        asked = self._task(self._files, task)
        verdict = self._judge(self._files, asked)
        if os.environ.get(_NBGRADER):
            return round(verdict.score * asked.points, 2)
        return ResultView(self, asked, verdict, language(), note=self._record(asked, verdict))

    def hint(self, task: str) -> HintView | None:
        """Show the next hint for a task; there are three, of rising strength.

        Raises
        ------
        UnknownTaskError
            The lab has no such task.
        """
        from lambdalab.grading.view import HintView

        if self._files is None:
            return None
        asked = self._task(self._files, task)
        self.reveal(asked)
        return HintView(self, asked, language())

    def shown(self, task: Task) -> int:
        """Return how many hints of a task have been shown."""
        return self._shown.get(task.id, 0)

    def reveal(self, task: Task) -> int:
        """Count one more hint as shown, up to the last; return how many are."""
        self._shown[task.id] = min(self.shown(task) + 1, len(task.hints))
        return self._shown[task.id]

    def _task(self, files: LabFiles, name: str) -> Task:
        found = files.spec.task(name)
        if found is None:
            names = ", ".join(task.id for task in files.spec.tasks)
            raise UnknownTaskError(
                message("grading.lab.no_task", lab=self.id, name=name, names=names)
            )
        return found

    def _judge(self, files: LabFiles, task: Task) -> Verdict:
        known = _untouched(files, task)
        if known:
            return not_attempted()
        found = _collect(task)
        if known is None and (task.outputs or task.functions) and found.empty:
            return not_attempted()
        try:
            box = Sandbox.connect(configure=False)
        except NoSandboxError:
            return cannot_check({lang: message("grading.cannot.gone", lang) for lang in LANGUAGES})
        (verdict,) = run_checks(
            self.id,
            [Check(task.id, files.checks, found)],
            box.record,
            seconds=files.spec.check_timeout,
        )
        assert verdict is not None  # noqa: S101 - a public check is needed
        return verdict

    def _record(self, task: Task, verdict: Verdict) -> str | None:
        """Keep the result in the course folder; return what to say if that cannot be done."""
        from lambdalab.course.progress import record_check

        points = round(verdict.score * task.points, 2)
        try:
            record_check(self.id, task.id, verdict.outcome, points, task.points)
        except LambdalabError as error:
            return str(error)
        return None


def _untouched(files: LabFiles, task: Task) -> bool | None:
    """Tell whether every answer cell of a task is as handed out; ``None`` if nobody knows."""
    try:
        starters = files.starters
    except LambdalabError:  # a lab that is being written has no notebook yet
        return None
    found = attempts.sources(dict.fromkeys(task.answer_cells))
    if len(found) < len(task.answer_cells):
        return None
    return all(untouched(source, starters.get(name, "")) for name, source in found.items())


def _collect(task: Task) -> Left:
    inputs = {one.name: one.inputs for one in task.functions}
    return collect(_namespace(), task.outputs, inputs)


def _namespace() -> Mapping[str, Any]:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        import __main__

        return vars(__main__)
    namespace: Mapping[str, Any] = shell.user_ns
    return namespace
