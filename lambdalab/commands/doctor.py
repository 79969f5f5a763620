"""``lambdalab doctor``: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from lambdalab.course import machine
from lambdalab.i18n import message

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help=message("doctor.help.json"))


def run(args: argparse.Namespace) -> int:
    """Print each finding as it is made; return 1 if something that is needed fails."""
    found = []
    for one in machine.look():
        found.append(one)
        if not args.json:
            _show(one)
    failed = any(one.level == "problem" for one in found)
    if args.json:
        report = {"ok": not failed, "findings": [asdict(one) for one in found]}
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        print(f"\n{message('doctor.verdict.bad' if failed else 'doctor.verdict.good')}")
    return 1 if failed else 0


def _show(one: machine.Finding) -> None:
    level = message(f"doctor.level.{one.level}")
    print(f"[{level}] {one.text}", flush=True)
    if one.advice:
        print(f"    {one.advice}", flush=True)
