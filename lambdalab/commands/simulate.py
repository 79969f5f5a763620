"""``lambdalab simulate``: run a scenario file, or a grid of scenarios."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lambdalab.i18n import message
from lambdalab.sim.checks import ScenarioError
from lambdalab.sim.reading import read_data, read_times
from lambdalab.sim.run import Engine, simulate
from lambdalab.sim.spec import from_json
from lambdalab.sim.sweep import grid, read_axis, sweep

__all__ = ["add_arguments", "run"]

_COLUMNS = (
    "requests",
    "served",
    "cold",
    "provisioned",
    "throttled",
    "mean_concurrency",
    "mean_environments",
    "p50",
    "p99",
    "cost_usd",
)
_WIDE = 200
"""Columns of a table that goes to a file or a pipe."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""

    def add(*names: str, word: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        parser.add_argument(*names, help=message(f"sim.command.{word}"), **options)

    add("scenario", word="scenario", metavar="SCENARIO.toml", type=Path)
    add("--json", word="json", metavar="FILE")
    add("--csv", word="csv", metavar="FILE")
    add("--arrivals", word="trace_arrivals", metavar="FILE.csv", type=Path)
    add("--requests", word="requests", type=int, metavar="N")
    add("--seed", word="seed", type=int, metavar="N")
    add("--sweep", word="sweep", metavar="NAME=V,V", action="append", default=[])
    add("--processes", word="processes", type=int, metavar="N")
    add("--scheduler", word="scheduler", metavar="tcp://HOST:PORT")
    add("--engine", word="engine", choices=get_args(Engine), default="auto")


def run(args: argparse.Namespace) -> int:
    """Run the scenario; return the exit status."""
    data = _data(args)
    if args.scheduler is not None and not args.sweep:
        raise ScenarioError(message("sim.command.scheduler_alone"))
    found, rows = _sweep(args, data) if args.sweep else _single(args, data)
    if args.csv is not None:
        _write(args.csv, _csv(rows))
    if args.json is not None:
        _write(args.json, json.dumps(found, indent=2) + "\n")
    if "-" not in (args.json, args.csv):
        _show(found, rows)
    return 0


def _data(args: argparse.Namespace) -> dict[str, Any]:
    data = read_data(args.scenario)
    if args.arrivals is not None:
        functions = data.get("function")
        if not isinstance(functions, list) or len(functions) != 1:
            raise ScenarioError(message("sim.command.one_function"))
        functions[0]["arrivals"] = {"kind": "trace", "times": read_times(args.arrivals)}
    for name in ("requests", "seed"):
        if getattr(args, name) is not None:
            data[name] = getattr(args, name)
    return data


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


Row = dict[str, Any]


def _single(args: argparse.Namespace, data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Row]]:
    scenario = from_json(data)
    with _progress() as progress:
        task = progress.add_task(message("sim.command.running"), total=scenario.requests)
        result = simulate(
            scenario,
            engine=args.engine,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        ).to_json()
    return result, _rows(result, {})


def _sweep(args: argparse.Namespace, data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Row]]:
    points = grid(data, [read_axis(text) for text in args.sweep])
    results: list[dict[str, Any]] = [{} for _ in points]
    with _progress() as progress:
        task = progress.add_task(message("sim.command.sweeping"), total=len(points))
        for place, result in sweep(
            points, processes=args.processes, scheduler=args.scheduler, engine=args.engine
        ):
            results[place] = result
            progress.advance(task)
    found = [
        {"parameters": dict(point.parameters), **result}
        for point, result in zip(points, results, strict=True)
    ]
    rows = [row for one in found for row in _rows(one, one["parameters"])]
    return {"sweep": found}, rows


def _rows(result: Mapping[str, Any], parameters: Mapping[str, object]) -> list[Row]:
    # A result has columns of its own called requests, and so on.
    shown = {name if "." in name else f"scenario.{name}": one for name, one in parameters.items()}
    return [
        {**shown, "function": name, **one, **one["latency"]}
        for name, one in result["functions"].items()
    ]


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(
        text, [*_varied(rows), "function", *_COLUMNS], extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _varied(rows: Sequence[Row]) -> list[str]:
    return [name for name in rows[0] if "." in name]


def _show(found: Mapping[str, Any], rows: Sequence[Row]) -> None:
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else _WIDE, highlight=False)
    varied = _varied(rows)
    table = Table(box=SIMPLE_HEAD)
    for name in varied:
        table.add_column(name, justify="right", overflow="fold")
    table.add_column(message("sim.function"))
    for name in _COLUMNS:
        table.add_column(message(f"sim.{name}"), justify="right")
    for row in rows:
        shown = [str(row[name]) for name in varied]
        table.add_row(*shown, row["function"], *(_number(row[name]) for name in _COLUMNS))
    console.print(table)
    for row in rows:
        if row["throttle_reasons"]:
            reasons = ", ".join(
                f"{name} {count:,}" for name, count in row["throttle_reasons"].items()
            )
            text = message("sim.command.reasons", name=row["function"], reasons=reasons)
            console.print(text, markup=False)
    if "account" in found:
        requests = f"{found['account']['requests']:,}"
        seconds = f"{found['seconds']:,.1f}"
        console.print(message("sim.command.seconds", requests=requests, seconds=seconds))


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _write(name: str, text: str) -> None:
    if name == "-":
        print(text, end="")
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise ScenarioError(message("sim.problem.write", path=name, reason=reason)) from error
