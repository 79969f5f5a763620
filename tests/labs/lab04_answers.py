"""Answers to lab 04 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function


def _wrong(cases: int, of: int) -> float:
    """Return what a hidden check of a function gives for so many wrong cases."""
    return max(0.0, 1 - 1.5 * cases / of)


# -- task 1: judge ------------------------------------------------------------------------

_JUDGE = """
def judge(status, headers, payload):
    if status == 429 or status >= 500:
        return {"outcome": "throttled" if status == 429 else "service error", "retry": True}
    if status != 200:
        return {"outcome": "refused", "retry": False}
    lower = {name.lower(): value for name, value in headers.items()}
    failed = "x-amz-function-error" in lower
    return {"outcome": "function error" if failed else "success", "retry": False}
"""
TASK_1 = [
    function("task-1", "layer by layer", _JUDGE),
    function(
        "task-1",
        "one spelling of the header",
        _JUDGE.replace('"x-amz-function-error" in lower', '"X-Amz-Function-Error" in headers'),
        1,
        _wrong(2, 10),
    ),
    function(
        "task-1",
        "looks at the payload",
        _JUDGE.replace(
            '"x-amz-function-error" in lower',
            'isinstance(payload, dict) and "errorType" in payload',
        ),
        1,
        _wrong(3, 10),
    ),
    function(
        "task-1",
        "retries function errors",
        _JUDGE.replace('"success", "retry": False', '"success", "retry": failed'),
        4 / 5,
        _wrong(2, 10),
    ),
    function("task-1", "says so in words", "def judge(*_):\n    return 'fine'", 0, 0),
]

# -- task 2: modes ------------------------------------------------------------------------

_MODES = """
modes = {
    "alb": "sync", "api-gateway": "sync", "cloudformation": "async", "cloudfront": "sync",
    "cognito": "sync", "dynamodb": "poll", "eventbridge": "async", "kinesis": "poll",
    "logs": "async", "s3": "async", "sns": "async", "sqs": "poll",
}
"""
TASK_2 = [
    function("task-2", "all twelve", _MODES),
    function(
        "task-2",
        "as in old notes",
        _MODES.replace('"cloudformation": "async"', '"cloudformation": "sync"'),
        1 - 2 / 12,
        1 - 2 / 12,
    ),
    function(
        "task-2",
        "all the same",
        'modes = dict.fromkeys(["alb", "sqs", "s3", "edge"], "async")',
        0,
        0,
    ),
    function("task-2", "other words", "modes = {'sqs': 'polling', 's3': None}", 0, 0),
    function("task-2", "one of twelve", "modes = {'alb': 'sync'}", 0, 0),
    function(
        "task-2",
        "one left open",
        _MODES.replace('"sqs": "poll"', '"sqs": None'),
        1 - 2 / 12,
        1 - 2 / 12,
    ),
]

# -- task 3: confirmed, and not -----------------------------------------------------------

_LOST = "lost = [103, 105, 107]"
_REPAIRED = """
deploy("accept", ORDER.replace(
    'if response["StatusCode"] != 200:',
    'answer = json.load(response["Payload"])\\n    if "FunctionError" in response:',
).replace('"no answer"', 'answer["errorType"]'))
"""


def _order(
    name: str, source: str, public: float = 1, hidden: float = 1, lost: str = _LOST
) -> Answer:
    return Answer(name, {"task-3-lost": lost, "task-3-answer": source}, public, hidden)


TASK_3 = [
    _order("looks at FunctionError", _REPAIRED),
    _order(
        "tried under the numbers of the morning",
        'invoke("accept", {"order": 101, "item": "sofa"})\n'
        + _REPAIRED
        + 'invoke("accept", {"order": 150, "item": "sofa"})\n',
    ),
    _order("found, not repaired", "print('later')", 0.4, 0.4),
    _order("repaired, one not found", _REPAIRED, 0.6, 1, "lost = [103, 107]"),
    _order(
        "raises instead",
        _REPAIRED.replace('answer["errorType"]', 'answer["type"]'),
        0.4 + 0.6 / 3,
        0.4 + 0.6 * 2 / 5,
    ),
    _order(
        "asks twice",
        _REPAIRED.replace(
            '\\n    if "FunctionError"',
            '\\n    aws.invoke(FunctionName="shelf", Payload=b"{}")\\n    if "FunctionError"',
        ),
        0.4,
        0.4 + 0.6 * 0.5,
    ),
    _order(
        "repairs the other", 'deploy("shelf", STOCK.replace("sleep(30)", "sleep(0)"))', 0.4, 0.4
    ),
]

# -- task 4: one order, one charge --------------------------------------------------------

_PATIENT = """
deploy("shop", SHOP.replace("read_timeout=0.5", "read_timeout=30"))
"""
_ONCE = """
deploy("charge", CHARGE.replace('"id": context.aws_request_id', '"id": event["order"]').replace(
    "    table.put_item(Item=charge)",
    '''    try:
        table.put_item(Item=charge, ConditionExpression="attribute_not_exists(id)")
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return {"paid": event["amount"]}''',
))
"""
_ASKS_FIRST = """
deploy("charge", CHARGE.replace(
    "    table.put_item(Item=charge)",
    '''    if [item for item in table.scan()["Items"] if item["order"] == event["order"]]:
        return {"paid": event["amount"]}
    time.sleep(0.3)
    table.put_item(Item=charge)''',
))
"""
TASK_4 = [
    function("task-4", "patience and a condition", _PATIENT + _ONCE),
    function("task-4", "patience only", _PATIENT, 0.5, 0.5),
    function("task-4", "a condition only", _ONCE, 0.5, 1),
    function(
        "task-4",
        "pays nothing",
        _PATIENT
        + _ONCE.replace("    try:", "    if False:").replace(
            "    except table.meta.client.exceptions.ConditionalCheckFailedException:",
            "    else:",
        ),
        0,
        0,
    ),
    function("task-4", "says paid", 'deploy("shop", SHOP.replace("failed", "paid"))', 0, 0),
    function(
        "task-4",
        "patience, and says paid",
        _ONCE
        + _PATIENT.replace('"read_timeout=30")', '"read_timeout=30").replace("failed", "paid")'),
        1,
        0.8,
    ),
    function(
        "task-4",
        "no payment company",
        _PATIENT
        + _ONCE.replace(
            '"id": event["order"]\')', '"id": event["order"]\').replace("sleep(1)", "sleep(0)")'
        ),
        0.5,
        1,
    ),
    function(
        "task-4",
        "asks first",
        _PATIENT + _ASKS_FIRST,
        1,
        0.5,
    ),
]

# -- task 5: consequences -----------------------------------------------------------------

_CASES = """
def consequences(duration, timeout, patience, attempts):
    ends = min(duration, timeout)
    if ends <= patience:
        return {"runs": 1, "waited": ends, "answered": True, "effects": int(duration <= timeout)}
    return {
        "runs": attempts,
        "waited": patience * attempts,
        "answered": False,
        "effects": attempts if duration <= timeout else 0,
    }
