"""What is wrong with an event pattern, in EventBridge's words.

The words are those of the library that EventBridge runs (https://github.com/aws/event-ruler).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from lambdalab.rules.source import Fact, Source
from lambdalab.rules.wildcards import wildcard_parts

__all__ = ["NUMERIC_LIMIT", "OPERATORS", "OR", "Json", "is_or", "pattern_problem"]

Json: TypeAlias = Any
"""A value that ``json.loads`` gives."""

OPERATORS = Source(
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
)
NUMERIC_LIMIT: Fact[float] = Fact(
    5.0e9,
    "",
    {"zh-TW": "事件模式中數值比對的上限", "en": "largest number that numeric matching compares"},
    OPERATORS,
)
OR = "$or"
_OPERATORS = {
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exactly",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
}
_BOUNDS = {"<", "<=", ">", ">="}
_IGNORE_CASE = "equals-ignore-case"
_ONE_KEY = "Only one key allowed in match expression"


def is_or(value: Json) -> bool:
    """Tell whether the value of ``$or`` makes it an *or*; otherwise it is a field's name."""
    return (
        isinstance(value, list | tuple)
        and len(value) >= 2
        and all(isinstance(one, Mapping) and not _OPERATORS & one.keys() for one in value)
    )


def pattern_problem(pattern: Json) -> str | None:
    """Say what is wrong with a pattern, or return ``None``.

    EventBridge's answer is an ``InvalidEventPatternException`` that says ``Event pattern is
    not valid. Reason: `` and this.

    Parameters
    ----------
    pattern
        The pattern, or its JSON text.
    """
    if isinstance(pattern, str):
        try:
            pattern = json.loads(pattern)
        except ValueError as error:
            return f"Filter is not valid JSON: {error}"
    if not isinstance(pattern, Mapping):
        return "Filter is not an object"
    return _object_problem(pattern)


def _object_problem(pattern: Mapping[str, Any]) -> str | None:
    if not pattern:
        return "Empty objects are not allowed"
    for name, wanted in pattern.items():
        problem: str | None = None
        if name == OR and is_or(wanted):
            problem = next((said for one in wanted if (said := _object_problem(one))), None)
        elif isinstance(wanted, Mapping):
            problem = _object_problem(wanted)
        elif isinstance(wanted, list | tuple):
            problem = _values_problem(wanted)
        else:
            problem = f'"{name}" must be an object or an array'
        if problem:
            return problem
    return None


def _values_problem(wanted: list[Any] | tuple[Any, ...]) -> str | None:
    if not wanted:
        return "Empty arrays are not allowed"
    for test in wanted:
        if isinstance(test, Mapping):
            problem = _test_problem(test)
            if problem:
                return problem
        elif isinstance(test, list | tuple):
            return "Match value must be String, number, true, false, or null"
    return None


def _test_problem(test: Mapping[str, Any]) -> str | None:
    if not test:
        return "Match expression name not found"
    operator, operand = next(iter(test.items()))
    if operator not in _OPERATORS:
        return f"Unrecognized match type {operator}"
    problem = _operand_problem(operator, operand)
    return problem or (_ONE_KEY if len(test) > 1 else None)


def _operand_problem(operator: str, operand: Json) -> str | None:
    match operator:
        case "numeric":
            return _numeric_problem(operand)
        case "exists":
            if not isinstance(operand, bool):
                return "exists match pattern must be either true or false."
            return None
        case "anything-but":
            return _anything_but_problem(operand)
        case "prefix" | "suffix" if isinstance(operand, Mapping):
            return _ignoring_case_problem(operator, operand)
    if not isinstance(operand, str):
        name = "exact" if operator == "exactly" else operator
        return f"{'prefix' if operator == 'cidr' else name} match pattern must be a string"
    if operator == "wildcard":
        return _wildcard_problem(operand)
    return _cidr_problem(operand) if operator == "cidr" else None


def _ignoring_case_problem(operator: str, operand: Mapping[str, Any]) -> str | None:
    if _IGNORE_CASE not in operand:
        return f"Unsupported {operator} pattern: {next(iter(operand), '')}"
    if not isinstance(operand[_IGNORE_CASE], str):
        return f"{_IGNORE_CASE} match pattern must be a string"
    return _ONE_KEY if len(operand) > 1 else None


def _wildcard_problem(text: str) -> str | None:
    try:
        wildcard_parts(text)
    except ValueError as error:
        return str(error)
    return None


def _cidr_problem(text: str) -> str | None:
    address, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        return "Malformed CIDR, one '/' required"
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return f"Malformed CIDR, invalid IP address: {address}"
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"Malformed CIDR, mask bits must be an integer in range: {bits}"
    return None


def _anything_but_problem(operand: Json) -> str | None:
    if isinstance(operand, Mapping):
        return _anything_but_text_problem(operand)
    if isinstance(operand, bool) or not isinstance(operand, list | tuple | str | int | float):
        return "Value of anything-but must be an array or single string/number value."
    values = operand if isinstance(operand, list | tuple) else [operand]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return "Inside anything but list, start|null|boolean is not supported."
    if len({isinstance(value, str) for value in values}) != 1:
        return (
            "Inside anything but list, either all values are number or string, mixed type is not "
            "supported"
        )
    return next((said for value in values if (said := _limit_problem(value))), None)


def _anything_but_text_problem(operand: Mapping[str, Any]) -> str | None:
    if not operand:
        return "Anything-But expression name not found"
    operator, value = next(iter(operand.items()))
    if operator not in ("prefix", "suffix", "wildcard", _IGNORE_CASE):
        return f"Unsupported anything-but pattern: {operator}"
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(one, str) for one in values):
        if operator == _IGNORE_CASE:
            return (
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
                "supported."
            )
        return "prefix/suffix match pattern must be a string"
    if operator in ("prefix", "suffix") and "" in values:
        return "Null prefix/suffix not allowed"
    if len(operand) > 1:
        return _ONE_KEY
    if operator == "wildcard":
        return next((said for one in values if (said := _wildcard_problem(one))), None)
    return None


def _numeric_problem(terms: Json) -> str | None:
    if not isinstance(terms, list | tuple):
        return "Value of numeric must be an array."
    if not terms or not isinstance(terms[0], str):
        return f"Invalid member in numeric match: {terms[0] if terms else ']'}"
    first = terms[0]
    if first != "=" and first not in _BOUNDS:
        return f"Unrecognized numeric range operator: {first}"
    if len(terms) < 2 or not _is_number(terms[1]):
        return f"Value of {'equals' if first == '=' else first} must be numeric"
    if len(terms) > 2:
        problem = _second_bound_problem(first, terms)
        if problem:
            return problem
    return next((said for bound in terms[1::2] if (said := _limit_problem(bound))), None)


def _second_bound_problem(first: str, terms: list[Any] | tuple[Any, ...]) -> str | None:
    if first not in (">", ">="):
        return "Too many elements in numeric expression"
    second = terms[2]
    if not isinstance(second, str):
        return f"Bad value in numeric range: {second}"
    if second not in ("<", "<="):
        return f"Bad numeric range operator: {second}"
    if len(terms) < 4 or not _is_number(terms[3]):
        return f"Value of {second} must be numeric"
    if len(terms) > 4:
        return "Too many terms in numeric range expression"
    return None if terms[1] < terms[3] else "Bottom must be less than top"


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limit_problem(value: Json) -> str | None:
    if _is_number(value) and abs(value) > NUMERIC_LIMIT.value:
        return "Value must be between -5.0E9 and 5.0E9, inclusive"
    return None
