"""aws-lambda-powertools' batch processor and data classes, unmodified, behind streams."""

from __future__ import annotations

from typing import Any

from lambdalab.sandbox.events import BatchFinished, LogLine, RecordsDiscarded
from tests.sandbox.powertools import Powertools, powertools
from tests.sandbox.streaming import Streams, streams

__all__ = ["powertools", "streams"]

REPORT = ["ReportBatchItemFailures"]
KINESIS = """
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor, EventType, process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

processor = BatchProcessor(event_type=EventType.KinesisDataStreams)

def one(record: KinesisStreamRecord):
    data = record.kinesis.data_as_json()
    print("one", data["n"], record.kinesis.partition_key, record.aws_region,
          int(record.kinesis.approximate_arrival_timestamp))
    assert data["n"] >= 0

def handler(event, context):
    return process_partial_response(
        event=event, record_handler=one, processor=processor, context=context)
"""
DYNAMODB = """
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor, EventType, process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

def one(record: DynamoDBRecord):
    change = record.dynamodb
    print("one", record.event_name.name, change.keys["Id"], change.new_image, change.size_bytes)
    if record.event_name.name == "MODIFY":
        raise ValueError("no changes")

def handler(event, context):
    return process_partial_response(
        event=event, record_handler=one, processor=processor, context=context)
"""
WINDOW = """
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamEvent

def handler(event, context):
    event = KinesisStreamEvent(event)
    state = dict(event.get("state"))
    for record in event.records:
        text = record.kinesis.data_as_text()
        state[text] = state.get(text, 0) + 1
    print("one", event.get("isFinalInvokeForWindow"), sorted(state.items()))
    return {"state": state}
"""


def ones(streams: Streams) -> list[str]:
    return [
        one.line.removeprefix("one ").strip()
        for one in streams.events(LogLine)
        if one.line.startswith("one ")
    ]


def test_a_kinesis_batch_comes_again_from_the_first_failure(
    streams: Streams, powertools: Powertools
) -> None:
    streams.functions.create("f", powertools.package(KINESIS), Timeout=30, MemorySize=256)
    arn = streams.create()
    arrived = int(streams.box.clock.now())
    _, bad, last = streams.put('{"n": 1}', '{"n": -1}', '{"n": 2}', key="me")
    streams.map(
        arn,
        FunctionResponseTypes=REPORT,
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
    )
    streams.advance(30)
    numbers = [line.split()[0] for line in ones(streams)]
    # From the failure on; then in halves, until the bad record has used up its one retry.
    assert numbers == ["1", "-1", "2", "-1", "2", "-1", "-1", "2"]
    assert ones(streams)[0] == f"1 me us-east-1 {arrived}"
    (given_up,) = streams.events(RecordsDiscarded)
    assert given_up.records == (bad,)
    assert streams.events(BatchFinished)[0].failed == (bad, last)


def test_a_dynamodb_batch_comes_again_from_the_first_failure(
    streams: Streams, powertools: Powertools
) -> None:
    dynamodb = streams.clients("dynamodb")
    made = dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    streams.functions.create("f", powertools.package(DYNAMODB), Timeout=30, MemorySize=256)
    changes: list[tuple[str, int]] = [("a", 1), ("a", 2), ("b", 1)]
    for name, total in changes:
        item: dict[str, Any] = {"Id": {"S": name}, "total": {"N": str(total)}}
        dynamodb.put_item(TableName="t", Item=item)
    streams.map(
        made["TableDescription"]["LatestStreamArn"],
        FunctionResponseTypes=REPORT,
        MaximumRetryAttempts=0,
    )
    streams.advance(10)
    assert ones(streams) == [
        "INSERT a {'Id': 'a', 'total': Decimal('1')} 13",
        "MODIFY a {'Id': 'a', 'total': Decimal('2')} 13",
        "INSERT b {'Id': 'b', 'total': Decimal('1')} 13",
    ]
    (finished,) = streams.events(BatchFinished)
    assert finished.status == "partial"
    assert len(finished.failed) == 2


def test_a_tumbling_window_as_its_data_class_reads_it(
    streams: Streams, powertools: Powertools
) -> None:
    streams.functions.create("f", powertools.package(WINDOW), Timeout=30, MemorySize=256)
    streams.map(streams.create(), TumblingWindowInSeconds=60)
    streams.advance(60 - streams.box.clock.now() % 60 + 0.5)
    streams.put("a", "b")
    streams.advance()
    streams.put("a")
    streams.advance(60)
    assert ones(streams) == [
        "False [('a', 1), ('b', 1)]",
        "False [('a', 2), ('b', 1)]",
        "True [('a', 2), ('b', 1)]",
    ]
