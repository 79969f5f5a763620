"""Targets of records and dead letters as moto has them: there or not, allowed or not, sent to."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from lambdalab.rules import destinations as rules
from lambdalab.rules.destinations import TargetKind
from lambdalab.rules.retries import Condition
from lambdalab.sandbox.untyped import Untyped

__all__ = [
    "exists",
    "forbidden",
    "put_event",
    "put_object",
    "refusal",
    "send_to_queue",
    "send_to_topic",
    "tried",
]

Attributes = dict[str, tuple[str, str]]
"""Attributes of a message: name -> (data type, value)."""


def _place(arn: str) -> tuple[str, str, str]:
    """Return Region, account and resource of an ARN."""
    _, _, _, region, account, resource = arn.split(":", 5)
    return region, account, resource


def _queues(arn: str) -> Untyped:
    from moto.sqs.models import sqs_backends

    region, account, _ = _place(arn)
    return sqs_backends[account][region]


def _topics(arn: str) -> Untyped:
    from moto.sns.models import sns_backends

    region, account, _ = _place(arn)
    return sns_backends[account][region]


def _buses(arn: str) -> Untyped:
    from moto.events.models import events_backends

    region, account, _ = _place(arn)
    return events_backends[account][region]


def _buckets(account: str, arn: str) -> Untyped:
    from moto.s3.models import s3_backends

    return s3_backends[account][arn.split(":")[1]]


def exists(arn: str, *, account: str) -> bool:
    """Tell whether a target is there.

    Parameters
    ----------
    arn
        Of a queue, topic, function, event bus or bucket.
    account
        Of the function that sends: a bucket's ARN names none.
    """
    kind = rules.kind_of(arn)
    resource = _place(arn)[2]
    try:
        if kind is TargetKind.SQS:
            _queues(arn).get_queue(resource)
        elif kind is TargetKind.SNS:
            _topics(arn).get_topic(arn)
        elif kind is TargetKind.EVENTS:
            _buses(arn).describe_event_bus(resource.removeprefix("event-bus/"))
        elif kind is TargetKind.S3:
            _buckets(account, arn).get_bucket(resource)
        else:
            return kind is TargetKind.LAMBDA and _function_exists(arn)
    except Exception:  # noqa: BLE001 - each service has an error of its own for what is not there
        return False
    return True


def _function_exists(arn: str) -> bool:
    from lambdalab.sandbox.lambda_service import hooks

    words = arn.split(":")
    qualifier = words[7] if len(words) > 7 else None
    hooks.service().target(words[4], words[3], words[6], qualifier)
    return True


def forbidden(role: str, arn: str, key: str | None = None) -> str | None:
    """Return the first action that a role may not do, but must to send to a target.

    ``key``: as :func:`lambdalab.rules.destinations.permissions` has it.
    """
    from lambdalab.sandbox import permissions

    needed = rules.permissions(arn) if key is None else rules.permissions(arn, key)
    for action, resource in needed:
        if not permissions.role_may(role, action, resource):
            return action
    return None


def refusal(arn: str, *, account: str, role: str, key: str | None = None) -> str | None:
    """Say why nothing can be sent to a destination, or return ``None``.

    Parameters
    ----------
    arn
        Of the destination.
    account
        Of the function that sends.
    role
        Its execution role.
    key
        Of the object that a bucket gets.
    """
    if not exists(arn, account=account):
        return rules.target_invalid(arn)
    action = forbidden(role, arn, key)
    return None if action is None else rules.unpermitted(action, arn)


# -- sending ------------------------------------------------------------------------------


def tried(
    work: Callable[[], None],
    refused: Callable[[], str | None],
    passing: Callable[[], AbstractContextManager[None]],
) -> str | None:
    """Send, unless that is refused; return why it did not work.

    Parameters
    ----------
    work
        Sends.
    refused
        Says why nothing can be sent; ``None`` if nothing is in the way.
    passing
        Entered meanwhile, because moto's state is touched.
    """
    try:
        with passing():
            why = refused()
            if why is None:
                work()
            return why
    except Exception as error:  # noqa: BLE001 - whatever a service says, the log has it
        traceback.print_exc(file=sys.stderr)
        return str(getattr(error, "message", "") or error)


def send_to_queue(
    arn: str,
    text: str,
    *,
    trace: str | None = None,
    attributes: Attributes | None = None,
    group_id: str | None = None,
) -> None:
    """Send a message; ``group_id`` is for a FIFO queue."""
    given: dict[str, Any] = {
        name: {"DataType": kind, "StringValue": value}
        for name, (kind, value) in (attributes or {}).items()
    }
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else None
    _queues(arn).send_message(
        _place(arn)[2],
        text,
        message_attributes=given,
        system_attributes=system,
        group_id=group_id,
    )


def send_to_topic(
    arn: str, text: str, *, attributes: Attributes | None = None, subject: str | None = None
) -> None:
    """Publish a message."""
    given = {
        name: {"Type": kind, "Value": value} for name, (kind, value) in (attributes or {}).items()
    }
    _topics(arn).publish(text, arn=arn, subject=subject, message_attributes=given)


def put_event(arn: str, text: str, condition: Condition, function_arn: str) -> None:
    """Put an event on a bus.

    Raises
    ------
    ValueError
        EventBridge refuses it.
    """
    entry = rules.event_entry(text, condition=condition, function_arn=function_arn, bus=arn)
    answer = _buses(arn).put_events([entry])[0]
    if "ErrorCode" in answer:
        raise ValueError(f"{answer['ErrorCode']}: {answer['ErrorMessage']}")


def put_object(arn: str, key: str, text: str, *, account: str) -> None:
    """Put an object into a bucket of an account."""
    _buckets(account, arn).put_object(_place(arn)[2], key, text.encode())
