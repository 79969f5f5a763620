"""aws-lambda-powertools' batch processor, unmodified, behind polled queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.polling import Queues
from tests.sandbox.powertools import Powertools, powertools

__all__ = ["powertools"]

REPORT = ["ReportBatchItemFailures"]
STANDARD = """
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor, EventType, process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)

def one(record: SQSRecord):
    attributes = record.attributes
    print("one", record.body, record.message_attributes["kind"].string_value,
          attributes.approximate_receive_count, record.event_source_arn)
    assert record.json_body["total"] >= 0

def handler(event, context):
    return process_partial_response(
        event=event, record_handler=one, processor=processor, context=context)
"""
FIFO = """
from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response

processor = SqsFifoPartialProcessor()

def one(record):
    print("one", record.body, record.attributes.message_group_id, record.attributes.sequence_number)
    if record.body == "bad":
        raise ValueError(record.body)

def handler(event, context):
    return process_partial_response(
        event=event, record_handler=one, processor=processor, context=context)
"""


@pytest.fixture
def queues(sandbox: Sandbox, clients: Callable[..., Any], functions: Functions) -> Queues:
    return Queues(sandbox, clients, functions)


def _map(queues: Queues, name: str) -> str:
    return queues.map(name, FunctionResponseTypes=REPORT, Enabled=False)


def _enable(queues: Queues, uuid: str) -> None:
    queues.lam.update_event_source_mapping(UUID=uuid, Enabled=True)
    queues.settle()


def _ones(queues: Queues) -> list[list[str]]:
    lines = [one.line.split() for one in queues.events("LogLine")]
    return [words[1:] for words in lines if words[:1] == ["one"]]


def test_failed_messages_come_back_alone(queues: Queues, powertools: Powertools) -> None:
    queues.functions.create("f", powertools.package(STANDARD), Timeout=30, MemorySize=256)
    url = queues.queue(dead_after=2)
    uuid = _map(queues, "q")
    kind = {"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "order"}}}
    queues.send_batch(url, '{"total":1}', '{"total":-1}', '{"total":2}', **kind)
    _enable(queues, uuid)
    (finished,) = queues.events("BatchFinished")
    assert (finished.status, len(finished.failed)) == ("partial", 1)
    assert queues.count(url) == 1
    queues.box.clock.jump()
    assert [words[:3] for words in _ones(queues)] == [
        ['{"total":1}', "order", "1"],
        ['{"total":-1}', "order", "1"],
        ['{"total":2}', "order", "1"],
        ['{"total":-1}', "order", "2"],
    ]
    # The processor raises when every message of a batch failed.
    assert queues.events("BatchFinished")[-1].error_type == "BatchProcessingError"
    queues.box.clock.jump()
    assert len(queues.events("MessageRedriven")) == 1


def test_fifo_processor_stops_at_the_first_failure(queues: Queues, powertools: Powertools) -> None:
    queues.functions.create("f", powertools.package(FIFO), Timeout=30, MemorySize=256)
    url = queues.queue("q.fifo", ContentBasedDeduplication="true", dead_after=2)
    uuid = _map(queues, "q.fifo")
    queues.send(url, "first", "bad", "last", MessageGroupId="g")
    _enable(queues, uuid)
    assert [words[0] for words in _ones(queues)] == ["first", "bad"]
    assert queues.count(url) == 2
    queues.box.clock.jump()
    queues.box.clock.jump()
    # "last" was handed over twice with "bad", so it was given up with it: what the course warns of.
    assert [words[0] for words in _ones(queues)] == ["first", "bad", "bad"]
    assert len(queues.events("MessageRedriven")) == 2
    numbers = [int(words[2]) for words in _ones(queues)]
    assert numbers[0] < numbers[1] == numbers[2]
