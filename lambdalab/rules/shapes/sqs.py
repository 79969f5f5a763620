"""Messages of an SQS queue as a function gets them (dg:with-sqs)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from lambdalab.rules.source import Source

__all__ = ["SOURCE", "message_attributes", "sqs_event", "sqs_record"]

SOURCE = Source("dg:with-sqs")


def sqs_record(
    *,
    message_id: str,
    receipt_handle: str,
    body: str,
    body_md5: str,
    queue_arn: str,
    sender: str,
    receive_count: int,
    sent_ms: int,
    first_received_ms: int,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    attributes_md5: str | None = None,
    group: str | None = None,
    deduplication: str | None = None,
    sequence: str | None = None,
    trace: str | None = None,
    dead_letter_source: str | None = None,
) -> dict[str, Any]:
    """Return one element of ``Records``.

    Parameters
    ----------
    message_id, receipt_handle, body, body_md5
        As ReceiveMessage answers them.
    queue_arn
        The queue.
    sender
        ``SenderId``.
    receive_count
        How often it has been received, this time included.
    sent_ms, first_received_ms
        When it was sent, and received first, in epoch milliseconds.
    attributes, attributes_md5
        Message attributes as the API has them (``DataType``, ``StringValue``, ``BinaryValue``),
        and their digest.
    group, deduplication, sequence
        FIFO queues: message group, deduplication id, sequence number. A standard queue can
        have a group, for fairness between tenants.
    trace
        ``AWSTraceHeader``.
    dead_letter_source
        ARN of the queue that gave the message up, for one that was moved here.
    """
    system = {
        "ApproximateReceiveCount": str(receive_count),
        "AWSTraceHeader": trace,
        "SentTimestamp": str(sent_ms),
        "SequenceNumber": sequence,
        "MessageGroupId": group,
        "SenderId": sender,
        "MessageDeduplicationId": deduplication,
        "ApproximateFirstReceiveTimestamp": str(first_received_ms),
        "DeadLetterQueueSourceArn": dead_letter_source,
    }
    record: dict[str, Any] = {
        "messageId": message_id,
        "receiptHandle": receipt_handle,
        "body": body,
        "attributes": {name: value for name, value in system.items() if value is not None},
        "messageAttributes": message_attributes(attributes or {}),
        "md5OfBody": body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if attributes:
        record["md5OfMessageAttributes"] = attributes_md5
    return record


def message_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return message attributes as an event has them: other names, and lists that stay empty."""
    found: dict[str, dict[str, Any]] = {}
    for name, one in attributes.items():
        shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
        binary = one.get("BinaryValue")
        if binary is not None:
            text = base64.b64encode(binary).decode() if isinstance(binary, bytes) else str(binary)
            shown["binaryValue"] = text
        else:
            shown["stringValue"] = one.get("StringValue")
        found[name] = shown | {"dataType": one["DataType"]}
    return found


def sqs_event(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the event of a batch."""
    return {"Records": records}
