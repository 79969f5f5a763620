"""The one entry point, ``lambdalab``: finds the command and hands over.

A command is a module in :mod:`lambdalab.commands` with ``HELP`` (one line),
``add_arguments(parser)`` and ``run(args) -> int``. Only the module of the command
that was asked for is imported, so ``lambdalab sandbox env`` stays quick.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from lambdalab import __version__
from lambdalab.errors import LambdalabError

COMMANDS: dict[str, str] = {
    "start": "copy the course into a folder and open it in JupyterLab",
    "sandbox": "start, stop, look at, reset, save or load the sandbox",
    "check": "check a lab notebook, as the notebook's own check() does",
    "grade": "grade a folder of submissions into a CSV file",
    "progress": "show what has been done in this course folder",
    "reset": "put a lab back to its start, keeping a backup",
    "doctor": "say what works on this machine and what does not",
    "build": "build the notebooks of both languages from their sources",
}


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"lambdalab.commands.{command}")


def _parser(command: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lambdalab", description="Learn AWS Lambda by running it, on this machine."
    )
    parser.add_argument("--version", action="version", version=f"lambdalab {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, help_line in COMMANDS.items():
        sub = subparsers.add_parser(name, help=help_line, description=help_line.capitalize() + ".")
        if name == command:
            _module(name).add_arguments(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status (0 done, 1 failed, 2 wrong use)."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if not word.startswith("-")), None)
    args = _parser(command if command in COMMANDS else None).parse_args(words)
    try:
        return int(_module(args.command).run(args))
    except LambdalabError as error:
        print(f"lambdalab {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
