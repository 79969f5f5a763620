"""The demo lab, built once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lambdalab.grading.labs import hidden_checks
from lambdalab.grading.marking import Marking, Marks, fresh_sandbox
from lambdalab.grading.submission import find_answers, read_notebook
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.registry import Record
from tests.grading.lab import DemoLab, make_lab


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoLab:
    """Return the demo lab: not to be changed, see ``copy_lab``."""
    return make_lab(tmp_path_factory.mktemp("course"))


@pytest.fixture
def mark(demo: DemoLab, sandbox: Sandbox, tmp_path: Path) -> Callable[..., Marks]:
    """Return ``mark(answers)``: hands a notebook in with these answers, runs and judges it.

    To be quick, in the run's shared sandbox, emptied; ``fresh=True``: in one of its own.
    """

    @contextlib.contextmanager
    def shared() -> Iterator[Record]:
        sandbox.reset()
        yield sandbox.record

    def run(
        answers: Mapping[str, str],
        *,
        hidden: bool = True,
        seconds: float | None = None,
        fresh: bool = False,
    ) -> Marks:
        files = demo.course.lab("lab01")
        assert demo.course.hidden is not None
        secret = hidden_checks(demo.course.hidden, "lab01") if hidden else None
        notebook = read_notebook(demo.hand_in(tmp_path / "handed-in.ipynb", answers))
        names = [name for task in files.spec.tasks for name in task.answer_cells]
        place = fresh_sandbox if fresh else shared
        return Marking(files, secret, seconds, place).mark(find_answers(notebook, names), "en")

    return run
