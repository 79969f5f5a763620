"""Records of a DynamoDB stream as a function gets them (dg:with-ddb)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from lambdalab.rules.source import Source

__all__ = [
    "EVENT_VERSION",
    "ITEM_SIZE",
    "SOURCE",
    "dynamodb_record",
    "image_bytes",
    "record_bytes",
]

SOURCE = Source("dg:with-ddb")
ITEM_SIZE = Source(
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"
)

EVENT_VERSION = "1.1"

Image = Mapping[str, Mapping[str, Any]]
"""An item, or its keys: attribute name to ``{type: value}``."""

_IMAGES = ("Keys", "NewImage", "OldImage")
_NOT_SIGNIFICANT = re.compile(r"[eE].*$|[-+.]")
_CONTAINER = 3
"""Bytes of a list or map beside what is in it."""


def dynamodb_record(
    *,
    event_id: str,
    name: str,
    keys: Image,
    old: Image | None,
    new: Image | None,
    view: str,
    sequence: str,
    created: float,
    stream_arn: str,
    user_identity: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return one element of ``Records``.

    Parameters
    ----------
    event_id
        32 hex digits.
    name
        ``INSERT``, ``MODIFY`` or ``REMOVE``.
    keys
        The item's key.
    old, new
        The item before and after, as far as the stream shows it; ``None``: not shown.
    view
        ``StreamViewType`` of the stream.
    sequence
        Its sequence number.
    created
        When the change was made, in epoch seconds; the record shows whole ones.
    stream_arn
        The stream.
    user_identity
        Who made the change, if it was the service itself (time to live).
    """
    shown: dict[str, Any] = {
        "ApproximateCreationDateTime": float(int(created)),
        "Keys": dict(keys),
        "SequenceNumber": sequence,
        "StreamViewType": view,
    }
    if new is not None:
        shown["NewImage"] = dict(new)
    if old is not None:
        shown["OldImage"] = dict(old)
    shown["SizeBytes"] = record_bytes(shown)
    record: dict[str, Any] = {
        "eventID": event_id,
        "eventName": name,
        "eventVersion": EVENT_VERSION,
        "eventSource": "aws:dynamodb",
        "awsRegion": stream_arn.split(":")[3],
        "dynamodb": shown,
        "eventSourceARN": stream_arn,
    }
    if user_identity is not None:
        record["userIdentity"] = dict(user_identity)
    return record


def record_bytes(shown: Mapping[str, Any]) -> int:
    """Return ``SizeBytes`` of a stream record: its key and the images that it shows."""
    return sum(image_bytes(shown[part]) for part in _IMAGES if part in shown)


def image_bytes(image: Image) -> int:
    """Return how large DynamoDB counts an item, or a part of one, in bytes (:data:`ITEM_SIZE`)."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in image.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(str(held).encode())
        case "N":
            return _number_bytes(str(held))
        case "B":
            return _binary_bytes(held)
        case "SS":
            return sum(len(str(one).encode()) for one in held)
        case "NS":
            return sum(_number_bytes(str(one)) for one in held)
        case "BS":
            return sum(_binary_bytes(one) for one in held)
        case "L":
            return _CONTAINER + sum(1 + _value_bytes(one) for one in held)
        case "M":
            return _CONTAINER + sum(
                1 + len(name.encode()) + _value_bytes(one) for name, one in held.items()
            )
        case _:
            return 1  # BOOL and NULL


def _number_bytes(number: str) -> int:
    """Count one byte for two significant digits, and one more."""
    digits = _NOT_SIGNIFICANT.sub("", number).strip("0") or "0"
    return (len(digits) + 1) // 2 + 1 + number.startswith("-")


def _binary_bytes(held: str | bytes) -> int:
    return len(held) if isinstance(held, bytes) else len(base64.b64decode(held))
