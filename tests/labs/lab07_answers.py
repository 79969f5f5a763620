"""Answers to lab 07 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function


def _wrong(cases: int, of: int) -> float:
    """Return what a hidden check of a function gives for so many wrong cases."""
    return max(0.0, 1 - 1.5 * cases / of)


# -- task 1: what comes again -------------------------------------------------------------

_AGAIN = """
def comes_again(source, records, answer):
    if answer == "error":
        return records
    named = (answer or {}).get("batchItemFailures") or []
    ids = [one.get("itemIdentifier") for one in named]
    if not all(one in records for one in ids):
        return records
    if not ids:
        return []
    if source == "queue":
        return [one for one in records if one in ids]
    return records[min(map(records.index, ids)):]
"""
TASK_1 = [
    function("task-1", "whole batches first", _AGAIN),
    function(
        "task-1",
        "unknown ids do not matter",
        _AGAIN.replace(
            "        return records\n    if not ids", "        pass\n    if not ids"
        ).replace(
            "records[min(map(records.index, ids)):]",
            "records[min(records.index(one) for one in ids if one in records):]",
        ),
        5 / 6,
        _wrong(6, 16),
    ),
    function(
        "task-1",
        "a stream is a queue",
        _AGAIN.replace('source == "queue"', "True"),
        5 / 6,
        _wrong(2, 16),
    ),
    function(
        "task-1",
        "the first that is named",
        _AGAIN.replace("min(map(records.index, ids))", "records.index(ids[0])"),
        5 / 6,
        _wrong(1, 16),
    ),
]

# -- task 2: parcels ----------------------------------------------------------------------

_CODE = """
deploy("intake", PARCELS.replace(
    "    for record in", "    failed = []\\n    for record in"
).replace(
    'raise ValueError(f"parcel {parcel[\\'id\\']} has no weight")',
    'failed.append({"itemIdentifier": record["messageId"]})\\n            continue',
) + '    return {"batchItemFailures": failed}\\n')
"""
_QUEUE = """
redrive = json.dumps({"deadLetterTargetArn": queue("lab07-broken"), "maxReceiveCount": 2})
sqs.set_queue_attributes(
    QueueUrl=url("lab07-parcels"),
    Attributes={"VisibilityTimeout": "30", "RedrivePolicy": redrive},
)
"""
_CONNECT = """
aws.create_event_source_mapping(
    FunctionName="intake", EventSourceArn=queue("lab07-parcels"), BatchSize=10,
    FunctionResponseTypes=["ReportBatchItemFailures"],
)
"""
TASK_2 = [
    function("task-2", "code, queue and mapping", _CODE + _QUEUE + _CONNECT),
    function(
        "task-2",
        "nobody looks at the answer",
        _CODE + _QUEUE + _CONNECT.replace('FunctionResponseTypes=["ReportBatchItemFailures"],', ""),
        0.7,
        0.6,
    ),
    function("task-2", "no dead-letter queue", _CODE + _CONNECT, 0.5, 0.6),
    function(
        "task-2",
        "swallows it",
        _CODE.replace('failed.append({"itemIdentifier": record["messageId"]})', "pass")
        + _QUEUE
        + _CONNECT,
        0.7,
        0.6,
    ),
    function("task-2", "not connected", _CODE + _QUEUE, 0, 0),
]

# -- task 3: readings ---------------------------------------------------------------------

_FOUND = """
culprit = "r9"
behind = [e.waiting for e in box.events(limit=100_000) if isinstance(e, ShardBlocked)][-1]
"""
_UPDATE = """
aws.update_event_source_mapping(UUID=mapping_of("readings")["UUID"], {})
box.clock.advance(minutes=30)
"""
_LOST = 'DestinationConfig={"OnFailure": {"Destination": queue("lab07-lost")}}'


def _readings(
    name: str, settings: str, public: float = 1, hidden: float = 1, found: str = _FOUND
) -> Answer:
    source = _UPDATE.format(settings) if settings else "print('later')"
    return Answer(name, {"task-3-found": found, "task-3-answer": source}, public, hidden)


TASK_3 = [
    _readings("bisected", f"BisectBatchOnFunctionError=True, MaximumRetryAttempts=2, {_LOST}"),
    _readings("given up whole", f"MaximumRetryAttempts=1, {_LOST}", 0.3 + 0.7 * 0.4, 0.6),
    _readings(
        "not told",
        "BisectBatchOnFunctionError=True, MaximumRetryAttempts=3",
        0.3 + 0.7 * 0.7,
    ),
    _readings(
        "found another",
        f"BisectBatchOnFunctionError=True, MaximumRetryAttempts=3, {_LOST}",
        0.85,
        found=_FOUND.replace('"r9"', '"r8"'),
    ),
    _readings("found, not repaired", "", 0.3, 0.3),
    Answer(
        "puts back what it gave up",
        {
            "task-3-found": _FOUND,
            "task-3-answer": _UPDATE.format(f"MaximumRetryAttempts=3, {_LOST}")
            + "read(10, 70)"
            + _UPDATE.format("BisectBatchOnFunctionError=True"),
        },
    ),
]

# -- task 4: ship -------------------------------------------------------------------------

_SHIP = """
deploy("ship", SHIP.partition("def handler")[0] + '''
taken = table.meta.client.exceptions.ConditionalCheckFailedException


def handler(event, context):
    failed = []
    for record in event["Records"]:
        order = json.loads(record["body"])
        if order["address"] == "unknown":
            failed.append({"itemIdentifier": record["messageId"]})
            continue
        note = {"id": order["order"], "order": order["order"], "address": order["address"]}
        try:
            table.put_item(Item=note, ConditionExpression="attribute_not_exists(id)")
        except taken:
            pass
    return {"batchItemFailures": failed}
''')
"""
TASK_4 = [
    function("task-4", "by the order's number", _SHIP),
    function(
        "task-4",
        "by the message",
        _SHIP.replace('"id": order["order"]', '"id": record["messageId"]'),
        0.3,
        # 11 of 13 orders came in two messages.
        0.5 - 0.5 * 11 / 13,
    ),
    function(
        "task-4",
        "drops what cannot be sent",
        _SHIP.replace('            failed.append({"itemIdentifier": record["messageId"]})\n', ""),
        0.7,
    ),
    function(
        "task-4",
        "overwrites",
        _SHIP.replace(', ConditionExpression="attribute_not_exists(id)"', ""),
    ),
]

# -- task 5: restock ----------------------------------------------------------------------

_RESTOCK = """
pattern = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"id": {"S": [{"anything-but": {"prefix": "test-"}}]}},
        "NewImage": {"status": {"S": ["low", "out"]}},
    },
}
aws.create_event_source_mapping(
    FunctionName="restock", EventSourceArn=stream, StartingPosition="TRIM_HORIZON",
    FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
)
"""
TASK_5 = [
    function("task-5", "three conditions", _RESTOCK),
    function(
        "task-5",
        "tests, too",
        _RESTOCK.replace('"Keys": {"id": {"S": [{"anything-but": {"prefix": "test-"}}]}},', ""),
        1,
        0.4,
    ),
    function(
        "task-5",
        "new items, too",
        _RESTOCK.replace('"eventName": ["MODIFY"],', ""),
        0.4,
        0.4,
    ),
    function(
        "task-5",
        "numbers",
        _RESTOCK.replace(
            '"status": {"S": ["low", "out"]}', '"left": {"N": [{"numeric": ["<", 5]}]}'
        ),
        0,
        0,
    ),
    function(
        "task-5",
        "all but ok",
        _RESTOCK.replace('["low", "out"]', '[{"anything-but": "ok"}]'),
    ),
    function("task-5", "from now on", _RESTOCK.replace("TRIM_HORIZON", "LATEST"), 0.7, 1),
]

ANSWERS: Mapping[str, list[Answer]] = {
    "task-1": TASK_1,
    "task-2": TASK_2,
    "task-3": TASK_3,
    "task-4": TASK_4,
    "task-5": TASK_5,
}
