"""Public checks of lab 06: where results go, what records say, and what arrives in queues."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, event_invoke_config, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import Text
from lambdalab.sandbox.events import AttemptFinished, DestinationDelivered

SHIPPING, REVIEW, INVOICES = "lab06-shipping", "lab06-review", "lab06-failed-invoices"
REFUNDS, DEAD = "lab06-refunds", "lab06-dead-refunds"
FAILURES = "lab06-failures"
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


# -- task 1 -------------------------------------------------------------------------------


def _goes_to(invocation: str, outcome: str, settings: Mapping[str, str]) -> list[str]:
    places: Sequence[str]
    if invocation == "sync":
        return ["caller"]
    if invocation == "poll":
        places = () if outcome == "success" else ("queue_dlq",)
    else:
        places = ("on_success",) if outcome == "success" else ("on_failure", "dlq")
    return sorted(settings[place] for place in places if place in settings)


def check_task_1(world: World) -> Verdict:
    """Try each way in, with and without settings."""
    calls = world.calls("goes_to")
    if silent(calls):
        return not_attempted()
    share, text = judged("goes_to", calls, _goes_to)
    return weighed([(1.0, share, text)])


# -- task 2 -------------------------------------------------------------------------------


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    context = record["requestContext"]
    *_, name, qualifier = context["functionArn"].split(":")
    error = None
    if record.get("responseContext", {}).get("functionError"):
        said = record["responsePayload"]
        error = ": ".join(said[key] for key in ("errorType", "errorMessage") if key in said)
    return {
        "function": name,
        "qualifier": qualifier,
        "runs": context["approximateInvokeCount"],
        "why": context["condition"],
        "error": error,
    }


def check_task_2(world: World) -> Verdict:
    """Try a failure, a success, and an event that never ran."""
    calls = world.calls("summary")
    if silent(calls):
        return not_attempted()
    share, text = judged("summary", calls, _summary)
    return weighed([(1.0, share, text)])


# -- task 3 -------------------------------------------------------------------------------


def delivered(world: World, request: str) -> list[tuple[str, str]]:
    """Return where a record of a request arrived: kind, and name of the target."""
    return sorted(
        (one.kind, one.destination.rpartition(":")[2])
        for one in world.new_events()
        if isinstance(one, DestinationDelivered) and one.request_id == request and one.error is None
    )


def check_task_3(world: World) -> Verdict:
    """Send orders that succeed and fail, through the alias and past it."""
    if (
        event_invoke_config(world, "order", "live") is None
        and event_invoke_config(world, "order") is None
    ):
        return not_attempted()
    parts: list[Part] = []
    fine = world.send("order", {"order": 9001, "amount": 120}, "live")
    bad = world.send("order", {"order": 9002, "amount": 0}, "live")
    test = world.send("order", {"order": 9003, "amount": 0})
    world.clock.advance(minutes=10)
    arrived = False
    for request, right, what in (
        (fine, [("on-success", SHIPPING)], say("成功的訂單", "An order that succeeds")),
        (bad, [("on-failure", REVIEW)], say("失敗的訂單", "An order that fails")),
        (test, [], say("送給 `$LATEST` 的測試", "A test that is sent to `$LATEST`")),
    ):
        found = delivered(world, request)
        arrived = arrived or bool(found)
        text = None if found == right else _elsewhere(what, found, right)
        parts.append((0.2, float(found == right and arrived), text))  # nowhere at all: no merit
    tries = sum(
        isinstance(one, AttemptFinished) and one.request_id == bad for one in world.new_events()
    )
    retried = say(
        f"失敗的訂單被嘗試了 {tries} 次，應該是 2 次。",
        f"An order that fails was tried {tries} times; it should be 2.",
    )
    parts.append((0.2, float(tries == 2), None if tries == 2 else retried))
    share, problem = narrow(world, "order", (SHIPPING, REVIEW))
    parts.append((0.2, share, problem))
    return weighed(parts)


def _elsewhere(
    what: Text, found: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]
) -> Text:
    got, wanted = ([f"{kind}: {target}" for kind, target in one] for one in (found, right))
    return say(
        f"{what['zh-TW']}送到了 {shown(got)}，應該是 {shown(wanted)}。",
        f"{what['en']} went to {shown(got)}; it should be {shown(wanted)}.",
    )


def narrow(world: World, name: str, queues: Sequence[str]) -> tuple[float, Text | None]:
    """Judge what a function's role may do, apart from writing logs."""
    role, used = f"lab06-{name}", (world.function(name) or {}).get("Role", "").rpartition("/")[2]
    if used != role:
        return 0.0, say(
            f"`{name}` 的執行角色是 {shown(used)}，應該是 `{role}`。",
            f"The execution role of `{name}` is {shown(used)}; it should be `{role}`.",
        )
    policies = _policies(world, role)
    if not policies:
        return 0.0, say(
            f"角色 `{role}` 還不能送訊息到任何佇列。",
            f"The role `{role}` may not send messages to any queue yet.",
        )
    for policy, document in policies:
        for statement in _list(document["Statement"]):
            if statement["Effect"] == "Allow" and not _fits(statement, queues):
                return 0.5, say(
                    f"角色 `{role}` 的政策 `{policy}` 允許得太多：{shown(statement)}",
                    f"The policy `{policy}` of the role `{role}` allows too much: "
                    f"{shown(statement)}",
                )
    return 1.0, None


