"""The ``Condition`` of a policy statement: operators, sets of values, and policy variables."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from lambdalab.rules.source import Source
from lambdalab.rules.wildcards import glob_fits

__all__ = ["OPERATORS", "VARIABLES", "Context", "arn_fits", "condition_mismatch", "text_fits"]

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies"
OPERATORS = Source(f"{_GUIDE}_elements_condition_operators.html")
VARIABLES = Source(f"{_GUIDE}_variables.html")
SETS = Source(f"{_GUIDE}_condition-single-vs-multi-valued-context-keys.html")

Context: TypeAlias = Mapping[str, Sequence[str]]
"""The request's context: keys in lower case, and all their values as text."""

_VARIABLE = re.compile(r"\$\{([^},]*)(?:,\s*'([^']*)')?\}")
# A star that stands for itself, in a pattern of stars: characters no policy has.
_LITERAL = {"*": "\ue000", "?": "\ue001", "$": "$"}
_SHIELD = str.maketrans({"*": "\ue000", "?": "\ue001"})
_UNSHIELD = str.maketrans({"\ue000": "*", "\ue001": "?"})


def _expanded(pattern: str, context: Context) -> str | None:
    """Put in the policy variables (:data:`VARIABLES`); ``None``: one of them has no value."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, default = found.groups()
        if name in _LITERAL:
            return _LITERAL[name]
        values = context.get(name.lower())
        if values is not None and len(values) == 1:
            return values[0].translate(_SHIELD)
        if default is None:
            missing = True
            return ""
        return str(default).translate(_SHIELD)

    expanded = _VARIABLE.sub(value, pattern)
    return None if missing else expanded


def text_fits(pattern: str, text: str, context: Context) -> bool:
    """Tell whether ``*``, ``?`` and variables make ``pattern`` fit."""
    if "${" in pattern:
        expanded = _expanded(pattern, context)
        return expanded is not None and glob_fits(expanded, text.translate(_SHIELD))
    return glob_fits(pattern, text)


def arn_fits(pattern: str, arn: str, context: Context) -> bool:
    """Tell whether an ARN fits, each of its six parts by itself (:data:`OPERATORS`)."""
    wanted, parts = pattern.split(":", 5), arn.split(":", 5)
    if pattern == "*" or len(wanted) != len(parts):
        return pattern == "*"
    return all(text_fits(one, part, context) for one, part in zip(wanted, parts, strict=True))


def _literal(wanted: str, context: Context) -> str | None:
    if "${" not in wanted:
        return wanted
    expanded = _expanded(wanted, context)
    return None if expanded is None else expanded.translate(_UNSHIELD)


def _equals(wanted: str, value: str, context: Context) -> bool:
    return _literal(wanted, context) == value


def _equals_ignoring_case(wanted: str, value: str, context: Context) -> bool:
    literal = _literal(wanted, context)
    return literal is not None and literal.lower() == value.lower()


def _is_bool(wanted: str, value: str, context: Context) -> bool:
    return wanted.lower() == value.lower()


def _in_network(wanted: str, value: str, context: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_Test: TypeAlias = Callable[[str, str, Context], bool]


def _compared(read: Callable[[str], float], holds: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, value: str, context: Context) -> bool:
        try:
            return holds(read(value), read(wanted))
        except ValueError:
            return False

    return test


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}
_TESTS: dict[str, _Test] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": text_fits,
    "BinaryEquals": _equals,
    "Bool": _is_bool,
    "IpAddress": _in_network,
    "ArnEquals": arn_fits,
    "ArnLike": arn_fits,
    **{f"Numeric{name}": _compared(float, holds) for name, holds in _ORDERS.items()},
    **{f"Date{name}": _compared(_moment, holds) for name, holds in _ORDERS.items()},
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
_BY_LOWER = {name.lower(): name for name in (*_TESTS, *_NEGATED, "Null")}


def condition_mismatch(
    condition: Mapping[str, Mapping[str, Sequence[str]]], context: Context
) -> str | None:
    """Say which part of a ``Condition`` the request does not meet, or return ``None``.

    All operators and all keys must be met; of the values of a key, one is enough.

    Parameters
    ----------
    condition
        Operator to key to values, as the policy has it.
    context
        The request's context.
    """
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            values = context.get(key.lower())
            if not _met(operator, wanted, values, context):
                got = "is not in the request" if values is None else f"is {', '.join(values)}"
                return f"{operator} {key} {' or '.join(wanted)}: {key} {got}"
    return None


def _met(
    operator: str, wanted: Sequence[str], values: Sequence[str] | None, context: Context
) -> bool:
    quantifier, colon, bare = operator.rpartition(":")
    if_exists = bare.lower().endswith("ifexists")
    name = _BY_LOWER.get(bare[: -len("IfExists")].lower() if if_exists else bare.lower())
    if name is None:
        return False
    if name == "Null":
        return str(values is None).lower() in [one.lower() for one in wanted]
    if not values:
        # A key that is not there: only an operator of absence, or of all of none, is met.
        every = quantifier.lower() == "forallvalues"
        return if_exists or every or (not colon and name in _NEGATED)
    test = _TESTS[_NEGATED.get(name, name)]
    hits = [any(test(one, value, context) for one in wanted) for value in values]
    if name in _NEGATED:
        # Without a quantifier, none of the values may be one that is named.
        missed = [not hit for hit in hits]
        return any(missed) if quantifier.lower() == "foranyvalue" else all(missed)
    return all(hits) if quantifier.lower() == "forallvalues" else any(hits)
