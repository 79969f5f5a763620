"""Answers to lab 06 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function


def _wrong(cases: int, of: int) -> float:
    """Return what a hidden check of a function gives for so many wrong cases."""
    return max(0.0, 1 - 1.5 * cases / of)


# -- task 1: where it goes ----------------------------------------------------------------

_GOES = """
def goes_to(invocation, outcome, settings):
    if invocation == "sync":
        return ["caller"]
    if invocation == "poll":
        wanted = [] if outcome == "success" else ["queue_dlq"]
    elif outcome == "success":
        wanted = ["on_success"]
    else:
        wanted = ["on_failure", "dlq"]
    return sorted(settings[name] for name in wanted if name in settings)
"""
TASK_1 = [
    function("task-1", "by the way in", _GOES),
    function(
        "task-1",
        "one of the two",
        _GOES.replace(
            '["on_failure", "dlq"]', '["on_failure"] if "on_failure" in settings else ["dlq"]'
        ),
        5 / 6,
        _wrong(2, 16),
    ),
    function(
        "task-1",
        "polls use destinations",
        _GOES.replace('["queue_dlq"]', '["on_failure"]'),
        5 / 6,
        _wrong(1, 16),
    ),
    function("task-1", "not in order", _GOES.replace("sorted(", "list("), 5 / 6, _wrong(2, 16)),
]

# -- task 2: summary ----------------------------------------------------------------------

_SUMMARY = """
def summary(record):
    context = record["requestContext"]
    name, qualifier = context["functionArn"].split(":")[-2:]
    answer = record.get("responsePayload")
    failed = record.get("responseContext", {}).get("functionError")
    error = None
    if failed:
        error = answer["errorMessage"]
        if answer.get("errorType"):
            error = answer["errorType"] + ": " + error
    return {
        "function": name, "qualifier": qualifier,
        "runs": context["approximateInvokeCount"], "why": context["condition"], "error": error,
    }
"""
TASK_2 = [
    function("task-2", "looks at functionError", _SUMMARY),
    function(
        "task-2",
        "looks at the payload",
        _SUMMARY.replace(
            'record.get("responseContext", {}).get("functionError")',
            'answer and "errorMessage" in answer',
        ),
        1,
        _wrong(1, 5),
    ),
    function(
        "task-2",
        "it always ran",
        _SUMMARY.replace('.get("responseContext", {})', '["responseContext"]'),
        2 / 3,
        _wrong(1, 5),
    ),
    function(
        "task-2",
        "every error has a type",
        _SUMMARY.replace('answer.get("errorType")', "True"),
        1,
        _wrong(1, 5),
    ),
]

# -- task 3: a place ----------------------------------------------------------------------

_CONNECT = """
shipping, review = queue("lab06-shipping"), queue("lab06-review")
permit("lab06-order", "results", "sqs:SendMessage", [shipping, review])
aws.put_function_event_invoke_config(
    FunctionName="order", Qualifier="live", MaximumRetryAttempts=1,
    DestinationConfig={
        "OnSuccess": {"Destination": shipping}, "OnFailure": {"Destination": review},
    },
)
"""
_MANAGED = """
statement = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [shipping, review]}
document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
policy = iam.create_policy(PolicyName="lab06-results", PolicyDocument=document)
iam.attach_role_policy(RoleName="lab06-order", PolicyArn=policy["Policy"]["Arn"])
"""
TASK_3 = [
    function("task-3", "just enough", _CONNECT),
    function(
        "task-3",
        "every queue",
        _CONNECT.replace("[shipping, review])", '"*")'),
        0.9,
    ),
    function(
        "task-3",
        "a managed policy of one's own",
        _CONNECT.replace(
            'permit("lab06-order", "results", "sqs:SendMessage", [shipping, review])', _MANAGED
        ),
    ),
    function(
        "task-3",
        "all queues but one",
        _CONNECT.replace("[shipping, review])", '"*")')
        + """
