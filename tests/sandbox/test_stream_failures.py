"""What a failure holds up in a stream, what is given up, and shards that come and go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox.events import (
    BatchFinished,
    BatchSplit,
    BatchStarted,
    DestinationDelivered,
    RecordsDiscarded,
    ShardBlocked,
)
from tests.sandbox.streaming import FAILS_ON_BAD, PRINTS, Streams, streams

__all__ = ["streams"]


# -- failures -----------------------------------------------------------------------------


def test_a_failing_batch_blocks_its_shard_and_no_other(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    arn = streams.create(shards=2)
    first, second = _keys_of_two_shards(streams)
    streams.map(arn, BatchSize=1)
    start = streams.box.clock.now()
    streams.put("bad", "behind", "behind too", key=first)
    streams.put("fine", key=second)
    streams.advance()
    assert sorted(map(str, streams.texts())) == ["['bad']", "['fine']"]
    (blocked,) = streams.events(ShardBlocked)
    assert (blocked.attempt, blocked.waiting) == (2, 2)
    assert blocked.due == pytest.approx(start + 1, abs=0.01)
    streams.put("also fine", key=second)
    streams.advance(7)
    assert ["also fine"] in streams.texts()
    assert ["behind"] not in streams.texts()
    waits = [one.due - one.time for one in streams.events(ShardBlocked)]
    assert waits == pytest.approx([1, 2, 4, 8], abs=0.01)
    assert [one.attempt for one in streams.events(ShardBlocked)] == [2, 3, 4, 5]


def _keys_of_two_shards(streams: Streams) -> tuple[str, str]:
    """Return partition keys that go to the first and to the second of two shards."""
    found: dict[str, str] = {}
    for key in map(str, range(20)):
        answer = streams.kinesis.put_record(StreamName="s", PartitionKey=key, Data=b"warm up")
        found.setdefault(answer["ShardId"], key)
    streams.clients("kinesis").delete_stream(StreamName="s")
    streams.create(shards=2)
    return found["shardId-000000000000"], found["shardId-000000000001"]


def test_exhausted_retries_leave_a_record_without_the_data(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    streams.allow("sqs:SendMessage")
    arn = streams.create()
    first, last, _ = streams.put("bad", "innocent", "behind")
    uuid = streams.map(
        arn,
        BatchSize=2,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": streams.queue()}},
    )
    streams.advance(60)
    assert streams.texts() == [["bad", "innocent"]] * 3 + [["behind"]]
    (record,) = streams.received()
    assert "innocent" not in json.dumps(record)
    info = record.pop("KinesisBatchInfo")
    assert info["startSequenceNumber"] == first
    assert info["endSequenceNumber"] == last
    assert (info["batchSize"], info["streamArn"]) == (2, arn)
    assert info["shardId"] == "shardId-000000000000"
    assert info["approximateArrivalOfFirstRecord"].endswith("Z")
    context = record["requestContext"]
    attempts = streams.events(BatchStarted)
    assert context["condition"] == "RetryAttemptsExhausted"
    assert context["approximateInvokeCount"] == 3
    assert context["requestId"] == attempts[2].request_id
    assert context["functionArn"].endswith(":function:f")
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    (given_up,) = streams.events(RecordsDiscarded)
    assert given_up.records == (first, last)
    assert [one.attempt for one in attempts] == [1, 2, 3, 1]
    assert streams.mapping(uuid)["LastProcessingResult"] == "OK"


def test_a_destination_the_role_may_not_use_is_said_in_the_log(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    streams.allow("sqs:SendMessage")
    arn = streams.create()
    queue = streams.queue()
    streams.map(
        arn, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    streams.allow("sqs:ReceiveMessage")
    streams.put("bad")
    streams.advance(1)
    (delivered,) = streams.events(DestinationDelivered)
    assert delivered.error is not None
    assert "SendMessage" in delivered.error
    assert streams.received() == []


def test_a_destination_is_checked_before_the_mapping_is_there(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn, queue = streams.create(), streams.queue()

    def destination(place: str, target: str) -> dict[str, Any]:
        return {"DestinationConfig": {place: {"Destination": target}}}

    fifo = queue + ".fifo"
    function = "arn:aws:lambda:us-east-1:123456789012:function:g"
    for options, text in (
        (destination("OnFailure", queue), "does not have permissions to call"),
        (destination("OnFailure", queue + "x"), "is invalid"),
        (destination("OnFailure", fifo), "is invalid"),
        (destination("OnFailure", function), "is invalid"),
        (destination("OnSuccess", queue), "is invalid"),
    ):
        with pytest.raises(ClientError, match=text):
            streams.map(arn, **options)
    streams.allow("sqs:SendMessage")
    uuid = streams.map(arn, **destination("OnFailure", queue))
    with pytest.raises(ClientError, match="is invalid"):
        streams.api.update_event_source_mapping(UUID=uuid, **destination("OnFailure", fifo))


def test_s3_gets_the_whole_event_too(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    streams.allow("s3:PutObject", "s3:ListBucket")
    s3 = streams.clients("s3")
    s3.create_bucket(Bucket="failures")
    arn = streams.create()
    uuid = streams.map(
        arn,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    )
    streams.put("bad")
    streams.advance()
    (found,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    assert found["Key"].startswith(f"aws/lambda/{uuid}/shardId-000000000000/2")
    record = json.loads(s3.get_object(Bucket="failures", Key=found["Key"])["Body"].read())
    assert json.loads(record["payload"]) == streams.got()[0]


def test_bisecting_finds_the_one_bad_record(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    arn = streams.create()
    names = streams.put("a", "b", "c", "bad", "d", "e", "f", "g")
    streams.map(arn, BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    streams.advance(60)
    (given_up,) = streams.events(RecordsDiscarded)
    assert given_up.records == (names[3],)
    done = [text for batch in streams.texts() if "bad" not in batch for text in batch]
    assert done == ["a", "b", "c", "d", "e", "f", "g"]
    assert [one.parts for one in streams.events(BatchSplit)] == [(4, 4), (2, 2), (1, 1)]
    assert streams.texts().count(["bad"]) == 2


def test_a_reported_failure_is_the_checkpoint(streams: Streams) -> None:
    streams.functions.create(
        code=PRINTS
        + """
    failed = [one["kinesis"]["sequenceNumber"] for one, text
              in zip(event["Records"], texts(event)) if text.startswith("bad")]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in reversed(failed)]}
