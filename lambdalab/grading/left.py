"""What an answer left behind, and how that travels: as JSON that nobody has to trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdalab.grading.spec import JsonValue
from lambdalab.grading.values import CallResult, NotJsonError, plain

__all__ = ["Inputs", "Left", "from_json", "to_json"]

Inputs = Mapping[str, Sequence[Sequence[JsonValue]]]
"""Function -> the positional arguments of each call."""

_KEYS = ("type", "key", "number", "text", "too_large", "too_deep")
_TEXT_MAX = 600


@dataclass(frozen=True, slots=True)
class Left:
    """The variables of a task and the results of its functions."""

    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    refused: Mapping[str, NotJsonError] = field(default_factory=dict)
    """Variables that are not JSON, and why."""
    calls: Mapping[str, Sequence[CallResult]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    """Functions that are not there."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing but ``None`` in it."""
        return (
            not self.refused
            and all(value is None for value in self.outputs.values())
            and all(
                name in self.missing or (one.error is None and one.value is None)
                for name, results in self.calls.items()
                for one in results
            )
        )

    def only(self, inputs: Inputs, skip: Mapping[str, int]) -> Left:
        """Return the same with, of each function, the results that belong to ``inputs``.

        ``skip`` says how many results of a function stand before them.
        """
        calls = {
            name: self.calls.get(name, ())[skip.get(name, 0) :][: len(every)]
            for name, every in inputs.items()
        }
        return Left(self.outputs, self.refused, calls, self.missing)


def to_json(left: Left) -> dict[str, Any]:
    """Return it as JSON-ready data."""
    return {
        "outputs": dict(left.outputs),
        "refused": {name: [error.key, error.values] for name, error in left.refused.items()},
        "calls": {
            name: [[one.value, one.error] for one in results]
            for name, results in left.calls.items()
        },
        "missing": sorted(left.missing),
    }


def from_json(data: object, outputs: Sequence[str], inputs: Inputs) -> Left:
    """Return what a process of the learner's says it left, as far as it was asked for.

    Parameters
    ----------
    data
        Anything.
    outputs, inputs
        What it was asked for; the arguments of calls are taken from here.
    """
    table = data if isinstance(data, dict) else {}
    values: dict[str, JsonValue] = {}
    refused: dict[str, NotJsonError] = {}
    for name in outputs:
        if name in _table(table, "outputs"):
            try:
                values[name] = plain(table["outputs"][name])
            except NotJsonError as error:
                refused[name] = error
        elif name in _table(table, "refused"):
            refused[name] = _refusal(table["refused"][name])
    gone = table.get("missing")
    missing = {one for one in gone if one in inputs} if isinstance(gone, list) else set()
    calls = {
        name: _results(_table(table, "calls").get(name), every) for name, every in inputs.items()
    }
    return Left(values, refused, calls, frozenset(missing))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _refusal(data: object) -> NotJsonError:
    match data:
        case [str(key), dict(values)] if key in _KEYS:
            error = NotJsonError(key, **{str(name): str(one)[:80] for name, one in values.items()})
            try:
                error.text("en")
            except (KeyError, IndexError, ValueError):
                return NotJsonError("type", type="?")
            return error
    return NotJsonError("type", type="?")


def _results(data: object, inputs: Sequence[Sequence[JsonValue]]) -> list[CallResult]:
    given = data if isinstance(data, list) else []
    results = []
    for index, arguments in enumerate(inputs):
        one = given[index] if index < len(given) else None
        results.append(_result(one, list(arguments)))
    return results


def _result(data: object, arguments: list[JsonValue]) -> CallResult:
    match data:
        case [None, str(error)]:
            return CallResult(arguments, None, error[:_TEXT_MAX])
        case [value, None]:
            try:
                return CallResult(arguments, plain(value), None)
            except NotJsonError as error:
                return CallResult(arguments, None, f"TypeError: not JSON: {error.text('en')}")
    return CallResult(arguments, None, "RuntimeError: there was no result")
