"""One invocation of a function with a batch of a stream, and what its answer means."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from lambdalab.rules import tumbling
from lambdalab.rules.discards import Response
from lambdalab.rules.streams import failed_from
from lambdalab.sandbox.events import BatchFinished, BatchStarted
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.service import Call
from lambdalab.sandbox.model import InvokeResult
from lambdalab.sandbox.pollers.lane import Batch, Settings, Window
from lambdalab.sandbox.pollers.stream_context import Polled

__all__ = ["Outcome", "attempt", "event_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went.

    Attributes
    ----------
    status
        As ``BatchFinished`` says it: ``success``, ``partial``, ``error`` or ``throttled``.
    failed
        Place of the first record that has to come again; their number if none has.
    ran
        Whether the function was invoked at all.
    state
        What it returned for the next invocation in the tumbling window.
    """

    status: str
    failed: int
    ran: bool = True
    state: dict[str, Any] | None = None
    error_type: str | None = None


def event_of(source_arn: str, shard: str, batch: Batch, window: Window | None) -> str:
    """Return the event as JSON text."""
    text = '{"Records":[' + ",".join(one.text for one in batch.records) + "]"
    if window is not None:
        fields = tumbling.window_fields(
            window.start,
            window.end,
            state=window.state,
            shard=shard,
            source_arn=source_arn,
            final=batch.final,
            early=batch.early,
        )
        text += "," + json.dumps(fields, separators=(",", ":"))[1:-1]
    return text + "}"


def attempt(
    polled: Polled, shard: str, batch: Batch, window: Window | None, settings: Settings
) -> Outcome:
    """Invoke the function once; ``batch`` keeps what an on-failure record would say of it."""
    batch.request_id = str(uuid.uuid4())
    batch.attempt += 1
    names = batch.names
    parts, mapping, where = polled.parts, polled.mapping, polled.where(shard)
    parts.events.record(
        BatchStarted(
            **where,
            batch=batch.id,
            request_id=batch.request_id,
            records=names,
            attempt=batch.attempt,
        )
    )
    words = polled.function_arn.split(":")
    call = Call(
        name=mapping.function,
        payload=event_of(polled.arn, shard, batch, window).encode(),
        qualifier=mapping.qualifier,
        account=words[4],
        region=words[3],
        source=mapping.source,
        request_id=batch.request_id,
    )
    try:
        _, result = parts.service.invoke(call)
    except ApiError as error:
        status = "throttled" if error.code == 429 else "error"
        reason = error.fields.get("Reason") or error.error_type
        outcome = Outcome(status, 0, ran=False, error_type=str(reason))
    else:
        assert result is not None  # noqa: S101 - RequestResponse always has one
        batch.invoked += 1
        batch.response = Response(200, result.executed_version, result.function_error)
        outcome = _read(result, batch, settings)
    if polled.closed:
        return outcome
    parts.events.record(
        BatchFinished(
            **where,
            batch=batch.id,
            request_id=batch.request_id,
            status=outcome.status,
            failed=names[outcome.failed :],
            error_type=outcome.error_type,
        )
    )
    return outcome


def _read(result: InvokeResult, batch: Batch, settings: Settings) -> Outcome:
    whole = len(batch.records)
    answer = _json(result.payload)
    if result.function_error:
        error = answer.get("errorType") if isinstance(answer, dict) else None
        return Outcome("error", 0, error_type=str(error) if error else result.function_error)
    state = None
    if settings.tumbling and not batch.final:
        state = tumbling.next_state(answer)
        if state is None:
            return Outcome("error", 0)
    failed = failed_from(batch.names, result.payload) if settings.partial else whole
    if failed == whole:
        return Outcome("success", whole, state=state)
    return Outcome("partial" if failed else "error", failed, state=state if failed else None)


def _json(payload: bytes) -> object:
    try:
        found: object = json.loads(payload)
    except ValueError:
        return None
    return found
