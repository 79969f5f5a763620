"""The events of pushing services, held to the structure of what AWS sends."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.shapes import eventbridge, logs, s3, scheduler, sns, timestamps

NOON = 1_764_072_000.25  # 2025-11-25T12:00:00.250Z


def structure(value: Any) -> Any:
    """Return names and kinds, no values; of a list, the structure of its elements."""
    if isinstance(value, dict):
        return {name: structure(one) for name, one in value.items()}
    if isinstance(value, list):
        return [structure(one) for one in value]
    return type(value).__name__


# Written by hand after the guides' examples.
S3_RECORD = {
    "eventVersion": "str",
    "eventSource": "str",
    "awsRegion": "str",
    "eventTime": "str",
    "eventName": "str",
    "userIdentity": {"principalId": "str"},
    "requestParameters": {"sourceIPAddress": "str"},
    "responseElements": {"x-amz-request-id": "str", "x-amz-id-2": "str"},
    "s3": {
        "s3SchemaVersion": "str",
        "configurationId": "str",
        "bucket": {"name": "str", "ownerIdentity": {"principalId": "str"}, "arn": "str"},
        "object": {"key": "str", "size": "int", "eTag": "str", "sequencer": "str"},
    },
}
ENVELOPE = {
    "version": "str",
    "id": "str",
    "detail-type": "str",
    "source": "str",
    "account": "str",
    "time": "str",
    "region": "str",
    "resources": ["str"],
}


def changed(name: str = "ObjectCreated:Put", **values: Any) -> s3.ObjectEvent:
    usual: dict[str, Any] = {
        "time": NOON,
        "region": "us-east-1",
        "bucket": "photos",
        "account": "123456789012",
        "key": "in/blue sky+1.jpg",
        "sequencer": s3.sequencer(7),
        "request_id": "0123456789ABCDEF",
        "principal": "AWS:123456789012",
        "source_ip": "127.0.0.1",
        "size": 5,
        "etag": "5d41402abc4b2a76b9719d911017c592",
    }
    return s3.ObjectEvent(name=name, **(usual | values))


def test_s3_record_has_the_guides_structure_and_an_encoded_key() -> None:
    (record,) = s3.notification(changed(), "rule-1")["Records"]
    assert structure(record) == S3_RECORD
    assert record["eventName"] == "ObjectCreated:Put" and record["eventVersion"] == "2.1"
    assert record["eventTime"] == "2025-11-25T12:00:00.250Z"
    assert record["s3"]["configurationId"] == "rule-1"
    assert record["s3"]["object"]["key"] == "in/blue+sky%2B1.jpg"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::photos"


def test_s3_record_of_a_deletion_has_no_size() -> None:
    gone = changed("ObjectRemoved:Delete", size=None, etag=None, version_id="v1")
    thing = s3.notification(gone, "r")["Records"][0]["s3"]["object"]
    assert structure(thing) == {"key": "str", "versionId": "str", "sequencer": "str"}


def test_s3_tagging_is_of_the_newer_version_and_in_no_sequence() -> None:
    (record,) = s3.notification(changed("ObjectTagging:Put", size=None), "r")["Records"]
    assert record["eventVersion"] == "2.3"
    assert structure(record["s3"]["object"]) == {"key": "str", "eTag": "str"}


def test_s3_detail_for_eventbridge_names_the_key_as_it_is() -> None:
    detail_type, detail = s3.eventbridge_detail(changed(version_id="v1"))
    assert detail_type == "Object Created" and detail["reason"] == "PutObject"
    assert detail["object"]["key"] == "in/blue sky+1.jpg"
    assert structure(detail) == {
        "version": "str",
        "bucket": {"name": "str"},
        "object": {
            "key": "str",
            "size": "int",
            "etag": "str",
            "version-id": "str",
            "sequencer": "str",
        },
        "request-id": "str",
        "requester": "str",
        "source-ip-address": "str",
        "reason": "str",
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectRemoved:Delete", "Permanently Deleted"),
        ("ObjectRemoved:DeleteMarkerCreated", "Delete Marker Created"),
    ],
)
def test_s3_detail_of_a_deletion_says_which_kind(name: str, kind: str) -> None:
    detail_type, detail = s3.eventbridge_detail(changed(name, size=None, etag=None))
    assert detail_type == "Object Deleted"
    assert (detail["deletion-type"], detail["reason"]) == (kind, "DeleteObject")


def test_s3_sends_not_everything_to_eventbridge() -> None:
    with pytest.raises(ValueError, match="Replication"):
        s3.eventbridge_detail(changed("Replication:OperationNotTracked"))


def test_s3_test_event() -> None:
    assert structure(s3.test_event("photos", NOON, "0123456789ABCDEF")) == {
        "Service": "str",
        "Event": "str",
        "Time": "str",
        "Bucket": "str",
        "RequestId": "str",
        "HostId": "str",
    }


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_sequencers_sort_as_their_numbers(one: int, other: int) -> None:
    assert (s3.sequencer(one) < s3.sequencer(other)) == (one < other)


@pytest.mark.parametrize(
    ("events", "prefix", "suffix", "wanted"),
    [
        (("s3:ObjectCreated:*",), "", "", True),
        (("s3:ObjectCreated:Put",), "in/", ".jpg", True),
        (("s3:ObjectCreated:Copy",), "", "", False),
        (("s3:ObjectRemoved:*",), "", "", False),
        (("s3:ObjectCreated:*",), "out/", "", False),
        (("s3:ObjectCreated:*",), "", ".png", False),
    ],
)
def test_s3_rule_wants_an_event(
    events: tuple[str, ...], prefix: str, suffix: str, wanted: bool
) -> None:
    rule = s3.Destination(events, prefix, suffix)
    assert s3.matches(rule, "ObjectCreated:Put", "in/blue sky+1.jpg") is wanted


CREATED = ("s3:ObjectCreated:*",)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([s3.Destination(CREATED), s3.Destination(("s3:ObjectCreated:Put",))], "overlap"),
        ([s3.Destination(CREATED), s3.Destination(CREATED, "in/")], "ambiguously"),
        ([s3.Destination(CREATED, "in/"), s3.Destination(CREATED, "in/a")], "ambiguously"),
        ([s3.Destination(CREATED, "", "jpg"), s3.Destination(CREATED, "", "pg")], "ambiguously"),
        ([s3.Destination(CREATED, "in/"), s3.Destination(CREATED, "out/")], None),
        ([s3.Destination(CREATED, "in/", "a"), s3.Destination(CREATED, "in/", "b")], None),
        ([s3.Destination(CREATED), s3.Destination(("s3:ObjectRemoved:*",))], None),
    ],
)
def test_s3_rules_that_overlap_are_refused(
    rules: list[s3.Destination], problem: str | None
) -> None:
    found = s3.overlap_problem(rules)
    if problem is None:
        assert found is None
    else:
        assert found is not None and problem in found[0]


def test_sns_record() -> None:
    event = sns.notification(
        topic_arn="arn:aws:sns:eu-west-1:123456789012:news",
        subscription_arn="arn:aws:sns:eu-west-1:123456789012:news:1",
        message_id="95df01b4-0000-4000-8000-000000000000",
        message="hello",
        time=NOON,
        subject="greeting",
        attributes={"colour": {"Type": "String", "Value": "blue"}},
    )
    assert structure(event) == {
        "Records": [
            {
                "EventVersion": "str",
                "EventSubscriptionArn": "str",
                "EventSource": "str",
                "Sns": {
                    "SignatureVersion": "str",
                    "Timestamp": "str",
                    "Signature": "str",
                    "SigningCertUrl": "str",
                    "MessageId": "str",
                    "Message": "str",
                    "MessageAttributes": {"colour": {"Type": "str", "Value": "str"}},
                    "Type": "str",
                    "UnsubscribeUrl": "str",
                    "TopicArn": "str",
                    "Subject": "str",
                },
            }
        ]
    }
    assert "//sns.eu-west-1." in event["Records"][0]["Sns"]["SigningCertUrl"]


def test_sns_record_without_subject_says_so() -> None:
    event = sns.notification(
        topic_arn="arn:aws:sns:us-east-1:1:t",
        subscription_arn="s",
        message_id="m",
        message="",
        time=NOON,
    )
    assert event["Records"][0]["Sns"]["Subject"] is None
    assert event["Records"][0]["Sns"]["MessageAttributes"] == {}


def test_scheduled_event_of_a_rule() -> None:
    event = eventbridge.scheduled_event(
        event_id="i", rule_arn="arn:rule", account="123456789012", time=NOON, region="us-east-1"
    )
    assert structure(event) == ENVELOPE | {"detail": {}}
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["time"] == "2025-11-25T12:00:00Z" and event["resources"] == ["arn:rule"]


def test_replayed_event_names_its_replay() -> None:
    event = eventbridge.envelope(
        event_id="i",
        detail_type="d",
        source="s",
        account="1",
        time=NOON,
        region="r",
        replay_name="again",
    )
    assert event["replay-name"] == "again"


def test_schedule_without_input_sends_its_own_event() -> None:
    event = scheduler.default_event(
        event_id="i",
        schedule_arn="arn:schedule",
        account="123456789012",
        time=NOON,
        region="us-east-1",
    )
    assert structure(event) == ENVELOPE | {"detail": "str"}
    assert (event["source"], event["detail"]) == ("aws.scheduler", "{}")


def test_context_attributes_are_filled_in() -> None:
    text = '{"when": "<aws.scheduler.scheduled-time>", "n": <aws.scheduler.attempt-number>}'
    text = text.replace("}", ', "what": "<aws.scheduler.execution-id>", "x": "<other>"}')
    found = scheduler.filled(
        text, schedule_arn="arn", scheduled=NOON, execution_id="d32c5kddcf5bb8c3", attempt=2
    )
    assert json.loads(found) == {
        "when": "2025-11-25T12:00:00Z",
        "n": 2,
        "what": "d32c5kddcf5bb8c3",
        "x": "<other>",
    }


def test_dead_letters_name_what_was_exhausted_only_if_something_was() -> None:
    rule: dict[str, Any] = {
        "rule_arn": "r",
        "target_arn": "t",
        "error_code": "NO_PERMISSIONS",
        "error_message": "m",
        "attempts": 0,
    }
    assert "EXHAUSTED_RETRY_CONDITION" not in eventbridge.dead_letter_attributes(
        **rule, exhausted=None
    )
    tried = eventbridge.dead_letter_attributes(**rule, exhausted="MaximumRetryAttempts")
    assert tried["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_log_events_come_out_as_they_went_in(messages: list[str]) -> None:
    sent = [logs.LogEvent(number, 1000 + number, text) for number, text in enumerate(messages)]
    event = logs.subscription_event(
        owner="123456789012", group="g", stream="s", filter_name="f", events=sent
    )
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert structure(data) == {
        "messageType": "str",
        "owner": "str",
        "logGroup": "str",
        "logStream": "str",
        "subscriptionFilters": ["str"],
        "logEvents": [{"id": "str", "timestamp": "int", "message": "str"}] * len(messages),
    }
    assert [one["message"] for one in data["logEvents"]] == messages
    assert {len(one["id"]) for one in data["logEvents"]} == {56}


@pytest.mark.parametrize("time", [0.0, 0.9996, 1_764_072_000.9999])
def test_milliseconds_are_rounded_into_the_next_second(time: float) -> None:
    text = timestamps.to_milliseconds(time)
    assert len(text) == len("2025-11-25T12:00:00.250Z") and text.endswith("Z")
