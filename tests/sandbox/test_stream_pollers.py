"""Kinesis mappings: where they begin, what makes a batch, and how they live on."""

from __future__ import annotations

import functools
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.rules.streams import lane_of
from lambdalab.sandbox.events import (
    BatchFinished,
    BatchStarted,
    RecordsDiscarded,
    RecordsFiltered,
    RecordsPolled,
    ShardBlocked,
)
from tests.conftest import TRUST, Clients, Functions
from tests.sandbox.conftest import Place, until
from tests.sandbox.streaming import (
    FAILS_ON_BAD,
    PRINTS,
    READER,
    Streams,
    streams,
    structure,
)

__all__ = ["streams"]

AWS_EVENT = {
    "Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "1",
                "sequenceNumber": "49545115243490985018280067714973144582180062593244200961",
                "data": "SGVsbG8=",
                "approximateArrivalTimestamp": 1545084650.987,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": "shardId-000000000006:49545115243490985018280067714973144582180062593",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
            "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
        }
    ]
}
"""Names and kinds as the developer guide has them."""


# -- where it begins ----------------------------------------------------------------------


def test_the_event_is_that_of_aws(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    (sequence,) = streams.put("hello", key="me")
    now = streams.box.clock.now()
    uuid = streams.map(arn)
    (event,) = streams.got()
    assert structure(event) == structure(AWS_EVENT)
    (record,) = event["Records"]
    assert record["kinesis"] == {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "me",
        "sequenceNumber": sequence,
        "data": "aGVsbG8=",
        "approximateArrivalTimestamp": pytest.approx(now, abs=0.002),
    }
    assert record["eventID"] == f"shardId-000000000000:{sequence}"
    assert record["invokeIdentityArn"] == streams.functions.role
    assert record["eventSourceARN"] == arn
    assert streams.mapping(uuid)["LastProcessingResult"] == "OK"


def test_trim_horizon_begins_with_the_oldest_and_latest_with_the_next(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    streams.put("old")
    streams.map(arn, StartingPosition="LATEST")
    streams.put("new")
    streams.advance()
    assert streams.texts() == [["new"]]


def test_a_moment_can_be_where_it_begins(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    streams.put("before")
    streams.advance(10)
    moment = streams.box.clock.now()
    streams.advance(1)
    streams.put("after")
    streams.map(
        arn,
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=datetime.fromtimestamp(moment, UTC),
    )
    assert streams.texts() == [["after"]]


def test_what_the_stream_keeps_no_longer_is_not_read(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    streams.put("forgotten")
    streams.advance(24 * 3600 + 1)
    streams.put("kept")
    streams.map(arn)
    assert streams.texts() == [["kept"]]


# -- batches ------------------------------------------------------------------------------


def test_records_come_in_order_and_in_batches(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    streams.put(*"abcdefg")
    streams.map(arn, BatchSize=3)
    assert streams.texts() == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


def test_a_window_waits_for_a_full_batch(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    uuid = streams.map(streams.create(), BatchSize=3, MaximumBatchingWindowInSeconds=30)
    streams.put("a", "b")
    streams.advance(29)
    assert streams.texts() == []
    streams.advance(2)
    assert streams.texts() == [["a", "b"]]
    streams.put("c", "d", "e", "f")
    streams.advance()
    assert streams.texts()[1:] == [["c", "d", "e"]]
    due = streams.box.clock.next()
    assert due is not None
    assert due.time == pytest.approx(streams.box.clock.now() + 30, abs=1)
    assert streams.box.clock.jump() == due
    assert streams.texts()[2:] == [["f"]]
    assert streams.mapping(uuid)["MaximumBatchingWindowInSeconds"] == 30


def test_an_event_is_never_larger_than_six_megabytes(streams: Streams) -> None:
    streams.functions.create(
        code="def handler(event, context):\n    print(len(event['Records']))\n", MemorySize=512
    )
    arn = streams.create()
    for _ in range(2):
        streams.put(*["x" * 1_000_000] * 5)
    streams.map(arn)
    sizes = [len(one.records) for one in streams.events(BatchStarted)]
    assert sizes == [4, 4, 2]
    assert {one.status for one in streams.events(BatchFinished)} == {"success"}


def test_filters_look_into_the_data(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    kept, dropped, text = streams.put('{"n": 5}', '{"n": 1}', "plain")
    pattern = json.dumps({"data": {"n": [{"numeric": [">", 3]}]}})
    streams.map(arn, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    assert streams.texts() == [['{"n": 5}']]
    (polled,) = streams.events(RecordsPolled)
    (passed,) = streams.events(RecordsFiltered)
    assert polled.records == (kept, dropped, text)
    assert passed.records == (dropped, text)


def test_lanes_keep_the_order_of_each_key(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    arn = streams.create()
    for number in range(6):
        for key in "acdefghi":
            streams.put(f"{'bad' if key == 'a' else key}{number}", key=key)
    streams.map(arn, ParallelizationFactor=4, BatchSize=2, MaximumRetryAttempts=-1)
    streams.advance(1)
    done = [text for batch in streams.texts() for text in batch]
    beside = {key for key in "cdefghi" if lane_of(key, 4) == lane_of("a", 4)}
    assert 0 < len(beside) < 7
    for key in "cdefghi":
        mine = [text for text in done if text.startswith(key)]
        whole = [f"{key}{number}" for number in range(6)]
        # Only the lane of the key that fails stands still.
        assert mine == whole or (key in beside and set(mine) <= {whole[0]})
    blocked = streams.events(ShardBlocked)
    assert len({one.batch for one in blocked}) == 1


# -- the life of a mapping ----------------------------------------------------------------


def test_what_was_done_is_not_done_again(streams: Streams, tmp_path: Any) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    uuid = streams.map(arn, BatchSize=2, ParallelizationFactor=3)
    streams.put("a", "b")
    streams.advance()
    streams.api.update_event_source_mapping(UUID=uuid, Enabled=False)
    streams.advance(5)
    streams.put("c")
    streams.advance(60)
    assert streams.texts() == [["a", "b"]]
    streams.box.save(tmp_path / "state")
    streams.box.load(tmp_path / "state")
    streams.api.update_event_source_mapping(UUID=uuid, Enabled=True)
    streams.advance(5)
    assert streams.texts() == [["c"]]  # the log begins anew with a restored state
    streams.put("d")
    streams.advance()
    streams.box.save(tmp_path / "state")
    streams.box.load(tmp_path / "state")
    streams.put("e")
    streams.advance(5)
    assert streams.texts() == [["e"]]


def test_new_values_hold_from_the_next_batch_on(streams: Streams) -> None:
    streams.functions.create(code=FAILS_ON_BAD)
    arn = streams.create()
    uuid = streams.map(arn, BatchSize=1)
    streams.put("bad", *"abcd")
    streams.advance(20)
    streams.api.update_event_source_mapping(
        UUID=uuid, BatchSize=10, MaximumRetryAttempts=0, ParallelizationFactor=2
    )
    streams.advance(60)
    assert [batch for batch in streams.texts() if batch != ["bad"]] in (
        [["a", "b", "c", "d"]],
        [["bad", "a", "b", "c", "d"]],
    )
    (given_up,) = streams.events(RecordsDiscarded)
    assert given_up.condition == "RetryAttemptsExhausted"


def test_the_role_must_be_able_to_read(streams: Streams, clients: Callable[..., Any]) -> None:
    streams.functions.create(code=PRINTS)
    arn = streams.create()
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"
    clients("iam").detach_role_policy(RoleName="lambda", PolicyArn=policy)
    with pytest.raises(ClientError, match="Cannot access stream"):
        streams.map(arn)
    clients("iam").attach_role_policy(RoleName="lambda", PolicyArn=policy)
    uuid = streams.map(arn)
    clients("iam").detach_role_policy(RoleName="lambda", PolicyArn=policy)
    streams.put("unseen")
    streams.advance()
    assert streams.texts() == []
    assert "Cannot access stream" in streams.mapping(uuid)["LastProcessingResult"]
    clients("iam").attach_role_policy(RoleName="lambda", PolicyArn=policy)
    streams.advance(61)
    assert streams.texts() == [["unseen"]]


SLOW = (
    PRINTS
    + """
    import time
    time.sleep(1)
"""
)


def test_a_mapping_that_is_deleted_finishes_what_is_in_flight(streams: Streams) -> None:
    streams.functions.create(code=SLOW)
    uuid = streams.map(streams.create())
    streams.put("a")
    assert until(lambda: streams.texts() == [["a"]])
    streams.put("b")
    streams.api.delete_event_source_mapping(UUID=uuid)
    assert streams.mapping(uuid)["State"] == "Deleting"
    streams.advance(5)
    assert [one.status for one in streams.events(BatchFinished)] == ["success"]
    with pytest.raises(ClientError, match="does not exist"):
        streams.mapping(uuid)
    streams.advance(60)
    assert streams.texts() == [["a"]]


def test_what_was_put_outlives_a_killed_sandbox(place: Place, all_clients: Clients) -> None:
    box = place.start()
    clients = functools.partial(all_clients, box)
    role = clients("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=TRUST)
    clients("iam").attach_role_policy(RoleName="lambda", PolicyArn=READER.format("Kinesis"))
    streams = Streams(box, clients, Functions(clients("lambda"), role["Role"]["Arn"]))
    streams.functions.create(code=PRINTS)
    arn = streams.create(shards=2)
    streams.map(arn, wait=False)
    numbers = [str(number) for number in range(40)]
    for number in numbers[:30]:
        streams.put(number, key=number)
    os.kill(box.pid, signal.SIGKILL)
    assert until(lambda: not box.alive)
    box = place.start()
    streams = Streams(box, functools.partial(all_clients, box), streams.functions)
    for number in numbers[30:]:
        streams.put(number, key=number)
    streams.advance(5)
    came = [text for batch in streams.texts() for text in batch]
    assert sorted(came, key=int) == numbers
