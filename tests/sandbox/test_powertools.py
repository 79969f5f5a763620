"""aws-lambda-powertools, unmodified, in handlers: the idempotency utility and the logger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab.sandbox.events import AttemptFinished, EventDuplicated, InvokeFinished, LogLine
from tests.sandbox.asynchronous import Queue, queue
from tests.sandbox.conftest import until
from tests.sandbox.powertools import Powertools, powertools

__all__ = ["powertools", "queue"]

HANDLER = """
import os, boto3
import aws_lambda_powertools
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent,
)

logger = Logger(service="orders")
store = DynamoDBPersistenceLayer(table_name="idempotency")
config = IdempotencyConfig(event_key_jmespath="order")
sqs = boto3.client("sqs")

@logger.inject_lambda_context
@idempotent(persistence_store=store, config=config)
def handler(event, context):
    sqs.send_message(QueueUrl=event["charges"], MessageBody=str(event["order"]))
    logger.info("charged", order=event["order"])
    if event.get("fails"):
        raise ValueError("after the charge")
    vendored = aws_lambda_powertools.__file__.startswith(os.environ["LAMBDA_TASK_ROOT"])
    return {"charged": event["order"], "vendored": vendored}
"""


@pytest.fixture
def shop(queue: Queue, powertools: Powertools) -> Queue:
    """Return short ways to a function that charges for orders, and a table for what it did."""
    queue.clients("dynamodb").create_table(
        TableName="idempotency",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue.functions.create("f", powertools.package(HANDLER), Timeout=30, MemorySize=256)
    queue.queue("charges")
    return queue


def order(shop: Queue, number: int, **more: Any) -> str:
    url = shop.clients("sqs").get_queue_url(QueueName="charges")["QueueUrl"]
    return shop.send("f", {"order": number, "charges": url, **more})


def test_a_duplicate_charges_once(shop: Queue) -> None:
    shop.configure(on_success=shop.queue())
    shop.box.settings(duplicate_events=True)
    request = order(shop, 7)
    shop.box.clock.advance(1)
    assert len(shop.happened(EventDuplicated, request)) == 1
    assert [one.status for one in shop.happened(AttemptFinished, request)] == ["success"] * 2
    assert [one["Body"] for one in shop.messages("charges")] == ["7"]
    answers = [one["responsePayload"] for one in shop.records()]
    assert len(answers) == 2 and answers[0] == answers[1], "the second got the first's answer"
    assert answers[0] == {"charged": 7, "vendored": True}
    (item,) = shop.clients("dynamodb").scan(TableName="idempotency")["Items"]
    assert item["status"] == {"S": "COMPLETED"}


def test_a_retry_is_no_duplicate(shop: Queue) -> None:
    # The record of an attempt that failed is deleted: a retry does the work again.
    shop.configure(MaximumRetryAttempts=1)
    request = order(shop, 8, fails=True)
    shop.box.clock.advance(minutes=5)
    assert [one.error_type for one in shop.happened(AttemptFinished, request)] == ["ValueError"] * 2
    assert [one["Body"] for one in shop.messages("charges")] == ["8", "8"]


def test_the_logger_tells_of_the_invocation(shop: Queue) -> None:
    request = order(shop, 9)
    assert until(lambda: shop.happened(InvokeFinished))
    lines = [one.line for one in shop.happened(LogLine) if one.line.startswith("{")]
    (line,) = (json.loads(one) for one in lines)
    assert line["message"] == "charged" and line["order"] == 9
    assert line["level"] == "INFO" and line["service"] == "orders"
    assert line["function_request_id"] == request
    assert line["function_name"] == "f" and line["function_memory_size"] == "256"
    assert line["cold_start"] is True
    assert line["xray_trace_id"].startswith("1-")
