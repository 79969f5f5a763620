"""What one run found, and its JSON file."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError

__all__ = ["Load", "Result", "Samples", "read", "write"]

Samples = dict[str, list[list[float]]]
"""Measure (``cold plain``, ``warm boto3``, …) -> one list of milliseconds for each round."""

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Load:
    """Many invokes over several clients at once; ``samples`` are milliseconds."""

    invokes: int
    clients: int
    errors: int
    first_error: str | None
    seconds: float
    samples: list[float]


@dataclass(frozen=True, slots=True)
class Result:
    """One whole run.

    Attributes
    ----------
    begun
        When, ISO 8601 in UTC.
    machine
        Facts about the machine, name to text.
    versions
        Of everything that took part.
    samples
        Contender -> its samples.
    load
        The load test of the sandbox; ``None`` if it was left out.
    ready_ms, import_ms
        Milliseconds until the sandbox answers, and of importing ``Sandbox``.
    absent
        Contender -> why it did not take part.
    """

    begun: str
    machine: dict[str, str]
    versions: dict[str, str]
    samples: dict[str, Samples]
    load: Load | None
    ready_ms: list[float]
    import_ms: list[float]
    absent: dict[str, str] = field(default_factory=dict)


def write(result: Result, path: Path) -> None:
    """Write a result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"schema": _SCHEMA} | dataclasses.asdict(result)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Result:
    """Read a result.

    Raises
    ------
    BenchmarkError
        The file is not there or is none of ours.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("schema") != _SCHEMA:
            raise BenchmarkError(f"{path} was written by another version of the benchmark")
        if data["load"] is not None:
            data["load"] = Load(**data["load"])
        return Result(**data)
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkError(f"{path} is not a result of the benchmark: {error}") from error
