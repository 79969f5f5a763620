"""Values from the learner's process to a check: bounded JSON, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdalab.grading.spec import JsonValue

__all__ = ["VALUE_MAX_BYTES", "CallResult", "NotJsonError", "Outputs", "plain", "read_json"]

VALUE_MAX_BYTES = 1024 * 1024
"""One value, as JSON in UTF-8."""
_DEPTH_MAX = 60
_DIGITS_MAX = 4000


class NotJsonError(Exception):
    """A value that JSON does not have. ``key`` and ``values`` name a message of ``grading.value``."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = {name: str(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a function of the learner gave for one input."""

    arguments: list[JsonValue]
    value: JsonValue
    """What it returned; ``None`` if it raised, too."""
    error: str | None
    """Such as ``"ValueError: …"``; also when what it returned is not JSON."""


class Outputs(Mapping[str, JsonValue]):
    """The variables of an answer. Reading one that is not JSON raises :class:`NotJsonError`."""

    def __init__(
        self, values: Mapping[str, JsonValue], refused: Mapping[str, NotJsonError]
    ) -> None:
        self._values = values
        self._refused = refused

    def __getitem__(self, name: str) -> JsonValue:
        if name in self._refused:
            raise self._refused[name]
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        yield from self._refused

    def __len__(self) -> int:
        return len(self._values) + len(self._refused)

    def __contains__(self, name: object) -> bool:
        return name in self._values or name in self._refused


def plain(value: object) -> JsonValue:
    """Return a value as JSON has it: a copy, tuples as lists.

    Raises
    ------
    NotJsonError
        It is something else, or too large.
    """
    made = _plain(value, 0)
    size = len(json.dumps(made, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > VALUE_MAX_BYTES:
        raise NotJsonError("too_large", size=size, limit=VALUE_MAX_BYTES)
    return made


def _plain(value: object, depth: int) -> JsonValue:
    if depth > _DEPTH_MAX:
        raise NotJsonError("too_deep", limit=_DEPTH_MAX)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) >= 10**_DIGITS_MAX:
            raise NotJsonError("number", value=f"{type(value).__name__}, {_DIGITS_MAX}+ digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJsonError("number", value=value)
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise NotJsonError("key", key=repr(key)[:80])
        return {_text(str(key)): _plain(one, depth + 1) for key, one in value.items()}
    raise NotJsonError("type", type=type(value).__name__)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8
        raise NotJsonError("text") from None
    return str(value)


def read_json(data: bytes | str) -> Any:  # noqa: ANN401 - JSON of somebody else
    """Return what JSON text says.

    Raises
    ------
    ValueError
        It is no JSON, is nested without end, or has numbers that JSON does not have.
    """

    def refuse(name: str) -> float:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(data, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
