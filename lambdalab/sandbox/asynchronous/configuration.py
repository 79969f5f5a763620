"""What is set for an event right now: read from the function at every attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.awslambda import models

from lambdalab.rules import limits
from lambdalab.rules.recursion import RecursiveLoop
from lambdalab.rules.retries import Policy
from lambdalab.sandbox.lambda_service.call import Call

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.backend import LabBackend
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = ["Configuration", "look", "recursive_loop", "role_of"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is set for an event.

    Attributes
    ----------
    policy
        Retries and age, of the qualifier that was invoked.
    on_success, on_failure
        ARNs of the destinations, of the qualifier that was invoked.
    dead_letter
        ARN of the dead-letter queue, the same for all versions.
    role
        ARN of the execution role that sends.
    reserved
        Reserved concurrency of the function, or ``None``.
    """

    policy: Policy
    on_success: str | None
    on_failure: str | None
    dead_letter: str | None
    role: str
    reserved: int | None


def _latest(call: Call) -> LabFunction | None:
    try:
        backend: LabBackend = models.lambda_backends[call.account][call.region]
    except KeyError:
        return None
    group = backend._lambdas._functions.get(call.name)
    found: LabFunction | None = group["latest"] if group else None
    return found


def look(call: Call, lag: float) -> Configuration | None:
    """Return what is set for an event; ``None``: its function is gone.

    Parameters
    ----------
    call
        What was asked for.
    lag
        How late the queue is, as a part of each delay.
    """
    latest = _latest(call)
    if latest is None:
        return None
    own = latest.event_invoke.get(call.qualifier or "$LATEST", {})
    targets = own.get("DestinationConfig") or {}
    return Configuration(
        policy=Policy(
            max_retries=own.get("MaximumRetryAttempts", limits.ASYNC_RETRIES.value),
            max_age_s=float(own.get("MaximumEventAgeInSeconds", limits.ASYNC_AGE_MAX.value)),
            lag=lag,
        ),
        on_success=(targets.get("OnSuccess") or {}).get("Destination") or None,
        on_failure=(targets.get("OnFailure") or {}).get("Destination") or None,
        dead_letter=(latest.dead_letter_config or {}).get("TargetArn") or None,
        role=role_of(latest, call.qualifier),
        reserved=latest.reserved_concurrency,
    )


def role_of(latest: LabFunction, qualifier: str | None) -> str:
    """Return the role that a version runs under: the one it was published with.

    Parameters
    ----------
    latest
        The function's ``$LATEST``.
    qualifier
        Version or alias; ``None`` for ``$LATEST``.
    """
    backend = models.lambda_backends[latest.account_id][latest.region]
    alias = backend._lambdas._aliases[latest.unqualified_arn].get(qualifier)
    number = qualifier if alias is None else alias.function_version
    for version in backend._lambdas._functions[latest.function_name]["versions"]:
        if str(version.version) == number:
            return str(version.role)
    return str(latest.role)


def recursive_loop(call: Call) -> RecursiveLoop:
    """Return what happens to a loop through a function."""
    latest = _latest(call)
    return RecursiveLoop.TERMINATE if latest is None else RecursiveLoop(latest.recursive_loop)
