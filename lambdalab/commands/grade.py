"""``lambdalab grade``: a folder of submissions into a CSV file."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message

if TYPE_CHECKING:
    from lambdalab.grading.grader import Grade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""

    def option(*names: str, key: str, **more: Any) -> None:  # noqa: ANN401 - argparse's own
        parser.add_argument(*names, help=message(f"grading.help.{key}"), **more)

    option("folder", key="folder", type=Path, metavar="DIR")
    option("-o", "--output", key="output", type=Path, metavar="FILE", default=Path("grades.csv"))
    option("--lab", key="lab", metavar="LAB")
    option("--jobs", key="jobs", type=int, metavar="N")
    option("--timeout", key="timeout", type=float, metavar="S")
    option("--hidden", key="hidden", type=Path, metavar="FOLDER")
    option("--reports", key="reports", type=Path, metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Grade, write the CSV file, and say what came of it."""
    from lambdalab.grading import table
    from lambdalab.grading.discovery import find_submissions
    from lambdalab.grading.grader import Grader, grade_all
    from lambdalab.grading.labs import Course

    jobs = (os.cpu_count() or 1) if args.jobs is None else args.jobs
    if jobs < 1 or (args.timeout is not None and args.timeout <= 0):
        raise LambdalabError(message("grading.grade.positive"))
    course = Course.own()
    hidden = args.hidden or course.hidden
    if args.hidden is not None and not args.hidden.is_dir():
        raise LambdalabError(message("grading.grade.no_folder", path=args.hidden))
    grader = Grader(course, lab=args.lab, hidden=hidden, seconds=args.timeout)
    submissions = [one for one in find_submissions(args.folder) if grader.wants(one)]
    if not submissions:
        raise LambdalabError(message("grading.grade.empty", path=args.folder))
    table.check_place(args.output)
    for name in grader.without_hidden():
        print(message("grading.grade.public_only", lab=name), file=sys.stderr)
    with _terminable(), _progress(len(submissions)) as done:
        grades, complete = grade_all(grader, submissions, jobs=jobs, done=done)
    table.write(args.output, grades)
    if args.reports:
        table.write_reports(args.reports, grades)
    print(message("grading.grade.done", count=len(grades), path=args.output))
    for grade in grades:
        if grade.status not in ("graded", "not attempted"):
            print(f"  {grade.submission.name}: {grade.status_text}")
    if complete:
        return 0
    graded = {grade.submission for grade in grades}
    missing = [one.name for one in submissions if one not in graded]
    print(message("grading.grade.missing", names=", ".join(missing)), file=sys.stderr)
    return 130


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C, so that what is finished is written then, too."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _progress(count: int) -> Iterator[Callable[[Grade], None]]:
    """Show a bar on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns: Sequence[object] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:  # type: ignore[arg-type]
        bar = progress.add_task(message("grading.grade.grading"), total=count)

        def done(grade: Grade) -> None:
            progress.update(bar, advance=1, description=_short(grade.submission.name))

        yield done


def _short(name: str) -> str:
    safe = "".join(char if char.isprintable() else "?" for char in name).replace("[", "(")
    return safe[:24].ljust(24)
