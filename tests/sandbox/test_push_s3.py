"""S3 notifications: from an object to a function, a queue, a topic, EventBridge."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.rules.limits import RECURSION
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import RecursionDetected
from tests.conftest import Functions
from tests.sandbox.conftest import until
from tests.sandbox.pushing import (
    allow,
    function_arn,
    got,
    messages,
    queue,
    received,
    refusals,
    sources,
    subscriber,
)

_ANY = Callable[..., Any]
BUCKET = "photos"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
CREATED = "s3:ObjectCreated:*"
REMOVED = "s3:ObjectRemoved:*"


@pytest.fixture
def s3(clients: _ANY) -> Any:
    client = clients("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def rule(*events: str, arn: str | None = None, **filters: str) -> dict[str, Any]:
    made: dict[str, Any] = {"LambdaFunctionArn": arn or function_arn(), "Events": list(events)}
    if filters:
        rules = [{"Name": name, "Value": value} for name, value in filters.items()]
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made


def notify(s3: Any, *rules: dict[str, Any], **others: Any) -> None:
    configuration = {"LambdaFunctionConfigurations": list(rules)} | others
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)


def names(records: list[Any]) -> list[str]:
    return sorted(event["Records"][0]["eventName"] for event in records)


def test_a_put_reaches_the_function(sandbox: Sandbox, s3: Any, functions: Functions) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED) | {"Id": "mine"})
    s3.put_object(Bucket=BUCKET, Key="in/blue sky.jpg", Body=b"hello")
    (event,) = got(sandbox, 1)
    (record,) = event["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    thing = record["s3"]["object"]
    assert (thing["key"], thing["size"]) == ("in/blue+sky.jpg", 5)
    assert thing["eTag"] == "5d41402abc4b2a76b9719d911017c592" and "versionId" not in thing
    assert record["s3"]["configurationId"] == "mine"
    assert record["s3"]["bucket"]["arn"] == BUCKET_ARN
    assert sources(sandbox) == {"s3"}
    assert {one.invocation_type for one in received(sandbox)} == {"Event"}


def test_each_way_of_making_an_object_has_its_name(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED, "s3:ObjectTagging:*"))
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1", Tagging="x=y")
    s3.copy_object(Bucket=BUCKET, Key="b", CopySource={"Bucket": BUCKET, "Key": "a"})
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="c")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="c", UploadId=upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key="c",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.put_object_tagging(Bucket=BUCKET, Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    found = got(sandbox, 4)
    assert names(found) == [
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated:Copy",
        "ObjectCreated:Put",
        "ObjectTagging:Put",
    ]


def test_deletions_and_delete_markers(sandbox: Sandbox, s3: Any, functions: Functions) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(REMOVED))
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    s3.delete_object(Bucket=BUCKET, Key="a")
    assert names(got(sandbox, 1)) == ["ObjectRemoved:Delete"]
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        s3.put_object(Bucket=BUCKET, Key="b", Body=body)["VersionId"] for body in (b"1", b"2")
    ]
    marker = s3.delete_object(Bucket=BUCKET, Key="b")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="b", VersionId=versions[0])
    found = {
        record["s3"]["object"]["versionId"]: record["eventName"]
        for event in got(sandbox, 3)
        for record in event["Records"]
        if record["s3"]["object"]["key"] == "b"
    }
    assert found == {
        marker: "ObjectRemoved:DeleteMarkerCreated",
        versions[0]: "ObjectRemoved:Delete",
    }


def test_only_keys_that_fit_are_told_of(sandbox: Sandbox, s3: Any, functions: Functions) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED, Prefix="in/", Suffix=".jpg"))
    for key in ("out/a.jpg", "in/a.png", "in/a.jpg"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    (event,) = got(sandbox, 1)
    assert event["Records"][0]["s3"]["object"]["key"] == "in/a.jpg"
    time.sleep(0.1)
    assert len(got(sandbox, 1)) == 1


def test_later_events_of_a_key_have_greater_sequencers(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED))
    for size in range(5):
        s3.put_object(Bucket=BUCKET, Key="a", Body=b"x" * size)
    things = [event["Records"][0]["s3"]["object"] for event in got(sandbox, 5)]
    ordered = sorted(things, key=lambda thing: thing["sequencer"])
    assert [thing["size"] for thing in ordered] == list(range(5))


def test_a_function_that_does_not_let_s3_in_is_refused(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    functions.create()
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        notify(s3, rule(CREATED))
    allow(functions, "s3.amazonaws.com", "arn:aws:s3:::another-bucket")
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        notify(s3, rule(CREATED))
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(
        Bucket=BUCKET
    )


def test_a_permission_taken_back_is_a_refused_push(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED))
    functions.client.remove_permission(FunctionName="f", StatementId="push")
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"")
    (event,) = refusals(sandbox)
    assert (event.source, event.source_arn, event.function) == ("s3", BUCKET_ARN, "f")
    assert "lambda:InvokeFunction" in event.reason


def test_rules_that_overlap_are_refused(s3: Any, functions: Functions) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    with pytest.raises(ClientError, match="Configurations overlap"):
        notify(s3, rule(CREATED), rule("s3:ObjectCreated:Put"))
    with pytest.raises(ClientError, match="ambiguously defined"):
        notify(s3, rule(CREATED, prefix="in/"), rule(CREATED, prefix="in/a"))
    notify(s3, rule(CREATED, prefix="in/"), rule(CREATED, prefix="out/"))


def test_queues_and_topics_get_a_test_event_first(clients: _ANY, s3: Any) -> None:
    sqs, sns = clients("sqs"), clients("sns")
    url, arn = queue(sqs, "q")
    behind, behind_arn = queue(sqs, "behind")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=behind_arn)
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": [CREATED]}],
            "TopicConfigurations": [{"TopicArn": topic, "Events": [REMOVED]}],
        },
    )
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="a")
    first, second = [json.loads(one["Body"]) for one in messages(sqs, url, 2)]
    assert first["Event"] == "s3:TestEvent" and first["Bucket"] == BUCKET
    assert second["Records"][0]["eventName"] == "ObjectCreated:Put"
    first, second = [json.loads(one["Body"]) for one in messages(sqs, behind, 2)]
    assert second["Subject"] == "Amazon S3 Notification"
    assert json.loads(first["Message"])["Event"] == "s3:TestEvent"
    assert json.loads(second["Message"])["Records"][0]["eventName"] == "ObjectRemoved:Delete"


def test_a_configuration_comes_back_whole(s3: Any, functions: Functions) -> None:
    subscriber(functions, "s3.amazonaws.com", BUCKET_ARN)
    wanted = rule(CREATED, prefix="in/", suffix=".jpg") | {"Id": "mine"}
    notify(s3, wanted, EventBridgeConfiguration={})
    found = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert found["LambdaFunctionConfigurations"] == [wanted]
    assert found["EventBridgeConfiguration"] == {}
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(
        Bucket=BUCKET
    )


def test_a_queue_that_is_not_there_is_refused(s3: Any) -> None:
    gone = "arn:aws:sqs:us-east-1:123456789012:gone"
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": gone, "Events": [CREATED]}]
            },
        )


def test_through_eventbridge(
    sandbox: Sandbox, clients: _ANY, s3: Any, functions: Functions
) -> None:
    events = clients("events")
    arn = events.put_rule(
        Name="r",
        EventPattern=json.dumps(
            {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "in/"}]}}}
        ),
    )["RuleArn"]
    function = subscriber(functions, "events.amazonaws.com", arn)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": function}])
    notify(s3, EventBridgeConfiguration={})
    s3.put_object(Bucket=BUCKET, Key="in/blue sky.jpg", Body=b"hello", Tagging="x=y")
    s3.put_object(Bucket=BUCKET, Key="out", Body=b"hello")
    s3.delete_object(Bucket=BUCKET, Key="in/blue sky.jpg")
    created, deleted = sorted(got(sandbox, 2), key=lambda event: str(event["detail-type"]))
    assert created["detail-type"] == "Object Created" and created["resources"] == [BUCKET_ARN]
    assert created["detail"]["object"]["key"] == "in/blue sky.jpg"
    assert created["detail"]["reason"] == "PutObject"
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"
    assert sources(sandbox) == {"events"}


LOOP = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    key = event["Records"][0]["s3"]["object"]["key"]
    s3.put_object(Bucket="photos", Key=key + "x", Body=b"")
"""


def test_a_function_that_sets_itself_off_is_stopped(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    functions.create(code=LOOP, Timeout=30)
    allow(functions, "s3.amazonaws.com", BUCKET_ARN)
    notify(s3, rule(CREATED))
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"")
    found: list[RecursionDetected] = []

    def stopped() -> bool:
        found[:] = [one for one in sandbox.events() if isinstance(one, RecursionDetected)]
        return bool(found)

    assert until(stopped, 40)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert len(keys) == 1 + RECURSION.value and found[0].function == "f"


def test_a_burst_of_puts_does_not_wait_for_the_function(
    sandbox: Sandbox, s3: Any, functions: Functions
) -> None:
    functions.create(code="import time\ndef handler(event, context):\n    time.sleep(60)\n")
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    allow(functions, "s3.amazonaws.com", BUCKET_ARN)
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for number in range(300):
            pool.submit(s3.put_object, Bucket=BUCKET, Key=str(number), Body=b"")
    plain = time.monotonic() - started
    notify(s3, rule(CREATED))
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for number in range(300):
            pool.submit(s3.put_object, Bucket=BUCKET, Key=str(number), Body=b"")
    assert time.monotonic() - started < 3 * plain + 1
    assert len(received(sandbox)) == 300
