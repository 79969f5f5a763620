"""Hidden checks of lab 07: odd answers, larger batches, other orders and other changes."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, shown, wrong
from lambdalab.grading.functions import judged, silent, weighed
from lambdalab.grading.spec import JsonValue
from lambdalab.sandbox.events import LogLine, RecordsDiscarded

_IDS = ["m1", "m2", "m3", "m4", "m5"]


def _failures(*ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


INPUTS: dict[str, dict[str, list[list[Any]]]] = {
    "task-1": {
        "comes_again": [
            [source, _IDS, answer]
            for source in ("queue", "stream")
            for answer in (
                None,
                {"batchItemFailures": None},
                _failures("m5", "m2", "m2"),
                _failures("m1"),
                _failures(""),
                _failures("m2", "m9"),
                {"batchItemFailures": [{"itemIdentifer": "m2"}]},
                "error",
            )
        ]
    }
}
_PENALTY = 1.5
"""Points lost for each right case missed: half of them wrong is worth a quarter."""
_FOUND = 0.3
"""Share of task 3 for reading the log; the repair is worth the rest."""


def check_task_1(world: World) -> Verdict:
    """Answers with nothing in them, with ids twice, with a misspelled key."""
    calls = world.calls("comes_again")
    if silent(calls):
        return not_attempted()
    share, text = judged("comes_again", calls, _comes_again, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _comes_again(source: str, records: Sequence[str], answer: Any) -> list[str]:  # noqa: ANN401
    if answer == "error":
        return [*records]
    named = [one.get("itemIdentifier", "") for one in (answer or {}).get("batchItemFailures") or ()]
    places = sorted({records.index(one) if one in records else -1 for one in named})
    match (places, source):
        case ([], _):
            return []
        case ([-1, *_], _):
            return [*records]
        case ([first, *_], "stream"):
            return [*records[first:]]
        case _:
            return [records[place] for place in places]


def _send(world: World, name: str, bodies: Sequence[JsonValue]) -> None:
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    for begin in range(0, len(bodies), 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps(one)}
            for n, one in enumerate(bodies[begin : begin + 10])
        ]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def _items(world: World, table: str) -> list[dict[str, Any]]:
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def _messages(world: World, name: str) -> list[Any]:
    """Return the messages in a queue, and delete them."""
    sqs = world.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for one in messages:
            found.append(json.loads(one["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return found


def _connected(world: World, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client("lambda").list_event_source_mappings(
        FunctionName=name
    )["EventSourceMappings"]
    return found


def check_task_2(world: World) -> Verdict:
    """Forty parcels, five of them broken, in many batches."""
    if not _connected(world, "intake"):
        return (
            not_attempted()
            if as_delivered(world, "intake")
            else wrong("`intake` 還沒有映射。", "`intake` has no mapping yet.")
        )
    tag = uuid.uuid4().hex[:6]
    _messages(world, "lab07-broken")
    broken = {f"{tag}-{n}" for n in (0, 11, 12, 27, 39)}
    parcels: list[JsonValue] = []
    for n in range(40):
        name = f"{tag}-{n}"
        parcels.append({"id": name} if name in broken else {"id": name, "weight": n + 1})
    _send(world, "lab07-parcels", parcels)
    world.clock.advance(minutes=20)
    times = Counter(
        {item["id"]["S"]: int(item["times"]["N"]) for item in _items(world, "lab07-parcels")}
    )
    good = [f"{tag}-{n}" for n in range(40) if f"{tag}-{n}" not in broken]
    twice = [name for name in good if times[name] != 1]
    parked = {one["id"] for one in _messages(world, "lab07-broken") if one["id"].startswith(tag)}
    share = 0.6 * (not twice) + 0.4 * (parked == broken)
    if share == 1:
        return passed()
    return wrong(
        f"{len(good)} 個好的包裹裡，有 {len(twice)} 個不是剛好登記 1 次；"
        f"`lab07-broken` 裡有 {len(parked)} 個，應該是 {len(broken)}。",
        f"Of {len(good)} good parcels, {len(twice)} were not registered exactly once; "
        f"`lab07-broken` has {len(parked)}, and should have {len(broken)}.",
        score=share,
    )


def check_task_3(world: World) -> Verdict:
    """Put new readings, two of them broken, behind those of last night."""
    found = [world.outputs.get(name) for name in ("culprit", "behind")]
    (mapping, *others) = _connected(world, "readings") or [{}]
    touched = (
        mapping.get("MaximumRetryAttempts", -1) != -1
        or mapping.get("BisectBatchOnFunctionError")
        or mapping.get("FunctionResponseTypes")
        or not mapping
    )
    if not touched and all(one is None for one in found):
        return not_attempted()
    if not touched or others or not as_delivered(world, "readings"):
        return wrong(
            "映射還是原來的設定，或程式碼變了。",
            "The mapping is as it was, or the code changed.",
            score=_FOUND if as_delivered(world, "readings") else 0.0,
        )
    tag = uuid.uuid4().hex[:6]
    kinesis = world.client("kinesis")
    broken = {f"{tag}-2", f"{tag}-7"}
    names = [f"{tag}-{n}" for n in range(12)]
    for name in names:
        reading = {"id": name, "fahrenheit": None if name in broken else 70}
        kinesis.put_record(
            StreamName="lab07-readings", Data=json.dumps(reading).encode(), PartitionKey="hall"
        )
    world.clock.advance(hours=2)
    kept = {item["id"]["S"] for item in _items(world, "lab07-readings")}
    missing = [name for name in names if name not in broken and name not in kept]
    given_up = sum(
        len(one.records)
        for one in world.new_events()
        if isinstance(one, RecordsDiscarded) and one.function == "readings"
    )
    if not missing:
        return passed()
    share = 0.3 if given_up else 0.0
    return wrong(
        f"{len(names)} 筆新的溫度裡有兩筆壞掉；好的缺少 {len(missing)} 筆。",
        f"Of {len(names)} new readings two are broken; {len(missing)} good ones are missing.",
        score=_FOUND + share,
    )


def check_task_4(world: World) -> Verdict:
    """Many orders, some twice, some in other batches, one that gets its address late."""
    if as_delivered(world, "ship"):
        return not_attempted()
    tag = uuid.uuid4().hex[:6]
    orders: list[JsonValue] = [
        {"order": f"{tag}-{n % 14}", "address": "unknown" if n % 14 == 13 else "Hualien"}
        for n in range(25)
    ]
    _send(world, "lab07-orders", orders)
    world.clock.advance(minutes=5)
    _send(world, "lab07-orders", [{"order": f"{tag}-{n}", "address": "Hualien"} for n in (3, 9)])
    world.clock.advance(minutes=5)
    counts = Counter(item.get("order", {}).get("S") for item in _items(world, "lab07-notes"))
    right = [f"{tag}-{n}" for n in range(13)]
    bad = [order for order in right if counts[order] != 1]
    if not bad and f"{tag}-13" not in counts:
        return passed()
    return wrong(
        f"{len(right)} 張訂單裡，有 {len(bad)} 張不是剛好一份出貨單。",
        f"Of {len(right)} orders, {len(bad)} do not have exactly one note.",
        score=max(0.0, 0.5 - 0.5 * len(bad) / len(right)) if len(bad) < len(right) else 0.0,
    )


def _change(world: World, name: str, *statuses: str | None) -> None:
    dynamodb = world.client("dynamodb")
    key = {"id": {"S": name}}
    for left, status in enumerate(statuses):
        if status is None:
            dynamodb.delete_item(TableName="lab07-stock", Key=key)
        else:
            item = {**key, "status": {"S": status}, "left": {"N": str(left)}}
            dynamodb.put_item(TableName="lab07-stock", Item=item)


def check_task_5(world: World) -> Verdict:
    """Test items, new items that are low, deletions, and changes that matter."""
    if len(_connected(world, "restock")) != 1:
        return not_attempted()
    if not as_delivered(world, "restock"):
        return wrong("`restock` 的程式碼變了。", "The code of `restock` changed.")
    tag = uuid.uuid4().hex[:6]
    _change(world, f"test-{tag}", "ok", "low", "out")
    _change(world, f"{tag}-new", "out")
    _change(world, f"{tag}-test-", "ok", "low")
    _change(world, f"{tag}-gone", "low", None)
    _change(world, f"{tag}-slow", "ok", "ok", "out", "low", "ok")
    world.clock.advance(minutes=5)
    lines = [
        one.line.split()[1]
        for one in world.new_events()
        if isinstance(one, LogLine)
        and one.function == "restock"
        and one.line.startswith("restock ")
    ]
    found = sorted(one for one in lines if tag in one)
    right = sorted([f"{tag}-test-", f"{tag}-slow", f"{tag}-slow"])
    if found == right:
        return passed()
    fits = not Counter(right) - Counter(found)
    return wrong(
        f"調用時收到的是 {shown(found)}，應該是 {shown(right)}。",
        f"The function was told of {shown(found)}; it should be {shown(right)}.",
        score=0.4 if fits else 0.0,
    )
