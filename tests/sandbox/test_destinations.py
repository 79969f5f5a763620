"""Destinations and dead-letter queues in a real sandbox: what arrives, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.rules import limits
from lambdalab.sandbox.events import DestinationDelivered, InvokeReceived
from tests.sandbox.asynchronous import ACCOUNT, AS_TOLD, FAILS, Queue, attributes, queue
from tests.sandbox.conftest import until

__all__ = ["queue"]

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
ALL = ["sqs:SendMessage", "sns:Publish", "lambda:InvokeFunction", "events:PutEvents", "s3:*"]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    """Return code and message of the error that ``call`` must give."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def topic(queue: Queue, name: str = "news") -> str:
    """Make a topic whose messages arrive in the queue ``out``; return its ARN."""
    sns = queue.clients("sns")
    arn = str(sns.create_topic(Name=name)["TopicArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.queue())
    queue.permit(ALL)
    return arn


def fail(queue: Queue, event: object = None) -> str:
    """Send an event that fails at once and for good; return its request id."""
    request = queue.send("f", event)
    assert until(lambda: queue.happened(DestinationDelivered, request))
    queue.box.clock.advance(0)
    return request


@pytest.fixture
def failing(queue: Queue) -> Queue:
    """Return short ways to a function that fails, whose role may send anywhere."""
    queue.functions.create("f", FAILS)
    queue.permit(ALL)
    return queue


# -- each kind of target ------------------------------------------------------------------


def test_a_queue_gets_success_and_failure_apart(queue: Queue) -> None:
    queue.functions.create("f", AS_TOLD)
    queue.configure(
        MaximumRetryAttempts=0, on_success=queue.queue("good"), on_failure=queue.queue("bad")
    )
    good = queue.send("f", {"do": ["return"]})
    assert until(lambda: queue.happened(DestinationDelivered, good))
    bad = queue.send("f", {"do": ["raise"]})
    assert until(lambda: queue.happened(DestinationDelivered, bad))
    (record,) = queue.records("good")
    assert record["requestContext"]["requestId"] == good
    assert record["requestContext"]["condition"] == "Success"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"done": 0, "id": good, "version": "$LATEST"}
    (record,) = queue.records("bad")
    assert record["requestContext"]["requestId"] == bad
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert record["responsePayload"]["requestId"] == bad
    assert record["responsePayload"]["stackTrace"]
    delivered = queue.happened(DestinationDelivered)
    assert [(one.kind, one.condition, one.error) for one in delivered] == [
        ("on-success", "Success", None),
        ("on-failure", "RetriesExhausted", None),
    ]
    assert json.loads(delivered[1].body) == record
    # The record's own time is service time, which stands still.
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])


def test_a_topic(failing: Queue) -> None:
    failing.configure(MaximumRetryAttempts=0, on_failure=topic(failing))
    request = fail(failing, {"n": 1})
    (message,) = failing.records()
    assert message["Type"] == "Notification"
    record = json.loads(message["Message"])
    assert record["requestContext"]["requestId"] == request
    assert record["requestPayload"] == {"n": 1}


def test_a_function(failing: Queue) -> None:
    failing.functions.create("g")
    target = f"{FUNCTION[:-1]}g"
    failing.configure(MaximumRetryAttempts=0, on_failure=target)
    failing.configure("g", on_success=failing.queue())
    failing.permit(ALL)
    request = fail(failing, {"n": 1})
    assert until(lambda: len(failing.happened(DestinationDelivered)) == 2)
    received = failing.happened(InvokeReceived)[-1]
    assert (received.function, received.source, received.invocation_type) == (
        "g",
        "destination",
        "Event",
    )
    assert failing.happened(DestinationDelivered, request)[0].destination == target
    (outer,) = failing.records()
    inner = outer["requestPayload"]
    assert inner == outer["responsePayload"], "the record is the payload"
    assert inner["requestContext"]["requestId"] == request
    assert outer["requestContext"]["requestId"] != request


def test_an_event_bus(failing: Queue) -> None:
    events = failing.clients("events")
    events.put_rule(Name="results", EventPattern=json.dumps({"source": ["lambda"]}))
    out = failing.queue()
    events.put_targets(Rule="results", Targets=[{"Id": "1", "Arn": out}])
    queue_url = failing.clients("sqs").get_queue_url(QueueName="out")["QueueUrl"]
    failing.clients("sqs").set_queue_attributes(
        QueueUrl=queue_url,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": out,
                        }
                    ],
                }
            )
        },
    )
    failing.permit(ALL)
    failing.configure(MaximumRetryAttempts=0, on_failure=BUS)
    request = fail(failing)
    failing.box.clock.advance(5)
    (event,) = failing.records()
    assert event["source"] == "lambda"
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert event["resources"] == [BUS, f"{FUNCTION}:$LATEST"]
    assert (event["account"], event["region"]) == (ACCOUNT, "us-east-1")
    assert event["detail"]["requestContext"]["requestId"] == request


