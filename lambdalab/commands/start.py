"""``lambdalab start``: the learner's copy of the course, opened in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from lambdalab.course import catalogue, folder, launch, workspace
from lambdalab.course.errors import CourseError
from lambdalab.i18n import LANGUAGES, Language, as_language, language, message

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="DIR",
        help=message("workspace.help.folder", default=workspace.DEFAULT),
    )
    parser.add_argument("--lang", choices=LANGUAGES, help=message("workspace.help.lang"))
    parser.add_argument(
        "--no-browser", action="store_true", help=message("workspace.help.no_browser")
    )
    parser.add_argument("--port", type=_port, metavar="N", help=message("workspace.help.port"))
    parser.add_argument(
        "--copy-only", action="store_true", help=message("workspace.help.copy_only")
    )


def _port(word: str) -> int:
    if not word.isdecimal() or not 0 < int(word) < 65536:
        raise argparse.ArgumentTypeError(message("workspace.port.number", word=word))
    return int(word)


def run(args: argparse.Namespace) -> int:
    """Bring the course folder up to date, then become JupyterLab."""
    lang = as_language(args.lang) if args.lang else language()
    if sys.platform == "win32":
        raise CourseError(message("workspace.refuse.windows", lang))
    place = workspace.check_place(_chosen(args.folder))
    tell(workspace.bring_up_to_date(place, workspace.course_files()), lang)
    if args.copy_only:
        return 0
    notebook = catalogue.welcome().path(lang)
    already = launch.running(place)
    if already is not None:
        return _join(already, notebook, lang, browser=not args.no_browser)
    plan = launch.plan(
        place,
        notebook,
        lang,
        port=args.port,
        browser=not args.no_browser and launch.browser_available(),
    )
    print(message("workspace.start.starting", lang), flush=True)
    os.execve(plan.command[0], plan.command, plan.environment)  # noqa: S606 - no shell


def _chosen(given: Path | None) -> Path:
    """Return the folder that was named, the one around us, or the usual one here."""
    return given or folder.find() or Path(workspace.DEFAULT)


def _join(address: str, notebook: Path, lang: Language, *, browser: bool) -> int:
    """Lead to the JupyterLab that already runs: two would fight over one sandbox."""
    parts = urlsplit(address)
    url = urlunsplit(parts._replace(path=f"/lab/tree/{notebook.as_posix()}"))
    print(f"{message('workspace.start.already', lang)}\n\n    {url}\n", flush=True)
    if browser and launch.browser_available():
        import webbrowser

        webbrowser.open(url)
    return 0


def tell(report: workspace.Report, lang: Language) -> None:
    """Print what was done to the course folder."""

    def say(key: str, **values: object) -> None:
        print(message(f"workspace.report.{key}", lang, **values))

    say("made" if report.fresh else "found", path=report.workspace)
    if not report.fresh and report.added:
        say("added", names=_listed(report.added))
    if report.updated:
        say("updated", names=_listed(report.updated))
    if report.restored:
        say("restored", names=_listed(report.restored))
    for name, beside in report.kept.items():
        say("kept", name=name, beside=beside)
    if report.retired:
        say("retired", names=_listed(report.retired))
    if report.backups:
        say("backups", path=report.backups)


def _listed(names: list[str]) -> str:
    return "".join(f"\n  {name}" for name in names)
