"""``lambdalab sandbox``: start, stop, look at, reset, save, load, and the shell's variables."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Callable, Iterable
from typing import Literal

from lambdalab.i18n import message
from lambdalab.sandbox import NoSandboxError, Sandbox, credentials, owner, registry

__all__ = ["add_arguments", "run"]

_NOT_RUNNING = 3
"""Exit status of ``status`` without a sandbox, as service managers have it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    actions = parser.add_subparsers(dest="action", metavar=_help("metavar"), required=True)

    def action(name: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=_help(name), description=_help(f"{name}_long"))

    start = action("start")
    start.add_argument("--port", type=int, help=_help("port"))
    start.add_argument("--host", default="127.0.0.1", help=_help("host"))
    start.add_argument("--owner", metavar="PID|none", help=_help("owner"))
    start.add_argument("--json", action="store_true", help=_help("json"))
    action("stop")
    action("status").add_argument("--json", action="store_true", help=_help("json"))
    action("reset")
    for name in ("save", "load"):
        action(name).add_argument("file", metavar="FILE", help=_help(f"{name}_file"))
    env = action("env")
    env.add_argument(
        "--shell", choices=("sh", "fish", "powershell"), default="sh", help=_help("shell")
    )
    env.add_argument("--json", action="store_true", help=_help("json"))


def _help(name: str) -> str:
    return message(f"sandbox.help.{name}")


def run(args: argparse.Namespace) -> int:
    """Run one action; return the exit status."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "start": _start,
        "stop": _stop,
        "status": _status,
        "reset": _reset,
        "save": _save,
        "load": _load,
        "env": _env,
    }
    return actions[args.action](args)


def _start(args: argparse.Namespace) -> int:
    from lambdalab.sandbox.guard import is_loopback

    if not is_loopback(args.host):
        raise registry.SandboxError(message("sandbox.start.host", host=args.host))
    workspace = registry.find_workspace()
    record = registry.read(registry.workspace_folder(workspace) / registry.RECORD)
    running = record is not None and record.alive
    box = Sandbox.start(
        args.port, owner=_owner(args.owner), workspace=workspace, configure=False, quiet=True
    )
    if args.json:
        print(json.dumps({"url": box.url, "port": box.port, "pid": box.pid, "joined": running}))
        return 0
    print(message(f"sandbox.command.{'joined' if running else 'started'}", url=box.url))
    print(message("sandbox.command.env_hint"))
    return 0


def _owner(word: str | None) -> int | Literal["none"]:
    if word is None:
        return owner.terminal_owner() or "none"
    if word == "none":
        return "none"
    if not word.isdigit():
        raise registry.SandboxError(message("sandbox.start.no_owner", pid=word))
    return int(word)


def _stop(_args: argparse.Namespace) -> int:
    try:
        box = Sandbox.connect(configure=False)
    except NoSandboxError:
        print(message("sandbox.stop.none", workspace=registry.find_workspace()))
        return 0
    box.stop()
    print(message("sandbox.stop.done"))
    return 0


def _status(args: argparse.Namespace) -> int:
    try:
        box = Sandbox.connect(configure=False)
    except NoSandboxError as error:
        print(json.dumps({"running": False}) if args.json else error)
        return _NOT_RUNNING
    status = box.status()
    if args.json:
        print(json.dumps({"running": True, "url": box.url, **status}, indent=2))
        return 0
    holder = status["owner"]
    lines = {
        "address": box.url,
        "workspace": status["workspace"],
        "owner": message("sandbox.show.nobody") if holder is None else holder,
        "isolation": ", ".join(status["isolation"]),
        "functions": status["functions"],
        "invocations": status["invocations"],
        "environments": len(status["environments"]),
        "folder": status["folder"],
    }
    for name, value in lines.items():
        print(f"{message(f'sandbox.show.{name}')}: {value}")
    for one in status["environments"]:
        print(f"  {one['id'][:8]}  {one['function']}:{one['version']}  {one['state']}")
    return 0


def _reset(_args: argparse.Namespace) -> int:
    Sandbox.connect(configure=False).reset()
    print(message("sandbox.command.reset"))
    return 0


def _save(args: argparse.Namespace) -> int:
    path = Sandbox.connect(configure=False).save(args.file)
    print(message("sandbox.command.saved", path=path))
    return 0


def _load(args: argparse.Namespace) -> int:
    Sandbox.connect(configure=False).load(args.file)
    print(message("sandbox.command.loaded", path=args.file))
    return 0


def _env(args: argparse.Namespace) -> int:
    values = Sandbox.connect(configure=False).environment()
    if args.json:
        print(json.dumps(values, indent=2))
        return 0
    for line in _lines(args.shell, values, credentials.unwanted(os.environ)):
        print(line)
    return 0


def _lines(shell: str, values: dict[str, str], unset: Iterable[str]) -> Iterable[str]:
    if shell == "fish":
        yield from (f"set -e {name};" for name in unset)
        yield from (f"set -gx {name} {shlex.quote(value)};" for name, value in values.items())
    elif shell == "powershell":
        yield from (f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in unset)
        for name, value in values.items():
            quoted = value.replace("'", "''")
            yield f"$Env:{name} = '{quoted}'"
    else:
        yield from (f"unset {name}" for name in unset)
        yield from (f"export {name}={shlex.quote(value)}" for name, value in values.items())
