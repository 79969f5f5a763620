"""Hidden checks of lab 06: other settings and records, more orders, failures of another kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import literal, shown, wrong
from lambdalab.grading.functions import judged, silent, weighed
from lambdalab.sandbox.events import DestinationDelivered, EventQueued

_ALL = {"on_success": "z", "on_failure": "m", "dlq": "a", "queue_dlq": "q"}
_ARN = "arn:aws:lambda:ap-northeast-1:123456789012:function:"


def _record(name: str, condition: str, runs: int, **rest: Any) -> list[Any]:  # noqa: ANN401
    context = {
        "requestId": "r",
        "functionArn": _ARN + name,
        "condition": condition,
        "approximateInvokeCount": runs,
    }
    return [{"version": "1.0", "requestContext": context, "requestPayload": None, **rest}]


_FAILED = {"statusCode": 200, "executedVersion": "2", "functionError": "Unhandled"}
_FINE = {"statusCode": 200, "executedVersion": "2"}
INPUTS: dict[str, dict[str, list[list[Any]]]] = {
    "task-1": {
        "goes_to": [
            [invocation, outcome, settings]
            for invocation in ("sync", "async", "poll")
            for outcome in ("success", "failed", "expired")
            for settings in (_ALL, {})
            if (invocation, outcome) != ("poll", "expired")
        ]
    },
    "task-2": {
        "summary": [
            _record(
                "pay:prod",
                "RetriesExhausted",
                1,
                responseContext=_FAILED,
                responsePayload={"errorMessage": "no type here"},
            ),
            _record(
                "pay:12",
                "Success",
                1,
                responseContext=_FINE,
                responsePayload={"errorType": "Returned", "errorMessage": "on purpose"},
            ),
            _record("pay:$LATEST", "EventAgeExceeded", 0),
            _record(
                "a-b_c:live",
                "EventAgeExceeded",
                2,
                responseContext=_FAILED,
                responsePayload={"errorType": "Sandbox.Timedout", "errorMessage": "timed out"},
            ),
            _record("pay:live", "Success", 3, responseContext=_FINE, responsePayload=None),
        ]
    },
}
_PENALTY = 1.5
"""Points lost for each right case missed: half of them wrong is worth a quarter."""
_SHIPPING, _REVIEW, _INVOICES = "lab06-shipping", "lab06-review", "lab06-failed-invoices"
_DEAD = "lab06-dead-refunds"


def check_task_1(world: World) -> Verdict:
    """Every way in, every outcome, all settings and none."""
    calls = world.calls("goes_to")
    if silent(calls):
        return not_attempted()
    share, text = judged("goes_to", calls, _goes_to, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _goes_to(invocation: str, outcome: str, settings: Mapping[str, str]) -> list[str]:
    used = {
        ("async", True): {"on_success"},
        ("async", False): {"on_failure", "dlq"},
        ("poll", False): {"queue_dlq"},
    }.get((invocation, outcome == "success"), set())
    found = {settings[place] for place in used & settings.keys()}
    return ["caller"] if invocation == "sync" else sorted(found)


def check_task_2(world: World) -> Verdict:
    """Errors without a type, answers that look like errors, events that never ran."""
    calls = world.calls("summary")
    if silent(calls):
        return not_attempted()
    share, text = judged("summary", calls, _summary, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    context = record["requestContext"]
    parts = context["functionArn"].split(":")
    error = None
    if "functionError" in record.get("responseContext", {}):
        said = record["responsePayload"]
        error = said["errorMessage"]
        error = f"{said['errorType']}: {error}" if "errorType" in said else error
    return {
        "function": parts[-2],
        "qualifier": parts[-1],
        "runs": context["approximateInvokeCount"],
        "why": context["condition"],
        "error": error,
    }


def _arrivals(world: World, requests: set[str]) -> Counter[str]:
    return Counter(
        one.destination.rpartition(":")[2]
        for one in world.new_events()
        if isinstance(one, DestinationDelivered) and one.request_id in requests and not one.error
    )


def _messages(world: World, name: str) -> list[dict[str, Any]]:
    """Return the records in a queue, and delete them."""
    sqs = world.client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.ClientError:
        return []
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for one in messages:
            found.append(json.loads(one["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return found


def check_task_3(world: World) -> Verdict:
    """Ten orders at once, and what is then in the queues."""
    aws = world.client("lambda")
    configured = aws.list_function_event_invoke_configs(FunctionName="order")
    if not configured["FunctionEventInvokeConfigs"]:
        return not_attempted()
    orders = {number: 40 * (number % 3) for number in range(7001, 7011)}
    sent = {
        world.send("order", {"order": number, "amount": amount}, "live")
        for number, amount in orders.items()
    }
    world.clock.advance(minutes=10)
    found = {
        name: sorted(
            record["requestPayload"]["order"]
            for record in _messages(world, name)
            if record.get("requestContext", {}).get("requestId") in sent
        )
        for name in (_SHIPPING, _REVIEW)
    }
    right = {
        _SHIPPING: [number for number, amount in orders.items() if amount > 0],
        _REVIEW: [number for number, amount in orders.items() if amount <= 0],
    }
    share = sum(found[name] == right[name] for name in right) / 2
    if share == 1:
        return passed()
    return wrong(
        f"佇列裡的訂單是 {shown(found)}，應該是 {shown(right)}。",
        f"The orders in the queues are {shown(found)}; they should be {shown(right)}.",
        score=share,
    )


def check_task_4(world: World) -> Verdict:
    """Invoices that fail in other ways, through the alias."""
    before = [one["requestPayload"] for one in _messages(world, _INVOICES)]
    payloads: list[Any] = [{"invoice": 801, "items": 0}, {"invoice": 802}, {"items": 3}]
    sent = {world.send("invoice", one, "live") for one in payloads}
    fine = {world.send("invoice", {"invoice": 803, "items": 4}, "live")}
    world.clock.advance(minutes=10)
    arrived = _arrivals(world, sent)
    if not arrived and not before:
        return (
            not_attempted()
            if _untouched(world)
            else wrong(
                "失敗的發票沒有到佇列。", "Failed invoices do not arrive in the queue.", score=0.3
            )
        )
    bodies = [one["requestPayload"] for one in _messages(world, _INVOICES)]
    missing = [one for one in payloads if one not in bodies]
    if missing or _arrivals(world, fine):
        return wrong(
            f"佇列裡的發票是 {shown(bodies)}；缺少 {shown(missing)}。",
            f"The invoices in the queue are {shown(bodies)}; missing: {shown(missing)}.",
            score=0.5,
        )
    return passed()


def _untouched(world: World) -> bool:
    """Tell if neither the alias nor the role of ``invoice`` is other than it was."""
    aws, iam = world.client("lambda"), world.client("iam")
    found = aws.list_function_event_invoke_configs(FunctionName="invoice")
    if len(found["FunctionEventInvokeConfigs"]) > 1:
        return False
    names = iam.list_role_policies(RoleName="lab06-invoice")["PolicyNames"]
    documents = [
        iam.get_role_policy(RoleName="lab06-invoice", PolicyName=name)["PolicyDocument"]
        for name in names
    ]
    return len(documents) == 1 and "-v2" in json.dumps(documents)


def check_task_5(world: World) -> Verdict:
    """Count the objects themselves."""
    counts = world.outputs.get("by_error")
    if counts is None:
        return not_attempted()
    s3 = world.client("s3")
    right: Counter[str] = Counter()
    for item in s3.list_objects_v2(Bucket="lab06-failures").get("Contents", []):
        record = json.loads(s3.get_object(Bucket="lab06-failures", Key=item["Key"])["Body"].read())
        ran = "responseContext" in record
        right[record["responsePayload"]["errorType"] if ran else "never ran"] += 1
    if counts == dict(right):
        return passed()
    fits = sum(isinstance(counts, dict) and counts.get(kind) == n for kind, n in right.items())
    extra = len(counts.keys() - right.keys()) if isinstance(counts, dict) else 0
    return wrong(
        f"`by_error` 是 {literal(counts)}。",
        f"`by_error` is {literal(counts)}.",
        score=max(0.0, min(0.9, fits / len(right) - 0.25 * extra)),
    )


def check_task_6(world: World) -> Verdict:
    """Refunds went through the function, asynchronously, and none is in the DLQ again."""
    table = world.client("dynamodb").scan(TableName="lab06-refunds")["Items"]
    orders = Counter(int(item["order"]["N"]) for item in table)
    if not orders:
        return not_attempted()
    share = sum(orders[order] == 1 for order in range(501, 513)) / 12
    asynchronous = {
        one.request_id
        for one in world.events
        if isinstance(one, EventQueued) and one.function == "refund"
    }
    if {item["id"]["S"] for item in table} - asynchronous:
        return wrong(
            "有些退款不是透過 `refund` 的非同步調用寫入的。",
            "Some refunds did not come from an asynchronous invocation of `refund`.",
            score=0.4 * share,
        )
    if share == 1:
        return passed()
    return wrong(
        f"十二張訂單裡，剛好退款一次的有 {round(share * 12)} 張。",
        f"Of twelve orders, {round(share * 12)} were refunded exactly once.",
        score=0.8 * share,
    )
