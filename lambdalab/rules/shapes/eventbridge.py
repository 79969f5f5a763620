"""The envelope of every event on an event bus, and what EventBridge puts beside a dead letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.rules.shapes.timestamps import to_seconds
from lambdalab.rules.source import Source

__all__ = ["DEAD_LETTER_SOURCE", "SOURCE", "dead_letter_attributes", "envelope", "scheduled_event"]

_GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
SOURCE = Source(f"{_GUIDE}eb-events-structure.html")
DEAD_LETTER_SOURCE = Source(f"{_GUIDE}eb-rule-dlq.html")


def envelope(
    *,
    event_id: str,
    detail_type: str,
    source: str,
    account: str,
    time: float,
    region: str,
    resources: Sequence[str] = (),
    detail: object = None,
    replay_name: str | None = None,
) -> dict[str, Any]:
    """Return an event as rules match it and targets get it (:data:`SOURCE`).

    Parameters
    ----------
    event_id
        UUID of the event.
    detail_type, source, resources, detail
        What its sender said.
    account, region
        Where it was sent.
    time
        When, epoch seconds.
    replay_name
        The replay that sent it again, if one did.
    """
    event: dict[str, Any] = {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": to_seconds(time),
        "region": region,
        "resources": list(resources),
        "detail": {} if detail is None else detail,
    }
    if replay_name is not None:
        event["replay-name"] = replay_name
    return event


def scheduled_event(
    *, event_id: str, rule_arn: str, account: str, time: float, region: str
) -> dict[str, Any]:
    """Return the event of a rule with a schedule; ``time`` is when it was due, epoch seconds."""
    return envelope(
        event_id=event_id,
        detail_type="Scheduled Event",
        source="aws.events",
        account=account,
        time=time,
        region=region,
        resources=(rule_arn,),
    )


def dead_letter_attributes(
    *,
    rule_arn: str,
    target_arn: str,
    error_code: str,
    error_message: str,
    attempts: int,
    exhausted: str | None,
) -> Mapping[str, str]:
    """Return the message attributes of an event that reached no target.

    As :data:`DEAD_LETTER_SOURCE` names them.

    Parameters
    ----------
    rule_arn, target_arn
        Which rule wanted it where.
    error_code, error_message
        The last failure, such as ``NO_PERMISSIONS``.
    attempts
        Retries that were made.
    exhausted
        ``MaximumRetryAttempts`` or ``MaximumEventAgeInSeconds``; ``None`` if the error is one
        that is never tried again.
    """
    found = {
        "ERROR_CODE": error_code,
        "ERROR_MESSAGE": error_message,
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
    }
    if exhausted is not None:
        found |= {"EXHAUSTED_RETRY_CONDITION": exhausted, "RETRY_ATTEMPTS": str(attempts)}
    return found