def _policies(world: World, role: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the policies of a role by name, managed ones too, but not that for logs."""
    iam = world.client("iam")
    found = [
        (name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = one["PolicyArn"]
        if arn == LOGS:
            continue
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        policy = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        found.append((one["PolicyName"], policy["Document"]))
    return found


def _fits(statement: Mapping[str, Any], queues: Sequence[str]) -> bool:
    """Tell if a statement allows no more than to send to some queues."""
    actions = {str(action).lower() for action in _list(statement.get("Action", "*"))}
    targets = {str(one).rpartition(":")[2] for one in _list(statement.get("Resource", "*"))}
    return actions <= {"sqs:sendmessage"} and targets <= set(queues)


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


# -- task 4 -------------------------------------------------------------------------------


def check_task_4(world: World) -> Verdict:
    """One invoice that fails, through the alias."""
    if not as_delivered(world, "invoice"):
        return wrong(
            "`invoice` 的程式碼或設定變了；它要維持原樣。",
            "The code or the settings of `invoice` changed; they should stay as they were.",
        )
    live = event_invoke_config(world, "invoice", "live")
    share, problem = narrow(world, "invoice", (INVOICES,))
    if live is None and share < 1:
        return not_attempted()
    request = world.send("invoice", {"invoice": 900, "items": 0}, "live")
    world.clock.advance(minutes=10)
    found = delivered(world, request)
    right = [("on-failure", INVOICES)]
    if found != right:
        errors = [
            one.error
            for one in world.new_events()
            if isinstance(one, DestinationDelivered) and one.request_id == request
        ]
        if not errors:
            return wrong(
                "透過 `live` 送的發票失敗之後，Lambda 沒有把它送到任何地方。",
                "An invoice that was sent through `live` and failed was sent on to nowhere.",
                score=0.3,
            )
        return wrong(
            f"透過 `live` 送的發票失敗之後，沒有到佇列；遞送時的錯誤是 {shown(errors[0])}。",
            "An invoice that was sent through `live` and failed did not arrive. The error of its "
            f"delivery: {shown(errors[0])}.",
            score=0.3,
        )
    if problem is not None:
        return wrong(problem["zh-TW"], problem["en"], score=0.7)
    if live is not None and live.get("MaximumRetryAttempts") != 0:
        return wrong(
            f"`live` 的重試次數變成 {literal(live.get('MaximumRetryAttempts'))}；原來是 0。",
            f"`live` has {literal(live.get('MaximumRetryAttempts'))} retries; there were 0.",
            score=0.7,
        )
    return passed()


# -- task 5 -------------------------------------------------------------------------------


def errors_kept(world: World) -> dict[str, int]:
    """Count the errors in the bucket, from the event log rather than from the objects."""
    counts: Counter[str] = Counter()
    for one in world.records(DestinationDelivered, function="import"):
        answer = json.loads(one.body).get("responsePayload")
        counts["never ran" if answer is None else answer["errorType"]] += 1
    return dict(counts)


def check_task_5(world: World) -> Verdict:
    """Compare the counts with what was delivered."""
    counts = world.outputs.get("by_error")
    if counts is None:
        return not_attempted()
    right = errors_kept(world)
    if same(counts, right):
        return passed()
    if not isinstance(counts, dict):
        return wrong(
            f"`by_error` 應該是字典，得到的是 {shown(counts)}。",
            f"`by_error` should be a dictionary; it is {shown(counts)}.",
        )
    fits = sum(same(counts.get(kind), count) for kind, count in right.items())
    share = max(0.0, fits / len(right) - 0.25 * len(counts.keys() - right.keys()))
    return wrong(
        f"`by_error` 是 {shown(counts)}，和 `{FAILURES}` 裡的記錄不符。",
        f"`by_error` is {shown(counts)}, and the records in `{FAILURES}` say otherwise.",
        score=min(0.9, share),
    )


# -- task 6 -------------------------------------------------------------------------------


def refunded(world: World) -> Counter[int]:
    """Return how often each order was refunded."""
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=REFUNDS)
    return Counter(int(item["order"]["N"]) for page in pages for item in page["Items"])


def left(world: World, name: str) -> list[str]:
    """Return the bodies of the messages in a queue, which stay there."""
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    names = ["ApproximateNumberOfMessagesNotVisible"]
    for _ in range(12):  # hours: no message is invisible for longer
        hidden = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if hidden[names[0]] == "0":
            break
        world.clock.advance(hours=1)
    found: dict[str, tuple[str, str]] = {}
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600
    ).get("Messages"):
        found |= {one["MessageId"]: (one["Body"], one["ReceiptHandle"]) for one in messages}
    for _, handle in found.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return [body for body, _ in found.values()]


def check_task_6(world: World) -> Verdict:
    """Each order refunded once, and what is no refund still there."""
    orders = refunded(world)
    remaining = left(world, DEAD)
    wanted = range(501, 513)
    if not orders and len(remaining) == len(wanted) + 1:
        return not_attempted()
    missing = [order for order in wanted if order not in orders]
    twice = [order for order in wanted if orders[order] > 1]
    strange = [body for body in remaining if not body.startswith("{")]
    parts: list[Part] = [
        (
            0.4,
            1 - len(missing) / len(wanted),
            say(
                f"還沒有退款的訂單：{shown(missing)}。",
                f"Orders that have no refund yet: {shown(missing)}.",
            )
            if missing
            else None,
        ),
        (
            0.2,
            float(not twice and bool(orders)),
            say(f"退了兩次的訂單：{shown(twice)}。", f"Refunded twice: {shown(twice)}.")
            if twice
            else None,
        ),
        (
            0.2,
            float(len(remaining) == len(strange)),
            say(
                f"DLQ 裡還有 {len(remaining) - len(strange)} 則退款。",
                f"There are still {len(remaining) - len(strange)} refunds in the DLQ.",
            )
            if len(remaining) > len(strange)
            else None,
        ),
        (
            0.2,
            float(bool(strange)),
            None
            if strange
            else say(
                "DLQ 裡不是退款的那一則訊息不見了；它應該留著。",
                "The message that is no refund is gone from the DLQ; it should stay.",
            ),
        ),
    ]
    return weighed(parts)
