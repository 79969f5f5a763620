"""The one entry point, ``lambdalab``: finds the command and hands over.

A command is a module in :mod:`lambdalab.commands` with ``add_arguments(parser)`` and
``run(args) -> int``; its help line is ``command.<name>`` in ``locale/*/cli.toml``. Only
the module of the command that was asked for is imported, so ``lambdalab sandbox env``
stays quick.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import NoReturn

from lambdalab import __version__
from lambdalab.errors import LambdalabError
from lambdalab.i18n import message

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    "start",
    "sandbox",
    "check",
    "grade",
    "progress",
    "reset",
    "doctor",
    "simulate",
    "build",
)


class _Format(argparse.HelpFormatter):
    """Help in the reader's language, as far as the words are ours to choose."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        words = message("cli.usage") if prefix is None else prefix
        super().add_usage(usage, actions, groups, words)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: object) -> None:
        super().__init__(formatter_class=_Format, add_help=False, **options)  # type: ignore[arg-type]
        self._positionals.title = message("cli.arguments")
        self._optionals.title = message("cli.options")
        self.add_argument("-h", "--help", action="help", help=message("cli.help"))

    def error(self, text: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message('cli.wrong', reason=text)}\n")


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"lambdalab.commands.{command}")


def _parser(command: str | None) -> argparse.ArgumentParser:
    parser = _Parser(prog="lambdalab", description=message("cli.description"))
    parser.add_argument(
        "--version",
        action="version",
        version=f"lambdalab {__version__}",
        help=message("cli.version"),
    )
    subparsers = parser.add_subparsers(
        dest="command", metavar=message("cli.metavar"), required=True
    )
    for name in COMMANDS:
        line = message(f"cli.command.{name}")
        sub = subparsers.add_parser(name, help=line, description=_sentence(line))
        if name == command:
            _module(name).add_arguments(sub)
    return parser


def _sentence(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}{message('cli.stop')}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status (0 done, 1 failed, 2 wrong use)."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if not word.startswith("-")), None)
    try:
        args = _parser(command if command in COMMANDS else None).parse_args(words)
        return int(_module(args.command).run(args))
    except LambdalabError as error:
        print(f"lambdalab {command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
