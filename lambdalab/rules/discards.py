"""What an on-failure destination gets when Lambda gives up records of a stream.

Not the records themselves: where they are. As long as the stream keeps them, they can be read
there again; only S3 gets the whole event with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdalab.rules import destinations
from lambdalab.rules.shapes.timestamps import by_day, to_milliseconds
from lambdalab.rules.source import Source

__all__ = [
    "OBJECT_KEYS",
    "SOURCE",
    "BatchInfo",
    "Condition",
    "Response",
    "destination_problem",
    "discard_record",
    "object_key",
]

SOURCE = Source("dg:kinesis-on-failure-destination")
_TARGETS: tuple[destinations.TargetKind | None, ...] = (
    destinations.TargetKind.SQS,
    destinations.TargetKind.SNS,
    destinations.TargetKind.S3,
)


class Condition(StrEnum):
    """Why records of a stream were given up."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


def destination_problem(config: Mapping[str, Any], *, function: str) -> tuple[str, str] | None:
    """Return what is wrong with a mapping's ``DestinationConfig``; ``None`` if nothing is.

    A mapping has no destination for success, and only a queue, a topic or a bucket for failure
    (API_OnFailure). The words are those of asynchronous invocation.

    Parameters
    ----------
    config
        As the API takes it.
    function
        Unqualified ARN of the function.

    Returns
    -------
    tuple
        Name of the exception, and its message.
    """
    success = str((config.get("OnSuccess") or {}).get("Destination") or "")
    failure = str((config.get("OnFailure") or {}).get("Destination") or "")
    found = destinations.destination_problem(success, failure, function=function)
    if found is not None or not (success or failure):
        return found
    if not success and destinations.kind_of(failure) in _TARGETS:
        return None
    on_success = f"OnSuccess(destination={success})" if success else "null"
    on_failure = f"OnFailure(destination={failure})" if failure else "null"
    return "InvalidParameterValueException", (
        f"The provided destination config DestinationConfig(onSuccess={on_success}, "
        f"onFailure={on_failure}) is invalid."
    )


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """Where the records are.

    Attributes
    ----------
    field
        Name of this part of the record: ``KinesisBatchInfo`` or ``DDBStreamBatchInfo``.
    shard, stream_arn
        The shard they are in.
    first, last
        Sequence numbers.
    first_arrived, last_arrived
        Epoch seconds.
    size
        How many there are.
    """

    field: str
    shard: str
    stream_arn: str
    first: str
    last: str
    first_arrived: float
    last_arrived: float
    size: int


@dataclass(frozen=True, slots=True)
class Response:
    """What the function answered last: HTTP status, version that ran, kind of error."""

    status: int
    version: str
    error: str | None


def discard_record(
    *,
    request_id: str,
    function_arn: str,
    condition: Condition,
    invoke_count: int,
    response: Response | None,
    now: float,
    batch: BatchInfo,
    payload: str | None = None,
) -> dict[str, Any]:
    """Return the record (:data:`SOURCE`).

    Parameters
    ----------
    request_id
        Of the last invocation.
    function_arn
        Who was invoked.
    condition
        Why they were given up.
    invoke_count
        How often the function ran with them.
    response
        ``None`` if the function never ran: the record has no ``responseContext`` then.
    now
        Epoch seconds.
    batch
        Where they are.
    payload
        The whole event as JSON text, for S3.
    """
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": str(condition),
            "approximateInvokeCount": invoke_count,
        },
        "version": "1.0",
        "timestamp": to_milliseconds(now),
        batch.field: {
            "shardId": batch.shard,
            "startSequenceNumber": batch.first,
            "endSequenceNumber": batch.last,
            "approximateArrivalOfFirstRecord": to_milliseconds(batch.first_arrived),
            "approximateArrivalOfLastRecord": to_milliseconds(batch.last_arrived),
            "batchSize": batch.size,
            "streamArn": batch.stream_arn,
        },
    }
    if response is not None:
        context: dict[str, Any] = {
            "statusCode": response.status,
            "executedVersion": response.version,
        }
        if response.error is not None:
            context["functionError"] = response.error
        record["responseContext"] = context
    if payload is not None:
        record["payload"] = payload
    return record


OBJECT_KEYS = "aws/lambda/*"
"""What the keys of all such objects match."""


def object_key(mapping: str, shard: str, now: float, unique: str) -> str:
    """Return the key of the object that S3 gets: by mapping, shard and day (:data:`SOURCE`)."""
    return f"aws/lambda/{mapping}/{shard}/{by_day(now, unique)}"
