"""``lambdalab reset lab01``: a lab put back to its start, or its newest backup brought back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lambdalab.course import catalogue, folder, restarting
from lambdalab.course.errors import CourseError
from lambdalab.i18n import LANGUAGES, message

__all__ = ["add_arguments", "run"]

_NOT_CONFIRMED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("lab", metavar="LAB", help=message("reset.help.lab"))
    parser.add_argument("--lang", choices=LANGUAGES, help=message("reset.help.lang"))
    parser.add_argument("--restore", action="store_true", help=message("reset.help.restore"))
    parser.add_argument("--yes", action="store_true", help=message("reset.help.yes"))
    parser.add_argument("--folder", type=Path, metavar="DIR", help=message("progress.help.folder"))


def run(args: argparse.Namespace) -> int:
    """Ask, do it, and say where the backup is."""
    workspace, root = folder.needed(args.folder), catalogue.course_root()
    lab = catalogue.entry(args.lab, root)
    if lab.kind != "lab":
        raise CourseError(message("reset.not_a_lab", name=args.lab))
    langs = [args.lang] if args.lang else list(LANGUAGES)
    if not args.restore and restarting.is_fresh(workspace, lab, langs, root):
        print(message("reset.fresh", lab=lab.id))
        return 0
    question = message(f"reset.ask.{'restore' if args.restore else 'reset'}", lab=lab.id)
    if not args.yes and not _agreed(question):
        print(message("reset.nothing"))
        return _NOT_CONFIRMED
    if args.restore:
        done = restarting.restore(workspace, lab, root)
    else:
        done = restarting.reset(workspace, lab, langs, root)
    for name in done.notebooks:
        print(message(f"reset.{'restored' if args.restore else 'done'}", name=name.as_posix()))
    if done.backup:
        print(message("reset.backup", path=done.backup))
        if not args.restore:
            print(message("reset.undo", lab=lab.id))
    print(message("reset.reload"))
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise CourseError(message("reset.no_terminal"))
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "是")
    except EOFError:
        print()
        return False
