"""The asynchronous queue in a real sandbox, at service time that the tests move."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from lambdalab.rules import limits
from lambdalab.rules.retries import Outcome, schedule
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import (
    AttemptFinished,
    AttemptStarted,
    DestinationDelivered,
    EventDropped,
    EventDuplicated,
    EventQueued,
    InvokeFinished,
    InvokeStarted,
    RecursionDetected,
    RetryScheduled,
)
from tests.conftest import ECHO, Functions
from tests.sandbox.asynchronous import AS_TOLD, FAILS, Queue, queue
from tests.sandbox.conftest import until

__all__ = ["queue"]

WAITS = """
import boto3, time
sqs = boto3.client("sqs")
def handler(event, context):
    while event:
        try:
            sqs.get_queue_url(QueueName="stop")
            break
        except sqs.exceptions.QueueDoesNotExist:
            time.sleep(0.1)
    return event
"""
SLOW = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"


def test_the_notes_timeline(queue: Queue) -> None:
    begun = time.monotonic()
    queue.functions.create("f", FAILS)
    queue.configure(on_failure=queue.queue())
    request = queue.send("f", {"order": 7})
    queue.box.clock.advance(minutes=10)
    accepted = queue.accepted(request)
    attempts = queue.happened(AttemptStarted, request)
    assert [round(one.time - accepted, 1) for one in attempts] == [0, 63, 63 + 126]
    assert [one.attempt for one in attempts] == [1, 2, 3]
    (record,) = queue.records()
    assert record["requestContext"] == {
        "requestId": request,
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"order": 7}
    assert record["responsePayload"]["errorMessage"] == request, "the same id over all attempts"
    assert time.monotonic() - begun < 5
    # As the rulebook plans it.
    plan = schedule([Outcome.ERROR] * 3)
    assert [one.time_s for one in plan] == pytest.approx([one.time - accepted for one in attempts])
    assert queue.told(request) == [
        "InvokeReceived",
        "EventQueued",
        *["AttemptStarted", "AttemptFinished", "RetryScheduled"] * 2,
        "AttemptStarted",
        "AttemptFinished",
        "EventDropped",
        "DestinationDelivered",
    ]
    retries = queue.happened(RetryScheduled, request)
    assert [(one.attempt, one.cause) for one in retries] == [
        (2, "function-error"),
        (3, "function-error"),
    ]
    assert [one.delay_s for one in retries] == pytest.approx([63, 126])
    assert [one.due for one in retries] == [one.time for one in attempts[1:]]


def test_an_event_that_is_processed(queue: Queue) -> None:
    queue.functions.create()
    request = queue.send("f", {"a": "貨"})
    assert until(lambda: queue.happened(AttemptFinished, request))
    queue.box.clock.advance(hours=7)
    queued = queue.happened(EventQueued, request)[0]
    assert (queued.source, queued.qualifier, queued.payload_bytes) == ("api", "$LATEST", 15)
    assert (queued.max_retries, queued.max_age_s) == (2, 21_600)
    assert queue.told(request) == [
        "InvokeReceived",
        "EventQueued",
        "AttemptStarted",
        "AttemptFinished",
    ]
    assert queue.box.clock.next() is None


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_maximum_retry_attempts(queue: Queue, retries: int) -> None:
    queue.functions.create("f", FAILS)
    queue.configure(MaximumRetryAttempts=retries)
    request = queue.send()
    queue.box.clock.advance(minutes=10)
    assert len(queue.happened(AttemptStarted, request)) == retries + 1
    dropped = queue.happened(EventDropped, request)
    assert [(one.condition, one.attempts) for one in dropped] == [("RetriesExhausted", retries + 1)]


def test_no_lag_if_told_so(queue: Queue) -> None:
    queue.box.settings(retry_lag=0)
    queue.functions.create("f", FAILS)
    request = queue.send()
    queue.box.clock.advance(minutes=10)
    assert [one.delay_s for one in queue.happened(RetryScheduled, request)] == [60, 120]


def test_a_timeout_and_a_crash_are_errors_of_the_function(queue: Queue) -> None:
    queue.functions.create("f", AS_TOLD, Timeout=1)
    queue.configure(on_success=queue.queue())
    request = queue.send("f", {"do": ["sleep", "crash", "return"]})
    queue.box.clock.advance(minutes=10)
    finished = queue.happened(AttemptFinished, request)
    assert [(one.status, one.error_type) for one in finished] == [
        ("error", "Sandbox.Timedout"),
        ("error", "Runtime.ExitError"),
        ("success", None),
    ]
    (record,) = queue.records()
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responsePayload"]["id"] == request


def test_maximum_event_age(queue: Queue) -> None:
    # As it was seen on AWS: the event is given up at once if its retry would come too late.
    queue.functions.create("f", FAILS)
    queue.configure(MaximumEventAgeInSeconds=60, on_failure=queue.queue())
    request = queue.send()
    assert until(lambda: queue.happened(DestinationDelivered, request))
    (record,) = queue.records()
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_reserved_concurrency_of_zero(queue: Queue) -> None:
    queue.functions.create()
    queue.functions.client.put_function_concurrency(
        FunctionName="f", ReservedConcurrentExecutions=0
    )
    queue.configure(on_failure=queue.queue())
    request = queue.send("f", 1)
    assert until(lambda: queue.happened(DestinationDelivered, request))
    assert queue.happened(AttemptStarted, request) == []
    (record,) = queue.records()
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == (
        "ZeroReservedConcurrency",
        0,
    )
    assert "responseContext" not in record and "responsePayload" not in record


@contextlib.contextmanager
def busy(queue: Queue) -> Iterator[None]:
    """Occupy the one environment that ``f`` may have."""
    queue.functions.client.put_function_concurrency(
        FunctionName="f", ReservedConcurrentExecutions=1
    )
    thread = threading.Thread(target=queue.functions.call, args=("f", True))
    thread.start()
    assert until(lambda: queue.happened(InvokeStarted))
    try:
        yield
    finally:
        queue.clients("sqs").create_queue(QueueName="stop")
        thread.join()


def test_six_hours_of_throttling(queue: Queue) -> None:
    queue.functions.create("f", WAITS, Timeout=60)
    queue.configure(on_failure=queue.queue())
    with busy(queue):
        request = queue.send("f", False)
        queue.box.clock.advance(hours=7)
    (dropped,) = queue.happened(EventDropped, request)
    plan = schedule([Outcome.THROTTLED] * 1000)
    assert (dropped.condition, dropped.attempts) == ("EventAgeExceeded", len(plan))
    accepted = queue.accepted(request)
    attempts = [one.time - accepted for one in queue.happened(AttemptStarted, request)]
    assert attempts == pytest.approx([one.time_s for one in plan])
    assert plan[-1].time_s > limits.ASYNC_AGE_MAX.value - 2 * limits.ASYNC_BACKOFF_MAX.value
    assert {one.status for one in queue.happened(AttemptFinished, request)} == {"throttled"}
    assert {one.cause for one in queue.happened(RetryScheduled, request)} == {"throttle"}
    (record,) = queue.records()
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_a_throttled_event_runs_when_there_is_room(queue: Queue) -> None:
    queue.functions.create("f", WAITS, Timeout=60)
    with busy(queue):
        request = queue.send("f", False)
        assert until(lambda: queue.happened(RetryScheduled, request))
    coming = queue.box.clock.next()
    assert coming is not None and coming.label == "f: attempt 2"
    queue.box.clock.jump()
    assert [one.status for one in queue.happened(AttemptFinished, request)] == [
        "throttled",
        "success",
    ]


def test_a_thousand_events_on_five_environments(queue: Queue) -> None:
    queue.functions.create()
    queue.functions.client.put_function_concurrency(
        FunctionName="f", ReservedConcurrentExecutions=5
    )
    sent = {queue.send("f", number) for number in range(1000)}
    assert len(sent) == 1000
    queue.box.clock.advance(hours=1)
    done = [one.request_id for one in queue.happened(AttemptFinished) if one.status == "success"]
    assert len(done) == 1000 and set(done) == sent
    running = most = 0
    for event in queue.everything():
        running += isinstance(event, InvokeStarted)
        running -= isinstance(event, InvokeFinished)
        most = max(most, running)
    assert 1 < most <= 5
    assert psutil.Process(queue.box.pid).num_threads() < 400
    assert queue.happened(EventDropped) == []


def test_one_function_does_not_hold_up_another(queue: Queue) -> None:
    queue.functions.create("slow", SLOW, Timeout=60)
    queue.functions.client.put_function_concurrency(
        FunctionName="slow", ReservedConcurrentExecutions=1
    )
    queue.functions.create("quick")
    for _ in range(300):
        queue.send("slow", 0.5)
    request = queue.send("quick")
    assert until(lambda: queue.happened(AttemptFinished, request), 5)


# -- what is set, and where ---------------------------------------------------------------


def test_an_alias_and_a_version_have_settings_of_their_own(queue: Queue) -> None:
    client = queue.functions.client
    queue.functions.create("f", FAILS)
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    out = queue.queue()
    queue.configure(MaximumRetryAttempts=1)
    queue.configure(Qualifier="live", MaximumRetryAttempts=0, on_failure=out)
    requests = {
        qualifier: queue.send("f", Qualifier=qualifier) for qualifier in ("$LATEST", "live", "1")
    }
    plain = queue.send("f")
    queue.box.clock.advance(minutes=10)
    counts = {
        qualifier: len(queue.happened(AttemptStarted, request))
        for qualifier, request in requests.items()
    }
    assert counts == {"$LATEST": 2, "live": 1, "1": 3}
    assert len(queue.happened(AttemptStarted, plain)) == 2
    (record,) = queue.records()
    assert record["requestContext"]["functionArn"].endswith(":function:f:live")
    assert record["responseContext"]["executedVersion"] == "1"


def test_an_alias_is_resolved_at_every_attempt(queue: Queue) -> None:
    client = queue.functions.client
    queue.functions.create("f", FAILS)
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    queue.configure(Qualifier="live", on_success=queue.queue())
    request = queue.send("f", 5, Qualifier="live")
    assert until(lambda: queue.happened(RetryScheduled, request))
    from lambdalab.packaging import deployment_package

    client.update_function_code(FunctionName="f", ZipFile=deployment_package({"app.py": ECHO}))
    client.publish_version(FunctionName="f")
    client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    queue.box.clock.jump()
    (record,) = queue.records()
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "2"}
    assert record["responsePayload"] == 5
    assert record["requestContext"]["requestId"] == request


def test_what_is_set_later_counts_for_events_that_wait(queue: Queue) -> None:
    queue.functions.create("f", FAILS)
    request = queue.send()
    assert until(lambda: queue.happened(RetryScheduled, request))
    queue.configure(MaximumRetryAttempts=1)
    queue.box.clock.advance(minutes=10)
    assert len(queue.happened(AttemptStarted, request)) == 2


def test_a_function_that_goes_away(queue: Queue) -> None:
    queue.functions.create("f", FAILS)
    request = queue.send()
    assert until(lambda: queue.happened(RetryScheduled, request))
    queue.functions.client.delete_function(FunctionName="f")
    queue.box.clock.advance(minutes=10)
    assert len(queue.happened(EventDropped, request)) == 1
    assert queue.box.clock.next() is None


def test_an_alias_that_goes_away_is_waited_for(queue: Queue) -> None:
    client = queue.functions.client
    queue.functions.create("f", FAILS)
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    request = queue.send(Qualifier="live")
    assert until(lambda: queue.happened(RetryScheduled, request))
    client.delete_alias(FunctionName="f", Name="live")
    queue.box.clock.advance(minutes=5)
    last = queue.happened(AttemptFinished, request)[-1]
    assert (last.status, last.error_type) == ("system", "ResourceNotFoundException")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    queue.box.clock.advance(minutes=30)
    (dropped,) = queue.happened(EventDropped, request)
    assert dropped.condition == "RetriesExhausted"


def test_no_event_for_what_is_not_there(queue: Queue) -> None:
    with pytest.raises(ClientError, match="Function not found"):
        queue.send("nobody")
    queue.functions.create()
    with pytest.raises(ClientError, match="Function not found"):
        queue.send("f", Qualifier="live")
    assert queue.happened(EventQueued) == []


# -- twice, again and again ---------------------------------------------------------------


def test_duplicates_on_demand(queue: Queue) -> None:
    queue.box.settings(duplicate_events=True)
    queue.functions.create()
    queue.configure(on_success=queue.queue())
    request = queue.send("f", 1)
    queue.box.clock.advance(1)
    assert len(queue.happened(InvokeFinished)) == 2
    assert len(queue.happened(EventDuplicated, request)) == 1
    assert [one.attempt for one in queue.happened(AttemptStarted, request)] == [1, 1]
    records = queue.records()
    assert [one["requestContext"]["requestId"] for one in records] == [request] * 2
    queue.box.settings(duplicate_events=False)
    queue.send("f", 2)
    queue.box.clock.advance(1)
    assert [one["requestPayload"] for one in queue.records()] == [2]


LOOPS = """
import boto3, json, os
def handler(event, context):
    boto3.client("lambda").invoke(
        FunctionName=context.function_name,
        InvocationType=event["type"],
        Payload=json.dumps(event | {"n": event["n"] + 1}),
    )
    return event["n"]
