"""``python -m benchmarks mapping``: how many messages a second an SQS mapping hands over.

A queue holds all messages before its mapping is enabled, so that the senders' pace is no part
of the figure. The handler does nothing: what is timed is receiving, invoking, deleting.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.contenders.base import Client, service_client
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, summary
from benchmarks.report import table
from lambdalab.errors import LambdalabError
from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import BatchFinished, BatchStarted

__all__ = ["TARGET", "main", "measure"]

TARGET = 300.0
"""Messages a second, at the least, in batches of 10."""

_MESSAGES = 3_000
_ROUNDS = 5
_BATCH = 10
_PATIENCE_S = 120.0
_EVERY_EVENT = 100_000
_ACCOUNT = "123456789012"
_READ = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def measure(messages: int = _MESSAGES, rounds: int = _ROUNDS) -> list[float]:
    """Return messages a second, of each round.

    Raises
    ------
    BenchmarkError
        A round did not end.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        box = Sandbox.start(workspace=Path(folder), owner=os.getpid(), configure=False, quiet=True)
        try:
            iam, functions, sqs = (
                service_client(name, box.url) for name in ("iam", "lambda", "sqs")
            )
            role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(_TRUST))
            iam.attach_role_policy(RoleName="r", PolicyArn=_READ)
            functions.create_function(
                FunctionName="f",
                Runtime="python3.11",
                Handler="app.handler",
                Role=role["Role"]["Arn"],
                Code={
                    "ZipFile": deployment_package({"app.py": "def handler(event, context): ..."})
                },
            )
            for number in range(rounds):
                name = f"q{number}"
                url = sqs.create_queue(QueueName=name)["QueueUrl"]
                uuid = functions.create_event_source_mapping(
                    FunctionName="f",
                    EventSourceArn=f"arn:aws:sqs:us-east-1:{_ACCOUNT}:{name}",
                    BatchSize=_BATCH,
                    Enabled=False,
                )["UUID"]
                box.clock.advance(60)
                entries = [{"Id": str(one), "MessageBody": "hello"} for one in range(_BATCH)]
                for _ in range(messages // _BATCH):
                    sqs.send_message_batch(QueueUrl=url, Entries=entries)
                found.append(messages / _drain(box, functions, uuid, messages))
        finally:
            box.stop()
    return found


def _drain(box: Sandbox, functions: Client, uuid: str, messages: int) -> float:
    """Enable a mapping; return the seconds until all messages are done."""
    sizes: dict[str, int] = {}
    done, last = 0, box.events(limit=_EVERY_EVENT)[-1].seq
    functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    begun, ended = 0.0, 0.0
    deadline = time.monotonic() + _PATIENCE_S
    while done < messages:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{done} of {messages} messages in {_PATIENCE_S:g} s")
        for event in box.events(after=last, wait=1.0):
            last = event.seq
            if event.type == "RecordsPolled":
                begun = begun or event.time
            elif isinstance(event, BatchStarted):
                sizes[event.batch] = len(event.records)
            elif isinstance(event, BatchFinished):
                done, ended = done + sizes[event.batch], event.time
    return ended - begun


def main(words: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mapping", description=__doc__)
    add = parser.add_argument
    add("--messages", type=int, default=_MESSAGES, help="of each round (%(default)s)")
    add("--rounds", type=int, default=_ROUNDS, help="how often (%(default)s)")
    add("--check", action="store_true", help="exit status 1 if the target is missed")
    args = parser.parse_args(words)
    console = Console(stderr=True, highlight=False)
    if args.rounds < 1 or args.messages < _BATCH:
        parser.error(f"at least one round of {_BATCH} messages")
    try:
        with console.status("polling"):
            figure = summary(measure(args.messages // _BATCH * _BATCH, args.rounds))
    except LambdalabError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    _show(figure, args.messages, args.rounds)
    return 1 if args.check and figure.median < TARGET else 0


def _show(figure: Figure, messages: int, rounds: int) -> None:
    for name, value in machine.facts().items():
        print(f"{name}: {value}")
    row = [f"{one:,.0f}" for one in (figure.median, figure.low, figure.high, TARGET)]
    head = ["batches of 10", "messages a second", "least", "most", "asked for"]
    print(table(head, [[f"{rounds} rounds of {messages:,}", *row]]))
