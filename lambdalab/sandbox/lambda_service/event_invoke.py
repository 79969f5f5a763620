"""Asynchronous configuration as the API keeps it, on functions, versions and aliases.

What is set lies on the function's ``$LATEST``, so that it is saved and deleted with it. The
queue reads it at every attempt.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambdalab.rules import destinations as rules
from lambdalab.rules import limits
from lambdalab.rules.recursion import RecursiveLoop
from lambdalab.rules.routing import LATEST
from lambdalab.sandbox.asynchronous import targets
from lambdalab.sandbox.asynchronous.configuration import role_of
from lambdalab.sandbox.lambda_service import hooks
from lambdalab.sandbox.lambda_service.errors import (
    ApiError,
    invalid_parameter,
    not_found,
    refused_value,
)
from lambdalab.sandbox.lambda_service.validation import check_number

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.backend import LabBackend
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = [
    "check_dead_letter",
    "configurations",
    "delete",
    "drop",
    "get",
    "put",
    "set_recursive_loop",
    "update",
]

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_PAGE = 50
"""Configurations in one answer of the list, at most (botocore:ListFunctionEventInvokeConfigs)."""
_changing = threading.RLock()


def _named(name: str, qualifier: str | None) -> tuple[str, str]:
    """Return name of the function and the qualifier, ``$LATEST`` where there is none."""
    function, _, named = name.rpartition("function:")[2].partition(":")
    if named and qualifier and named != qualifier:
        raise invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return function, named or qualifier or LATEST


def _find(backend: LabBackend, name: str, qualifier: str) -> LabFunction:
    """Return the function's ``$LATEST``; the qualifier must be there."""
    group = backend._lambdas._functions.get(name)
    if group is not None:
        latest: LabFunction = group["latest"]
        known = {LATEST, *(str(one.version) for one in group["versions"])}
        if qualifier in known | set(backend._lambdas._aliases[latest.unqualified_arn]):
            return latest
    raise not_found("The function doesn't exist.")


def _own(backend: LabBackend, name: str, qualifier: str) -> tuple[LabFunction, dict[str, Any]]:
    group = backend._lambdas._functions.get(name)
    latest: LabFunction | None = group["latest"] if group else None
    if latest is None or qualifier not in latest.event_invoke:
        arn = (
            f"arn:{backend.partition}:lambda:{backend.region_name}:{backend.account_id}:"
            f"function:{name}:{qualifier}"
        )
        raise not_found(f"The function {arn} doesn't have an EventInvokeConfig")
    return latest, latest.event_invoke[qualifier]


def _shown(latest: LabFunction, qualifier: str, own: Mapping[str, Any]) -> dict[str, Any]:
    return {**own, "FunctionArn": f"{latest.unqualified_arn}:{qualifier}"}


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a request; there must be one, and each be within its bounds."""
    given = {name: body[name] for name in _SETTINGS if body.get(name) is not None}
    if not given:
        raise invalid_parameter(
            "You must specify at least one of error handling or destination setting."
        )
    check_number(
        given, "MaximumRetryAttempts", "maximumRetryAttempts", 0, limits.ASYNC_RETRIES.value
    )
    check_number(
        given,
        "MaximumEventAgeInSeconds",
        "maximumEventAgeInSeconds",
        limits.ASYNC_AGE_MIN.value,
        limits.ASYNC_AGE_MAX.value,
    )
    return given


def _destinations(latest: LabFunction, qualifier: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``DestinationConfig`` as it is kept, if what it names is there and may be sent to."""
    wanted = {
        name: (config.get(name) or {}).get("Destination") or None
        for name in ("OnSuccess", "OnFailure")
    }
    problem = rules.destination_problem(
        wanted["OnSuccess"], wanted["OnFailure"], function=latest.unqualified_arn
    )
    if problem is not None:
        raise ApiError(400, *problem)
    role = role_of(latest, qualifier)
    for arn in filter(None, wanted.values()):
        refusal = targets.refusal(arn, account=latest.account_id, role=role)
        if refusal is not None:
            raise invalid_parameter(refusal)
    return {name: {"Destination": arn} if arn else {} for name, arn in wanted.items()}


def _store(
    latest: LabFunction, qualifier: str, own: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    if "DestinationConfig" in given:
        given["DestinationConfig"] = _destinations(latest, qualifier, given["DestinationConfig"])
    changed = {
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
        **own,
        **given,
        "LastModified": hooks.service().now(),
    }
    latest.event_invoke = {**latest.event_invoke, qualifier: changed}
    return _shown(latest, qualifier, changed)


def put(
    backend: LabBackend, name: str, qualifier: str | None, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Set the configuration of a function, a version or an alias; what is left out is unset."""
    given = _given(body)
    name, qualifier = _named(name, qualifier)
    with _changing:
        return _store(_find(backend, name, qualifier), qualifier, {}, given)


def update(
    backend: LabBackend, name: str, qualifier: str | None, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Change some of it."""
    given = _given(body)
    name, qualifier = _named(name, qualifier)
    with _changing:
        latest, own = _own(backend, name, qualifier)
        return _store(latest, qualifier, own, given)


def get(backend: LabBackend, name: str, qualifier: str | None) -> dict[str, Any]:
    """Return what was set."""
    name, qualifier = _named(name, qualifier)
    latest, own = _own(backend, name, qualifier)
    return _shown(latest, qualifier, own)


def delete(backend: LabBackend, name: str, qualifier: str | None) -> None:
    """Set nothing more."""
    name, qualifier = _named(name, qualifier)
    with _changing:
        latest, _ = _own(backend, name, qualifier)
        drop(latest, qualifier)


def drop(latest: LabFunction, qualifier: str) -> None:
    """Forget what was set for a version or an alias, which goes away."""
    with _changing:
        latest.event_invoke = {
            key: own for key, own in latest.event_invoke.items() if key != qualifier
        }


def configurations(
    backend: LabBackend, name: str, marker: str | None = None, most: int | None = None
) -> dict[str, Any]:
    """Return all that was set on a function, page by page."""
    name, _ = _named(name, None)
    latest = _find(backend, name, LATEST)
    keys = sorted(latest.event_invoke)
    if marker:
        keys = [key for key in keys if key > marker]
    page = keys[: min(most or _PAGE, _PAGE)]
    answer: dict[str, Any] = {
        "FunctionEventInvokeConfigs": [
            _shown(latest, key, latest.event_invoke[key]) for key in page
        ]
    }
    if len(page) < len(keys):
        answer["NextMarker"] = page[-1]
    return answer


def check_dead_letter(account: str, role: str, config: Mapping[str, Any] | None) -> None:
    """Refuse a dead-letter queue that is not there, cannot be one, or may not be sent to."""
    arn = (config or {}).get("TargetArn")
    if not arn:
        return
    problem = rules.dead_letter_problem(arn)
    if problem is None and not targets.exists(arn, account=account):
        problem = f"Invalid dead letter ARN: {arn} does not exist"
    if problem is not None:
        raise invalid_parameter(problem)
    action = targets.forbidden(role, arn)
    if action is not None:
        raise invalid_parameter(rules.unpermitted(action, arn, dead_letter=True))


def set_recursive_loop(latest: LabFunction, wanted: object) -> str:
    """Say what happens to a loop through a function."""
    if wanted not in list(RecursiveLoop):
        raise refused_value(
            wanted,
            "recursiveLoop",
            f"Member must satisfy enum value set: [{', '.join(sorted(RecursiveLoop))}]",
        )
    latest.recursive_loop = str(wanted)
    return latest.recursive_loop
