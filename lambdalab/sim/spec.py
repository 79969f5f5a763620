"""A scenario as plain data, the same words in JSON and TOML; unknown words are errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from lambdalab.sim.checks import check
from lambdalab.sim.scenario import Account, Alias, Arrivals, Duration, Function, Scenario

__all__ = ["from_json", "to_json"]

T = TypeVar("T")

_PLAIN = {"functions": "function"}
"""Field of a record -> its word in the data, where they differ."""


def to_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as JSON-ready data; what is left at its default is left out."""
    return _data(scenario)


def _data(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the records
    data = {}
    for one in dataclasses.fields(record):
        value = getattr(record, one.name)
        default = one.default
        if one.default_factory is not dataclasses.MISSING:
            default = one.default_factory()
        if isinstance(value, np.ndarray) or (value is not default and value != default):
            data[_PLAIN.get(one.name, one.name)] = _plain(value)
    if isinstance(record, Arrivals | Duration):
        data = {"kind": record.kind, **data}
    return data


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a record
    if dataclasses.is_dataclass(value):
        return _data(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def from_json(data: Mapping[str, object]) -> Scenario:
    """Return the scenario that data describes; its values are checked when it is run.

    Raises
    ------
    ScenarioError
        A key is unknown or missing, or a table is something else.
    """
    return _record(
        Scenario,
        data,
        "",
        {"account": _table(Account), "functions": _functions},
    )


def _record(
    kind: Callable[..., T],
    data: object,
    place: str,
    inner: Mapping[str, Callable[[object, str], object]],
) -> T:
    check(isinstance(data, Mapping), place or "scenario", "table", value=repr(data))
    assert isinstance(data, Mapping)  # noqa: S101 - for the type checker; checked above
    fields = {_PLAIN.get(one.name, one.name): one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in data:
        known = ", ".join(fields)
        check(key in fields, f"{place}.{key}".lstrip("."), "unknown", key=key, known=known)
    for word, one in fields.items():
        needed = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        check(not needed or word in data, f"{place}.{word}".lstrip("."), "missing")
    values: dict[str, object] = {}
    for key, value in data.items():
        name, where = fields[key].name, f"{place}.{key}".lstrip(".")
        if name in inner:
            values[name] = inner[name](value, where)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _table(kind: Callable[..., T]) -> Callable[[object, str], T]:
    return lambda data, place: _record(kind, data, place, {})


def _functions(data: object, place: str) -> list[Function]:
    check(isinstance(data, list | tuple), place, "tables", value=repr(data))
    assert isinstance(data, list | tuple)  # noqa: S101 - for the type checker; checked above
    return [_function(one, place) for one in data]


def _function(data: object, place: str) -> Function:
    name = data.get("name") if isinstance(data, Mapping) else None
    return _record(
        Function,
        data,
        f"{place}.{name}" if isinstance(name, str) else place,
        {
            "arrivals": _table(Arrivals),
            "duration": _table(Duration),
            "init": _table(Duration),
            "provisioned": _mapping(lambda value, _: value),
            "aliases": _mapping(_table(Alias)),
        },
    )


def _mapping(inner: Callable[[object, str], T]) -> Callable[[object, str], dict[str, T]]:
    def read(data: object, place: str) -> dict[str, T]:
        check(isinstance(data, Mapping), place, "table", value=repr(data))
        assert isinstance(data, Mapping)  # noqa: S101 - for the type checker; checked above
        return {str(key): inner(value, f"{place}.{key}") for key, value in data.items()}

    return read
