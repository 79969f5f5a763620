"""Event patterns: which events an EventBridge rule, a mapping's filter or an SNS policy takes.

Fields of a pattern are joined by *and*, the values of a field by *or*; of an array in the
event, any element may match.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lambdalab.rules.pattern_syntax import (
    NUMERIC_LIMIT,
    OPERATORS,
    OR,
    Json,
    is_or,
    pattern_problem,
)
from lambdalab.rules.wildcards import parts_fit, wildcard_parts

__all__ = ["NUMERIC_LIMIT", "OPERATORS", "matches", "pattern_problem"]

_DIGITS = 6
"""Numbers are compared to six digits after the decimal point (:data:`OPERATORS`)."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Tell whether ``event`` matches ``pattern`` (:data:`OPERATORS`).

    Parameters
    ----------
    pattern
        A pattern that :func:`pattern_problem` has nothing to say about.
    event
        What ``json.loads`` gives.

    Examples
    --------
    >>> matches({"detail": {"state": [{"prefix": "run"}]}}, {"detail": {"state": "running"}})
    True
    """
    return _fields(pattern, event, [event])


def _fields(
    pattern: Mapping[str, Any], one: Mapping[str, Any] | None, every: Sequence[Mapping[str, Any]]
) -> bool:
    """Match an object of the pattern with one object of the event.

    ``every``: all objects of the event at this path. Fields of an array's objects must match
    within one element, but a field counts as absent only if no element has it.
    """
    for name, wanted in pattern.items():
        if name == OR and is_or(wanted):
            if not any(_fields(branch, one, every) for branch in wanted):
                return False
            continue
        value = None if one is None else one.get(name)
        present = one is not None and name in one
        if isinstance(wanted, Mapping):
            inside = list(_objects(value))
            candidates: list[Mapping[str, Any] | None] = [*inside] or [None]
            everything = (
                inside
                if len(every) == 1 and one is every[0]
                else [each for up in every for each in _objects(up.get(name))]
            )
            if not any(_fields(wanted, each, everything) for each in candidates):
                return False
        elif not _leaf(wanted, list(_values(value)) if present else [], every, name):
            return False
    return True


def _leaf(
    wanted: Sequence[Json], values: list[Json], every: Sequence[Mapping[str, Any]], name: str
) -> bool:
    for test in wanted:
        if isinstance(test, Mapping) and test.get("exists") is False:
            if not any(True for up in every if name in up for _ in _values(up[name])):
                return True
        elif any(_value(test, value) for value in values):
            return True
    return False


def _objects(value: Json) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _objects(element)


def _values(value: Json) -> Iterator[Json]:
    """Yield the leaves at a path: an object is none, and neither is an empty array."""
    if isinstance(value, list | tuple):
        for element in value:
            yield from _values(element)
    elif not isinstance(value, Mapping):
        yield value


def _value(test: Json, value: Json) -> bool:
    if not isinstance(test, Mapping):
        return _equal(test, value)
    operator, operand = next(iter(test.items()))
    match operator:
        case "exists":
            return bool(operand)
        case "numeric":
            return _in_range(operand, value)
        case "anything-but":
            return not _excluded(operand, value)
        case _ if isinstance(value, str):
            return _text(operator, operand, value)
    return False


def _text(operator: str, operand: Json, value: str) -> bool:
    if isinstance(operand, Mapping):  # {"prefix": {"equals-ignore-case": "x"}}
        operand, value = str(operand["equals-ignore-case"]).lower(), value.lower()
    match operator:
        case "prefix":
            return value.startswith(str(operand))
        case "suffix":
            return value.endswith(str(operand))
        case "equals-ignore-case":
            return value.lower() == str(operand).lower()
        case "wildcard":
            return parts_fit(wildcard_parts(operand), value)
        case "cidr":
            return _in_network(operand, value)
        case "exactly":
            return bool(value == operand)
    return False


def _excluded(operand: Json, value: Json) -> bool:
    operator = None
    if isinstance(operand, Mapping):
        operator, operand = next(iter(operand.items()))
    for one in operand if isinstance(operand, list | tuple) else [operand]:
        if operator is None:
            if _equal(one, value):
                return True
        elif isinstance(value, str) and _text(operator, one, value):
            return True
    return False


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(wanted: Json, value: Json) -> bool:
    if _number(wanted):
        if not _number(value):
            return False
        return bool(wanted == value or (_comparable(value) and _compare(value, wanted) == 0))
    # True is 1 in Python, and neither of them the other in JSON.
    return type(wanted) is type(value) and bool(wanted == value)


def _comparable(value: float) -> bool:
    return abs(value) <= NUMERIC_LIMIT.value


def _compare(value: float, with_: float) -> float:
    return round(value - with_, _DIGITS)


def _in_range(terms: Sequence[Json], value: Json) -> bool:
    if not _number(value) or not _comparable(value):
        return False
    for operator, bound in zip(terms[::2], terms[1::2], strict=True):
        difference = _compare(value, bound)
        holds = {
            "=": difference == 0,
            "<": difference < 0,
            "<=": difference <= 0,
            ">": difference > 0,
            ">=": difference >= 0,
        }
        if not holds[operator]:
            return False
    return True


@lru_cache(maxsize=256)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _in_network(network: str, value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address in _network(network)
