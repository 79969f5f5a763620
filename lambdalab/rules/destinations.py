"""Where asynchronous Lambda sends what became of an event, and what exactly it sends.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdalab.rules import limits
from lambdalab.rules.retries import Condition
from lambdalab.rules.shapes.timestamps import by_day, to_milliseconds
from lambdalab.rules.source import Fact, Source

__all__ = [
    "ACTIONS",
    "PAGE",
    "REFUSED",
    "SIZES",
    "Response",
    "TargetKind",
    "dead_letter_attributes",
    "dead_letter_problem",
    "destination_problem",
    "event_entry",
    "fitted",
    "kind_of",
    "object_key",
    "permissions",
    "record",
    "record_json",
    "target_invalid",
    "unpermitted",
]

PAGE = Source("dg:invocation-async-retain-records")
_ARN = (
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+"
    r"-\d{1})?:(\d{12})?:(.*)"
)
_DESTINATION = r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|" + _ARN
_FIFO = ".fifo"
_KEYS = "aws/lambda/async/*"

REFUSED = (429, "Rate Exceeded.")
"""HTTP status and message of an invocation that is throttled."""


class TargetKind(StrEnum):
    """Services that take a record, by their name in an ARN."""

    SQS = "sqs"
    SNS = "sns"
    LAMBDA = "lambda"
    EVENTS = "events"
    S3 = "s3"


ACTIONS: Mapping[TargetKind, tuple[str, ...]] = {
    TargetKind.SQS: ("sqs:SendMessage",),
    TargetKind.SNS: ("sns:Publish",),
    TargetKind.LAMBDA: ("lambda:InvokeFunction",),
    TargetKind.EVENTS: ("events:PutEvents",),
    TargetKind.S3: ("s3:PutObject", "s3:ListBucket"),
}
"""What the function's execution role must allow (:data:`PAGE`)."""

SIZES: Mapping[TargetKind, Fact[int]] = {
    TargetKind.SQS: limits.MESSAGE_SQS,
    TargetKind.SNS: limits.MESSAGE_SNS,
    TargetKind.LAMBDA: limits.PAYLOAD_ASYNC,
    TargetKind.EVENTS: limits.MESSAGE_EVENTS,
}
"""How large what is sent may be; S3 takes any record."""