def test_a_bucket(failing: Queue) -> None:
    s3 = failing.clients("s3")
    s3.create_bucket(Bucket="failed")
    failing.configure(MaximumRetryAttempts=0, on_failure="arn:aws:s3:::failed")
    request = fail(failing)
    (found,) = s3.list_objects_v2(Bucket="failed")["Contents"]
    uuid4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(
        r"aws/lambda/async/f/(\d{4})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d-" + uuid4,
        found["Key"],
    )
    record = json.loads(s3.get_object(Bucket="failed", Key=found["Key"])["Body"].read())
    assert record["requestContext"]["requestId"] == request


# -- dead letters -------------------------------------------------------------------------


def test_a_dead_letter(queue: Queue) -> None:
    dead = queue.queue("dead")
    made = queue.functions.create("f", FAILS, DeadLetterConfig={"TargetArn": dead})
    assert made["DeadLetterConfig"] == {"TargetArn": dead}
    queue.configure(MaximumRetryAttempts=0)
    request = fail(queue, {"貨": 1})
    (message,) = queue.messages("dead")
    assert json.loads(message["Body"]) == {"貨": 1}, "the event itself, no record"
    assert attributes(message) == {
        "RequestID": ("String", request),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", request),
    }
    (delivered,) = queue.happened(DestinationDelivered, request)
    assert (delivered.kind, delivered.destination, delivered.error) == ("dead-letter", dead, None)


def test_a_dead_letter_of_a_throttled_event(queue: Queue) -> None:
    queue.functions.create("f", DeadLetterConfig={"TargetArn": queue.queue("dead")})
    queue.functions.client.put_function_concurrency(
        FunctionName="f", ReservedConcurrentExecutions=0
    )
    request = fail(queue, 1)
    (message,) = queue.messages("dead")
    assert attributes(message) == {
        "RequestID": ("String", request),
        "ErrorCode": ("Number", "429"),
        "ErrorMessage": ("String", "Rate Exceeded."),
    }


def test_a_dead_letter_by_a_topic(failing: Queue) -> None:
    failing.functions.client.update_function_configuration(
        FunctionName="f", DeadLetterConfig={"TargetArn": topic(failing)}
    )
    failing.configure(MaximumRetryAttempts=0)
    request = fail(failing, {"n": 1})
    (message,) = failing.records()
    assert json.loads(message["Message"]) == {"n": 1}
    assert message["MessageAttributes"]["RequestID"] == {"Type": "String", "Value": request}
    assert message["MessageAttributes"]["ErrorCode"]["Type"] == "Number"


def test_both_at_once_and_for_every_version(failing: Queue) -> None:
    client = failing.functions.client
    client.publish_version(FunctionName="f")
    client.update_function_configuration(
        FunctionName="f", DeadLetterConfig={"TargetArn": failing.queue("dead")}
    )
    failing.configure(Qualifier="1", MaximumRetryAttempts=0, on_failure=failing.queue())
    request = failing.send("f", 5, Qualifier="1")
    assert until(lambda: len(failing.happened(DestinationDelivered, request)) == 2)
    (record,) = failing.records()
    (letter,) = failing.messages("dead")
    assert record["requestPayload"] == json.loads(letter["Body"]) == 5
    assert attributes(letter)["RequestID"] == ("String", request)


def test_success_leaves_no_dead_letter(queue: Queue) -> None:
    queue.functions.create("f", DeadLetterConfig={"TargetArn": queue.queue("dead")})
    queue.configure(on_success=queue.queue())
    fail(queue)
    assert len(queue.records()) == 1
    assert queue.messages("dead") == []


# -- what cannot be sent ------------------------------------------------------------------