"""


def test_a_loop_is_stopped(queue: Queue) -> None:
    queue.functions.create("f", LOOPS, Timeout=60)
    queue.configure(on_failure=queue.queue())
    queue.send("f", {"type": "Event", "n": 1})
    queue.box.clock.advance(1)
    (detected,) = queue.happened(RecursionDetected)
    assert detected.count == limits.RECURSION.value
    assert len(queue.happened(InvokeFinished)) == limits.RECURSION.value
    (record,) = queue.records()
    assert record["requestPayload"]["n"] == limits.RECURSION.value + 1
    assert record["requestContext"]["condition"] == "RecursiveInvocation"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert queue.box.clock.next() is None


def test_a_caller_who_waits_is_told_of_the_loop(queue: Queue) -> None:
    queue.functions.create("f", LOOPS, Timeout=60)
    answer = queue.functions.call("f", {"type": "RequestResponse", "n": 1})
    assert answer == 1, "each caller goes on, but for the one whose call was stopped"
    finished = queue.happened(InvokeFinished)
    assert len(finished) == limits.RECURSION.value
    assert [one.error_type for one in finished if one.status == "error"] == [
        "RecursiveInvocationException"
    ]


def test_a_loop_that_is_wanted(queue: Queue) -> None:
    client = queue.functions.client
    code = LOOPS.replace("    boto3", "    if event['n'] < 25: boto3")
    queue.functions.create("f", code, Timeout=60)
    assert client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    assert client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Allow"
    queue.send("f", {"type": "Event", "n": 1})
    queue.box.clock.advance(1)
    assert len(queue.happened(InvokeFinished)) == 25
    assert queue.happened(RecursionDetected) == []


def test_a_loop_through_a_queue(queue: Queue) -> None:
    queue.permit(["sqs:*"])
    sqs = queue.clients("sqs")
    url = sqs.create_queue(QueueName="round")["QueueUrl"]
    queue.functions.create(
        "f",
        "import boto3\n"
        "def handler(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl={url!r}, MessageBody='again')\n",
        Timeout=20,
    )
    queue.functions.client.create_event_source_mapping(
        FunctionName="f",
        EventSourceArn="arn:aws:sqs:us-east-1:123456789012:round",
        BatchSize=1,
    )
    sqs.send_message(QueueUrl=url, MessageBody="once")
    queue.box.clock.advance(60)
    assert len(queue.happened(InvokeFinished)) == limits.RECURSION.value
    assert queue.happened(RecursionDetected)


def test_a_loop_through_a_topic(queue: Queue) -> None:
    queue.permit(["sns:*"])
    sns, client = queue.clients("sns"), queue.functions.client
    arn = sns.create_topic(Name="round")["TopicArn"]
    function = queue.functions.create(
        "f",
        "import boto3\n"
        "def handler(event, context):\n"
        f"    boto3.client('sns').publish(TopicArn={arn!r}, Message='again')\n",
        Timeout=20,
    )["FunctionArn"]
    client.add_permission(
        FunctionName="f",
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=arn,
    )
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=arn, Message="once")
    queue.box.clock.advance(1)
    assert len(queue.happened(InvokeFinished)) == limits.RECURSION.value
    assert [one.condition for one in queue.happened(EventDropped)] == ["RecursiveInvocation"]


def test_a_loop_through_a_bucket(queue: Queue) -> None:
    queue.permit(["s3:*"])
    s3, client = queue.clients("s3"), queue.functions.client
    s3.create_bucket(Bucket="round")
    function = queue.functions.create(
        "f",
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket='round', Key=context.aws_request_id)\n",
        Timeout=20,
    )["FunctionArn"]
    client.add_permission(
        FunctionName="f",
        StatementId="bucket",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::round",
    )
    s3.put_bucket_notification_configuration(
        Bucket="round",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket="round", Key="once")
    queue.box.clock.advance(1)
    assert len(queue.happened(InvokeFinished)) == limits.RECURSION.value
    assert len(queue.happened(RecursionDetected)) == 1


# -- what outlives it ---------------------------------------------------------------------


def test_a_reset_forgets_events(queue: Queue) -> None:
    queue.functions.create("f", FAILS)
    request = queue.send()
    assert until(lambda: queue.happened(RetryScheduled, request))
    queue.box.reset()
    assert queue.box.clock.next() is None


def test_saved_events_come_back(queue: Queue, tmp_path: Path) -> None:
    queue.functions.create("f", FAILS)
    queue.configure(on_failure=queue.queue())
    request = queue.send("f", {"kept": True})
    assert until(lambda: queue.happened(RetryScheduled, request))
    due = queue.happened(RetryScheduled, request)[0].due
    queue.box.save(tmp_path / "state.lab")
    queue.box.reset()
    queue.box.load(tmp_path / "state.lab")
    coming = queue.box.clock.next()
    assert coming is not None and coming.time == pytest.approx(due)
    queue.box.clock.advance(minutes=10)
    assert [one.attempt for one in queue.happened(AttemptStarted, request)] == [2, 3]
    (record,) = queue.records()
    assert record["requestContext"]["requestId"] == request
    assert record["requestContext"]["approximateInvokeCount"] == 3


def test_at_high_speed(sandbox: Sandbox, functions: Functions, clients: Callable[..., Any]) -> None:
    queue = Queue(sandbox, functions, clients)
    sandbox.settings(time_scale=1000)
    functions.create("f", FAILS)
    request = queue.send()
    assert until(lambda: queue.happened(EventDropped, request))
    started = [one.time for one in queue.happened(AttemptStarted, request)]
    waits = [after - before for before, after in itertools.pairwise(started)]
    # A handler's real milliseconds are service seconds here; nothing is ever early.
    assert waits[0] >= 63 and waits[1] >= 126
    assert Counter(one.status for one in queue.happened(AttemptFinished, request)) == {"error": 3}
