"""What CloudWatch Logs hands to a function that subscribes to a log group."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.rules.source import Source

__all__ = ["SOURCE", "LogEvent", "subscription_event"]

SOURCE = Source("dg:services-cloudwatchlogs")


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One log event: a number of its own, its time in epoch milliseconds, its text."""

    number: int
    timestamp: int
    message: str


def subscription_event(
    *, owner: str, group: str, stream: str, filter_name: str, events: Sequence[LogEvent]
) -> dict[str, Any]:
    """Return the event: what matters is JSON, compressed by gzip, in base64 (:data:`SOURCE`).

    Parameters
    ----------
    owner
        Account of the log group.
    group, stream
        Where the log events were written.
    filter_name
        The subscription filter that they matched.
    events
        They themselves; not empty.
    """
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [filter_name],
        "logEvents": [
            {"id": f"{one.number:056d}", "timestamp": one.timestamp, "message": one.message}
            for one in events
        ],
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    # The same events give the same bytes: the header's time is left empty.
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text, mtime=0)).decode()}}
