"""Filter policies of SNS subscriptions: event patterns over message attributes or the body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

from lambdalab.rules.event_pattern import matches, pattern_problem
from lambdalab.rules.pattern_syntax import OR, Json, is_or
from lambdalab.rules.source import Fact, Source

__all__ = ["ATTRIBUTES", "BODY", "COMBINATIONS", "KEYS", "policy_problem", "takes"]

ATTRIBUTES = "MessageAttributes"
BODY = "MessageBody"
_LIMITS = Source(
    "https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html"
)
_MATCHING = Source("https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html")

KEYS: Fact[int] = Fact(
    5, "", {"zh-TW": "篩選政策的最上層鍵數", "en": "top-level keys of a filter policy"}, _LIMITS
)
COMBINATIONS: Fact[int] = Fact(
    150,
    "",
    {"zh-TW": "篩選政策的值組合數", "en": "combinations of values in a filter policy"},
    _LIMITS,
)


def takes(
    policy: Mapping[str, Any],
    *,
    scope: str = ATTRIBUTES,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    body: str = "",
) -> bool:
    """Tell whether a subscription takes a message (:data:`_MATCHING`).

    Parameters
    ----------
    policy
        One that :func:`policy_problem` has nothing to say about; an empty one takes all.
    scope
        :data:`ATTRIBUTES`, or :data:`BODY`: a body that is no JSON object is not taken.
    attributes
        Name to ``Type`` and ``Value``. Those of type ``Binary`` do not count.
    body
        The message.
    """
    if not policy:
        return True
    if scope == ATTRIBUTES:
        seen = {
            name: _value(str(one["Type"]), one["Value"])
            for name, one in (attributes or {}).items()
            if one["Type"] != "Binary"
        }
        return matches(policy, seen)
    try:
        message = json.loads(body)
    except ValueError:
        return False
    return isinstance(message, Mapping) and matches(policy, message)


def _value(kind: str, value: Json) -> Json:
    if kind not in ("Number", "String.Array") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def policy_problem(policy: Json, scope: str = ATTRIBUTES) -> str | None:
    """Say what is wrong with a filter policy, in SNS's words, or return ``None``."""
    if not isinstance(policy, Mapping):
        return "Invalid parameter: FilterPolicy: failed to parse JSON. Must be an object"
    if not policy:
        return None
    if scope == ATTRIBUTES and _nested(policy):
        return (
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested "
            "filter policy"
        )
    problem = pattern_problem(policy)
    if problem:
        return f"Invalid parameter: FilterPolicy: {problem}"
    if len(policy) > KEYS.value:
        return (
            f"Invalid parameter: FilterPolicy: Filter policy can not have more than {KEYS.value} "
            f"keys"
        )
    if _combinations(policy) > COMBINATIONS.value:
        return "Invalid parameter: FilterPolicy: Filter policy is too complex"
    return None


def _nested(policy: Mapping[str, Json]) -> bool:
    for name, wanted in policy.items():
        if isinstance(wanted, Mapping):
            return True
        if name == OR and is_or(wanted) and any(_nested(branch) for branch in wanted):
            return True
    return False


def _combinations(policy: Mapping[str, Json], level: int = 1) -> int:
    """Multiply the numbers of values, each by the level its key is on; add up what *or* joins."""

    def of_field(name: str, wanted: Json) -> int:
        if isinstance(wanted, Mapping):
            return _combinations(wanted, level + 1)
        if name == OR and is_or(wanted):
            return sum(_combinations(branch, level) for branch in wanted)
        return len(wanted) * level

    return prod(of_field(name, wanted) for name, wanted in policy.items())
