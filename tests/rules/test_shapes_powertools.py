"""Powertools for AWS Lambda reads our events as it reads AWS's."""

from __future__ import annotations

import dataclasses

from aws_lambda_powertools.utilities.data_classes import (
    CloudWatchLogsEvent,
    EventBridgeEvent,
    S3Event,
    S3EventBridgeNotificationEvent,
    SNSEvent,
)

from lambdalab.rules.shapes import eventbridge, logs, s3, scheduler, sns

NOON = 1_764_072_000.25

CHANGED = s3.ObjectEvent(
    name="ObjectCreated:Put",
    time=NOON,
    region="us-east-1",
    bucket="photos",
    account="123456789012",
    key="in/blue sky+1.jpg",
    sequencer=s3.sequencer(7),
    request_id="0123456789ABCDEF",
    principal="AWS:123456789012",
    source_ip="127.0.0.1",
    size=5,
    etag="5d41402abc4b2a76b9719d911017c592",
    version_id="v1",
)


def test_s3() -> None:
    event = S3Event(s3.notification(CHANGED, "rule-1"))
    assert (event.bucket_name, event.object_key) == ("photos", CHANGED.key)
    record = event.record
    assert (record.event_name, record.aws_region) == ("ObjectCreated:Put", "us-east-1")
    assert record.event_time == "2025-11-25T12:00:00.250Z"
    assert record.s3.configuration_id == "rule-1"
    assert record.s3.bucket.owner_identity.principal_id
    assert record.s3.get_object.etag == CHANGED.etag
    assert record.s3.get_object.size == CHANGED.size
    assert record.s3.get_object.version_id == "v1"
    assert record.s3.get_object.sequencer == CHANGED.sequencer
    assert record.response_elements["x-amz-id-2"] and record.request_parameters
    gone = dataclasses.replace(CHANGED, name="ObjectRemoved:Delete", size=None, etag=None)
    assert S3Event(s3.notification(gone, "r")).object_key == CHANGED.key


def test_s3_through_eventbridge() -> None:
    # Powertools decodes this key, too; S3 does not encode it for EventBridge.
    changed = dataclasses.replace(CHANGED, key="in/blue sky.jpg")
    detail_type, detail = s3.eventbridge_detail(changed)
    event = S3EventBridgeNotificationEvent(
        eventbridge.envelope(
            event_id="i",
            detail_type=detail_type,
            source="aws.s3",
            account=CHANGED.account,
            time=NOON,
            region=CHANGED.region,
            resources=(CHANGED.bucket_arn,),
            detail=detail,
        )
    )
    assert event.detail_type == "Object Created" and event.resources == [CHANGED.bucket_arn]
    assert event.detail.bucket.name == "photos"
    assert event.detail.object.key == changed.key and event.detail.object.size == CHANGED.size
    assert event.detail.object.etag == CHANGED.etag
    assert event.detail.object.version_id == "v1"
    assert event.detail.object.sequencer == CHANGED.sequencer
    assert event.detail.reason == "PutObject" and event.detail.requester == CHANGED.account
    assert event.detail.source_ip_address == CHANGED.source_ip


def test_sns() -> None:
    event = SNSEvent(
        sns.notification(
            topic_arn="arn:aws:sns:us-east-1:123456789012:t",
            subscription_arn="arn:aws:sns:us-east-1:123456789012:t:1",
            message_id="m",
            message="hello",
            time=NOON,
            subject="greeting",
            attributes={"colour": {"Type": "String", "Value": "blue"}},
        )
    )
    assert event.sns_message == "hello"
    message = event.record.sns
    assert event.record.event_subscription_arn.endswith(":1")
    assert (message.message_id, message.subject, message.get_type) == (
        "m",
        "greeting",
        "Notification",
    )
    assert message.message_attributes["colour"].value == "blue"
    assert message.timestamp == "2025-11-25T12:00:00.250Z"
    assert message.signature_version and message.signature
    assert message.signing_cert_url.startswith("https://")
    assert message.unsubscribe_url.startswith("https://")


def test_schedules() -> None:
    ticked = EventBridgeEvent(
        eventbridge.scheduled_event(
            event_id="i", rule_arn="arn:rule", account="1", time=NOON, region="us-east-1"
        )
    )
    assert (ticked.source, ticked.detail, ticked.replay_name) == ("aws.events", {}, None)
    assert (ticked.time, ticked.resources) == ("2025-11-25T12:00:00Z", ["arn:rule"])
    called = EventBridgeEvent(
        scheduler.default_event(
            event_id="i", schedule_arn="arn:s", account="1", time=NOON, region="us-east-1"
        )
    )
    assert (called.get_id, called.account, called.region) == ("i", "1", "us-east-1")
    assert (called.source, called.detail_type) == ("aws.scheduler", "Scheduled Event")


def test_logs() -> None:
    event = CloudWatchLogsEvent(
        logs.subscription_event(
            owner="123456789012",
            group="/aws/lambda/f",
            stream="s",
            filter_name="n",
            events=[logs.LogEvent(1, 2, "three")],
        )
    )
    data = event.parse_logs_data()
    assert (data.owner, data.log_group, data.log_stream) == ("123456789012", "/aws/lambda/f", "s")
    assert (data.subscription_filters, data.message_type) == (["n"], "DATA_MESSAGE")
    assert [(one.timestamp, one.message) for one in data.log_events] == [(2, "three")]
    assert len(data.log_events[0].get_id) == 56
