"""Scenario files: TOML, and arrival times from a CSV file beside it."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Any

from lambdalab.i18n import message
from lambdalab.sim.checks import ScenarioError
from lambdalab.sim.scenario import Scenario
from lambdalab.sim.spec import from_json

__all__ = ["read_data", "read_scenario", "read_times"]


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises
    ------
    ScenarioError
        The file cannot be read, is no TOML, or has a key that nobody knows.
    """
    return from_json(read_data(path))


def read_data(path: Path) -> dict[str, Any]:
    """Read a scenario file as data, arrival times put in the place of their file's name.

    ``arrivals = {kind = "trace", file = "x.csv"}`` names a CSV file, beside the scenario
    unless its path is absolute.

    Raises
    ------
    ScenarioError
        A file cannot be read or is not what it should be.
    """
    try:
        data = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(message("sim.problem.toml", path=path, reason=error)) from error
    functions = data.get("function")
    for function in functions if isinstance(functions, list) else []:
        arrivals = function.get("arrivals") if isinstance(function, dict) else None
        if isinstance(arrivals, dict) and isinstance(arrivals.get("file"), str):
            arrivals["times"] = read_times(path.parent / arrivals.pop("file"))
    return data


def read_times(path: Path) -> list[float]:
    """Read arrival times (s) from the first column of a CSV file; a first line may name it.

    Raises
    ------
    ScenarioError
        The file cannot be read, or a line does not begin with a number.
    """
    times: list[float] = []
    for line, row in enumerate(csv.reader(_text(path).splitlines()), start=1):
        if not row or not row[0].strip():
            continue
        try:
            times.append(float(row[0]))
        except ValueError:
            if line > 1:
                raise ScenarioError(
                    message("sim.problem.csv", path=path, line=line, value=repr(row[0]))
                ) from None
    return times


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise ScenarioError(message("sim.problem.file", path=path, reason=reason)) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(message("sim.problem.utf8", path=path)) from error
