"""``python -m benchmarks``: measure the sandbox beside its peers, and write it down."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.errors import BenchmarkError
from benchmarks.measure import Plan
from benchmarks.report import markdown, replace_block
from benchmarks.result import Result, read, write
from benchmarks.run import install_peers, run
from benchmarks.targets import judge
from lambdalab.errors import LambdalabError

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[1]
_RESULTS = Path(__file__).parent / "results"
_DOCUMENTS = {_ROOT / "README.md": False, _ROOT / "docs" / "benchmarks.md": True}
"""File -> whether it gets the whole report."""

_PEERS = [name for name in CONTENDERS if name != OURS]
_MOST_INVOKES = 10_000
_MOST_CLIENTS = 10


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _arguments(words: list[str] | None) -> argparse.Namespace:
    plan = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the sandbox beside ministack and serverless-offline, by turns, on "
        "loopback (the simulator: python -m benchmarks sim --help; polled queues: python -m "
        "benchmarks mapping --help). Writes JSON to "
        "benchmarks/results/ and prints Markdown.",
    )
    add = parser.add_argument
    add("--install-peers", action="store_true", help="install them into benchmarks/.peers/ first")
    add(
        "--without",
        nargs="+",
        default=[],
        choices=_PEERS,
        metavar="PEER",
        help=f"leave out: {', '.join(_PEERS)}",
    )
    add("--rounds", type=_at_least_one, default=plan.rounds, help="turns of each (%(default)s)")
    add("--cold", type=_at_least_one, default=plan.cold, help="cold starts a turn (%(default)s)")
    add("--warm", type=_at_least_one, default=plan.warm, help="warm invokes a turn (%(default)s)")
    add(
        "--invokes",
        type=int,
        default=_MOST_INVOKES,
        help="invokes of the load test (%(default)s, the most); 0 leaves it out",
    )
    add(
        "--clients",
        type=_at_least_one,
        default=_MOST_CLIENTS,
        help="its clients at once (%(default)s, the most)",
    )
    add(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="measure nothing: report a result that was written before",
    )
    add("--write-docs", action="store_true", help="put it into README.md and docs/benchmarks.md")
    add("--check", action="store_true", help="exit status 1 if a target is missed")
    args = parser.parse_args(words)
    if not 0 <= args.invokes <= _MOST_INVOKES or args.clients > _MOST_CLIENTS:
        parser.error(f"at most {_MOST_INVOKES} invokes over {_MOST_CLIENTS} clients")
    return args


def main(words: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["sim"]:
        from benchmarks.simulator.command import main as simulator

        return simulator(words[1:])
    if words[:1] == ["mapping"]:
        from benchmarks.mapping import main as mapping

        return mapping(words[1:])
    args = _arguments(words)
    console = Console(stderr=True)
    try:
        result = read(args.source) if args.source is not None else _measure(args, console)
        _show(result)
        if args.write_docs:
            _write_docs(result)
    except LambdalabError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 2
    missed = [one for one in judge(result) if not one.met]
    for one in missed:
        console.print(f"missed: {one.what}: {one.found}, asked for {one.asked}", style="yellow")
    return 1 if missed and args.check else 0


def _measure(args: argparse.Namespace, console: Console) -> Result:
    peers = [name for name in _PEERS if name not in args.without]
    if args.install_peers:
        for why in install_peers(peers, console).values():
            console.print(why, style="red", markup=False, highlight=False)
    plan = Plan(args.rounds, args.cold, args.warm)
    result = run(peers, plan, invokes=args.invokes, clients=args.clients, console=console)
    path = _RESULTS / f"{result.begun.replace(':', '')}.json"
    write(result, path)
    console.print(f"written to {path}", markup=False, highlight=False)
    return result


def _show(result: Result) -> None:
    text = markdown(result, whole=True)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        print(text)


def _write_docs(result: Result) -> None:
    if set(result.samples) != set(CONTENDERS) or result.load is None:
        raise BenchmarkError(
            "The documents keep their figures: new ones must come from a run with every peer and "
            "the load test. Use --install-peers."
        )
    for path, whole in _DOCUMENTS.items():
        replace_block(path, markdown(result, whole=whole))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, and so ends the peers
    sys.exit(main())