document = iam.get_role_policy(RoleName="lab06-order", PolicyName="results")["PolicyDocument"]
document["Statement"][0]["NotResource"] = document["Statement"][0].pop("Resource") + "secret"
iam.put_role_policy(
    RoleName="lab06-order", PolicyName="results", PolicyDocument=json.dumps(document)
)
""",
        0.9,
    ),
    function(
        "task-3",
        "on the function",
        _CONNECT.replace('Qualifier="live", ', ""),
        0.2,
        0,
    ),
    function(
        "task-3",
        "two retries",
        _CONNECT.replace("MaximumRetryAttempts=1", "MaximumRetryAttempts=2"),
        0.8,
    ),
    function(
        "task-3",
        "only failures",
        _CONNECT.replace('"OnSuccess": {"Destination": shipping}, ', ""),
        0.8,
        0.5,
    ),
]

# -- task 4: invoices ---------------------------------------------------------------------

_REPAIR = """
target = queue("lab06-failed-invoices")
permit("lab06-invoice", "queues", "sqs:SendMessage", target)
aws.put_function_event_invoke_config(
    FunctionName="invoice", Qualifier="live", MaximumRetryAttempts=0,
    DestinationConfig={"OnFailure": {"Destination": target}},
)
"""
TASK_4 = [
    function("task-4", "both reasons", _REPAIR),
    function("task-4", "the permission only", _REPAIR.partition("aws.put")[0], 0.3, 0.3),
    function(
        "task-4",
        "every queue",
        _REPAIR.replace('"sqs:SendMessage", target', '"sqs:*", "*"'),
        0.7,
    ),
    function(
        "task-4",
        "with retries",
        _REPAIR.replace("MaximumRetryAttempts=0", "MaximumRetryAttempts=2"),
        0.7,
    ),
]

# -- task 5: counting ---------------------------------------------------------------------

_COUNT = """
from collections import Counter

by_error = Counter()
for item in s3.list_objects_v2(Bucket="lab06-failures")["Contents"]:
    record = json.load(s3.get_object(Bucket="lab06-failures", Key=item["Key"])["Body"])
    by_error[record["responsePayload"]["errorType"] if "responsePayload" in record else KEY] += 1
by_error = dict(by_error)
"""
TASK_5 = [
    function("task-5", "all records", _COUNT.replace("KEY", '"never ran"')),
    function("task-5", "another word", _COUNT.replace("KEY", '"none"'), 0.55, 0.55),
    function("task-5", "a list", "by_error = ['ValueError']", 0, 0),
]

# -- task 6: once more --------------------------------------------------------------------

_AGAIN = """
dead = url("lab06-dead-refunds")
while True:
    batch = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=120)
    if "Messages" not in batch:
        break
    for message in batch["Messages"]:
        if message["Body"].startswith("{"):
            SEND
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
box.clock.advance(minutes=10)
"""
_SEND = 'aws.invoke(FunctionName="refund", InvocationType="Event", Payload=message["Body"])'
TASK_6 = [
    function("task-6", "sends, then deletes", _AGAIN.replace("SEND", _SEND)),
    function(
        "task-6",
        "deletes all",
        _AGAIN.replace('if message["Body"].startswith("{"):', "if True:").replace(
            "SEND", f'if message["Body"].startswith("{{"): {_SEND}'
        ),
        0.8,
        1,
    ),
    function(
        "task-6",
        "one batch",
        _AGAIN.replace("SEND", _SEND).replace("while True:", "for _ in [1]:"),
        0.4 * 10 / 12 + 0.4,
        0.8 * 10 / 12,
    ),
    function(
        "task-6",
        "sends twice",
        _AGAIN.replace("SEND", f"{_SEND}; {_SEND}"),
        0.8,
        0,
    ),
]

ANSWERS: Mapping[str, list[Answer]] = {
    "task-1": TASK_1,
    "task-2": TASK_2,
    "task-3": TASK_3,
    "task-4": TASK_4,
    "task-5": TASK_5,
    "task-6": TASK_6,
}
