"""Provisioned concurrency as the API keeps it: which version or alias asks for how much.

What is asked for lies on the function, so that it is saved and deleted with it. The
engine is told the sum of all that, and makes it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambdalab.rules import concurrency, limits
from lambdalab.rules.routing import LATEST
from lambdalab.sandbox import mototime
from lambdalab.sandbox.lambda_service import hooks
from lambdalab.sandbox.lambda_service.errors import (
    ApiError,
    conflict,
    invalid_parameter,
    not_found,
)

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.backend import LabBackend
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = [
    "check_alias",
    "configurations",
    "delete",
    "drop",
    "get",
    "promised",
    "put",
    "total",
    "wanted",
]

_FAILED = "FUNCTION_ERROR_INIT_FAILURE"


def refusal(problem: str) -> ApiError:
    """Return the error that carries a message of the rulebook's."""
    if problem.startswith("1 validation error"):
        return ApiError(400, "ValidationException", problem)
    return invalid_parameter(problem)


def total(function: LabFunction) -> int:
    """Return the provisioned concurrency of a function, on all its versions and aliases."""
    return sum(count for count, _ in function.provisioned.values())


def promised(function: LabFunction) -> int:
    """Return what a function takes from the account: reserved, or provisioned without."""
    reserved: int | None = function.reserved_concurrency
    return total(function) if reserved is None else reserved


def _version(backend: LabBackend, function: LabFunction, qualifier: str) -> tuple[str, bool]:
    """Return the version a qualifier stands for, and whether it is an alias with weights."""
    group = backend._lambdas._functions[function.function_name]
    if qualifier == LATEST or qualifier in {str(one.version) for one in group["versions"]}:
        return qualifier, False
    alias = backend._lambdas._aliases[function.unqualified_arn].get(qualifier)
    if alias is None:
        raise not_found(f"Function not found: {function.unqualified_arn}:{qualifier}")
    weights = (alias.routing_config or {}).get("AdditionalVersionWeights")
    return str(alias.function_version), bool(weights)


def put(backend: LabBackend, function: LabFunction, qualifier: str, count: object) -> None:
    """Ask for provisioned concurrency on a version or an alias."""
    if not isinstance(count, int) or isinstance(count, bool):
        count = 0 if count is None else -1
    version, weighted = _version(backend, function, qualifier)
    service = hooks.service()
    others = total(function) - function.provisioned.get(qualifier, (0, ""))[0]
    taken = sum(promised(one) for one in backend._lambdas.latest() if one is not function)
    problem = concurrency.provisioned_problem(
        count,
        LATEST if version == LATEST else qualifier,
        reserved=function.reserved_concurrency,
        others=others,
        available=service.account_concurrency - taken - others - limits.UNRESERVED_MIN.value,
        weighted=weighted,
    )
    if problem:
        raise refusal(problem)
    for other in function.provisioned:
        if other != qualifier and _version(backend, function, other)[0] == version:
            alias = qualifier != version
            raise conflict(concurrency.provisioned_twice(alias=alias))
    modified = f"{datetime.fromtimestamp(mototime.now(), UTC):%Y-%m-%dT%H:%M:%S}+0000"
    function.provisioned = {**function.provisioned, qualifier: (count, modified)}
    service.changed(function.unqualified_arn, None, recycle=False)
    service.retry(function, version)


def get(backend: LabBackend, function: LabFunction, qualifier: str) -> dict[str, Any]:
    """Return what was asked for, and how far it is."""
    version, _ = _version(backend, function, qualifier)
    if qualifier not in function.provisioned:
        raise ApiError(
            404,
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
        )
    count, modified = function.provisioned[qualifier]
    there = hooks.service().provisioned(function.unqualified_arn, version)
    allocated = there.allocated if there is not None else 0
    answer: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": allocated,
        "AllocatedProvisionedConcurrentExecutions": allocated,
        "Status": "READY" if allocated >= count else "IN_PROGRESS",
        "LastModified": modified,
    }
    if there is not None and there.failure and allocated < count:
        answer |= {"Status": "FAILED", "StatusReason": _FAILED}
    return answer


def configurations(backend: LabBackend, function: LabFunction) -> list[dict[str, Any]]:
    """Return all that was asked for on a function."""
    arn = function.unqualified_arn
    return [
        {"FunctionArn": f"{arn}:{qualifier}", **get(backend, function, qualifier)}
        for qualifier in function.provisioned
    ]


def delete(backend: LabBackend, function: LabFunction, qualifier: str) -> None:
    """Ask for it no more; where nothing was asked for, that is fine."""
    _version(backend, function, qualifier)
    drop(function, qualifier)
    hooks.service().changed(function.unqualified_arn, None, recycle=False)


def drop(function: LabFunction, qualifier: str) -> None:
    """Forget what a version or an alias, which goes away, asked for."""
    left = {name: one for name, one in function.provisioned.items() if name != qualifier}
    function.provisioned = left


def check_alias(
    backend: LabBackend, function: LabFunction, alias: str, version: str, *, weighted: bool
) -> None:
    """Refuse a change of an alias that what it asks for would not survive."""
    if alias not in function.provisioned:
        return
    if version == LATEST or weighted:
        count = function.provisioned[alias][0]
        problem = concurrency.provisioned_problem(
            count,
            LATEST if version == LATEST else alias,
            reserved=None,
            others=0,
            available=count,
            weighted=weighted,
        )
        raise invalid_parameter(str(problem))
    for other in function.provisioned:
        if other != alias and _version(backend, function, other)[0] == version:
            raise conflict(concurrency.provisioned_twice(alias=True))


def wanted(backend: LabBackend) -> Iterator[tuple[str, str, int]]:
    """Yield name of the function, qualifier and number of all that is asked for."""
    for function in list(backend._lambdas.latest()):
        for qualifier, (count, _) in function.provisioned.items():
            yield function.function_name, qualifier, count
