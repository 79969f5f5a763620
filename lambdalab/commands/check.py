"""``lambdalab check``: the answers of a lab notebook, run afresh and checked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, language, message

if TYPE_CHECKING:
    from lambdalab.grading.labs import LabFiles
    from lambdalab.grading.marking import Mark, Marks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("lab", metavar="LAB", help=message("grading.help.lab_id"))
    parser.add_argument(
        "notebook",
        nargs="?",
        type=Path,
        metavar="NOTEBOOK",
        help=message("grading.help.notebook"),
    )
    parser.add_argument("--task", metavar="TASK", help=message("grading.help.task"))
    _allow_options_between(parser)


def _allow_options_between(parser: argparse.ArgumentParser) -> None:
    """Let ``lab01 --task task-2 NOTEBOOK`` pass: argparse takes the optional NOTEBOOK too early."""
    # It would make up the usage line itself by cutting off an English "usage: ".
    parser.usage = "%(prog)s [-h] [--task TASK] LAB [NOTEBOOK]"
    plain = parser.parse_known_args

    def parse(args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse's own
        vars(parser)["parse_known_args"] = plain
        try:
            return parser.parse_known_intermixed_args(args, namespace)
        finally:
            vars(parser)["parse_known_args"] = parse

    vars(parser)["parse_known_args"] = parse


def run(args: argparse.Namespace) -> int:
    """Run the notebook's answers in a fresh sandbox; return 0 if all public checks passed."""
    from lambdalab.course import folder
    from lambdalab.grading.labs import Course
    from lambdalab.grading.marking import Marking
    from lambdalab.grading.submission import UnreadableError, find_answers, read_notebook

    lab = Course.own().lab(args.lab)
    path = args.notebook or _own_notebook(lab, language())
    names = [task.id for task in lab.spec.tasks]
    if args.task is not None and args.task not in names:
        raise LambdalabError(
            message("grading.lab.no_task", lab=lab.id, name=args.task, names=", ".join(names))
        )
    try:
        notebook = read_notebook(path)
    except UnreadableError as error:
        raise LambdalabError(f"{path}: {error}") from error
    if notebook.lab not in (None, lab.id):
        reason = message("grading.submission.other_lab", lab=notebook.lab)
        raise LambdalabError(f"{path}: {reason}")
    lang = notebook.lang or language()
    answers = find_answers(
        notebook, [name for task in lab.spec.tasks for name in task.answer_cells]
    )
    marks = Marking(lab).mark(answers, lang)
    shown = [mark for mark in marks.tasks if args.task in (None, mark.task.id)]
    _show(path, shown, marks, lang)
    workspace = folder.find(path.resolve().parent)
    if workspace is not None:
        _record(lab, shown, workspace)
    return 0 if all(mark.outcome == "passed" for mark in shown) else 1


def _own_notebook(lab: LabFiles, lang: Language) -> Path:
    """Return the learner's notebook of a lab.

    Raises
    ------
    LambdalabError
        This is no course folder.
    """
    from lambdalab.course import folder

    place = folder.find()
    if place is None:
        raise LambdalabError(message("grading.check.no_workspace", lab=lab.id))
    return place / "labs" / lang / f"{lab.stem}.ipynb"


def _show(path: Path, shown: list[Mark], marks: Marks, lang: Language) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding

    from lambdalab.grading.verdict import outcome_key
    from lambdalab.grading.view import to_text

    console = Console(highlight=False, soft_wrap=True)
    say = console.print
    say(message("grading.check.head", lang, path=escape(str(path))))
    for mark in shown:
        word = message(f"grading.outcome.{outcome_key(mark.outcome)}", lang)
        points = message(
            "grading.points", lang, points=f"{mark.points:g}", most=f"{mark.task.points:g}"
        )
        title = escape(to_text(mark.task.title[lang]))
        say(f"[bold]{mark.task.id}[/]  {title}  [bold]{word}[/]  {points}")
        errors = [
            f"{name}: {marks.ran.errors[name]}"
            for name in mark.task.answer_cells
            if name in marks.ran.errors
        ]
        texts = [to_text(mark.public.text[lang])] if mark.public.text else []
        for text in (*texts, *errors):
            say(Padding(escape(text), (0, 0, 0, 4)))
    ran = marks.ran
    if ran.end != "finished":
        say(message("grading.check.ended", lang, cell=ran.cell))
    points = message(
        "grading.points",
        lang,
        points=f"{sum(mark.points for mark in shown):g}",
        most=f"{sum(mark.task.points for mark in shown):g}",
    )
    say(message("grading.check.total", lang, points=points))


def _record(lab: LabFiles, shown: list[Mark], workspace: Path) -> None:
    from lambdalab.course.progress import record_check

    for mark in shown:
        record_check(
            lab.id, mark.task.id, mark.outcome, mark.points, mark.task.points, workspace=workspace
        )