def kind_of(arn: str) -> TargetKind | None:
    """Return the kind of target an ARN names; ``None`` if it can be none."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return None
    try:
        kind = TargetKind(parts[2])
    except ValueError:
        return None
    resource = parts[5]
    wanted = {TargetKind.LAMBDA: "function:", TargetKind.EVENTS: "event-bus/"}.get(kind, "")
    return kind if resource.startswith(wanted) and len(resource) > len(wanted) else None


# -- configuring --------------------------------------------------------------------------


def destination_problem(
    on_success: str | None, on_failure: str | None, *, function: str
) -> tuple[str, str] | None:
    """Return what is wrong with destinations, as AWS words it; ``None`` if nothing is.

    Parameters
    ----------
    on_success, on_failure
        ARNs of the targets.
    function
        Unqualified ARN of the function that sends.

    Returns
    -------
    tuple
        Name of the exception, and its message. Whether the target is there, and the role may
        send to it, is for somebody else to say.
    """
    for place, arn in (("onFailure", on_failure), ("onSuccess", on_success)):
        if arn and not re.match(_DESTINATION, arn):
            return "ValidationException", (
                f"1 validation error detected: Value '{arn}' at "
                f"'destinationConfig.{place}.destination' failed to satisfy constraint: Member "
                f"must satisfy regular expression pattern: {_DESTINATION}"
            )
    kinds = {arn: kind_of(arn) for arn in (on_success, on_failure) if arn}
    unfit = None in kinds.values() or (on_success and kinds[on_success] is TargetKind.S3)
    for arn, kind in kinds.items():
        if kind is TargetKind.SNS and arn.endswith(_FIFO):
            return "InvalidParameterValueException", (
                "FIFO-type Amazon SNS topics aren't supported as a destination."
            )
        if kind is TargetKind.SQS and arn.endswith(_FIFO):
            return "InvalidParameterValueException", target_invalid(arn)
        if kind is TargetKind.LAMBDA and ":".join(arn.split(":")[:7]) == function:
            return "InvalidParameterValueException", (
                "You can't specify the function as a destination for itself."
            )
    if unfit:
        success = f"OnSuccess(destination={on_success})" if on_success else "null"
        failure = f"OnFailure(destination={on_failure})" if on_failure else "null"
        return "InvalidParameterValueException", (
            f"The provided destination config DestinationConfig(onSuccess={success}, "
            f"onFailure={failure}) is invalid."
        )
    return None


def dead_letter_problem(arn: str) -> str | None:
    """Return what is wrong with a dead-letter target, as AWS words it; ``None`` if nothing is."""
    if not arn.startswith("arn:"):
        return "Invalid dead letter ARN: ARNs must start with 'arn:'"
    kind = kind_of(arn)
    if kind not in (TargetKind.SQS, TargetKind.SNS):
        return f"Invalid dead letter ARN: {arn} is neither an SQS queue nor an SNS topic"
    if arn.endswith(_FIFO):
        what = "SQS queue" if kind is TargetKind.SQS else "SNS topic"
        return (
            f"Invalid dead letter queue ARN: FIFO {what} is not supported for dead letter "
            "configuration"
        )
    return None


def permissions(arn: str, key: str = _KEYS) -> tuple[tuple[str, str], ...]:
    """Return the actions and resources an execution role must allow to send to a target.

    ``key``: of the object that a bucket gets, or a pattern of it.
    """
    kind = kind_of(arn)
    if kind is None:
        return ()
    if kind is TargetKind.S3:
        return (("s3:PutObject", f"{arn}/{key}"), ("s3:ListBucket", arn))
    return tuple((action, arn) for action in ACTIONS[kind])


def target_invalid(arn: str) -> str:
    """Return the message for a target that is not there."""
    return f"The destination ARN {arn} is invalid."


def unpermitted(action: str, arn: str, *, dead_letter: bool = False) -> str:
    """Return the message for a role that may not send: ``action`` is ``sqs:SendMessage``."""
    service, _, operation = action.partition(":")
    if dead_letter:
        return (
            "The provided execution role does not have permissions to call "
            f"{operation} on {service.upper()}"
        )
    return f"The function's execution role does not have permissions to call {operation} on {arn}"


# -- sending ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Response:
    """What the function answered last.

    Attributes
    ----------
    executed_version
        ``$LATEST`` or a number.
    payload
        The answer's bytes.
    function_error
        ``None``, or ``Unhandled``.
    status_code
        HTTP status of the invocation: a function error keeps 200.
    """

    executed_version: str
    payload: bytes
    function_error: str | None = None
    status_code: int = 200


def record(
    *,
    request_id: str,
    function_arn: str,
    condition: Condition,
    invoke_count: int,
    payload: bytes,
    response: Response | None,
    time: float,
) -> dict[str, Any]:
    """Return the invocation record that destinations get.

    Parameters
    ----------
    request_id
        Of the event, over all its attempts.
    function_arn
        ARN with the qualifier that was invoked; ``$LATEST`` where there was none.
    condition
        How it ended.
    invoke_count
        How often the function ran with it. (AWS calls it approximate.)
    payload
        The event.
    response
        What the function answered last; ``None`` if it never ran: then the record has neither
        ``responseContext`` nor ``responsePayload`` (AWS does not document that case).
    time
        When, epoch seconds.
    """
    found: dict[str, Any] = {
        "version": "1.0",
        "timestamp": to_milliseconds(time),
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition.value,
            "approximateInvokeCount": invoke_count,
        },
        "requestPayload": _json(payload),
    }
    if response is not None:
        context: dict[str, Any] = {
            "statusCode": response.status_code,
            "executedVersion": response.executed_version,
        }
        if response.function_error:
            context["functionError"] = response.function_error
        found["responseContext"] = context
        found["responsePayload"] = _json(response.payload)
    return found


def _json(data: bytes) -> Any:  # noqa: ANN401 - JSON is any of its types
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")


def record_json(found: Mapping[str, Any]) -> str:
    """Return a record as the text that is sent."""
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def fitted(found: Mapping[str, Any], kind: TargetKind) -> tuple[str, str | None]:
    """Return the text to send to a kind of target, and why it cannot be sent, or ``None``.

    A record of a failure that is too large for SNS loses both payloads; whatever else is too
    large is not delivered (:data:`PAGE`, and API_OnFailure).
    """
    text = record_json(found)
    limit = SIZES.get(kind)
    if limit is None or len(text.encode()) <= limit.value:
        return text, None
    failed = found["requestContext"]["condition"] != Condition.SUCCESS
    if kind is TargetKind.SNS and failed:
        kept = {
            name: value
            for name, value in found.items()
            if name not in ("requestPayload", "responsePayload")
        }
        return record_json(kept), None
    size = len(text.encode())
    return text, f"the record has {size:,} bytes, and the limit is {limit.value:,}"


def object_key(function: str, time: float, unique: str) -> str:
    """Return the key of the object that an S3 destination gets.

    Parameters
    ----------
    function
        Name of the function.
    time
        Epoch seconds.
    unique
        A random UUID.
    """
    return f"aws/lambda/async/{function}/{by_day(time, unique)}"


def event_entry(text: str, *, condition: Condition, function_arn: str, bus: str) -> dict[str, Any]:
    """Return the entry for PutEvents of an EventBridge destination.

    Parameters
    ----------
    text
        The record.
    condition
        How it ended.
    function_arn
        As in the record.
    bus
        ARN of the event bus.

    Notes
    -----
    The page says ``aws.lambda`` for ``source``; what arrives says ``lambda``.
    """
    result = "Success" if condition is Condition.SUCCESS else "Failure"
    return {
        "EventBusName": bus,
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {result}",
        "Detail": text,
        "Resources": [bus, function_arn],
    }


def dead_letter_attributes(
    request_id: str, response: Response | None, refused: tuple[int, str] | None = None
) -> dict[str, tuple[str, str]]:
    """Return the attributes of a dead letter: name -> (data type, value).

    Parameters
    ----------
    request_id
        Of the event.
    response
        What the function answered last, if it ran.
    refused
        HTTP status and message of the last attempt, if the function did not get to run: the
        error is that, whatever it said before. (AWS documents the attributes, not this case.)
    """
    code, text = refused or REFUSED
    if response is not None and refused is None:
        said = _json(response.payload)
        code = response.status_code
        text = str(said.get("errorMessage") or "") if isinstance(said, dict) else ""
    attributes = {"RequestID": ("String", request_id), "ErrorCode": ("Number", str(code))}
    if text:
        attributes["ErrorMessage"] = ("String", _cut(text))
    return attributes


def _cut(text: str) -> str:
    """Return what fits into the attribute, without half a character at its end."""
    return text.encode()[: limits.DEAD_LETTER_MESSAGE.value].decode("utf-8", "ignore")
