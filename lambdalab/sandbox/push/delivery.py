"""The last step of every push: to a function, a queue or a topic, if that may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lambdalab.sandbox import permissions
from lambdalab.sandbox.asynchronous import targets
from lambdalab.sandbox.events import PushRefused
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.service import Call
from lambdalab.sandbox.push.hub import hub

__all__ = [
    "Failure",
    "FunctionArn",
    "Sender",
    "forbidden",
    "invoke",
    "missing",
    "refused",
    "to_function",
    "to_queue",
    "to_topic",
]

_INVOKE = "lambda:InvokeFunction"
_FUNCTION = re.compile(
    r"arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:"
    r"(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not arrive."""

    code: str
    """As dead letters name it: ``NO_PERMISSIONS``, ``RESOURCE_NOT_FOUND`` …"""
    message: str
    again: bool = False
    """Whether it may arrive if it is sent again."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who pushes: what the function's resource policy is asked about."""

    source: str
    """As ``Call.source`` names the way."""
    principal: str
    """Such as ``s3.amazonaws.com``."""
    arn: str
    """ARN of the bucket, topic, rule or log group."""
    account: str


@dataclass(frozen=True, slots=True)
class FunctionArn:
    """A function's ARN in its parts."""

    region: str
    account: str
    name: str
    qualifier: str | None

    @classmethod
    def parse(cls, arn: str) -> FunctionArn | None:
        """Return the parts, or ``None`` if it is no function's ARN."""
        found = _FUNCTION.fullmatch(arn)
        return None if found is None else cls(**found.groupdict())


def to_function(
    arn: str, payload: bytes, sender: Sender, *, trace_id: str | None = None
) -> Failure | None:
    """Invoke a function asynchronously, if its resource policy lets the sender.

    Returns
    -------
    Failure | None
        ``None``: Lambda has the event, and what becomes of it is Lambda's affair.
    """
    function = FunctionArn.parse(arn)
    if function is None:
        return refused(arn, sender, Failure("INVALID_PARAMETER", f"{arn} is no function's ARN"))
    problem = missing(function) or forbidden(arn, sender)
    if problem is not None:
        return refused(function.name, sender, problem)
    return invoke(function, payload, sender, trace_id=trace_id)


def missing(function: FunctionArn) -> Failure | None:
    """Say if there is no such function, version or alias."""
    try:
        hub().service.target(function.account, function.region, function.name, function.qualifier)
    except ApiError as error:
        return _failure(error)
    return None


def forbidden(arn: str, sender: Sender) -> Failure | None:
    """Say if a function's resource policy does not let the sender invoke it."""
    decision = permissions.may_invoke(
        arn,
        service=sender.principal,
        source_arn=sender.arn,
        source_account=sender.account,
    )
    if decision:
        return None
    text = permissions.denied_text(sender.principal, _INVOKE, arn, decision)
    return Failure("NO_PERMISSIONS", text)


def invoke(
    function: FunctionArn, payload: bytes, sender: Sender, *, trace_id: str | None = None
) -> Failure | None:
    """Invoke a function asynchronously: whether the sender may has been asked."""
    try:
        hub().service.invoke(
            Call(
                name=function.name,
                payload=payload,
                qualifier=function.qualifier,
                account=function.account,
                region=function.region,
                invocation_type="Event",
                trace_id=trace_id,
                source=sender.source,
            )
        )
    except ApiError as error:
        return refused(function.name, sender, _failure(error))
    return None


def _failure(error: ApiError) -> Failure:
    if error.code == 404:
        return Failure("RESOURCE_NOT_FOUND", error.text)
    again = error.code == 429 or error.code >= 500
    return Failure("THROTTLING" if error.code == 429 else "SDK_CLIENT_ERROR", error.text, again)


def refused(function: str, sender: Sender, failure: Failure) -> Failure:
    """Record that something did not arrive at ``function``, or at another target's ARN."""
    hub().events.record(
        PushRefused(
            source=sender.source,
            source_arn=sender.arn,
            function=function,
            reason=failure.message,
        )
    )
    return failure


def to_queue(
    arn: str,
    body: str,
    *,
    attributes: Mapping[str, str] | None = None,
    group_id: str | None = None,
) -> Failure | None:
    """Send a message to a queue; ``attributes`` are its message attributes, all strings."""
    given = {name: ("String", value) for name, value in (attributes or {}).items()}
    try:
        targets.send_to_queue(arn, body, attributes=given, group_id=group_id)
    except Exception as error:  # noqa: BLE001 - whatever moto says, the message did not arrive
        return _of_moto(error)
    return None


def to_topic(arn: str, message: str, *, subject: str | None = None) -> Failure | None:
    """Publish a message to a topic."""
    try:
        targets.send_to_topic(arn, message, subject=subject)
    except Exception as error:  # noqa: BLE001 - whatever moto says, the message did not arrive
        return _of_moto(error)
    return None


def _of_moto(error: Exception) -> Failure:
    missing = "NotFound" in type(error).__name__ or "DoesNotExist" in type(error).__name__
    code = "RESOURCE_NOT_FOUND" if missing else "SDK_CLIENT_ERROR"
    return Failure(code, str(error) or type(error).__name__)
