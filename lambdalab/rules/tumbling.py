"""Tumbling windows: how a function carries a state over the batches of a stretch of time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.rules.shapes.timestamps import to_seconds
from lambdalab.rules.source import Fact, Source

__all__ = [
    "SOURCE",
    "STATE_MAX",
    "next_state",
    "overflows",
    "window_fields",
    "window_of",
    "within",
]

SOURCE = Source("dg:services-kinesis-windows")
STATE_MAX: Fact[int] = Fact(
    1024 * 1024,
    "bytes",
    {"zh-TW": "翻滾時窗的狀態上限", "en": "state of a tumbling window"},
    SOURCE,
)


def window_of(arrived: float, length: int) -> tuple[float, float]:
    """Return begin and end of the tumbling window that a record belongs to, in epoch seconds.

    Windows are fixed and do not overlap; a record belongs to one by its arrival
    (:data:`SOURCE`).
    """
    start = arrived // length * length
    return start, start + length


def within(arrivals: Sequence[float], end: float) -> int:
    """Return how many of a lane's records, oldest first, come before a window's end."""
    for place, arrived in enumerate(arrivals):
        if arrived >= end:
            return place
    return len(arrivals)


def next_state(answer: object) -> dict[str, Any] | None:
    """Return the state that a function hands to its next invocation in the window.

    ``None``: the answer has no state, which makes it a failed invocation (:data:`SOURCE`).
    """
    state = answer.get("state") if isinstance(answer, dict) else None
    return state if isinstance(state, dict) else None


def overflows(state: Mapping[str, Any]) -> bool:
    """Tell whether a state is too large: its window ends early, and a fresh one begins."""
    return len(json.dumps(state, separators=(",", ":")).encode()) > STATE_MAX.value


def window_fields(
    start: float,
    end: float,
    *,
    state: Mapping[str, Any],
    shard: str,
    source_arn: str,
    final: bool,
    early: bool,
) -> dict[str, Any]:
    """Return what an event has beside ``Records`` when its mapping has a tumbling window.

    Parameters
    ----------
    start, end
        The window, in epoch seconds.
    state
        What the invocation before returned; empty in the first one of a window.
    shard, source_arn
        Where the records come from.
    final
        The window ends with this invocation.
    early
        It ends because its state grew too large.
    """
    return {
        "window": {"start": to_seconds(start), "end": to_seconds(end)},
        "state": dict(state),
        "shardId": shard,
        "eventSourceARN": source_arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }
