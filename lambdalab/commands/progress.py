"""``lambdalab progress``: what has been done in this course folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lambdalab.course import folder, overview
from lambdalab.course.overview import LabView, LessonView
from lambdalab.course.progress import Progress
from lambdalab.i18n import language, message

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help=message("progress.help.folder")
    )
    parser.add_argument("--json", action="store_true", help=message("progress.help.json"))


def run(args: argparse.Namespace) -> int:
    """Show it as a table, or as JSON."""
    views = overview.overview(Progress(folder.needed(args.folder)))
    if args.json:
        print(json.dumps([_facts(view) for view in views], ensure_ascii=False, indent=1))
    else:
        _show(views)
    return 0


def _facts(view: LessonView | LabView) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": view.entry.id, "title": dict(view.entry.title)}
    if isinstance(view, LessonView):
        return facts | {
            name: {"done": tally.done, "total": tally.total}
            for name, tally in (("predictions", view.predictions), ("quiz", view.quiz))
        }
    return facts | {
        "score": view.score,
        "max_score": view.points,
        "tasks": [
            {
                "id": task.id,
                "outcome": task.check.outcome if task.check else None,
                "score": task.check.score if task.check else 0,
                "max_score": task.points,
            }
            for task in view.tasks
        ],
    }


def _show(views: overview.Views) -> None:
    from rich.console import Console
    from rich.table import Table

    lang = language()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("item", "predictions", "quiz", "tasks", "points"):
        table.add_column(
            message(f"progress.column.{name}", lang),
            justify="left" if name == "item" else "right",
            overflow="fold",
        )
    for view in views:
        kind, entry = view.entry.kind, view.entry
        title = message(
            f"course.notebook.{kind}", lang, number=entry.number, title=entry.title[lang]
        )
        table.add_row(title, *_cells(view))
    console = Console(highlight=False, soft_wrap=False)
    console.print(table, markup=False)
    labs = [view for view in views if isinstance(view, LabView)]
    total, most = sum(lab.score for lab in labs), sum(lab.points for lab in labs)
    console.print()
    console.print(
        message("progress.total", lang, score=f"{total:g}", max=f"{most:g}"), markup=False
    )


def _cells(view: LessonView | LabView) -> tuple[str, str, str, str]:
    if isinstance(view, LessonView):
        return _of(view.predictions), _of(view.quiz), "", ""
    return "", "", _of(view.passed), f"{view.score:g} / {view.points:g}"


def _of(tally: overview.Tally) -> str:
    return f"{tally.done} / {tally.total}" if tally.total else ""
