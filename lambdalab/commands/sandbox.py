"""``lambdalab sandbox``: its life, its state, its clock, and the variables of a shell."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

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
    start.add_argument("--time-scale", type=float, metavar="N", help=_help("time_scale"))
    start.add_argument("--json", action="store_true", help=_help("json"))
    action("stop")
    action("status").add_argument("--json", action="store_true", help=_help("json"))
    action("reset")
    for name in ("save", "load"):
        action(name).add_argument("file", metavar="FILE", help=_help(f"{name}_file"))
    clock = action("clock")
    clock.add_argument("--scale", type=float, metavar="N", help=_help("scale"))
    stand = clock.add_mutually_exclusive_group()
    stand.add_argument("--pause", action="store_true", help=_help("pause"))
    stand.add_argument("--resume", action="store_true", help=_help("resume"))
    forward = clock.add_mutually_exclusive_group()
    forward.add_argument("--jump", action="store_true", help=_help("jump"))
    forward.add_argument("--advance", metavar="6h30m", help=_help("advance"))
    clock.add_argument("--json", action="store_true", help=_help("json"))
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
        "clock": _clock,
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
        args.port,
        owner=_owner(args.owner),
        workspace=workspace,
        configure=False,
        quiet=True,
        time_scale=args.time_scale,
    )
    if args.json:
        print(json.dumps({"url": box.url, "port": box.port, "pid": box.pid, "joined": running}))
        return 0
    if box.news:
        print(box.news)
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
        "clock": _clock_words(status["clock"]),
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


def _clock(args: argparse.Namespace) -> int:
    forward = None if args.advance is None else _seconds(args.advance)
    box = Sandbox.connect(configure=False)
    if args.scale is not None:
        box.settings(time_scale=args.scale)
    if args.pause:
        box.clock.pause()
    if args.resume:
        box.clock.resume()
    if forward is not None:
        box.clock.advance(forward)
    done = box.clock.jump() if args.jump else None
    found = box.clock.look()
    if args.json:
        told = {"done": {"time": done.time, "label": done.label} if done else None}
        print(json.dumps(found | told if args.jump else found, indent=2))
        return 0
    if done is not None:
        print(message("sandbox.clock.done", label=done.label, time=_moment(done.time)))
    elif args.jump:
        print(message("sandbox.clock.nothing"))
    print(message("sandbox.clock.shown", words=_clock_words(found)))
    coming = found["next"]
    if coming is not None:
        when = _moment(coming["time"])
        print(message("sandbox.clock.next", time=when, label=coming["label"]))
    elif not args.jump:
        print(message("sandbox.clock.nothing"))
    return 0


def _clock_words(found: dict[str, Any]) -> str:
    key = "paused" if found["paused"] else "same" if found["scale"] == 1 else "runs"
    return message(f"sandbox.clock.{key}", time=_moment(found["now"]), scale=f"{found['scale']:g}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")


_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


def _seconds(text: str) -> float:
    """Return the seconds of ``90``, ``45s``, ``6h`` or ``1d6h30m``."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)([dhms]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise registry.SandboxError(message("sandbox.clock.duration", text=text))
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


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
