"""What S3 tells when an object changes: Lambda, SQS and SNS in one shape, EventBridge in another.

Also which rule of a bucket's notification configuration an event matches, and which rules
cannot stand side by side.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.rules.shapes.timestamps import to_milliseconds
from lambdalab.rules.source import Source

__all__ = [
    "EVENTBRIDGE_SOURCE",
    "SOURCE",
    "Destination",
    "ObjectEvent",
    "eventbridge_detail",
    "matches",
    "notification",
    "overlap_problem",
    "sequencer",
    "test_event",
]

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
SOURCE = Source(f"{_GUIDE}notification-content-structure.html")
EVENTBRIDGE_SOURCE = Source(f"{_GUIDE}ev-events.html")
_FILTERING = Source(f"{_GUIDE}notification-how-to-filtering.html")

_NEWER = ("Lifecycle", "IntelligentTiering", "ObjectAcl", "ObjectTagging", "ObjectRestore:Delete")
_SEQUENCED = ("ObjectCreated:", "ObjectRemoved:")
_DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
    "ObjectRestore:Post": "Object Restore Initiated",
    "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectRestore:Delete": "Object Restore Expired",
    "LifecycleTransition": "Object Storage Class Changed",
    "IntelligentTiering": "Object Access Tier Changed",
    "ObjectAcl:Put": "Object ACL Updated",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
}
_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
    "LifecycleExpiration:Delete": "Lifecycle Expiration",
    "LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
}
_DELETIONS = {
    "Delete": "Permanently Deleted",
    "DeleteMarkerCreated": "Delete Marker Created",
}


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One change of one object."""

    name: str
    """Such as ``ObjectCreated:Put``, without ``s3:``."""
    time: float
    """Service time, epoch seconds."""
    region: str
    bucket: str
    account: str
    """Owner of the bucket."""
    key: str
    """As it is, not encoded."""
    sequencer: str
    """Hexadecimal digits; of two events of one key, the later has the greater."""
    request_id: str
    principal: str
    """Who did it, such as ``AWS:AIDA…``."""
    source_ip: str
    size: int | None = None
    """Bytes; ``None`` when the object is gone."""
    etag: str | None = None
    """Without quotation marks; ``None`` when the object is gone."""
    version_id: str | None = None
    """``None`` in a bucket without versions."""
    partition: str = "aws"

    @property
    def bucket_arn(self) -> str:
        """ARN of the bucket, which is what the event's source is."""
        return f"arn:{self.partition}:s3:::{self.bucket}"


@dataclass(frozen=True, slots=True)
class Destination:
    """One rule of a bucket's notification configuration."""

    events: tuple[str, ...]
    """Such as ``s3:ObjectCreated:*``."""
    prefix: str = ""
    suffix: str = ""


def sequencer(count: int) -> str:
    """Return a number as S3 writes a sequencer; greater numbers give greater texts."""
    return f"{count:018X}"


def notification(event: ObjectEvent, configuration_id: str) -> dict[str, Any]:
    """Return the event for Lambda, or the message's text for SQS and SNS (:data:`SOURCE`).

    Parameters
    ----------
    event
        What happened.
    configuration_id
        ``Id`` of the rule that matched.
    """
    thing: dict[str, Any] = {"key": urllib.parse.quote_plus(event.key, safe="/")}
    if event.size is not None:
        thing["size"] = event.size
    if event.etag is not None:
        thing["eTag"] = event.etag
    if event.version_id is not None:
        thing["versionId"] = event.version_id
    if event.name.startswith(_SEQUENCED):
        thing["sequencer"] = event.sequencer
    owner = {"principalId": _canonical(event.account)}
    record = {
        "eventVersion": "2.3" if event.name.startswith(_NEWER) else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": event.region,
        "eventTime": to_milliseconds(event.time),
        "eventName": event.name,
        "userIdentity": {"principalId": event.principal},
        "requestParameters": {"sourceIPAddress": event.source_ip},
        "responseElements": {
            "x-amz-request-id": event.request_id,
            "x-amz-id-2": _host_id(event.request_id),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {"name": event.bucket, "ownerIdentity": owner, "arn": event.bucket_arn},
            "object": thing,
        },
    }
    return {"Records": [record]}


def eventbridge_detail(event: ObjectEvent) -> tuple[str, dict[str, Any]]:
    """Return ``detail-type`` and ``detail`` for EventBridge (:data:`EVENTBRIDGE_SOURCE`).

    Raises
    ------
    ValueError
        S3 does not send such an event to EventBridge.
    """
    family, _, kind = event.name.partition(":")
    detail_type = _DETAIL_TYPES.get(event.name) or _DETAIL_TYPES.get(family)
    if detail_type is None:
        raise ValueError(f"S3 sends no {event.name!r} to EventBridge")
    thing: dict[str, Any] = {"key": event.key}
    if event.size is not None:
        thing["size"] = event.size
    if event.etag is not None:
        thing["etag"] = event.etag
    if event.version_id is not None:
        thing["version-id"] = event.version_id
    if event.name.startswith(_SEQUENCED):
        thing["sequencer"] = event.sequencer
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": event.bucket},
        "object": thing,
        "request-id": event.request_id,
        "requester": event.account,
        "source-ip-address": event.source_ip,
    }
    if event.name in _REASONS:
        detail["reason"] = _REASONS[event.name]
    if detail_type == "Object Deleted":
        detail["deletion-type"] = _DELETIONS[kind]
    return detail_type, detail


def test_event(bucket: str, time: float, request_id: str) -> dict[str, Any]:
    """Return what a queue or a topic gets when it becomes a destination; Lambda gets none."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": to_milliseconds(time),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": _host_id(request_id),
    }


test_event.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def matches(rule: Destination, name: str, key: str) -> bool:
    """Tell whether a rule wants the event ``name`` (without ``s3:``) of an object."""
    return (
        any(_common(wanted, f"s3:{name}") for wanted in rule.events)
        and key.startswith(rule.prefix)
        and key.endswith(rule.suffix)
    )


def overlap_problem(rules: Sequence[Destination]) -> tuple[str, str] | None:
    """Say why rules cannot be in one configuration: the message, and the events they share.

    For one event type, two rules may overlap in the prefix or in the suffix, not in both
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html).
    """
    for number, one in enumerate(rules):
        for other in rules[number + 1 :]:
            shared = [(a, b) for a in one.events for b in other.events if _common(a, b)]
            if not shared:
                continue
            prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
            suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
            if not (prefixes and suffixes):
                continue
            events = ", ".join(shared[0])
            if not (one.prefix or one.suffix or other.prefix or other.suffix):
                return (
                    "Configurations overlap. Configurations on the same bucket cannot share a "
                    "common event type.",
                    events,
                )
            return (
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two "
                "rules if the prefixes are overlapping for the same event type.",
                events,
            )
    return None


def _common(one: str, other: str) -> bool:
    """Tell whether two event types, of which either may end in ``*``, have one in common."""
    if one.endswith(":*") and other.startswith(one[:-1]):
        return True
    if other.endswith(":*") and one.startswith(other[:-1]):
        return True
    return one == other


def _canonical(account: str) -> str:
    """Return an id in the form of S3's owner ids, the same for the same account."""
    return f"A{int(account) if account.isdigit() else 0:013X}"


def _host_id(request_id: str) -> str:
    """Return an extended request id in S3's form, the same for the same request."""
    return (request_id * 5)[:75] + "="
