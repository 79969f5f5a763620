"""``python -m benchmarks sim``: validate and time the simulator, and write it down."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.report import table
from benchmarks.simulator import validation
from benchmarks.simulator.peer import Worker, install
from benchmarks.simulator.speed import Speed, Target, judge, measure
from lambdalab.errors import LambdalabError

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENT = _ROOT / "docs" / "simulator.md"
_COUNTS = _ROOT / "tests" / "sim" / "simfaas.json"
_LIMIT = 4.0
_NAMES = {"simfaas": "SimFaaS", "python": "plain Python", "numba": "numba"}
_WORKLOADS = {
    "readme": "README of SimFaaS: 0.9 requests/s of 2 s",
    "thousand": "1,000 requests/s of 0.2 s",
    "bare": "200 requests/s of 0.5 s, one pool",
    "everything": "the same with reserved, provisioned, spillover, inits, a ramp",
}


def main(words: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks sim",
        description="Hold the simulator against queueing theory and time it beside SimFaaS.",
    )
    add = parser.add_argument
    add("--install-peers", action="store_true", help="install SimFaaS and numba first")
    add("--validate", action="store_true", help="closed forms only")
    add("--rounds", type=int, default=7, help="turns of each engine (%(default)s)")
    add("--record", action="store_true", help="have SimFaaS count the tests' requests anew")
    add("--write-docs", action="store_true", help="put the tables into docs/simulator.md")
    add("--check", action="store_true", help="exit status 1 if a target is missed")
    args = parser.parse_args(words)
    console = Console(stderr=True, highlight=False)
    try:
        if args.install_peers:
            with console.status("installing SimFaaS and numba"):
                install()
        if args.record:
            _record(console)
            return 0
        missed = _validate(args, console)
        if not args.validate:
            missed += _speed(args, console)
    except LambdalabError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    for one in missed:
        console.print(f"missed: {one}", style="yellow", markup=False)
    return 1 if missed and args.check else 0


def _validate(args: argparse.Namespace, console: Console) -> list[str]:
    checks = []
    with console.status("closed forms"):
        for check in validation.run():
            checks.append(check)
    text = table(
        ["closed form", "says", "simulated", "z"],
        [[one.what, f"{one.wanted:.6g}", f"{one.found:.6g}", f"{one.z:+.2f}"] for one in checks],
    )
    print(text)
    if args.write_docs:
        _replace("validation", text)
    return [f"{one.what}: z = {one.z:+.2f}" for one in checks if abs(one.z) >= _LIMIT]


def _speed(args: argparse.Namespace, console: Console) -> list[str]:
    facts = machine.facts()
    with console.status("starting") as status:
        speed = measure(args.rounds, status.update)
    targets = judge(speed)
    text = "\n\n".join(_sections(speed, targets, facts))
    print(text)
    if args.write_docs:
        _replace("speed", text)
    return [f"{one.what}: {one.found}, asked for {one.asked}" for one in targets if not one.met]


def _sections(speed: Speed, targets: Iterable[Target], facts: dict[str, str]) -> Iterable[str]:
    rows = []
    for (workload, engine), samples in speed.samples.items():
        ratio = ""
        if engine != "simfaas" and (workload, "simfaas") in speed.samples:
            ratio = f"{speed.ratio((workload, 'simfaas'), (workload, engine)):.0f}×"
        spread = f"{min(samples):.3g}–{max(samples):.3g}"
        cells = [_WORKLOADS[workload], _NAMES[engine]]
        rows.append([*cells, f"{speed.median(workload, engine):.3g} ({spread})", ratio])
    yield table(["workload", "engine", "µs a request", "faster than SimFaaS"], rows)
    yield table(
        ["target", "asked for", "found", ""],
        [[one.what, one.asked, one.found, "met" if one.met else "**missed**"] for one in targets],
    )
    yield table(
        ["one run, numba", "wall clock, s", "memory of the process before, MiB", "and after"],
        [
            [
                f"{one.requests:,} requests",
                f"{one.seconds:.1f}",
                f"{one.memory_before:.0f}",
                f"{one.memory_after:.0f}",
            ]
            for one in speed.long
        ],
    )
    versions = ", ".join(f"{name} {text}" for name, text in speed.versions.items())
    yield (
        f"Medians (least–greatest) of processor time, the engines by turns in one process; ratios "
        f"are the median over the rounds. Measured on {datetime.now(UTC):%Y-%m-%d}: "
        f"{facts['Processor']}, {facts['Cores']} cores, load {facts['Load before']} before; "
        f"{versions}."
    )


def _record(console: Console) -> None:
    with console.status("SimFaaS counts"), Worker() as worker:
        found = {routing: worker.ask("counts", routing) for routing in ("newest", "recent")}
        version = worker.ask("versions")["simfaas"]
    text = json.dumps({"simfaas": version, **found}, indent=2) + "\n"
    _COUNTS.write_text(text, encoding="utf-8")


def _replace(name: str, text: str) -> None:
    """Replace what stands between the markers of that name in the document."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    old = _DOCUMENT.read_text(encoding="utf-8")
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise BenchmarkError(f"{_DOCUMENT} needs a line {begin} and, below it, a line {end}")
    _DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