"""
TASK_5 = [
    function("task-5", "heard or not", _CASES),
    function(
        "task-5",
        "who hangs up stops it",
        _CASES.replace("attempts if duration <= timeout else 0", "0"),
        3 / 5,
        _wrong(3, 8),
    ),
    function(
        "task-5",
        "ends too early",
        _CASES.replace("ends <= patience", "ends < patience"),
        4 / 5,
        _wrong(1, 8),
    ),
    function(
        "task-5",
        "retries errors",
        _CASES.replace("ends <= patience", "duration <= min(timeout, patience)"),
        4 / 5,
        _wrong(1, 8),
    ),
]

# -- task 6: a report that is too large ---------------------------------------------------

_STORED = """
deploy("report", "import uuid, boto3\\n" + REPORT.replace(
    'return {"csv": csv(event["rows"])}',
    '''key = KEY
    body = csv(event["rows"])
    boto3.client("s3").put_object(Bucket="lab04-reports", Key=key, Body=body.encode())
    return {"bucket": "lab04-reports", "key": key}''',
))
"""
TASK_6 = [
    function("task-6", "a key of its own", _STORED.replace("KEY", 'f"reports/{uuid.uuid4()}"')),
    function("task-6", "one key for all", _STORED.replace("KEY", '"report.csv"'), 1, 0.5),
    function(
        "task-6",
        "cut short",
        _STORED.replace("KEY", "str(uuid.uuid4())").replace(
            'csv(event["rows"])\n', 'csv(min(event["rows"], 80_000))\n'
        ),
        0.3,
        0.5,
    ),
    function(
        "task-6",
        "only smaller ones",
        'deploy("report", REPORT.replace("row:08", "row"))',
        0,
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
