"""Every service of moto stamps and waits by the sandbox's service time."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from tests.conftest import TRUST, Functions
from tests.sandbox.conftest import until

_Clients = Callable[..., Any]
DAYS = 40 * 24.0
"""Hours ahead: so far that no stamp of the machine's time could pass."""


def _seconds(moment: Any) -> float:
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) / (1000 if float(moment) > 1e11 else 1)


def _sqs(clients: _Clients) -> list[Any]:
    sqs = clients("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    names = ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]
    got = sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=names)["Messages"][0]
    about = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["CreatedTimestamp"])
    return [*got["Attributes"].values(), about["Attributes"]["CreatedTimestamp"]]


def _sns(clients: _Clients) -> list[Any]:
    sns, sqs = clients("sns"), clients("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="x")
    body = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    return [datetime.fromisoformat(body["Timestamp"])]


def _s3(clients: _Clients) -> list[Any]:
    s3 = clients("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    made = s3.list_buckets()["Buckets"][0]["CreationDate"]
    listed = s3.list_objects_v2(Bucket="bucket")["Contents"][0]["LastModified"]
    return [made, listed, s3.head_object(Bucket="bucket", Key="k")["LastModified"]]


def _dynamodb(clients: _Clients) -> list[Any]:
    dynamodb, streams = clients("dynamodb"), clients("dynamodbstreams")
    made = dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}})
    stream = made["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    record = streams.get_records(ShardIterator=iterator)["Records"][0]["dynamodb"]
    return [made["CreationDateTime"], record["ApproximateCreationDateTime"]]


def _kinesis(clients: _Clients) -> list[Any]:
    kinesis = clients("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    kinesis.put_record(StreamName="k", Data=b"x", PartitionKey="1")
    iterator = kinesis.get_shard_iterator(
        StreamName="k", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    record = kinesis.get_records(ShardIterator=iterator)["Records"][0]
    about = kinesis.describe_stream_summary(StreamName="k")["StreamDescriptionSummary"]
    return [record["ApproximateArrivalTimestamp"], about["StreamCreationTimestamp"]]


def _events(clients: _Clients) -> list[Any]:
    events = clients("events")
    events.create_archive(
        ArchiveName="a", EventSourceArn="arn:aws:events:us-east-1:123456789012:event-bus/default"
    )
    return [events.describe_archive(ArchiveName="a")["CreationTime"]]


def _scheduler(clients: _Clients) -> list[Any]:
    scheduler, trust = clients("scheduler"), TRUST.replace("lambda.", "scheduler.")
    role = clients("iam").create_role(RoleName="scheduler", AssumeRolePolicyDocument=trust)
    target = {
        "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "RoleArn": role["Role"]["Arn"],
    }
    scheduler.create_schedule(
        Name="s",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    found = scheduler.get_schedule(Name="s")
    return [found["CreationDate"], found["LastModificationDate"]]


def _logs(clients: _Clients) -> list[Any]:
    logs = clients("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    group = logs.describe_log_groups()["logGroups"][0]["creationTime"]
    return [group, logs.describe_log_streams(logGroupName="g")["logStreams"][0]["creationTime"]]


def _iam(clients: _Clients) -> list[Any]:
    iam = clients("iam")
    return [
        iam.create_user(UserName="u")["User"]["CreateDate"],
        iam.create_access_key(UserName="u")["AccessKey"]["CreateDate"],
    ]


def _kms(clients: _Clients) -> list[Any]:
    return [clients("kms").create_key()["KeyMetadata"]["CreationDate"]]


def _cloudwatch(clients: _Clients) -> list[Any]:
    cloudwatch = clients("cloudwatch")
    cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}])
    cloudwatch.put_dashboard(DashboardName="d", DashboardBody="{}")
    return [cloudwatch.list_dashboards()["DashboardEntries"][0]["LastModified"]]


def _secrets(clients: _Clients) -> list[Any]:
    manager = clients("secretsmanager")
    manager.create_secret(Name="s", SecretString="x")
    return [manager.describe_secret(SecretId="s")["CreatedDate"]]


def _ssm(clients: _Clients) -> list[Any]:
    ssm = clients("ssm")
    ssm.put_parameter(Name="p", Value="x", Type="String")
    return [ssm.get_parameter(Name="p")["Parameter"]["LastModifiedDate"]]


@pytest.mark.parametrize(
    "stamps",
    [
        _sqs,
        _sns,
        _s3,
        _dynamodb,
        _kinesis,
        _events,
        _scheduler,
        _logs,
        _iam,
        _kms,
        _cloudwatch,
        _secrets,
        _ssm,
    ],
)
def test_a_service_stamps_service_time(
    sandbox: Sandbox, clients: _Clients, stamps: Callable[[_Clients], list[Any]]
) -> None:
    sandbox.clock.advance(hours=DAYS)
    before = sandbox.clock.now()
    found = [_seconds(moment) for moment in stamps(clients)]
    after = sandbox.clock.now()
    assert found and all(before - 1 <= moment <= after for moment in found), (before, found)


def test_lambda_and_its_log_stamp_service_time(
    sandbox: Sandbox, functions: Functions, clients: _Clients
) -> None:
    sandbox.clock.advance(hours=DAYS)
    before = sandbox.clock.now()
    code = "def handler(event, context):\n    print('here')\n"
    made = functions.create(code=code)
    functions.call()
    version = functions.client.publish_version(FunctionName="f")["Version"]
    functions.client.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier=version, ProvisionedConcurrentExecutions=1
    )
    kept = functions.client.get_provisioned_concurrency_config(FunctionName="f", Qualifier=version)
    events = clients("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    (line,) = [one for one in events if one["message"].startswith("here")]
    after = sandbox.clock.now()
    for shown in (made["LastModified"], kept["LastModified"]):
        assert before - 1 <= datetime.fromisoformat(shown).timestamp() <= after
    assert before - 1 <= line["timestamp"] / 1000 <= after
    assert before - 1 <= line["ingestionTime"] / 1000 <= after


def test_temporary_credentials_end_by_service_time(sandbox: Sandbox, clients: _Clients) -> None:
    sandbox.clock.advance(hours=DAYS)
    token = clients("sts").get_session_token(DurationSeconds=3600)["Credentials"]
    assert abs(token["Expiration"].timestamp() - sandbox.clock.now() - 3600) < 5


# -- SQS ----------------------------------------------------------------------


@pytest.fixture
def sqs(sandbox: Sandbox, clients: _Clients) -> Any:
    sandbox.clock.pause()
    return clients("sqs")


def _bodies(sqs: Any, queue: str, **options: Any) -> list[str]:
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **options)
    return [one["Body"] for one in found.get("Messages", [])]


def test_a_message_is_out_of_sight_for_its_visibility_timeout(sandbox: Sandbox, sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert _bodies(sqs, queue) == ["x"]
    sandbox.clock.advance(29.9)
    assert _bodies(sqs, queue) == []
    sandbox.clock.advance(0.1)
    assert _bodies(sqs, queue) == ["x"], "in sight again at the very moment"


def test_a_delayed_message_comes_at_its_time(sandbox: Sandbox, sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=60)
    sandbox.clock.advance(59.9)
    assert _bodies(sqs, queue) == []
    sandbox.clock.advance(0.1)
    assert _bodies(sqs, queue) == ["x"]


def test_a_message_is_kept_for_the_retention_period(sandbox: Sandbox, sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="old")
    sandbox.clock.advance(30)
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    sandbox.clock.advance(30)
    about = sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    assert about["ApproximateNumberOfMessages"] == "1"
    assert _bodies(sqs, queue) == ["new"], "what is gone holds up nothing behind it"


def test_fifo_forgets_a_deduplication_id_after_five_minutes(sandbox: Sandbox, sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def send() -> None:
        sqs.send_message(
            QueueUrl=queue, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d"
        )

    def receive() -> int:
        found = sqs.receive_message(QueueUrl=queue).get("Messages", [])
        for one in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return len(found)

    send()
    assert receive() == 1
    sandbox.clock.advance(299)
    send()
    assert receive() == 0, "the message is deleted, and its id remembered"
    sandbox.clock.advance(1)
    send()
    assert receive() == 1


def test_a_long_poll_ends_by_service_time(sandbox: Sandbox, sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(_bodies, sqs, queue, WaitTimeSeconds=20)
        time.sleep(0.2)
        assert not poll.done()
        sandbox.clock.advance(20)
        assert poll.result(timeout=5) == []
        sandbox.clock.resume()
        sandbox.settings(time_scale=200)
        assert _bodies(sqs, queue, WaitTimeSeconds=20) == []
    assert time.monotonic() - begun < 3


def test_a_long_poll_ends_though_the_clock_stands_still(sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    begun = time.monotonic()
    assert _bodies(sqs, queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - begun < 3


@pytest.mark.parametrize("how", ["sent", "delayed", "visible again", "released"])
def test_a_long_poll_gets_what_comes_meanwhile(sandbox: Sandbox, sqs: Any, how: str) -> None:
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    handle = ""
    if how in ("visible again", "released"):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    elif how == "delayed":
        sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=15)
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(_bodies, sqs, queue, WaitTimeSeconds=20)
        time.sleep(0.1)
        begun = time.monotonic()
        if how == "sent":
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        elif how == "released":
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
        elif how == "delayed":
            sandbox.settings(time_scale=100)
            sandbox.clock.resume()
        else:
            sandbox.clock.advance(30)
            # That was the end of the poll, too: what is there by then is handed over.
        assert poll.result(timeout=5) == ["x"]
        assert time.monotonic() - begun < 0.9


def test_receivers_at_one_time_never_get_the_same_message(sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    for start in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _bodies(sqs, queue), range(24)))
    assert sorted(int(body) for bodies in found for body in bodies) == list(range(200))


# -- Kinesis ------------------------------------------------------------------


def test_an_iterator_begins_at_a_service_time(sandbox: Sandbox, clients: _Clients) -> None:
    kinesis = clients("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    kinesis.put_record(StreamName="k", Data=b"early", PartitionKey="1")
    sandbox.clock.advance(hours=1)
    moment = sandbox.clock.now()
    sandbox.clock.advance(hours=1)
    kinesis.put_record(StreamName="k", Data=b"late", PartitionKey="1")
    iterator = kinesis.get_shard_iterator(
        StreamName="k",
        ShardId="shardId-000000000000",
        ShardIteratorType="AT_TIMESTAMP",
        Timestamp=moment,
    )["ShardIterator"]
    found = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [one["Data"] for one in found] == [b"late"]


# -- clients whose clock is the machine's --------------------------------------


def test_a_presigned_url_works_though_service_time_is_far_ahead(
    sandbox: Sandbox, clients: _Clients
) -> None:
    sandbox.clock.advance(hours=DAYS)
    s3 = clients("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "k"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.read() == b"x"


def test_only_service_time_is_scaled(sandbox: Sandbox, clients: _Clients) -> None:
    """A second of the machine's is a minute here, and a poll of a minute lasts a second."""
    sandbox.settings(time_scale=60)
    sqs = clients("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=30)
    assert _bodies(sqs, queue) == []
    assert until(lambda: _bodies(sqs, queue) == ["x"], 2)
