"""Public checks of lab 07: what comes again, and what pollers make of queues and streams."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import JsonValue, Text
from lambdalab.rules import mappings
from lambdalab.sandbox.events import BatchStarted, LogLine, ShardBlocked

PARCELS, BROKEN, LOST = "lab07-parcels", "lab07-broken", "lab07-lost"
READINGS, NOTES, ORDERS, STOCK = "lab07-readings", "lab07-notes", "lab07-orders", "lab07-stock"
LAST = 18
"""Readings of last night."""
LONGEST = 60
"""Visibility timeout of the parcels, seconds: what is broken is to be moved soon."""


# -- task 1 -------------------------------------------------------------------------------


def _comes_again(source: str, records: Sequence[str], answer: object) -> list[str]:
    failures = (answer.get("batchItemFailures") or []) if isinstance(answer, Mapping) else []
    failed = {one.get("itemIdentifier") for one in failures}
    if answer == "error" or failed - set(records):
        return list(records)
    if source == "stream" and failed:
        first = min(records.index(one) for one in failed)
        return list(records[first:])
    return [one for one in records if one in failed]


def check_task_1(world: World) -> Verdict:
    """Try queues and streams, and answers of every kind."""
    calls = world.calls("comes_again")
    if silent(calls):
        return not_attempted()
    share, text = judged("comes_again", calls, _comes_again)
    return weighed([(1.0, share, text)])


# -- what stands in the sandbox -----------------------------------------------------------


def mapping(world: World, name: str) -> dict[str, Any] | None:
    """Return the mapping of a function; ``None`` if it has none or several."""
    found: list[dict[str, Any]] = world.client("lambda").list_event_source_mappings(
        FunctionName=name
    )["EventSourceMappings"]
    return found[0] if len(found) == 1 else None


def send(world: World, name: str, bodies: Sequence[JsonValue]) -> list[str]:
    """Send messages of JSON to a queue, all in one request; return their ids, in order."""
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    entries = [{"Id": str(n), "MessageBody": json.dumps(one)} for n, one in enumerate(bodies)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    return [one["MessageId"] for one in sorted(sent, key=lambda one: int(one["Id"]))]


def bodies(world: World, name: str) -> list[Any]:
    """Return what the messages in a queue say; they stay there."""
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, tuple[str, str]] = {}
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600
    ).get("Messages"):
        found |= {one["MessageId"]: (one["Body"], one["ReceiptHandle"]) for one in messages}
    for _, handle in found.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return [json.loads(body) for body, _ in found.values()]


def items(world: World, table: str) -> list[dict[str, Any]]:
    """Return the items of a table, as DynamoDB writes them."""
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


# -- task 2 -------------------------------------------------------------------------------


def check_task_2(world: World) -> Verdict:
    """Send a batch with a broken parcel in it, and look at the queue's settings."""
    connected = mapping(world, "intake")
    if connected is None:
        return (
            not_attempted()
            if as_delivered(world, "intake")
            else wrong("`intake` 還沒有映射，或有好幾個。", "`intake` has no mapping, or several.")
        )
    tag = uuid.uuid4().hex[:6]
    broken = f"{tag}-4"
    batch: list[JsonValue] = [
        {"id": f"{tag}-{n}"} if n == 4 else {"id": f"{tag}-{n}", "weight": n} for n in range(1, 8)
    ]
    send(world, PARCELS, batch)
    world.clock.advance(minutes=10)
    times = {item["id"]["S"]: int(item["times"]["N"]) for item in items(world, PARCELS)}
    mine = {key: count for key, count in times.items() if key.startswith(tag)}
    once = all(mine.get(f"{tag}-{n}") == 1 for n in range(1, 8) if n != 4)
    parked = [one.get("id") for one in bodies(world, BROKEN) if isinstance(one, dict)]
    parts: list[Part] = [
        (
            0.4,
            float(once and broken not in mine),
            None
            if once and broken not in mine
            else say(
                f"七個包裹裡有一個壞掉，登記的次數是 {shown(mine)}；好的應該各 1 次。",
                f"With one broken parcel of seven, they were registered {shown(mine)} times; "
                "good ones should be 1 each.",
            ),
        ),
        (
            0.3,
            float(parked.count(broken) == 1),
            None
            if broken in parked
            else say(
                f"壞掉的包裹沒有在 `{BROKEN}` 裡。", f"The broken parcel is not in `{BROKEN}`."
            ),
        ),
    ]
    parts += _settings(world, connected)
    return weighed(parts)


