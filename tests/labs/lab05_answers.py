"""Answers to lab 05 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function


def _wrong(cases: int, of: int) -> float:
    """Return what a hidden check of a function gives for so many wrong cases."""
    return max(0.0, 1 - 1.5 * cases / of)


# -- task 1: life -------------------------------------------------------------------------

_LIFE = """
def life(outcomes, max_retries=2, max_age=21600):
    times, t, errors, row = [], 0, 0, 0
    for one in outcomes:
        times.append(t)
        if one == "success":
            return {"times": times, "end": "Success"}
        if one == "throttled":
            wait = min(300, 2 ** row)
            row += 1
        else:
            errors += 1
            row = 0
            if errors > max_retries:
                return {"times": times, "end": "RetriesExhausted"}
            wait = 60 * errors
        t += wait
        if t >= max_age:
            return {"times": times, "end": "EventAgeExceeded"}
    return {"times": times, "end": None}
"""
TASK_1 = [
    function("task-1", "two counters", _LIFE),
    function(
        "task-1",
        "throttles are not forgotten",
        _LIFE.replace("            row = 0\n", ""),
        5 / 6,
        _wrong(1, 10),
    ),
    function("task-1", "no longest wait", _LIFE.replace("min(300, 2 ** row)", "2 ** row"), 1, 0.7),
    function(
        "task-1",
        "too old a moment later",
        _LIFE.replace("t >= max_age", "t > max_age"),
        1,
        _wrong(1, 10),
    ),
    function(
        "task-1",
        "throttles are retries",
        _LIFE.replace("            row += 1\n", "            row += 1\n            errors += 1\n"),
        5 / 6,
        _wrong(1, 10),
    ),
]

# -- task 2: the outage -------------------------------------------------------------------

TASK_2 = [
    function("task-2", "counted", "lost = len([n for n in range(120) if 10 * n + 180 < 1200])"),
    function("task-2", "one too many", "lost = 103", 0, 0),
    function("task-2", "all of them", "lost = 120", 0, 0),
]

# -- task 3: the missing photos -----------------------------------------------------------

_NAMES = '["day one.jpg", "me&you.jpg", "臺北.jpg"]'
_FOUND = 'missing = ["day one.jpg", "me&you.jpg", "臺北.jpg"]\ntries = 3\ncause = "NoSuchKey"'
_DECODED = """
deploy("shrink", "from urllib.parse import unquote_plus\\n" + SHRINK.replace(
    'record["s3"]["object"]["key"]', 'unquote_plus(record["s3"]["object"]["key"])'
))
"""
_AGAIN = """
for key in missing:
    upload("lab05-photos", key)
