"""Handlers and short ways for the tests of the asynchronous queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import Event, EventQueued, InvocationEvent
from tests.conftest import Functions

ACCOUNT = "123456789012"
E = TypeVar("E", bound=Event)

FAILS = """
def handler(event, context):
    raise ValueError(context.aws_request_id)
"""
AS_TOLD = """
import json, os, time
counted = "/tmp/count"
def handler(event, context):
    # The n-th time an environment runs it does the n-th thing it is told.
    done = int(open(counted).read()) if os.path.exists(counted) else 0
    open(counted, "w").write(str(done + 1))
    todo = event["do"][min(done, len(event["do"]) - 1)]
    if todo == "raise":
        raise ValueError("told to")
    if todo == "crash":
        os._exit(3)
    if todo == "sleep":
        time.sleep(30)
    return {"done": done, "id": context.aws_request_id, "version": context.function_version}
"""


@dataclass
class Queue:
    """What a test does with the asynchronous queue, at service time that stands still."""

    box: Sandbox
    functions: Functions
    clients: Callable[..., Any]

    def send(self, name: str = "f", event: object = None, **options: Any) -> str:
        """Send an event; return its request id."""
        answer = self.functions.client.invoke(
            FunctionName=name,
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
            **options,
        )
        assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
        return str(answer["ResponseMetadata"]["RequestId"])

    def configure(self, name: str = "f", **settings: Any) -> dict[str, Any]:
        """Put an EventInvokeConfig; ``on_failure`` and ``on_success`` are ARNs."""
        targets = {
            key: {"Destination": settings.pop(word)}
            for key, word in (("OnFailure", "on_failure"), ("OnSuccess", "on_success"))
            if word in settings
        }
        if targets:
            settings["DestinationConfig"] = targets
        answer: dict[str, Any] = self.functions.client.put_function_event_invoke_config(
            FunctionName=name, **settings
        )
        return answer

    def permit(self, actions: list[str], resource: str = "*") -> None:
        """Let the functions' role do something."""
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
        self.clients("iam").put_role_policy(
            RoleName="lambda",
            PolicyName="may",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def queue(self, name: str = "out") -> str:
        """Make an SQS queue the role may send to; return its ARN."""
        self.clients("sqs").create_queue(QueueName=name)
        self.permit(["sqs:SendMessage"])
        return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    def messages(self, name: str = "out") -> list[dict[str, Any]]:
        """Take all messages out of a queue."""
        sqs = self.clients("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        taken: list[dict[str, Any]] = []
        while found := sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            taken += found
            for one in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return taken

    def records(self, name: str = "out") -> list[dict[str, Any]]:
        """Take all records out of a queue."""
        return [json.loads(one["Body"]) for one in self.messages(name)]

    def everything(self) -> list[Event]:
        """Return all events of the log, oldest first."""
        found: list[Event] = []
        while page := self.box.events(after=found[-1].seq if found else 0):
            found += page
        return found

    def happened(self, kind: type[E], request_id: str | None = None) -> list[E]:
        """Return the events of a kind (of one request), oldest first."""
        return [
            one
            for one in self.everything()
            if isinstance(one, kind)
            and (request_id is None or getattr(one, "request_id", None) == request_id)
        ]

    def told(self, request_id: str) -> list[str]:
        """Return the kinds of what happened to a request, the engine's left out."""
        return [
            one.type
            for one in self.everything()
            if isinstance(one, InvocationEvent) and one.request_id == request_id
        ]

    def accepted(self, request_id: str) -> float:
        """Return when an event was accepted."""
        return self.happened(EventQueued, request_id)[0].time


@pytest.fixture
def queue(sandbox: Sandbox, functions: Functions, clients: Callable[..., Any]) -> Queue:
    """Return short ways to use the asynchronous queue; service time stands still."""
    sandbox.clock.pause()
    return Queue(sandbox, functions, clients)


def attributes(message: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return a message's attributes: name -> (data type, value)."""
    return {
        name: (one["DataType"], one["StringValue"])
        for name, one in message.get("MessageAttributes", {}).items()
    }
