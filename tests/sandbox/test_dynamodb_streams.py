"""DynamoDB Streams: what a table's changes look like, and how a function gets them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox.events import BatchStarted, RecordsFiltered
from tests.sandbox.streaming import PRINTS, Streams, streams, structure

__all__ = ["streams"]

AWS_RECORD = {
    "eventID": "c4ca4238a0b923820dcc509a6f75849b",
    "eventName": "MODIFY",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-1",
    "dynamodb": {
        "ApproximateCreationDateTime": 1693997155.0,
        "Keys": {"Id": {"N": "101"}},
        "NewImage": {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}},
        "OldImage": {"Message": {"S": "New item!"}, "Id": {"N": "101"}},
        "SequenceNumber": "222",
        "SizeBytes": 59,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2024-06-10T19:26:16",
}
ID = {"Id": {"N": "101"}}
FIRST = ID | {"Message": {"S": "New item!"}}
SECOND = ID | {"Message": {"S": "This item has changed"}}


@dataclass
class Table:
    """A table with a stream."""

    streams: Streams
    arn: str

    @property
    def api(self) -> Any:
        return self.streams.clients("dynamodb")

    def put(self, item: Any) -> None:
        self.api.put_item(TableName="t", Item=item)

    def records(self) -> list[Any]:
        """Return what the function got."""
        self.streams.advance()
        return [one for event in self.streams.got() for one in event["Records"]]


def make(streams: Streams, view: str = "NEW_AND_OLD_IMAGES", **options: Any) -> Table:
    """Create a table with a stream, mapped to a function that prints."""
    made = streams.clients("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    streams.functions.create(code=PRINTS)
    streams.map(arn, **options)
    return Table(streams, arn)


def test_the_life_of_an_item(streams: Streams) -> None:
    table = make(streams)
    now = streams.box.clock.now()
    table.put(FIRST)
    table.put(SECOND)
    table.api.delete_item(TableName="t", Key=ID)
    inserted, modified, removed = table.records()
    assert structure(modified) == structure(AWS_RECORD)
    assert [one["eventName"] for one in (inserted, modified, removed)] == [
        "INSERT",
        "MODIFY",
        "REMOVE",
    ]
    assert (inserted["dynamodb"]["NewImage"], inserted["dynamodb"].get("OldImage")) == (FIRST, None)
    assert modified["dynamodb"]["OldImage"] == FIRST
    assert modified["dynamodb"]["NewImage"] == SECOND
    assert (removed["dynamodb"].get("NewImage"), removed["dynamodb"]["OldImage"]) == (None, SECOND)
    assert [one["dynamodb"]["SizeBytes"] for one in (inserted, modified, removed)] == [26, 59, 38]
    assert inserted["dynamodb"]["ApproximateCreationDateTime"] == float(int(now))
    assert inserted["eventSourceARN"] == table.arn
    sequences = [int(one["dynamodb"]["SequenceNumber"]) for one in (inserted, modified, removed)]
    assert sequences == sorted(set(sequences))
    assert len({one["eventID"] for one in (inserted, modified, removed)}) == 3


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
    ],
)
def test_a_stream_shows_what_it_was_asked_for(
    streams: Streams, view: str, images: set[str]
) -> None:
    table = make(streams, view)
    table.put(FIRST)
    table.put(SECOND)
    _, modified = table.records()
    assert {"NewImage", "OldImage"} & modified["dynamodb"].keys() == images
    assert modified["dynamodb"]["Keys"] == ID
    assert modified["dynamodb"]["StreamViewType"] == view


def test_an_update_is_one_change_and_no_change_is_none(streams: Streams) -> None:
    table = make(streams)

    def update(value: str) -> None:
        table.api.update_item(
            TableName="t",
            Key=ID,
            UpdateExpression="SET #tags = :tags",
            ExpressionAttributeNames={"#tags": "Tags"},
            ExpressionAttributeValues={":tags": {"SS": [value]}},
        )

    update("one")
    update("one")
    table.api.update_item(
        TableName="t",
        Key=ID,
        UpdateExpression="ADD #tags :more",
        ExpressionAttributeNames={"#tags": "Tags"},
        ExpressionAttributeValues={":more": {"SS": ["two"]}},
    )
    inserted, modified = table.records()
    assert inserted["eventName"] == "INSERT"
    assert inserted["dynamodb"]["NewImage"]["Tags"] == {"SS": ["one"]}
    assert modified["dynamodb"]["OldImage"]["Tags"] == {"SS": ["one"]}
    assert sorted(modified["dynamodb"]["NewImage"]["Tags"]["SS"]) == ["one", "two"]


def test_a_transaction_that_fails_leaves_nothing_in_the_stream(streams: Streams) -> None:
    table = make(streams)
    put = {"Put": {"TableName": "t", "Item": FIRST}}
    check = {
        "ConditionCheck": {
            "TableName": "t",
            "Key": {"Id": {"N": "7"}},
            "ConditionExpression": "attribute_exists(Id)",
        }
    }
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.api.transact_write_items(TransactItems=[put, check])
    table.api.transact_write_items(TransactItems=[put])
    assert [one["eventName"] for one in table.records()] == ["INSERT"]


def test_filters_look_into_keys_and_images(streams: Streams) -> None:
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {
            "Keys": {"Id": {"N": [{"anything-but": "1"}]}},
            "NewImage": {"Message": {"S": [{"prefix": "New"}]}},
        },
    }
    table = make(streams, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    table.put(FIRST)
    table.put(SECOND)
    table.put({"Id": {"N": "1"}, "Message": {"S": "New but one"}})
    assert [one["dynamodb"]["NewImage"] for one in table.records()] == [FIRST]
    assert sum(len(one.records) for one in streams.events(RecordsFiltered)) == 2


def test_a_batch_that_fails_leaves_word_of_where_it_is(streams: Streams) -> None:
    streams.allow("sns:Publish")
    topic = streams.clients("sns").create_topic(Name="failures")["TopicArn"]
    streams.queue()
    streams.clients("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:failed",
        Attributes={"RawMessageDelivery": "true"},
    )
    table = make(
        streams,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": topic}},
    )
    streams.api.update_function_configuration(FunctionName="f", Handler="app.missing")
    table.put(FIRST)
    streams.advance(5)
    (record,) = streams.received()
    assert record["DDBStreamBatchInfo"]["streamArn"] == table.arn
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert "New item!" not in json.dumps(record)
    assert [one.attempt for one in streams.events(BatchStarted)] == [1, 2]


def test_a_stream_can_be_switched_off_and_on(streams: Streams) -> None:
    table = make(streams)
    table.api.update_table(TableName="t", StreamSpecification={"StreamEnabled": False})
    table.put(FIRST)
    table.api.update_table(
        TableName="t",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    latest = table.api.describe_table(TableName="t")["Table"]["LatestStreamArn"]
    assert latest != table.arn
    streams.map(latest)
    table.put(SECOND)
    (record,) = table.records()
    assert record["eventSourceARN"] == latest
    assert record["dynamodb"]["NewImage"] == SECOND


def test_at_timestamp_is_for_kinesis_alone(streams: Streams) -> None:
    table = make(streams)
    streams.functions.create("g", code=PRINTS)
    with pytest.raises(ClientError, match="starting position"):
        streams.api.create_event_source_mapping(
            FunctionName="g",
            EventSourceArn=table.arn,
            StartingPosition="AT_TIMESTAMP",
            StartingPositionTimestamp=0,
        )