def test_a_target_that_went_away(failing: Queue) -> None:
    failing.configure(MaximumRetryAttempts=0, on_failure=failing.queue())
    sqs = failing.clients("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="out")["QueueUrl"])
    request = fail(failing)
    (delivered,) = failing.happened(DestinationDelivered, request)
    assert delivered.error is not None and delivered.error.endswith(":out is invalid.")


def test_a_permission_that_was_taken_back(failing: Queue) -> None:
    failing.configure(MaximumRetryAttempts=0, on_failure=failing.queue())
    failing.permit(["sqs:ReceiveMessage"])
    request = fail(failing)
    (delivered,) = failing.happened(DestinationDelivered, request)
    assert "does not have permissions to call SendMessage on" in str(delivered.error)
    assert failing.messages() == []


def test_a_record_that_is_too_large_for_a_topic(queue: Queue) -> None:
    queue.functions.create("f")
    arn = topic(queue)
    queue.configure(on_success=arn)
    large = "x" * limits.MESSAGE_SNS.value
    request = fail(queue, large)
    (delivered,) = queue.happened(DestinationDelivered, request)
    assert "262,144" in str(delivered.error)
    assert queue.messages() == []
    queue.functions.create("g", FAILS)
    queue.configure("g", MaximumRetryAttempts=0, on_failure=arn)
    request = queue.send("g", large)
    assert until(lambda: queue.happened(DestinationDelivered, request))
    record = json.loads(queue.records()[0]["Message"])
    assert record["requestContext"]["requestId"] == request
    assert "requestPayload" not in record


# -- configuring --------------------------------------------------------------------------


def test_what_the_api_answers(failing: Queue) -> None:
    client, out = failing.functions.client, failing.queue()
    put = failing.configure(MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60, on_failure=out)
    assert put["FunctionArn"] == f"{FUNCTION}:$LATEST"
    assert put["LastModified"].timestamp() == pytest.approx(failing.box.clock.now(), abs=1)
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": out}}
    updated = client.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (0, 60)
    assert updated["DestinationConfig"]["OnFailure"] == {"Destination": out}
    again = failing.configure(MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in again
    assert again["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    got = client.get_function_event_invoke_config(FunctionName=FUNCTION, Qualifier="$LATEST")
    assert got["MaximumRetryAttempts"] == 0


def test_configurations_are_listed_and_deleted(failing: Queue) -> None:
    client = failing.functions.client
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for name in ("f", "f:live", f"{FUNCTION}:1"):
        failing.configure(name, MaximumRetryAttempts=1)
    page = client.list_function_event_invoke_configs(FunctionName="f", MaxItems=2)
    rest = client.list_function_event_invoke_configs(FunctionName="f", Marker=page["NextMarker"])
    assert "NextMarker" not in rest
    found = page["FunctionEventInvokeConfigs"] + rest["FunctionEventInvokeConfigs"]
    assert sorted(one["FunctionArn"].rpartition(":")[2] for one in found) == [
        "$LATEST",
        "1",
        "live",
    ]
    client.delete_function_event_invoke_config(FunctionName="f", Qualifier="1")
    client.delete_alias(FunctionName="f", Name="live")
    left = client.list_function_event_invoke_configs(FunctionName="f")
    assert len(left["FunctionEventInvokeConfigs"]) == 1
    client.delete_function_event_invoke_config(FunctionName="f")
    none = f"The function {FUNCTION}:$LATEST doesn't have an EventInvokeConfig"
    for operation, more in (
        ("delete", {}),
        ("get", {}),
        ("update", {"MaximumRetryAttempts": 1}),
    ):
        call = getattr(client, f"{operation}_function_event_invoke_config")
        found_none = refused(partial(call, FunctionName="f", **more))
        assert found_none == ("ResourceNotFoundException", none)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({}, "InvalidParameterValueException", "You must specify at least one of error handling"),
        ({"MaximumRetryAttempts": 3}, "ValidationException", "'3' at 'maximumRetryAttempts'"),
        ({"MaximumRetryAttempts": -1}, "ValidationException", "greater than or equal to 0"),
        (
            {"MaximumEventAgeInSeconds": 59},
            "ValidationException",
            "'59' at 'maximumEventAgeInSeconds'",
        ),
        ({"MaximumEventAgeInSeconds": 21_601}, "ValidationException", "less than or equal to"),
        ({"on_failure": f"{FUNCTION}"}, "InvalidParameterValueException", "for itself"),
        (
            {"on_failure": f"arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere"},
            "InvalidParameterValueException",
            f"The destination ARN arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere is invalid.",
        ),
        (
            {"on_success": f"{FUNCTION}-nobody"},
            "InvalidParameterValueException",
            f"The destination ARN {FUNCTION}-nobody is invalid.",
        ),
        ({"on_failure": "arn:aws:s3:::nowhere"}, "InvalidParameterValueException", "is invalid"),
        ({"on_success": "arn:aws:s3:::there"}, "InvalidParameterValueException", "is invalid."),
        (
            {"on_failure": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/nowhere"},
            "InvalidParameterValueException",
            "is invalid.",
        ),
        (
            {"on_failure": f"arn:aws:sqs:us-east-1:{ACCOUNT}:there.fifo"},
            "InvalidParameterValueException",
            "there.fifo is invalid.",
        ),
        (
            {"on_failure": f"arn:aws:sns:us-east-1:{ACCOUNT}:there.fifo"},
            "InvalidParameterValueException",
            "FIFO-type Amazon SNS topics aren't supported as a destination.",
        ),
    ],
)
def test_settings_that_are_refused(
    failing: Queue, settings: dict[str, Any], code: str, words: str
) -> None:
    failing.clients("s3").create_bucket(Bucket="there")
    failing.clients("sqs").create_queue(QueueName="there.fifo", Attributes={"FifoQueue": "true"})
    failing.clients("sns").create_topic(Name="there.fifo", Attributes={"FifoTopic": "true"})
    client = failing.clients("lambda", parameter_validation=False)
    queue = Queue(failing.box, failing.functions, failing.clients)
    queue.functions = type(failing.functions)(client, failing.functions.role)
    found, message = refused(lambda: queue.configure("f", **settings))
    assert found == code and words in message
    with pytest.raises(ClientError):
        client.get_function_event_invoke_config(FunctionName="f")


def test_functions_and_qualifiers_that_are_not_there(failing: Queue) -> None:
    for name, qualifier in (("nobody", "$LATEST"), ("f", "live"), ("f", "7")):
        found = refused(
            partial(failing.configure, name, Qualifier=qualifier, MaximumRetryAttempts=1)
        )
        assert found == ("ResourceNotFoundException", "The function doesn't exist.")
    code, words = refused(lambda: failing.configure("f:1", Qualifier="2", MaximumRetryAttempts=1))
    assert code == "InvalidParameterValueException" and "derived qualifier" in words


@pytest.mark.parametrize(
    ("target", "action", "operation"),
    [
        ("queue", "sqs:SendMessage", "SendMessage"),
        ("topic", "sns:Publish", "Publish"),
        ("function", "lambda:InvokeFunction", "InvokeFunction"),
        ("bus", "events:PutEvents", "PutEvents"),
        ("bucket", "s3:PutObject", "PutObject"),
    ],
)
def test_a_role_that_may_not_send(queue: Queue, target: str, action: str, operation: str) -> None:
    queue.functions.create("f")
    queue.functions.create("g")
    queue.clients("s3").create_bucket(Bucket="there")
    arn = {
        "queue": queue.queue(),
        "topic": queue.clients("sns").create_topic(Name="there")["TopicArn"],
        "function": f"{FUNCTION[:-1]}g",
        "bus": BUS,
        "bucket": "arn:aws:s3:::there",
    }[target]
    queue.permit(["logs:*"])
    assert refused(lambda: queue.configure(on_failure=arn)) == (
        "InvalidParameterValueException",
        f"The function's execution role does not have permissions to call {operation} on {arn}",
    )
    queue.permit([action, "s3:ListBucket"])
    assert queue.configure(on_failure=arn)["DestinationConfig"]["OnFailure"]["Destination"] == arn


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        (
            f"arn:aws:sqs:us-east-1:{ACCOUNT}:out",
            "The provided execution role does not have permissions to call SendMessage on SQS",
        ),
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere", "does not exist"),
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:out.fifo", "FIFO SQS queue is not supported"),
        (FUNCTION, "neither an SQS queue nor an SNS topic"),
    ],
)
def test_dead_letter_queues_that_are_refused(queue: Queue, arn: str, words: str) -> None:
    queue.queue()
    queue.permit(["logs:*"])
    code, message = refused(
        lambda: queue.functions.create("f", DeadLetterConfig={"TargetArn": arn})
    )
    assert code == "InvalidParameterValueException" and words in message
    queue.functions.create("f")
    update = queue.functions.client.update_function_configuration
    code, message = refused(
        lambda: update(FunctionName="f", DeadLetterConfig={"TargetArn": arn}, Timeout=9)
    )
    assert code == "InvalidParameterValueException" and words in message
    assert queue.functions.client.get_function_configuration(FunctionName="f")["Timeout"] == 3


def test_a_dead_letter_queue_is_taken_away(queue: Queue) -> None:
    queue.functions.create("f", DeadLetterConfig={"TargetArn": queue.queue()})
    changed = queue.functions.client.update_function_configuration(
        FunctionName="f", DeadLetterConfig={"TargetArn": ""}
    )
    assert "DeadLetterConfig" not in changed


def test_recursion_configuration_that_is_refused(queue: Queue) -> None:
    queue.functions.create("f")
    client = queue.clients("lambda", parameter_validation=False)
    code, words = refused(
        lambda: client.put_function_recursion_config(FunctionName="f", RecursiveLoop="Never")
    )
    assert code == "ValidationException" and "[Allow, Terminate]" in words
