"""``lambdalab build``: the notebooks of both languages from their sources."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.course.builder import Drift


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "lesson", nargs="?", metavar="NN", help="only the lesson of this number, and its lab"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a notebook is out of date"
    )
    parser.add_argument(
        "--root", type=Path, help="top folder of the clone (default: where lambdalab is)"
    )


def run(args: argparse.Namespace) -> int:
    """Build, and say what changed."""
    from lambdalab.course import builder
    from lambdalab.course.catalogue import clone_root
    from lambdalab.course.errors import CourseError

    root = args.root or clone_root() or Path.cwd()
    only = args.lesson
    if only is not None and not (len(only) == 2 and only.isdecimal()):
        raise CourseError(f'"{only}" is not the number of a lesson: write two digits, like 01')
    folder = builder.source_folder(root)
    if only and not any(folder.glob(f"{only}_*")):
        raise CourseError(f"there is no lesson {only} in {folder}")
    files = builder.build(builder.read_sources(folder, only=only), only=only)
    difference = builder.drift(root, files, only=only)
    if args.check:
        return _report(difference, len(files))
    builder.write(root, files, difference)
    for word, paths in (
        ("written", (*difference.missing, *difference.changed)),
        ("removed", difference.stale),
    ):
        for path in paths:
            print(f"{word}: {path.as_posix()}")
    print(f"{len(files)} notebooks, {'all up to date before' if not difference else 'up to date'}")
    return 0


def _report(difference: Drift, count: int) -> int:
    if not difference:
        print(f"{count} notebooks, all up to date")
        return 0
    for word, paths in (
        ("missing", difference.missing),
        ("out of date", difference.changed),
        ("without a source", difference.stale),
    ):
        for path in paths:
            print(f"{word}: {path.as_posix()}", file=sys.stderr)
    print("Put this right with: lambdalab build", file=sys.stderr)
    return 1