"""
    )
    arn = streams.create()
    names = streams.put("a", "bad 1", "b", "bad 2", "c")
    streams.map(
        arn, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1, BatchSize=5
    )
    streams.advance()
    streams.put("behind")
    streams.advance(10)
    # From the lowest on, all come again; with nothing left of the quota, all are given up.
    assert streams.texts() == [
        ["a", "bad 1", "b", "bad 2", "c"],
        ["bad 1", "b", "bad 2", "c"],
        ["behind"],
    ]
    first, second, _ = streams.events(BatchFinished)
    assert (first.status, first.failed) == ("partial", tuple(names[1:]))
    assert (second.status, second.failed) == ("error", tuple(names[1:]))


def test_records_that_are_too_old_are_given_up(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    streams.allow("sqs:SendMessage")
    arn = streams.create()
    streams.map(
        arn,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": streams.queue()}},
    )
    streams.put("bad")
    streams.advance(40)
    streams.put("good")
    streams.advance(60)
    (record,) = streams.received()
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == len(streams.texts()) - 1
    assert streams.texts()[-1] == ["good"]


def test_a_throttle_uses_nothing_of_the_quota(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    streams.api.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    arn = streams.create()
    streams.put("patient")
    streams.map(arn, MaximumRetryAttempts=0)
    streams.advance(120)
    assert {one.status for one in streams.events(BatchFinished)} == {"throttled"}
    assert streams.events(RecordsDiscarded) == []
    streams.api.delete_function_concurrency(FunctionName="f")
    streams.advance(60)
    assert streams.texts() == [["patient"]]


# -- shards that come and go --------------------------------------------------------------


def test_a_shard_is_read_before_those_that_come_out_of_it(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    arn = streams.create()
    streams.map(arn, MaximumRetryAttempts=3, BatchSize=1)
    streams.put("bad", "parent")
    streams.advance()
    streams.kinesis.split_shard(
        StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    streams.put("child")
    streams.advance(2)
    assert ["child"] not in streams.texts()
    streams.advance(30)
    assert streams.texts()[-2:] == [["parent"], ["child"]]
    streams.kinesis.merge_shards(
        StreamName="s",
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    streams.put("grandchild")
    streams.advance()
    assert streams.texts()[-1] == ["grandchild"]
    assert len(streams.texts()) == 4 + 3


def test_a_late_reader_takes_closed_shards_first(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    streams.put("one", "two")
    streams.kinesis.update_shard_count(
        StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING"
    )
    streams.put("three")
    streams.map(arn)
    assert streams.texts() == [["one", "two"], ["three"]]


def test_a_deleted_stream_is_a_problem_and_no_more(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    uuid = streams.map(streams.create())
    streams.put("bad")
    streams.advance()
    streams.kinesis.delete_stream(StreamName="s")
    streams.advance(600)
    assert streams.mapping(uuid)["LastProcessingResult"].startswith("PROBLEM: Stream not found")
    assert len(streams.texts()) < 4
