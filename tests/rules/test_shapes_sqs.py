"""Messages as a function gets them, held against the structure of what Lambda sends."""

from __future__ import annotations

from typing import Any

from lambdalab.rules.shapes.sqs import message_attributes, sqs_event, sqs_record

QUEUE = "arn:aws:sqs:ap-northeast-1:210987654321:orders"

# The members and types of dg:with-sqs' examples, and of Powertools' sqsEvent.json.
STANDARD: dict[str, Any] = {
    "messageId": "7d1c1f0a-3f5e-4a57-9a0f-0f2b6f5d7e11",
    "receiptHandle": "AQEBexample",
    "body": "hello",
    "attributes": {
        "ApproximateReceiveCount": "2",
        "SentTimestamp": "1764000000000",
        "SenderId": "AIDAEXAMPLE",
        "ApproximateFirstReceiveTimestamp": "1764000000005",
    },
    "messageAttributes": {},
    "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
    "eventSource": "aws:sqs",
    "eventSourceARN": QUEUE,
    "awsRegion": "ap-northeast-1",
}
FIFO_ATTRIBUTES = {
    "SequenceNumber": "18870000000000000256",
    "MessageGroupId": "g",
    "MessageDeduplicationId": "d",
}


def _record(**more: Any) -> dict[str, Any]:
    return sqs_record(
        message_id="7d1c1f0a-3f5e-4a57-9a0f-0f2b6f5d7e11",
        receipt_handle="AQEBexample",
        body="hello",
        body_md5="5d41402abc4b2a76b9719d911017c592",
        queue_arn=QUEUE,
        sender="AIDAEXAMPLE",
        receive_count=2,
        sent_ms=1764000000000,
        first_received_ms=1764000000005,
        **more,
    )


def test_standard() -> None:
    assert _record() == STANDARD
    assert sqs_event([_record()]) == {"Records": [STANDARD]}


def test_fifo() -> None:
    found = _record(group="g", deduplication="d", sequence="18870000000000000256")
    assert found["attributes"] == STANDARD["attributes"] | FIFO_ATTRIBUTES
    assert found | {"attributes": None} == STANDARD | {"attributes": None}


def test_what_only_some_messages_have() -> None:
    found = _record(trace="Root=1-2-3", dead_letter_source=f"{QUEUE}-source")["attributes"]
    assert found["AWSTraceHeader"] == "Root=1-2-3"
    assert found["DeadLetterQueueSourceArn"] == f"{QUEUE}-source"


def test_message_attributes() -> None:
    attributes: dict[str, dict[str, Any]] = {
        "n": {"DataType": "Number", "StringValue": "100"},
        "b": {"DataType": "Binary.png", "BinaryValue": b"\xff\x00"},
    }
    empty: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    assert message_attributes(attributes) == {
        "n": {"stringValue": "100", "dataType": "Number", **empty},
        "b": {"binaryValue": "/wA=", "dataType": "Binary.png", **empty},
    }
    found = _record(attributes=attributes, attributes_md5="m")
    assert found["md5OfMessageAttributes"] == "m"
    assert "md5OfMessageAttributes" not in _record()
