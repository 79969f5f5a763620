"""Queues that are polled for functions, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions

ACCOUNT = "123456789012"
READ = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
BAD = """
import json
def handler(event, context):
    print("got", json.dumps([record["body"] for record in event["Records"]]))
    if any(record["body"].startswith("bad") for record in event["Records"]):
        raise ValueError("a bad one")
"""


def arn_of(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


class Queues:
    """Short ways to a queue that is polled for function ``f``.

    The clock stands still: service time goes forward by ``box.clock`` alone.
    """

    def __init__(self, box: Sandbox, clients: Callable[..., Any], functions: Functions) -> None:
        self.box = box
        self.functions = functions
        self.sqs = clients("sqs")
        self.iam = clients("iam")
        self.lam = functions.client
        self.iam.attach_role_policy(RoleName="lambda", PolicyArn=READ)
        box.clock.pause()

    def queue(self, name: str = "q", dead_after: int | None = None, **attributes: object) -> str:
        """Create a queue; return its URL."""
        asked = {key: str(value) for key, value in attributes.items()}
        if name.endswith(".fifo"):
            asked["FifoQueue"] = "true"
        if dead_after is not None:
            dead = "dead.fifo" if name.endswith(".fifo") else "dead"
            self.queue(dead)
            redrive = {"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": dead_after}
            asked["RedrivePolicy"] = json.dumps(redrive)
        return str(self.sqs.create_queue(QueueName=name, Attributes=asked)["QueueUrl"])

    def map(self, name: str = "q", function: str = "f", **options: Any) -> str:
        """Create a mapping and wait until it is enabled; return its UUID."""
        made = self.lam.create_event_source_mapping(
            FunctionName=function, EventSourceArn=arn_of(name), **options
        )
        self.settle()
        return str(made["UUID"])

    def settle(self) -> None:
        """Let service time pass until a change of a mapping's state is done."""
        self.box.clock.advance(2)

    def quiet(self) -> None:
        """Wait until everything that is due now is done."""
        self.box.clock.advance(0)

    def send(self, url: str, *bodies: str, **options: Any) -> list[str]:
        """Send messages, one by one; return their ids."""
        return [
            str(self.sqs.send_message(QueueUrl=url, MessageBody=body, **options)["MessageId"])
            for body in bodies
        ]

    def send_batch(self, url: str, *bodies: str, **options: Any) -> None:
        """Send up to ten messages at once."""
        entries = [
            {"Id": str(number), "MessageBody": body, **options}
            for number, body in enumerate(bodies)
        ]
        answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer["Failed"]

    def count(self, url: str) -> int:
        """Count what is in a queue, in flight and delayed too."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    def receive(self, url: str, **options: Any) -> list[dict[str, Any]]:
        """Receive up to ten messages, with all there is to know of them."""
        answer = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            **options,
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def events(self, *kinds: str) -> list[Any]:
        """Return the log's events of some kinds."""
        return [event for event in self.box.events() if event.type in kinds]

    def batches(self) -> list[list[str]]:
        """Return the bodies of each batch, as the function printed them."""
        return [
            json.loads(event.line.removeprefix("got "))
            for event in self.events("LogLine")
            if event.line.startswith("got ")
        ]

    def state(self, uuid: str) -> str:
        """Return a mapping's state."""
        return str(self.lam.get_event_source_mapping(UUID=uuid)["State"])

    def result(self, uuid: str) -> str:
        """Return a mapping's last processing result."""
        return str(self.lam.get_event_source_mapping(UUID=uuid)["LastProcessingResult"])
