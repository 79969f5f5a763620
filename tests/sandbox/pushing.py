"""Functions that are pushed to, and what they got."""

from __future__ import annotations

import json
from typing import Any

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import InvokeReceived, LogLine, PushRefused
from tests.conftest import Functions
from tests.sandbox.conftest import until

ACCOUNT = "123456789012"
PRINTS = "import json\ndef handler(event, context):\n    print('got', json.dumps(event))\n"


def function_arn(name: str = "f") -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"


def subscriber(
    functions: Functions, principal: str, source: str | None = None, name: str = "f"
) -> str:
    """Create a function that prints what it gets and lets a service invoke it; return its ARN."""
    functions.create(name, code=PRINTS)
    allow(functions, principal, source, name)
    return function_arn(name)


def allow(functions: Functions, principal: str, source: str | None, name: str = "f") -> None:
    condition = {} if source is None else {"SourceArn": source}
    functions.client.add_permission(
        FunctionName=name,
        StatementId="push",
        Action="lambda:InvokeFunction",
        Principal=principal,
        **condition,
    )


def got(box: Sandbox, count: int, name: str = "f", seconds: float = 15.0) -> list[Any]:
    """Wait until a function got so many events; return them."""
    found: list[Any] = []

    def look() -> bool:
        found[:] = [
            json.loads(event.line.removeprefix("got "))
            for event in box.events()
            if isinstance(event, LogLine)
            and event.function == name
            and event.line.startswith("got ")
        ]
        return len(found) >= count

    assert until(look, seconds), f"{len(found)} of {count} events came"
    return found


def received(box: Sandbox) -> list[InvokeReceived]:
    return [event for event in box.events() if isinstance(event, InvokeReceived)]


def sources(box: Sandbox) -> set[str]:
    return {event.source for event in received(box)}


def refusals(box: Sandbox) -> list[PushRefused]:
    return [event for event in box.events() if isinstance(event, PushRefused)]


def messages(sqs: Any, url: str, count: int) -> list[dict[str, Any]]:
    """Wait until a queue holds so many messages; return them, and take them out."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        for one in answer.get("Messages", ()):
            found.append(one)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return len(found) >= count

    assert until(look), f"{len(found)} of {count} messages came"
    return found


def queue(sqs: Any, name: str) -> tuple[str, str]:
    """Create a queue; return its URL and its ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return str(url), f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
