"""What EventBridge Scheduler hands to a target, and what it puts beside a dead letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.rules.shapes.timestamps import to_seconds
from lambdalab.rules.source import Source

__all__ = ["CONTEXT_SOURCE", "dead_letter_attributes", "default_event", "filled"]

_GUIDE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/"
CONTEXT_SOURCE = Source(f"{_GUIDE}managing-schedule-context-attributes.html")
DEAD_LETTER_SOURCE = Source(f"{_GUIDE}configuring-schedule-dlq.html")


def default_event(
    *, event_id: str, schedule_arn: str, account: str, time: float, region: str
) -> dict[str, Any]:
    """Return what a target without ``Input`` gets; its ``detail`` is a string.

    ``time`` is when the schedule was due, epoch seconds.
    """
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": to_seconds(time),
        "region": region,
        "resources": [schedule_arn],
        "detail": "{}",
    }


def filled(
    text: str, *, schedule_arn: str, scheduled: float, execution_id: str, attempt: int
) -> str:
    """Return an ``Input`` with its context attributes replaced (:data:`CONTEXT_SOURCE`).

    Parameters
    ----------
    text
        The target's ``Input``.
    schedule_arn
        ``<aws.scheduler.schedule-arn>``.
    scheduled
        ``<aws.scheduler.scheduled-time>``, epoch seconds.
    execution_id
        ``<aws.scheduler.execution-id>``.
    attempt
        ``<aws.scheduler.attempt-number>``, which counts from 1.
    """
    for name, value in (
        ("schedule-arn", schedule_arn),
        ("scheduled-time", to_seconds(scheduled)),
        ("execution-id", execution_id),
        ("attempt-number", str(attempt)),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def dead_letter_attributes(
    *,
    schedule_arn: str,
    target_arn: str,
    scheduled: float,
    execution_id: str,
    error_code: str,
    error_message: str,
    attempts: int,
    exhausted: str | None,
) -> Mapping[str, str]:
    """Return the message attributes of an invocation that reached no target.

    Parameters as in :func:`filled` and
    :func:`lambdalab.rules.shapes.eventbridge.dead_letter_attributes`.
    """
    found = {
        "ERROR_CODE": error_code,
        "ERROR_MESSAGE": error_message,
        "EXECUTION_ID": execution_id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(attempts),
        "SCHEDULED_TIME": to_seconds(scheduled),
        "SCHEDULE_ARN": schedule_arn,
        "TARGET_ARN": target_arn,
    }
    if exhausted is not None:
        found["EXHAUSTED_RETRY_CONDITION"] = exhausted
    return found