box.clock.advance(seconds=30)
"""


def _photos(
    name: str, source: str, public: float = 1, hidden: float = 1, found: str = _FOUND
) -> Answer:
    return Answer(name, {"task-3-found": found, "task-3-answer": source}, public, hidden)


TASK_3 = [
    _photos("decoded, uploaded again", _DECODED + _AGAIN),
    _photos("the old ones still missing", _DECODED, 0.4 + 0.6 * 0.5, 1),
    _photos(
        "photos under the names of small ones",
        _DECODED
        + 'for key in missing:\n    upload("lab05-small", key)\n'.replace("missing", _NAMES),
        0.4 + 0.6 * 0.5,
        1,
    ),
    _photos(
        "only spaces",
        _DECODED.replace("unquote_plus(rec", '(lambda key: key.replace("+", " "))(rec') + _AGAIN,
        0.4,
        0.4 + 0.6 * 0.5 * 2 / 6,
    ),
    _photos("found, not repaired", "print('later')", 0.4, 0.4),
    _photos(
        "decoded, found half",
        _DECODED + 'missing = ["day one.jpg", "me&you.jpg", "臺北.jpg"]' + _AGAIN,
        1 - 0.4 / 3,
        1,
        'missing = ["day one.jpg"]\ntries = 2\ncause = "NoSuchKey"',
    ),
]

# -- task 4: the loop ---------------------------------------------------------------------


def _filter(name: str, value: str) -> str:
    rules = f'[{{"Name": "{name}", "Value": "{value}"}}]'
    return f'notify("lab05-frames", "frame", Filter={{"Key": {{"FilterRules": {rules}}}}})'


TASK_4 = [
    function("task-4", "a prefix", _filter("prefix", "uploads/")),
    function("task-4", "the wrong prefix", _filter("prefix", "framed/"), 0, 0),
    function("task-4", "a suffix", _filter("suffix", ".jpg"), 0, 0),
    function(
        "task-4",
        "no notification",
        's3.put_bucket_notification_configuration(Bucket="lab05-frames", '
        "NotificationConfiguration={})",
        0,
        0,
    ),
    function("task-4", "other code", 'deploy("frame", FRAME.replace("framed", "done"))', 0, 0),
]

# -- task 5: alert ------------------------------------------------------------------------

_CONFIGURE = "aws.put_function_event_invoke_config(FunctionName='alert', {})"
TASK_5 = [
    function(
        "task-5",
        "on the alias",
        _CONFIGURE.format("Qualifier='live', MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300"),
    ),
    function(
        "task-5",
        "on the function",
        _CONFIGURE.format("MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300"),
        0,
        0,
    ),
    function(
        "task-5",
        "retries only",
        _CONFIGURE.format("Qualifier='live', MaximumRetryAttempts=0"),
        0.5,
        1,
    ),
    function(
        "task-5",
        "five hours",
        _CONFIGURE.format(
            "Qualifier='live', MaximumRetryAttempts=0, MaximumEventAgeInSeconds=18000"
        ),
        0.5,
        1,
    ),
    function(
        "task-5",
        "on the alias, and said of the function what holds anyhow",
        _CONFIGURE.format("MaximumRetryAttempts=2, MaximumEventAgeInSeconds=21600")
        + "\n"
        + _CONFIGURE.format(
            "Qualifier='live', MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300"
        ),
    ),
    function(
        "task-5",
        "on the version",
        _CONFIGURE.format("Qualifier='1', MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300"),
        0,
        0,
    ),
    function(
        "task-5",
        "on both",
        _CONFIGURE.format("MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300")
        + "\n"
        + _CONFIGURE.format(
            "Qualifier='live', MaximumRetryAttempts=0, MaximumEventAgeInSeconds=300"
        ),
        0.5,
        0.5,
    ),
]

# -- task 6: points -----------------------------------------------------------------------

_HEAD = "SOURCE = POINTS.partition('def handler')[0] + '''"
_TAIL = "'''\ndeploy('points', SOURCE)\n"
_SET = (
    _HEAD
    + """
taken = table.meta.client.exceptions.ConditionalCheckFailedException


def handler(event, context):
    try:
        table.update_item(
            Key={"id": event["customer"]},
            UpdateExpression="ADD points :points, gifts :gift",
            ConditionExpression="NOT contains(gifts, :id)",
            ExpressionAttributeValues={
                ":points": event["points"], ":gift": {event["id"]}, ":id": event["id"]
            },
        )
    except taken:
        pass
    tell(event["customer"])
"""
    + _TAIL
)
_TRANSACTION = (
    _HEAD
    + """
client = table.meta.client


def handler(event, context):
    try:
        client.transact_write_items(TransactItems=[
            {"Put": {
                "TableName": "lab05-customers",
                "Item": {"id": "gift " + event["id"]},
                "ConditionExpression": "attribute_not_exists(id)",
            }},
            {"Update": {
                "TableName": "lab05-customers",
                "Key": {"id": event["customer"]},
                "UpdateExpression": "ADD points :points",
                "ExpressionAttributeValues": {":points": event["points"]},
            }},
        ])
    except client.exceptions.TransactionCanceledException:
        pass
    tell(event["customer"])
"""
    + _TAIL
)
TASK_6 = [
    function("task-6", "a set of gifts", _SET),
    function("task-6", "a transaction", _TRANSACTION),
    function(
        "task-6",
        "tells before it adds",
        "deploy('points', POINTS.partition('    table.update')[0] + "
        "'    tell(event[\"customer\"])\\n    table.update' "
        "+ POINTS.partition('    table.update')[2].rpartition('    tell')[0])",
        1,
        0,
    ),
    function(
        "task-6",
        "swallows the failure",
        _SET.replace('    tell(event["customer"])', "    print('not told')"),
        0,
        0.5,
    ),
    function(
        "task-6",
        "stops when it was added",
        _SET.replace("        pass", "        return"),
        0.5,
        0.5,
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
