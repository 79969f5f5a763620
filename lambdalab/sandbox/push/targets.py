"""Where EventBridge and its Scheduler can send something: functions, queues, topics and more."""

from __future__ import annotations

import json
from collections.abc import Callable

from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random

from lambdalab.i18n import message
from lambdalab.sandbox.push.delivery import Failure, to_queue, to_topic
from lambdalab.sandbox.push.hub import hub

__all__ = ["Invoke", "ToBus", "to_target"]

Invoke = Callable[[str, bytes], Failure | None]
"""Takes a function's ARN and the event: whether it may be invoked is the sender's affair."""
ToBus = Callable[[str, str], Failure | None]
"""Takes an event bus's ARN and the event's text."""


def to_target(
    arn: str, text: str, *, invoke: Invoke, to_bus: ToBus, group_id: str | None = None
) -> Failure | None:
    """Send a text to whatever the ARN names.

    Parameters
    ----------
    arn
        ARN of the target.
    text
        What it gets: JSON.
    invoke, to_bus
        How a function and an event bus are reached.
    group_id
        ``MessageGroupId`` for a FIFO queue.
    """
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    if service == "lambda":
        try:
            json.loads(text)
        except ValueError as error:
            return Failure("INVALID_JSON", f"the function's event is no JSON: {error}")
        return invoke(arn, text.encode())
    if service == "sqs":
        return to_queue(arn, text, group_id=group_id)
    if service == "sns":
        return to_topic(arn, text)
    if service == "logs":
        return _to_log_group(arn, text)
    if service == "events" and resource.startswith("event-bus/"):
        return to_bus(arn, text)
    return Failure("UNSUPPORTED_TARGET", message("push.unsupported_target", arn=arn))


def _to_log_group(arn: str, text: str) -> Failure | None:
    _, _, _, region, account, resource = arn.split(":", 5)
    name = resource.removeprefix("log-group:").removesuffix(":*")
    backend = logs_backends[account][region]
    if name not in backend.groups:
        return Failure("RESOURCE_NOT_FOUND", f"{arn} does not exist")
    stream = str(mock_random.uuid4())
    backend.create_log_stream(name, stream)
    event = {"timestamp": int(hub().clock.now() * 1000), "message": text}
    backend.put_log_events(name, stream, [event])
    return None
