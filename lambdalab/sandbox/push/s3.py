"""S3: tells functions, queues, topics and EventBridge of objects that come and go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_api._internal import mock_random
from moto.s3 import models, notifications
from moto.utilities.utils import get_partition

from lambdalab.rules.shapes import s3 as shape
from lambdalab.sandbox.push import eventbridge, s3_configuration
from lambdalab.sandbox.push.delivery import Sender, to_function, to_queue, to_topic
from lambdalab.sandbox.push.hub import after_request, hub, trace_of_request
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install"]

_HERE = "127.0.0.1"
_EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
_DELETED = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT
_MARKED = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
_COMPLETED = notifications.S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT
_plain_delete = models.S3Backend.delete_object
_plain_complete = models.S3Backend.complete_multipart_upload
_only = threading.local()


def install() -> None:
    """Put ourselves in moto's place."""
    notifications.send_event = _send
    models.S3Backend.delete_object = _delete_object
    models.S3Backend.complete_multipart_upload = _complete_multipart_upload
    s3_configuration.install()


# -- what moto tells too much of, or too little -----------------------------------------------


@contextmanager
def _only_events(*events: Untyped) -> Iterator[None]:
    """Let nothing but these events out: moto calls other operations on its way."""
    _only.events = events
    try:
        yield
    finally:
        _only.events = None


def _complete_multipart_upload(self: Untyped, *arguments: Untyped, **options: Untyped) -> Untyped:
    with _only_events(_COMPLETED):
        return _plain_complete(self, *arguments, **options)


def _delete_object(
    self: Untyped,
    bucket_name: str,
    key_name: str,
    version_id: str | None = None,
    bypass: bool = False,
) -> tuple[bool, dict[str, Any]]:
    """Tell of delete markers, and of every version that goes: moto tells of the last only."""
    bucket = self.get_bucket(bucket_name)
    if not getattr(bucket, "is_versioned", False):
        plain: tuple[bool, dict[str, Any]] = _plain_delete(
            self, bucket_name, key_name, version_id=version_id, bypass=bypass
        )
        return plain
    gone = next(
        (one for one in bucket.keys.getlist(key_name, []) if str(one.version_id) == version_id),
        None,
    )
    with _only_events():
        found, meta = _plain_delete(
            self, bucket_name, key_name, version_id=version_id, bypass=bypass
        )
    if found and version_id is None:
        _send(self.account_id, _MARKED, bucket, bucket.keys[key_name])
    elif found and gone is not None:
        _send(self.account_id, _DELETED, bucket, gone)
    return found, meta


def _asked_for(family: str) -> bool:
    """Tell whether a request changes tags or permissions by itself, not with an object."""
    from flask import has_request_context, request

    if not has_request_context():
        return True
    return {"ObjectTagging": "tagging", "ObjectAcl": "acl"}[family] in request.args


# -- telling ----------------------------------------------------------------------------------


def _send(account_id: str, event_name: Untyped, bucket: Untyped, key: Untyped) -> None:
    """Tell all who want to know of one change of one object."""
    configuration = bucket.notification_configuration
    allowed = getattr(_only, "events", None)
    if configuration is None or key is None or (allowed is not None and event_name not in allowed):
        return
    name = str(event_name.value).removeprefix("s3:")
    family = name.partition(":")[0]
    if family in ("ObjectTagging", "ObjectAcl") and not _asked_for(family):
        return
    event = _object_event(account_id, name, bucket, key)
    sends = [*_to_destinations(configuration, event)]
    if configuration.event_bridge is not None:
        sends.append(lambda: _to_eventbridge(event))
    if sends:
        after_request(lambda: _all(sends))


def _all(sends: list[Callable[[], object]]) -> None:
    for send in sends:
        send()


def _object_event(account: str, name: str, bucket: Untyped, key: Untyped) -> shape.ObjectEvent:
    now = hub().clock.now()
    there = not name.startswith("ObjectRemoved")
    sized = there and not name.startswith(("ObjectTagging", "ObjectAcl"))
    marked = name == "ObjectRemoved:DeleteMarkerCreated"
    etag = key.etag.strip('"') if there else None
    return shape.ObjectEvent(
        name=name,
        time=now,
        region=bucket.region_name,
        bucket=bucket.name,
        account=account,
        key=key.name,
        sequencer=shape.sequencer(hub().numbers.after(now)),
        request_id=mock_random.get_random_hex(16).upper(),
        principal=f"AWS:{account}",
        source_ip=_HERE,
        size=key.size if sized else None,
        etag=_EMPTY_ETAG if marked else etag,
        version_id=str(key.version_id) if bucket.is_versioned else None,
        partition=get_partition(bucket.region_name),
    )


def _to_destinations(
    configuration: Untyped, event: shape.ObjectEvent
) -> Iterator[Callable[[], object]]:
    sender = Sender("s3", s3_configuration.PRINCIPAL, event.bucket_arn, event.account)
    trace_id = trace_of_request()
    for rule in s3_configuration.rules(configuration):
        if not shape.matches(rule.destination, event.name, event.key):
            continue
        text = json.dumps(shape.notification(event, rule.id))
        yield _send_to(rule.arn, text, sender, trace_id)


def _send_to(arn: str, text: str, sender: Sender, trace_id: str | None) -> Callable[[], object]:
    service = arn.split(":")[2]
    if service == "lambda":
        return lambda: to_function(arn, text.encode(), sender, trace_id=trace_id)
    if service == "sqs":
        return lambda: to_queue(arn, text)
    return lambda: to_topic(arn, text, subject=s3_configuration.SUBJECT)


def _to_eventbridge(event: shape.ObjectEvent) -> None:
    detail_type, detail = shape.eventbridge_detail(event)
    eventbridge.put_service_event(
        account=event.account,
        region=event.region,
        source="aws.s3",
        detail_type=detail_type,
        detail=detail,
        resources=(event.bucket_arn,),
        time=event.time,
    )
