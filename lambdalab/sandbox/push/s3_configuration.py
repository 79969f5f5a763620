"""S3's notification configurations: taken only if every destination can be reached."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from moto.core.responses import ActionResult, EmptyResult
from moto.moto_api._internal import mock_random
from moto.s3 import models, responses
from moto.s3.exceptions import InvalidArgumentError, InvalidNotificationDestination

from lambdalab.rules.shapes import s3 as shape
from lambdalab.sandbox.push.delivery import Sender, forbidden, to_queue, to_topic
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.untyped import Untyped

__all__ = ["PRINCIPAL", "SUBJECT", "Rule", "install", "rules"]

PRINCIPAL = "s3.amazonaws.com"
SUBJECT = "Amazon S3 Notification"
_UNREACHED = "Unable to validate the following destination configurations"
_KINDS = {
    "topic": ("TopicConfigurations", "TopicArn"),
    "queue": ("QueueConfigurations", "QueueArn"),
    "cloud_function": ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
}
_NAME = re.compile(r"<Name>(prefix|suffix)</Name>", re.IGNORECASE)
_plain_read = responses.S3Response._notification_config_from_body


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a bucket: what is wanted, and whose it is."""

    id: str
    arn: str
    destination: shape.Destination


def install() -> None:
    """Put ourselves in moto's place."""
    models.FakeBucket.set_notification_configuration = _set
    responses.S3Response._notification_config_from_body = _read
    responses.S3Response.get_bucket_notification = _get


def rules(configuration: Untyped) -> Iterator[Rule]:
    """Yield the rules of a configuration that moto holds, EventBridge aside."""
    for one in (*configuration.cloud_function, *configuration.queue, *configuration.topic):
        filters = (one.filters.get("S3Key") or {}).get("FilterRule") or ()
        found = {rule["Name"]: rule["Value"] or "" for rule in filters}
        yield Rule(
            one.id,
            one.arn,
            shape.Destination(tuple(one.events), found.get("prefix", ""), found.get("suffix", "")),
        )


def _read(self: Untyped) -> Untyped:
    """Take ``Prefix`` for ``prefix``, as S3 does; refuse two of one kind in one rule."""
    body = self.body.decode() if isinstance(self.body, bytes) else self.body
    self.body = _NAME.sub(lambda match: f"<Name>{match[1].lower()}</Name>", body)
    read = _plain_read(self)
    for kind in ("CloudFunction", "Queue", "Topic"):
        for one in read.get(f"{kind}Configuration") or ():
            filters = (one.get("Filter") or {}).get("S3Key") or {}
            names = [rule["Name"] for rule in filters.get("FilterRule", ())]
            for name in ("prefix", "suffix"):
                if names.count(name) > 1:
                    text = f"Cannot specify more than one {name} rule in a filter."
                    raise InvalidArgumentError(text, "FilterRule.Name", name)
    return read


def _get(self: Untyped) -> Untyped:
    """Answer with the whole configuration: moto leaves out what goes to EventBridge."""
    configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
    if not configuration:
        return self.serialized(EmptyResult())
    found: dict[str, Untyped] = {}
    for kind, (name, arn) in _KINDS.items():
        found[name] = [
            {"Id": one.id, arn: one.arn, "Events": one.events, **_filter(one)}
            for one in getattr(configuration, kind)
        ]
    if configuration.event_bridge is not None:
        found["EventBridgeConfiguration"] = {}
    self.data["Action"] = "GetBucketNotificationConfiguration"
    return self.serialized(ActionResult(found))


def _filter(one: Untyped) -> dict[str, Untyped]:
    if not one.filters:
        return {}
    return {"Filter": {"Key": {"FilterRules": one.filters["S3Key"]["FilterRule"]}}}


def _set(self: Untyped, notification_config: dict[str, Untyped] | None) -> None:
    """Check a bucket's configuration as a whole; one that is not right changes nothing."""
    if not notification_config:
        self.notification_configuration = None
        return
    wanted = models.NotificationConfiguration(
        topic=notification_config.get("TopicConfiguration"),
        queue=notification_config.get("QueueConfiguration"),
        cloud_function=notification_config.get("CloudFunctionConfiguration"),
        event_bridge=notification_config.get("EventBridgeConfiguration"),
    )
    found = list(rules(wanted))
    if any(rule.arn.split(":")[3] != self.region_name for rule in found):
        raise InvalidNotificationDestination
    problem = shape.overlap_problem([rule.destination for rule in found])
    if problem is not None:
        text, events = problem
        raise InvalidArgumentError(text, "Event", events)
    if not _skips_validation():
        _validate(self, found)
    self.notification_configuration = wanted


def _skips_validation() -> bool:
    from flask import has_request_context, request

    if not has_request_context():
        return False
    return str(request.headers.get("x-amz-skip-destination-validation", "")).lower() == "true"


def _validate(bucket: Untyped, found: list[Rule]) -> None:
    """Ask every function's policy, and send queues and topics the test event."""
    for arn in dict.fromkeys(rule.arn for rule in found):
        problem = _problem(bucket, arn)
        if problem is not None:
            raise InvalidArgumentError(_UNREACHED, f"{arn}, null", problem)


def _problem(bucket: Untyped, arn: str) -> str | None:
    service = arn.split(":")[2]
    if service == "lambda":
        sender = Sender("s3", PRINCIPAL, bucket.arn, bucket.account_id)
        allowed = forbidden(arn, sender) is None
        return None if allowed else f"Not authorized to invoke function [{arn}]"
    text = json.dumps(
        shape.test_event(bucket.name, hub().clock.now(), mock_random.get_random_hex(16).upper())
    )
    if service == "sqs":
        missing = to_queue(arn, text)
        return None if missing is None else "The destination queue does not exist"
    missing = to_topic(arn, text, subject=SUBJECT)
    return None if missing is None else "The destination topic does not exist"