def _settings(world: World, connected: Mapping[str, Any]) -> list[Part]:
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=PARCELS)["QueueUrl"]
    names = ["VisibilityTimeout", "RedrivePolicy"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names).get("Attributes", {})
    function = world.function("intake") or {}
    wanted = mappings.VISIBILITY_ADVICE.value * int(function.get("Timeout", 0))
    visible = int(found.get("VisibilityTimeout", 0))
    received = json.loads(found.get("RedrivePolicy", "{}")).get("maxReceiveCount")
    size = connected.get("BatchSize")
    return [
        (
            0.1,
            float(wanted <= visible <= LONGEST),
            None
            if wanted <= visible <= LONGEST
            else say(
                f"可見性逾時是 {visible} 秒，應該至少 {wanted} 秒，最多 {LONGEST} 秒。",
                f"The visibility timeout is {visible} s; it should be at least {wanted} s, and "
                f"{LONGEST} s at most.",
            ),
        ),
        (
            0.1,
            float(received == 2),
            None
            if received == 2
            else say(
                f"`maxReceiveCount` 是 {literal(received)}，應該是 2。",
                f"`maxReceiveCount` is {literal(received)}; it should be 2.",
            ),
        ),
        (
            0.1,
            float(size is not None and size <= 10),
            None
            if size is not None and size <= 10
            else say(
                f"批次大小是 {literal(size)}，最多 10。",
                f"The batch size is {literal(size)}; 10 is the most.",
            ),
        ),
    ]


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Look at what was found, what was kept, and what was given up."""
    found = {name: world.outputs.get(name) for name in ("culprit", "behind")}
    connected = mapping(world, "readings")
    changed = connected is None or (
        connected.get("MaximumRetryAttempts", -1) != -1
        or connected.get("BisectBatchOnFunctionError")
        or bool((connected.get("DestinationConfig") or {}).get("OnFailure"))
        or bool(connected.get("FunctionResponseTypes"))
    )
    if not changed and all(one is None for one in found.values()):
        return not_attempted()
    blocked = world.records(ShardBlocked, function="readings")
    right: dict[str, JsonValue] = {
        "culprit": _culprit(world),
        "behind": blocked[0].waiting if blocked else None,
    }
    parts: list[Part] = []
    for name, value in right.items():
        fits = same(found[name], value)
        text = say(
            f"`{name}` 是 {literal(found[name])}，和記錄不符。",
            f"`{name}` is {literal(found[name])}, and the record says otherwise.",
        )
        parts.append((0.15, float(fits), None if fits else text))
    share, problem = _kept(world, changed=bool(changed))
    return weighed([*parts, (0.7, share, problem)])


def _culprit(world: World) -> str:
    """Return the reading that follows the last one of the log before the shard stood still."""
    numbers = []
    for one in world.records(LogLine, function="readings"):
        if one.line.startswith("kept r") and one.line.strip()[6:].isdigit():
            numbers.append(int(one.line.strip()[6:]))
        elif "[ERROR]" in one.line:
            break
    return f"r{max(numbers, default=0) + 1}"


def _kept(world: World, *, changed: bool) -> tuple[float, Text | None]:
    if not changed:
        return 0.0, say(
            "`readings` 的映射還是原來的設定。", "The mapping of `readings` is as it was."
        )
    if not as_delivered(world, "readings"):
        return 0.0, say(
            "`readings` 的程式碼變了；它要維持原樣。",
            "The code of `readings` changed; it should stay as it was.",
        )
    world.clock.advance(minutes=30)
    kept = {item["id"]["S"] for item in items(world, READINGS)}
    wanted = {f"r{n}" for n in range(1, LAST + 1)} - {_culprit(world)}
    missing = sorted(wanted - kept, key=lambda one: int(one[1:]))
    told = len(bodies(world, LOST))
    if missing:
        share = 0.4 if len(missing) < 5 else 0.0
        return share, say(
            f"這些溫度還沒有：{shown(missing)}。已經放棄的，可以用 `read` 再放進串流一次。",
            f"These readings are missing: {shown(missing)}. What was given up can be put into the "
            "stream once more, with `read`.",
        )
    connected = mapping(world, "readings") or {}
    retries = connected.get("MaximumRetryAttempts", -1)
    if told != 1 or not 0 <= retries <= 3:
        return 0.7, say(
            f"分片走過去了。`{LOST}` 裡有 {told} 份記錄（應該 1 份），重試次數是 {retries}"
            "（最多 3）。",
            f"The shard went on. `{LOST}` has {told} records (it should be 1), and there are "
            f"{retries} retries (3 is the most).",
        )
    return 1.0, None


# -- task 4 -------------------------------------------------------------------------------


def notes(world: World, prefix: str) -> list[str]:
    """Return the orders that have notes, once for each note."""
    orders = [item.get("order", {}).get("S", "") for item in items(world, NOTES)]
    return sorted(order for order in orders if order.startswith(prefix))


def check_task_4(world: World) -> Verdict:
    """Send orders once, twice, and without an address."""
    if as_delivered(world, "ship"):
        return not_attempted()
    tag = uuid.uuid4().hex[:6]
    one, two, lost = (f"{tag}-{name}" for name in ("one", "two", "lost"))
    batch: list[JsonValue] = [
        {"order": one, "address": "Taipei"},
        {"order": lost, "address": "unknown"},
        {"order": two, "address": "Tainan"},
        {"order": one, "address": "Taipei"},
    ]
    sent = send(world, ORDERS, batch)
    world.clock.advance(minutes=5)
    found = notes(world, tag)
    right = [one, two]
    texts: list[Part] = [
        (
            0.7,
            float(found == right),
            None
            if found == right
            else say(
                f"出貨單是 {shown(found)}，應該是 {shown(right)}。",
                f"The notes are for {shown(found)}; they should be for {shown(right)}.",
            ),
        )
    ]
    waits = _received(world, sent[1]) > 1
    text = say(
        "寄不出去的訂單沒有留在佇列裡再試。",
        "The order that cannot be sent did not stay in the queue to be tried again.",
    )
    return weighed([*texts, (0.3, float(waits), None if waits else text)])


def _received(world: World, message: str) -> int:
    """Return how often ``ship`` was handed a message."""
    return sum(
        message in event.records
        for event in world.new_events()
        if isinstance(event, BatchStarted) and event.function == "ship"
    )


# -- task 5 -------------------------------------------------------------------------------


def change(world: World, name: str, *statuses: str | None) -> None:
    """Put an item into the table with each status in turn; ``None`` deletes it."""
    dynamodb = world.client("dynamodb")
    for left, status in enumerate(statuses):
        key = {"id": {"S": name}}
        if status is None:
            dynamodb.delete_item(TableName=STOCK, Key=key)
        else:
            item = {**key, "status": {"S": status}, "left": {"N": str(left)}}
            dynamodb.put_item(TableName=STOCK, Item=item)


def restocked(world: World, prefix: str) -> list[str]:
    """Return the items ``restock`` was told of since the checks began."""
    lines = [
        event.line.split()
        for event in world.new_events()
        if isinstance(event, LogLine) and event.function == "restock"
    ]
    return sorted(
        words[1]
        for words in lines
        if len(words) == 2 and words[0] == "restock" and words[1].startswith(prefix)
    )


def check_task_5(world: World) -> Verdict:
    """Change items in every way, and see which of the changes arrive."""
    connected = mapping(world, "restock")
    if connected is None:
        return not_attempted()
    if not as_delivered(world, "restock"):
        return wrong(
            "`restock` 的程式碼變了；它要維持原樣。",
            "The code of `restock` changed; it should stay as it was.",
        )
    world.clock.advance(seconds=10)  # a mapping that was made just now is enabled by then
    tag = uuid.uuid4().hex[:6]
    change(world, f"{tag}-lamp", "ok", "ok", "low", "ok")
    change(world, f"{tag}-desk", "low", "out")
    change(world, f"{tag}-sofa", "ok", None)
    world.clock.advance(minutes=5)
    found, right = restocked(world, tag), [f"{tag}-desk", f"{tag}-lamp"]
    if found == right:
        if connected.get("StartingPosition") != "TRIM_HORIZON":
            return wrong(
                "起始位置不是最舊的變更，會漏掉資料。",
                "It does not begin with the oldest change, and will miss some.",
                score=0.7,
            )
        return passed()
    fits = all(name in found for name in right)
    return wrong(
        f"調用時收到的是 {shown(found)}，應該是 {shown(right)}。",
        f"The function was told of {shown(found)}; it should be {shown(right)}.",
        score=0.4 if fits else 0.0,
    )
