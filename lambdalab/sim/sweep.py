"""Runs a grid of scenarios over processes, or on a Dask cluster."""

from __future__ import annotations

import copy
import importlib
import itertools
import multiprocessing
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from lambdalab.i18n import message
from lambdalab.sim.checks import ScenarioError
from lambdalab.sim.run import Engine, simulate
from lambdalab.sim.scenario import Scenario
from lambdalab.sim.spec import from_json

__all__ = ["MOST", "Axis", "Point", "grid", "read_axis", "sweep"]

MOST = 10_000
"""Runs of one sweep."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter, and the values it takes.

    Attributes
    ----------
    name
        Its place: ``function.api.reserved``, ``account.limit``, ``seed``.
    values
        One run for each.
    """

    name: str
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a grid."""

    parameters: Mapping[str, object]
    scenario: Scenario


def read_axis(text: str) -> Axis:
    """Read ``NAME=VALUE,VALUE``; values are written as in TOML, words may go without quotes.

    Raises
    ------
    ScenarioError
        It is something else.
    """
    name, equals, rest = text.partition("=")
    words = [word.strip() for word in rest.split(",")]
    if not name.strip() or not equals or not all(words):
        raise ScenarioError(message("sim.problem.sweep", text=repr(text)))
    return Axis(name.strip(), [_value(word) for word in words])


def _value(word: str) -> object:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word


def grid(data: Mapping[str, Any], axes: Sequence[Axis]) -> list[Point]:
    """Return every combination of the axes' values, put into a scenario's data and checked.

    Raises
    ------
    ScenarioError
        A place does not exist, a combination makes no sense, or there are too many.
    """
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST:
        raise ScenarioError(message("sim.problem.sweep_size", count=count, most=MOST))
    points = []
    for values in itertools.product(*(axis.values for axis in axes)):
        parameters = {axis.name: value for axis, value in zip(axes, values, strict=True)}
        changed = copy.deepcopy(dict(data))
        for name, value in parameters.items():
            _put(changed, name, value)
        scenario = from_json(changed)
        scenario.check()
        points.append(Point(parameters, scenario))
    return points


def _put(data: dict[str, Any], name: str, value: object) -> None:
    *way, last = name.split(".")
    here: Any = data
    for part in way:
        if isinstance(here, list):
            found = [one for one in here if isinstance(one, dict) and one.get("name") == part]
            here = found[0] if found else None
        elif isinstance(here, dict):
            here = here.setdefault(part, {}) if part != "function" else here.get(part)
        if here is None:
            break
    if not isinstance(here, dict):
        raise ScenarioError(f"{name}: {message('sim.problem.sweep_place', part=repr(name))}")
    here[last] = value


def sweep(
    points: Sequence[Point],
    *,
    processes: int | None = None,
    scheduler: str | None = None,
    engine: Engine = "auto",
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run all points; yield the place of each and its result as JSON-ready data, as they end.

    Parameters
    ----------
    processes
        How many at once; ``None``: one for each core.
    scheduler
        Address of a Dask scheduler, ``tcp://…``, whose workers run them instead.

    Raises
    ------
    ScenarioError
        The scheduler cannot be used.
    """
    if scheduler is not None:
        yield from _on_dask(points, scheduler, engine)
        return
    context = multiprocessing.get_context("spawn")  # safe whatever threads there are
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        places = {
            pool.submit(_run, point.scenario, engine): place for place, point in enumerate(points)
        }
        try:
            for future in as_completed(places):
                yield places[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(scenario: Scenario, engine: Engine) -> dict[str, Any]:
    return simulate(scenario, engine=engine).to_json()


def _on_dask(
    points: Sequence[Point], scheduler: str, engine: Engine
) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise ScenarioError(message("sim.problem.no_dask")) from None
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        text = message("sim.problem.dask", address=scheduler, reason=error)
        raise ScenarioError(text) from error
    with client:
        futures = {
            client.submit(_run, point.scenario, engine, pure=False): place
            for place, point in enumerate(points)
        }
        for future in distributed.as_completed(list(futures)):
            yield futures[future], future.result()
