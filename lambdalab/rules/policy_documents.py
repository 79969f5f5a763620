"""Policies as documents: their JSON, read into statements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["Document", "Names", "Statement", "statements_of", "value_text"]

_VARIABLES_SINCE = "2012-10-17"
"""In a policy of an older ``Version``, ``${`` stands for itself."""

Document: TypeAlias = str | Mapping[str, Any]
Names: TypeAlias = tuple[tuple[str, str], ...]
"""Kind of principal (``AWS``, ``Service`` …) and its name, for each that is named."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, read."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    """In lower case: actions are compared without regard to it."""
    other_actions: bool = False
    """``NotAction``: all but these."""
    resources: tuple[str, ...] | None = None
    """``None``: the policy of a resource or a trust policy that names none means its own."""
    other_resources: bool = False
    principals: Names | None = None
    """``None`` in a policy of an identity."""
    other_principals: bool = False
    condition: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


def statements_of(document: Document) -> tuple[Statement, ...]:
    """Return the statements of a policy.

    Raises
    ------
    ValueError
        It is not a policy.
    """
    if isinstance(document, str):
        return _read_text(document)
    return _read(document)


@lru_cache(maxsize=1024)
def _read_text(text: str) -> tuple[Statement, ...]:
    document = json.loads(text)
    if not isinstance(document, Mapping):
        raise ValueError("a policy is a JSON object")
    return _read(document)


def _read(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    found = document.get("Statement")
    statements = [found] if isinstance(found, Mapping) else found
    if not isinstance(statements, list | tuple):
        raise ValueError("a policy has a Statement")
    if str(document.get("Version", "")) < _VARIABLES_SINCE:
        statements = json.loads(json.dumps(statements).replace("${", "${$}{"))
    return tuple(_statement(number, one) for number, one in enumerate(statements, 1))


def _statement(number: int, given: Mapping[str, Any]) -> Statement:
    effect = given.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise ValueError(f"the Effect of a statement is Allow or Deny, not {effect}")
    action, resource, principal = (
        f"Not{name}" if f"Not{name}" in given else name
        for name in ("Action", "Resource", "Principal")
    )
    if action not in given:
        raise ValueError("a statement has an Action or a NotAction")
    return Statement(
        sid=str(given.get("Sid") or f"statement {number}"),
        allows=effect == "Allow",
        actions=tuple(one.lower() for one in _list(given[action])),
        other_actions=action == "NotAction",
        resources=_list(given[resource]) if resource in given else None,
        other_resources=resource == "NotResource",
        principals=_principals(given[principal]) if principal in given else None,
        other_principals=principal == "NotPrincipal",
        condition={
            operator: {key: _list(values) for key, values in keys.items()}
            for operator, keys in (given.get("Condition") or {}).items()
        },
    )


def _list(value: object) -> tuple[str, ...]:
    values: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    return tuple(value_text(one) for one in values)


def _principals(value: object) -> Names:
    if not isinstance(value, Mapping):
        return (("*", str(value)),)
    return tuple((str(kind), name) for kind, names in value.items() for name in _list(names))


def value_text(value: object) -> str:
    """Return a value as conditions compare it: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
