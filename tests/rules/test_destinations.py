"""Records and dead letters, by the structure of what AWS sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab.rules import destinations as rules
from lambdalab.rules import limits
from lambdalab.rules.destinations import Response, TargetKind
from lambdalab.rules.retries import Condition

ACCOUNT = "111122223333"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failed"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:failed"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
BUCKET = "arn:aws:s3:::failed"
TIME = 1_573_755_365.568
ERROR = json.dumps({"errorMessage": "no stock", "errorType": "ValueError"}).encode()


def record(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "request_id": "e4b46cbf-b738-4dc0-8880-a18cdf61200e",
        "function_arn": f"{FUNCTION}:$LATEST",
        "condition": Condition.RETRIES_EXHAUSTED,
        "invoke_count": 3,
        "payload": b'{"order": 7}',
        "response": Response("$LATEST", ERROR, "Unhandled"),
        "time": TIME,
    }
    return rules.record(**(usual | changes))


def test_the_record_of_a_failure() -> None:
    found = record()
    # Members and their order as on the page.
    assert found == {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-4dc0-8880-a18cdf61200e",
            "functionArn": f"{FUNCTION}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"order": 7},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no stock", "errorType": "ValueError"},
    }
    assert list(found) == [
        "version",
        "timestamp",
        "requestContext",
        "requestPayload",
        "responseContext",
        "responsePayload",
    ]


def test_the_record_of_a_success() -> None:
    found = record(condition=Condition.SUCCESS, invoke_count=1, response=Response("3", b"null"))
    assert found["responseContext"] == {"statusCode": 200, "executedVersion": "3"}
    assert found["responsePayload"] is None


def test_the_record_of_an_event_that_never_ran() -> None:
    found = record(condition=Condition.EVENT_AGE_EXCEEDED, invoke_count=0, response=None)
    assert "responseContext" not in found and "responsePayload" not in found
    assert found["requestContext"]["approximateInvokeCount"] == 0


def test_an_answer_that_is_no_json_is_kept_as_text() -> None:
    assert record(response=Response("1", b"caf\xe9"))["responsePayload"] == "caf�"


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (QUEUE, TargetKind.SQS),
        (TOPIC, TargetKind.SNS),
        (OTHER, TargetKind.LAMBDA),
        (f"{OTHER}:live", TargetKind.LAMBDA),
        (BUS, TargetKind.EVENTS),
        (BUCKET, TargetKind.S3),
        (f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r", None),
        (f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:l", None),
        (f"arn:aws:iam:us-east-1:{ACCOUNT}:function:f", None),
        ("queue", None),
        ("arn:aws:sqs", None),
    ],
)
def test_kinds_of_targets(arn: str, kind: TargetKind | None) -> None:
    assert rules.kind_of(arn) == kind


@pytest.mark.parametrize("arn", [QUEUE, TOPIC, OTHER, BUS, BUCKET, None, ""])
def test_targets_of_failures(arn: str | None) -> None:
    assert rules.destination_problem(None, arn, function=FUNCTION) is None


@pytest.mark.parametrize(
    ("success", "failure", "error", "words"),
    [
        (BUCKET, None, "InvalidParameterValueException", f"OnSuccess(destination={BUCKET})"),
        (None, f"{QUEUE}.fifo", "InvalidParameterValueException", f"{QUEUE}.fifo is invalid."),
        (f"{TOPIC}.fifo", None, "InvalidParameterValueException", "FIFO-type Amazon SNS topics"),
        (FUNCTION, None, "InvalidParameterValueException", "as a destination for itself."),
        (f"{FUNCTION}:live", None, "InvalidParameterValueException", "for itself."),
        (None, FUNCTION.replace("lambda", "iam"), "InvalidParameterValueException", "is invalid."),
        (None, "queue", "ValidationException", "'destinationConfig.onFailure.destination'"),
        ("arn:aws:sq s:x", None, "ValidationException", "'destinationConfig.onSuccess.destin"),
    ],
)
def test_targets_that_are_refused(
    success: str | None, failure: str | None, error: str, words: str
) -> None:
    problem = rules.destination_problem(success, failure, function=FUNCTION)
    assert problem is not None
    assert problem[0] == error and words in problem[1]


def test_the_pattern_is_that_of_the_api_model() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("lambda")
    problem = rules.destination_problem(None, "queue", function=FUNCTION)
    assert problem is not None
    assert problem[1].endswith(f"pattern: {model.shape_for('DestinationArn').metadata['pattern']}")


def test_limits_are_those_of_the_api_model() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("lambda")
    age = model.shape_for("MaximumEventAgeInSeconds").metadata
    assert (limits.ASYNC_AGE_MIN.value, limits.ASYNC_AGE_MAX.value) == (age["min"], age["max"])
    retries = model.shape_for("MaximumRetryAttempts").metadata
    assert (0, limits.ASYNC_RETRIES.value) == (retries["min"], retries["max"])


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        (f"{QUEUE}.fifo", "FIFO SQS queue is not supported for dead letter configuration"),
        (f"{TOPIC}.fifo", "FIFO SNS topic is not supported"),
        (OTHER, "neither an SQS queue nor an SNS topic"),
        ("failed", "ARNs must start with 'arn:'"),
    ],
)
def test_dead_letter_targets_that_are_refused(arn: str, words: str) -> None:
    assert words in str(rules.dead_letter_problem(arn))


def test_dead_letter_targets() -> None:
    assert rules.dead_letter_problem(QUEUE) is None
    assert rules.dead_letter_problem(TOPIC) is None


def test_what_the_role_must_allow() -> None:
    assert rules.permissions(QUEUE) == (("sqs:SendMessage", QUEUE),)
    assert rules.permissions(BUCKET) == (
        ("s3:PutObject", f"{BUCKET}/aws/lambda/async/*"),
        ("s3:ListBucket", BUCKET),
    )
    assert rules.permissions("queue") == ()
    assert rules.unpermitted("sqs:SendMessage", QUEUE).endswith(f"call SendMessage on {QUEUE}")
    assert rules.unpermitted("sns:Publish", TOPIC, dead_letter=True) == (
        "The provided execution role does not have permissions to call Publish on SNS"
    )


def test_too_large_for_a_topic() -> None:
    large = b'"' + b"x" * limits.MESSAGE_SNS.value + b'"'
    text, problem = rules.fitted(record(payload=large), TargetKind.SNS)
    assert problem is None
    assert set(json.loads(text)) == {"version", "timestamp", "requestContext", "responseContext"}
    success = record(payload=large, condition=Condition.SUCCESS, response=Response("1", b"1"))
    _, problem = rules.fitted(success, TargetKind.SNS)
    assert problem is not None and "262,144" in problem
    assert rules.fitted(success, TargetKind.SQS)[1] is None
    assert rules.fitted(record(payload=large * 5), TargetKind.S3)[1] is None


def test_the_key_of_an_object() -> None:
    key = rules.object_key("orders", TIME, "11111111-2222-4333-8444-555555555555")
    assert key == (
        "aws/lambda/async/orders/2019/11/14/2019-11-14T18.16.05-"
        "11111111-2222-4333-8444-555555555555"
    )


@pytest.mark.parametrize(
    ("condition", "result"),
    [(Condition.SUCCESS, "Success"), (Condition.EVENT_AGE_EXCEEDED, "Failure")],
)
def test_an_entry_for_eventbridge(condition: Condition, result: str) -> None:
    entry = rules.event_entry("{}", condition=condition, function_arn=f"{FUNCTION}:live", bus=BUS)
    assert entry == {
        "EventBusName": BUS,
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {result}",
        "Detail": "{}",
        "Resources": [BUS, f"{FUNCTION}:live"],
    }


def test_the_attributes_of_a_dead_letter() -> None:
    response = Response("$LATEST", ERROR, "Unhandled")
    assert rules.dead_letter_attributes("id", response) == {
        "RequestID": ("String", "id"),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no stock"),
    }
    for last in (response, None):
        attributes = rules.dead_letter_attributes("id", last, rules.REFUSED)
        assert attributes["ErrorCode"] == ("Number", "429")
        assert attributes["ErrorMessage"] == ("String", "Rate Exceeded.")
    assert rules.dead_letter_attributes("id", response, (404, "Function not found: f")) == {
        "RequestID": ("String", "id"),
        "ErrorCode": ("Number", "404"),
        "ErrorMessage": ("String", "Function not found: f"),
    }


def test_an_error_message_is_cut_between_characters() -> None:
    payload = json.dumps({"errorMessage": "x" + "貨" * 500}).encode()
    attributes = rules.dead_letter_attributes("id", Response("1", payload))
    text = attributes["ErrorMessage"][1]
    assert text == "x" + "貨" * 341 and len(text.encode()) == 1024
    assert "ErrorMessage" not in rules.dead_letter_attributes("id", Response("1", b'"gone"'))
