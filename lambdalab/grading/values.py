"""Values from the learner's process to a check: bounded JSON, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdalab.grading.spec import JsonValue
from lambdalab.i18n import Language, message

__all__ = [
    "VALUE_MAX_BYTES",
    "CallResult",
    "NotJsonError",
    "Outputs",
    "UnreadableOutputError",
    "plain",
    "read_json",
]

VALUE_MAX_BYTES = 1024 * 1024
"""One value, as JSON in UTF-8."""
_DEPTH_MAX = 60
_DIGITS_MAX = 4000
_PARTS_MAX = 200_000
"""A few lists that hold each other can unfold to more than there is memory."""


class NotJsonError(Exception):
    """A value that JSON does not have; ``key`` names a message of ``grading.value``."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = {name: str(value) for name, value in values.items()}

    def text(self, lang: Language) -> str:
        """Return what kind of value it is, as part of a sentence."""
        return message(f"grading.value.{self.key}", lang, **self.values)


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a function of the learner gave for one input."""

    arguments: list[JsonValue]
    value: JsonValue
    """What it returned; ``None`` if it raised, too."""
    error: str | None
    """Such as ``"ValueError: …"``; also when what it returned is not JSON."""


class UnreadableOutputError(Exception):
    """A check read a variable that is not JSON."""

    def __init__(self, name: str, reason: NotJsonError) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason


class Outputs(Mapping[str, JsonValue]):
    """The variables of an answer.

    Reading one that is not JSON raises :class:`UnreadableOutputError`, which ends the check.
    """

    def __init__(
        self, values: Mapping[str, JsonValue], refused: Mapping[str, NotJsonError]
    ) -> None:
        self._values = values
        self._refused = refused

    def __getitem__(self, name: str) -> JsonValue:
        if name in self._refused:
            raise UnreadableOutputError(name, self._refused[name])
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
    made = _Copy().of(value, 0)
    size = len(json.dumps(made, ensure_ascii=False).encode())
    if size > VALUE_MAX_BYTES:
        raise NotJsonError("too_large", limit=VALUE_MAX_BYTES)
    return made


class _Copy:
    def __init__(self) -> None:
        self._parts = 0

    def of(self, value: object, depth: int) -> JsonValue:
        self._parts += 1
        if depth > _DEPTH_MAX:
            raise NotJsonError("too_deep", limit=_DEPTH_MAX)
        if self._parts > _PARTS_MAX:
            raise NotJsonError("too_large", limit=VALUE_MAX_BYTES)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, list | tuple):
            return [self.of(one, depth + 1) for one in value]
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise NotJsonError("key", found=repr(key)[:80])
            return {_text(str(key)): self.of(one, depth + 1) for key, one in value.items()}
        raise NotJsonError("type", type=type(value).__name__)


def _number(value: float) -> JsonValue:
    if isinstance(value, int):
        if abs(value) >= 10**_DIGITS_MAX:
            raise NotJsonError("number", value=f"{_DIGITS_MAX}+ digits")
        return int(value)
    if not math.isfinite(value):
        raise NotJsonError("number", value=value)
    return float(value)


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
