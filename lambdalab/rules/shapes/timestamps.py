"""Service time as the services write it into events."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["by_day", "to_milliseconds", "to_seconds"]


def by_day(time: float, unique: str) -> str:
    """Return how the key of an object that Lambda puts into S3 ends: day, second, a UUID."""
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{unique}"


def to_milliseconds(time: float) -> str:
    """Return ``2026-11-25T03:04:05.678Z`` for epoch seconds."""
    text = datetime.fromtimestamp(round(time, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def to_seconds(time: float) -> str:
    """Return ``2026-11-25T03:04:05Z`` for epoch seconds; fractions are dropped."""
    return datetime.fromtimestamp(int(time), UTC).isoformat().replace("+00:00", "Z")
