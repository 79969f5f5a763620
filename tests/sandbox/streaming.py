"""Streams, functions that read them, and what came of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import Event, LogLine
from tests.conftest import Functions

READER = "arn:aws:iam::aws:policy/service-role/AWSLambda{}ExecutionRole"
PRINTS = """
import base64, json
def texts(event):
    return [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]
def handler(event, context):
    print("got", json.dumps(event))
"""
FAILS_ON_BAD = (
    PRINTS
    + """
    if any(one.startswith("bad") for one in texts(event)):
        raise ValueError("bad data")
"""
)


@dataclass
class Streams:
    """Short ways to fill streams, to map them, and to look at what happened."""

    box: Sandbox
    clients: Callable[..., Any]
    functions: Functions

    @property
    def kinesis(self) -> Any:
        return self.clients("kinesis")

    @property
    def api(self) -> Any:
        return self.clients("lambda")

    def create(self, name: str = "s", shards: int = 1) -> str:
        """Create a Kinesis stream; return its ARN."""
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        found = self.kinesis.describe_stream(StreamName=name)["StreamDescription"]
        return str(found["StreamARN"])

    def put(self, *texts: str, key: str = "k", name: str = "s") -> list[str]:
        """Put records; return their sequence numbers."""
        answer = self.kinesis.put_records(
            StreamName=name,
            Records=[{"Data": text.encode(), "PartitionKey": key} for text in texts],
        )
        return [one["SequenceNumber"] for one in answer["Records"]]

    def map(self, arn: str, *, wait: bool = True, **options: Any) -> str:
        """Map a stream to the function ``f``, and wait until it is polled; return the UUID."""
        spec = {"FunctionName": "f", "StartingPosition": "TRIM_HORIZON", "EventSourceArn": arn}
        uuid = str(self.api.create_event_source_mapping(**(spec | options))["UUID"])
        if wait:
            self.advance(2)
        return uuid

    def mapping(self, uuid: str) -> Any:
        return self.api.get_event_source_mapping(UUID=uuid)

    def advance(self, seconds: float = 0.0) -> None:
        """Put service time forward, and wait until all is done that is due."""
        self.box.clock.advance(seconds=seconds)

    def events(self, *kinds: type[Event]) -> list[Any]:
        return [one for one in self.box.events() if isinstance(one, kinds)]

    def got(self) -> list[Any]:
        """Return the events that the function printed."""
        return [
            json.loads(event.line.removeprefix("got "))
            for event in self.events(LogLine)
            if event.line.startswith("got ")
        ]

    def texts(self) -> list[list[str]]:
        """Return the data of each batch the function got."""
        return [
            [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]
            for event in self.got()
        ]

    def queue(self, name: str = "failed") -> str:
        """Create a queue; return its ARN."""
        self.clients("sqs").create_queue(QueueName=name)
        return f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def received(self, name: str = "failed") -> list[Any]:
        """Return what is in a queue, as JSON."""
        sqs = self.clients("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        return [json.loads(one["Body"]) for one in found]

    def allow(self, *actions: str, role: str = "lambda") -> None:
        """Let the role do more."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        self.clients("iam").put_role_policy(
            RoleName=role,
            PolicyName="more",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )


def structure(value: Any) -> Any:
    """Return the names and kinds of a JSON value, without what they hold."""
    if isinstance(value, dict):
        return {name: structure(held) for name, held in value.items()}
    if isinstance(value, list):
        return [structure(one) for one in value]
    return "number" if isinstance(value, int | float) and value is not True else type(value)


@pytest.fixture
def streams(sandbox: Sandbox, clients: Callable[..., Any], functions: Functions) -> Streams:
    """Return short ways to work with streams; the role may read them; time stands still."""
    iam = clients("iam")
    for kind in ("Kinesis", "DynamoDB"):
        iam.attach_role_policy(RoleName="lambda", PolicyArn=READER.format(kind))
    sandbox.clock.pause()
    return Streams(sandbox, clients, functions)
