"""A batch of messages: the event it makes, one attempt with it, and what the answer means."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any, TypedDict

from lambdalab.rules import limits
from lambdalab.rules.batches import parse_batch_item_failures
from lambdalab.rules.errors import ErrorType
from lambdalab.rules.mappings import PARTIAL
from lambdalab.rules.recursion import deepest
from lambdalab.rules.shapes.sqs import sqs_record
from lambdalab.sandbox.events import BatchFinished, BatchStarted
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.service import Call
from lambdalab.sandbox.motosqs import LabMessage
from lambdalab.sandbox.pollers.mapping import LabMapping, Parts

__all__ = ["Batch", "Outcome", "Record", "attempt", "record_of", "where"]

_ENVELOPE = len('{"Records":[]}')


@dataclass(frozen=True, slots=True)
class Record:
    """A message in flight, as its event has it."""

    message: LabMessage
    data: dict[str, Any]
    text: str
    """The data as JSON text."""
    count: int
    """How often the message had been received."""


@dataclass(slots=True)
class Batch:
    """Records that go to the function together."""

    began: float
    """When the first was received, epoch seconds."""
    visible: float
    """When the first comes back into sight, epoch seconds."""
    records: list[Record] = field(default_factory=list)
    size: int = _ENVELOPE
    """Bytes of its event."""
    attempt: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def names(self) -> tuple[str, ...]:
        """Message ids."""
        return tuple(one.data["messageId"] for one in self.records)

    def fits(self, record: Record) -> bool:
        """Tell whether a record has room in its event; the first always has."""
        more = len(record.text.encode()) + 1
        return not self.records or self.size + more <= limits.PAYLOAD_SYNC.value

    def take(self, record: Record) -> None:
        """Put a record in."""
        self.records.append(record)
        self.size += len(record.text.encode()) + 1

    def payload(self) -> bytes:
        """Return its event."""
        return f'{{"Records":[{",".join(one.text for one in self.records)}]}}'.encode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went.

    ``status`` is as ``BatchFinished`` has it, or ``missing``: there is no such function.
    """

    status: str
    failed: frozenset[str]
    error_type: str | None = None


class Where(TypedDict):
    """What every event about a mapping says."""

    mapping: str
    function: str
    source_arn: str


def where(mapping: LabMapping) -> Where:
    """Return what every event about a mapping says."""
    return {
        "mapping": mapping.uuid,
        "function": mapping.function,
        "source_arn": mapping.event_source_arn,
    }


def record_of(message: LabMessage, queue_arn: str) -> Record:
    """Return a message that has just been received as its event has it."""
    attributes = message.message_attributes
    trace = message.system_attributes.get("AWSTraceHeader") or {}
    data = sqs_record(
        message_id=message.id,
        receipt_handle=str(message.receipt_handle),
        body=message.body,
        body_md5=message.body_md5,
        queue_arn=queue_arn,
        sender=message.sender_id,
        receive_count=message.approximate_receive_count,
        sent_ms=int(message.sent_timestamp),
        first_received_ms=int(message.approximate_first_receive_timestamp or 0),
        attributes=attributes,
        attributes_md5=message.attribute_md5 if attributes else None,
        group=message.group_id,
        deduplication=message.deduplication_id,
        sequence=message.sequence_number,
        trace=trace.get("StringValue"),
        dead_letter_source=message.dead_letter_source,
    )
    return Record(message, data, json.dumps(data), message.approximate_receive_count)


def attempt(parts: Parts, mapping: LabMapping, batch: Batch) -> Outcome:
    """Invoke the function once with a batch; log both ends of it."""
    batch.attempt += 1
    request_id = str(uuid.uuid4())
    said = where(mapping)
    parts.events.record(
        BatchStarted(
            **said,
            batch=batch.id,
            request_id=request_id,
            records=batch.names,
            attempt=batch.attempt,
            receive_counts=tuple(one.count for one in batch.records),
        )
    )
    outcome = _invoke(parts, mapping, batch, request_id)
    parts.events.record(
        BatchFinished(
            **said,
            batch=batch.id,
            request_id=request_id,
            status="error" if outcome.status == "missing" else outcome.status,
            failed=tuple(name for name in batch.names if name in outcome.failed),
            error_type=outcome.error_type,
        )
    )
    return outcome


def _invoke(parts: Parts, mapping: LabMapping, batch: Batch, request_id: str) -> Outcome:
    words = str(mapping.function_arn).split(":")
    everything = frozenset(batch.names)
    call = Call(
        name=mapping.function,
        payload=batch.payload(),
        qualifier=mapping.qualifier,
        account=words[4],
        region=words[3],
        trace_id=deepest(one.data["attributes"].get("AWSTraceHeader") for one in batch.records),
        source="sqs",
        request_id=request_id,
    )
    try:
        _, result = parts.service.invoke(call)
    except ApiError as error:
        if error.code == 429:
            return Outcome("throttled", everything, str(error.fields.get("Reason")))
        missing = error.code == 404
        return Outcome("missing" if missing else "error", everything, error.error_type)
    assert result is not None  # noqa: S101 - RequestResponse always has one
    if result.function_error:
        return Outcome("error", everything, _error_type(result.payload))
    if PARTIAL not in (mapping.function_response_types or []):
        return Outcome("success", frozenset())
    failed = parse_batch_item_failures(result.payload, everything)
    if not failed:
        return Outcome("success", failed)
    return Outcome("error" if failed == everything else "partial", failed)


def _error_type(payload: bytes) -> str:
    try:
        answer = json.loads(payload)
    except ValueError:
        return ErrorType.EXIT
    return str(answer.get("errorType") or "") if isinstance(answer, dict) else ""
