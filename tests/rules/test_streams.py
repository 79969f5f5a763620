"""Streams: what makes a batch, what becomes of one that fails, windows, and what is left of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import discards, streams, tumbling
from lambdalab.rules.discards import BatchInfo, Condition
from lambdalab.rules.shapes.dynamodb import dynamodb_record, image_bytes
from lambdalab.rules.shapes.kinesis import filtered_view, kinesis_record
from lambdalab.rules.streams import Cut, Fate, Verdict

NOW = 1_700_000_000.0
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
TABLE_STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"


# -- lanes and batches --------------------------------------------------------------------


@given(st.text(max_size=20), st.integers(1, 10))
def test_a_key_stays_in_its_lane(key: str, factor: int) -> None:
    lane = streams.lane_of(key, factor)
    assert lane == streams.lane_of(key, factor)
    assert 0 <= lane < factor


def test_keys_spread_over_all_lanes() -> None:
    assert {streams.lane_of(str(key), 10) for key in range(500)} == set(range(10))


def cut(sizes: list[int], **changes: Any) -> Cut:
    given: dict[str, Any] = {"first": NOW, "now": NOW, "batch_size": 10}
    return streams.cut(sizes, **(given | changes))


def test_without_a_window_whatever_is_there_goes_at_once() -> None:
    assert cut([100] * 3) == Cut(3)
    assert cut([100] * 12) == Cut(10)
    assert cut([]) == Cut(0)


def test_a_window_waits_for_a_full_batch_or_its_end() -> None:
    assert cut([100] * 3, window=20.0) == Cut(0, NOW + 20)
    assert cut([100] * 10, window=20.0) == Cut(10)
    assert cut([100] * 3, window=20.0, now=NOW + 20) == Cut(3)
    assert cut([100] * 3, window=20.0, closed=True) == Cut(3)


def test_a_payload_of_six_megabytes_is_complete_before_its_window_ends() -> None:
    megabyte = 1024 * 1024
    assert cut([megabyte] * 8, window=300.0) == Cut(5)


def test_a_record_that_is_too_large_goes_alone() -> None:
    assert cut([7 * 1024 * 1024, 10]) == Cut(1)


@given(st.lists(st.integers(1, 3_000_000), max_size=30), st.integers(1, 20))
def test_a_batch_is_never_larger_than_it_may_be(sizes: list[int], batch_size: int) -> None:
    count = cut(sizes, batch_size=batch_size).count
    assert count <= batch_size
    assert count <= 1 or sum(sizes[:count]) < 6 * 1024 * 1024
    assert bool(count) == bool(sizes)


def test_kinesis_sequence_numbers_look_like_aws_and_grow() -> None:
    last, seen = 0, []
    for moment in (NOW, NOW, NOW - 5, NOW + 1, NOW + 1):
        last = streams.kinesis_sequence(moment, 3, last)
        seen.append(last)
    assert seen == sorted(set(seen))
    assert all(len(str(one)) == 56 and str(one).startswith("49") for one in seen)


# -- partial batches ----------------------------------------------------------------------

NAMES = ["101", "102", "103", "104"]


def failures(*names: object) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in names]}).encode()


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (failures(), 4),
        (b"null", 4),
        (b"{}", 4),
        (b'{"batchItemFailures": null}', 4),
        (failures("103"), 2),
        (failures("104", "102"), 1),
        (failures("101"), 0),
        (failures(""), 0),
        (failures(None), 0),
        (failures("999"), 0),
        (b'{"batchItemFailures": [{"id": "103"}]}', 0),
        (b'"oops"', 0),
    ],
)
def test_the_lowest_failure_is_the_checkpoint(answer: bytes, place: int) -> None:
    assert streams.failed_from(NAMES, answer) == place


# -- after a failure ----------------------------------------------------------------------


def after(count: int, retries: int = 0, **changes: Any) -> Verdict:
    given: dict[str, Any] = {"bisect_on_error": False, "max_retries": streams.FOREVER}
    return streams.after_error(count, retries, **(given | changes))


def test_the_quota_of_retries() -> None:
    assert after(5, 0, max_retries=2).fate is Fate.RETRY
    assert after(5, 1, max_retries=2).fate is Fate.RETRY
    assert after(5, 2, max_retries=2).fate is Fate.DISCARD
    assert after(5, 0, max_retries=0).fate is Fate.DISCARD
    assert after(5, 10_000).fate is Fate.RETRY


def test_splitting_takes_nothing_from_the_quota() -> None:
    assert after(5, 0, bisect_on_error=True, max_retries=0) == Verdict(Fate.SPLIT, 2)
    assert after(1, 0, bisect_on_error=True, max_retries=0).fate is Fate.DISCARD
    assert after(5, 9, bisect_on_error=True, max_retries=2) == Verdict(Fate.SPLIT, 2)


def test_a_reported_failure_is_where_a_batch_is_split() -> None:
    assert after(5, failed=3, bisect_on_error=True) == Verdict(Fate.SPLIT, 3)
    assert after(5, failed=3).fate is Fate.RETRY


@given(st.integers(2, 10_000))
def test_bisecting_ends_at_single_records(count: int) -> None:
    rounds = 0
    while count > 1:
        first = streams.bisect(count)
        assert 0 < first < count
        count -= first
        rounds += 1
    assert rounds <= 14


def test_waits_double_up_to_a_limit_that_is_said_to_be_assumed() -> None:
    assert [streams.backoff(count) for count in (1, 2, 3, 7, 99)] == [1, 2, 4, 60, 60]
    assert streams.BACKOFF_FIRST.source is None
    assert streams.BACKOFF_LIMIT.source is None


def test_the_age_at_which_a_record_is_given_up() -> None:
    day = 86_400.0
    assert streams.age_limit(streams.FOREVER, day) == day
    assert streams.age_limit(60, day) == 60
    assert streams.age_limit(604_800, day) == day
    assert not streams.expired(NOW - 60, NOW, 60)
    assert streams.expired(NOW - 60.5, NOW, 60)


# -- tumbling windows ---------------------------------------------------------------------


def test_windows_are_fixed_and_do_not_overlap() -> None:
    start, end = tumbling.window_of(NOW + 59, 30)
    assert end - start == 30
    assert start <= NOW + 59 < end
    assert tumbling.window_of(end, 30) == (end, end + 30)
    assert tumbling.within([start, end - 0.001, end, end + 1], end) == 2
    assert tumbling.within([start], end) == 1


def test_an_answer_without_state_is_none() -> None:
    assert tumbling.next_state({"state": {"a": 1}}) == {"a": 1}
    assert tumbling.next_state({"state": {}}) == {}
    for answer in ({}, None, "text", {"state": None}, {"state": [1]}):
        assert tumbling.next_state(answer) is None


def test_a_state_of_more_than_a_megabyte_ends_its_window() -> None:
    assert not tumbling.overflows({"a": "x" * 1_000_000})
    assert tumbling.overflows({"a": "x" * 1_100_000})


def test_the_fields_of_a_window_are_those_of_aws() -> None:
    fields = tumbling.window_fields(
        1_607_497_440.0,
        1_607_497_560.0,
        state={"k": 2},
        shard="shardId-000000000002",
        source_arn=STREAM,
        final=False,
        early=False,
    )
    assert fields == {
        "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
        "state": {"k": 2},
        "shardId": "shardId-000000000002",
        "eventSourceARN": STREAM,
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }


# -- shapes -------------------------------------------------------------------------------


def kinesis(data: bytes) -> dict[str, Any]:
    return kinesis_record(
        shard="shardId-000000000001",
        sequence="49",
        partition_key="user-7",
        data=base64.b64encode(data).decode(),
        arrived=NOW + 0.98765,
        stream_arn=STREAM,
        role_arn="arn:aws:iam::123456789012:role/reader",
    )


def test_a_kinesis_record_is_aws_own() -> None:
    record = kinesis(b"click")
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "user-7",
            "sequenceNumber": "49",
            "data": "Y2xpY2s=",
            "approximateArrivalTimestamp": 1_700_000_000.988,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": "shardId-000000000001:49",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/reader",
        "awsRegion": "eu-west-1",
        "eventSourceARN": STREAM,
    }


def test_filters_see_the_data_decoded() -> None:
    assert filtered_view(kinesis(b'{"a": 1}'))["data"] == '{"a": 1}'
    assert filtered_view(kinesis(b"\xff\xfe"))["data"] == base64.b64encode(b"\xff\xfe").decode()


def test_a_dynamodb_record_is_aws_own() -> None:
    keys = {"Id": {"N": "101"}}
    old = {"Message": {"S": "New item!"}, "Id": {"N": "101"}}
    new = {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}}
    record = dynamodb_record(
        event_id="e" * 32,
        name="MODIFY",
        keys=keys,
        old=old,
        new=new,
        view="NEW_AND_OLD_IMAGES",
        sequence="222",
        created=NOW + 0.7,
        stream_arn=TABLE_STREAM,
    )
    assert record == {
        "eventID": "e" * 32,
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": NOW,
            "Keys": keys,
            "NewImage": new,
            "OldImage": old,
            "SequenceNumber": "222",
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": TABLE_STREAM,
    }


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "101"}, 3),
        ({"N": "-12"}, 3),
        ({"N": "1200"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": "AAEC"}, 3),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_sizes_are_dynamodbs(value: dict[str, Any], size: int) -> None:
    assert image_bytes({"a": value}) == 1 + size


def discarded(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "request_id": "c9b8fa9f-0000-4a7f-8000-0c604cde93a5",
        "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
        "condition": Condition.RETRIES,
        "invoke_count": 4,
        "response": discards.Response(200, "$LATEST", "Unhandled"),
        "now": 1_573_691_886.021,
        "batch": BatchInfo(
            field="KinesisBatchInfo",
            shard="shardId-000000000001",
            stream_arn=STREAM,
            first="491",
            last="492",
            first_arrived=1_573_691_884.835,
            last_arrived=1_573_691_885.0,
            size=2,
        ),
    }
    return discards.discard_record(**(given | changes))


def test_the_on_failure_record_says_where_the_records_are_and_not_what() -> None:
    assert discarded() == {
        "requestContext": {
            "requestId": "c9b8fa9f-0000-4a7f-8000-0c604cde93a5",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "491",
            "endSequenceNumber": "492",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.000Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }


def test_only_s3_gets_the_event_too_and_a_function_that_never_ran_answered_nothing() -> None:
    assert discarded(payload='{"Records":[]}')["payload"] == '{"Records":[]}'
    assert "responseContext" not in discarded(response=None)
    assert (
        discards.object_key("uuid", "shardId-1", 1_573_691_886.0, "u")
        == "aws/lambda/uuid/shardId-1/2019/11/14/2019-11-14T00.38.06-u"
    )
