"""Hidden checks of lab 05: longer lives of events, other names, gifts that come together."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, literal, shown, wrong
from lambdalab.grading.functions import judged, silent, weighed
from lambdalab.sandbox.events import AttemptFinished, AttemptStarted

_ERROR, _BUSY, _DONE = "error", "throttled", "success"
INPUTS: dict[str, dict[str, list[list[Any]]]] = {
    "task-1": {
        "life": [
            [[]],
            [[_DONE, _DONE]],
            [[_ERROR] * 5],
            [[_BUSY] * 12],  # the longest wait is 300 s, not 512
            [[_BUSY] * 3 + [_ERROR] + [_BUSY] * 2 + [_ERROR, _BUSY, _ERROR]],
            [[_BUSY] * 200],
            [[_ERROR, _ERROR, _ERROR], 1],
            [[_ERROR, _ERROR], 2, 60],  # the next attempt would be just then
            [[_BUSY] * 10, 0, 61],
            [[_ERROR, _BUSY, _BUSY, _DONE], 1, 64],
        ]
    }
}
_PENALTY = 1.5
"""Points lost for each right case missed: half of them wrong is worth a quarter."""
_FOUND = 0.4
"""Share of task 3 for reading the log; the repair is worth the rest."""
_PHOTOS, _SMALL, _FRAMES = "lab05-photos", "lab05-small", "lab05-frames"
_CUSTOMERS = "lab05-customers"


def check_task_1(world: World) -> Verdict:
    """Mixed lives, the longest wait, and ages that are reached exactly."""
    calls = world.calls("life")
    if silent(calls):
        return not_attempted()
    share, text = judged("life", calls, _life, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _life(outcomes: Sequence[str], max_retries: int = 2, max_age: int = 21_600) -> dict[str, Any]:
    """Work it out anew, from the pages of the guide."""
    times: list[float] = []
    at, errors, row = 0, 0, 0
    for outcome in outcomes:
        times.append(at)
        match outcome:
            case "success":
                return {"times": times, "end": "Success"}
            case "error" if errors == max_retries:
                return {"times": times, "end": "RetriesExhausted"}
            case "error":
                errors, row = errors + 1, 0
                at += 60 * errors
            case _:
                at += min(1 << row, 300)
                row += 1
        if at >= max_age:
            return {"times": times, "end": "EventAgeExceeded"}
    return {"times": times, "end": None}


def check_task_2(world: World) -> Verdict:
    """Count them one by one."""
    lost = world.outputs.get("lost")
    if lost is None:
        return not_attempted()
    down = [all(start + wait < 1200 for wait in (0, 60, 180)) for start in range(0, 1200, 10)]
    if lost == sum(down) and not isinstance(lost, bool):
        return passed()
    return wrong(f"`lost` 是 {literal(lost)}。", f"`lost` is {literal(lost)}.")


def check_task_3(world: World) -> Verdict:
    """Names of every kind; what was found is the public check's part."""
    found = [world.outputs.get(name) for name in ("missing", "tries", "cause")]
    if as_delivered(world, "shrink"):
        if all(one is None for one in found):
            return not_attempted()
        return wrong(
            "`shrink` 還是原來的程式碼。", "`shrink` still has its old code.", score=_FOUND
        )
    tag = uuid.uuid4().hex[:6]
    names = [
        f"{tag}/plain.jpg",
        f"{tag}/two  spaces.jpg",
        f"{tag}/a+b=c?.jpg",
        f"{tag}/100%.jpg",
        f"{tag}/高雄 夜景.jpg",
        f"{tag}/%41.jpg",
    ]
    s3 = world.client("s3")
    for key in names:
        s3.put_object(Bucket=_PHOTOS, Key=key, Body=key.encode())
    world.clock.advance(minutes=10)
    missed = []
    for key in names:
        try:
            body = s3.get_object(Bucket=_SMALL, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            body = None
        if body != b"small " + key.encode():
            missed.append(key)
        for bucket in (_PHOTOS, _SMALL):
            s3.delete_object(Bucket=bucket, Key=key)
    if not missed:
        return passed()
    share = 1 - len(missed) / len(names)
    return wrong(
        f"{literal(missed[0])} 的縮圖沒有出現，或內容不對。",
        f"The small picture of {literal(missed[0])} is missing or wrong.",
        score=_FOUND + (1 - _FOUND) * share * 0.5,
    )


def check_task_4(world: World) -> Verdict:
    """Two uploads at once, one of them in a folder of its own."""
    if not as_delivered(world, "frame"):
        return wrong("`frame` 的程式碼變了。", "The code of `frame` changed.")
    s3 = world.client("s3")
    rules = s3.get_bucket_notification_configuration(Bucket=_FRAMES)
    found = rules.get("LambdaFunctionConfigurations") or []
    if (
        len(found) == 1
        and "Filter" not in found[0]
        and found[0]["Events"] == ["s3:ObjectCreated:*"]
    ):
        return not_attempted()
    names = ["uploads/one.jpg", "uploads/holiday/two.jpg"]
    before = _frames(world)
    for key in names:
        s3.put_object(Bucket=_FRAMES, Key=key, Body=key.encode())
    world.clock.advance(minutes=10)
    ran = _frames(world) - before
    for name in ("one", "two"):
        try:
            s3.head_object(Bucket=_FRAMES, Key=f"framed/{name}.jpg")
        except s3.exceptions.ClientError:
            return wrong(
                f"沒有 `framed/{name}.jpg`。", f"There is no `framed/{name}.jpg`.", score=0.0
            )
    if ran != len(names):
        return wrong(
            f"上傳 {len(names)} 張，`frame` 被嘗試了 {ran} 次。",
            f"For {len(names)} uploads there were {ran} attempts of `frame`.",
        )
    return passed()


def _frames(world: World) -> int:
    return sum(
        isinstance(one, AttemptStarted) and one.function == "frame" for one in world.new_events()
    )


def check_task_5(world: World) -> Verdict:
    """Send a message that fails through each of the two names."""
    aws = world.client("lambda")
    configured = aws.list_function_event_invoke_configs(FunctionName="alert")
    if not configured["FunctionEventInvokeConfigs"]:
        return not_attempted()
    door = {"door": "locked"}
    sent = {name: world.send("alert", door, name) for name in ("live", "$LATEST")}
    world.clock.advance(minutes=10)
    counts = {
        name: sum(
            isinstance(one, AttemptFinished) and one.request_id == request
            for one in world.new_events()
        )
        for name, request in sent.items()
    }
    if counts == {"live": 1, "$LATEST": 3}:
        return passed()
    return wrong(
        f"失敗的通知被嘗試的次數是 {shown(counts)}。",
        f"Messages that fail were tried so often: {shown(counts)}.",
        score=0.5 * (counts["live"] == 1),
    )


def check_task_6(world: World) -> Verdict:
    """Gifts sent twice and together, through an outage of two attempts."""
    if as_delivered(world, "points"):
        return not_attempted()
    dynamodb = world.client("dynamodb")
    customer, other = (f"{uuid.uuid4().hex[:8]}-{name}" for name in "ab")
    gifts = [
        {"id": f"{customer}-1", "customer": customer, "points": 100},
        {"id": f"{customer}-1", "customer": customer, "points": 100},
        {"id": f"{customer}-2", "customer": customer, "points": 20},
        {"id": f"{customer}-3", "customer": customer, "points": 3},
        {"id": f"{other}-1", "customer": other, "points": 100},
    ]
    dynamodb.put_item(TableName=_CUSTOMERS, Item={"id": {"S": "outage"}})
    for gift in gifts:
        world.send("points", {**gift})
    world.clock.advance(seconds=90)
    dynamodb.delete_item(TableName=_CUSTOMERS, Key={"id": {"S": "outage"}})
    world.clock.advance(minutes=10)
    totals = []
    for name in (customer, other):
        found = dynamodb.get_item(
            TableName=_CUSTOMERS, Key={"id": {"S": name}}, ConsistentRead=True
        )
        totals.append(int(found.get("Item", {}).get("points", {}).get("N", "0")))
    told = {
        one.request_id
        for one in world.new_events()
        if isinstance(one, AttemptFinished) and one.function == "points" and one.status == "success"
    }
    if totals != [123, 100]:
        return wrong(
            f"兩位客人應該有 {shown([123, 100])} 點，得到的是 {shown(totals)}。",
            f"The two customers should have {shown([123, 100])} points; they have {shown(totals)}.",
        )
    lines = world.log_lines("points")
    if (
        len(told) < len(gifts)
        or lines.count(f"told {customer}") < 3
        or lines.count(f"told {other}") < 1
    ):
        return wrong(
            f"{len(gifts)} 個事件裡，有的到最後都沒有通知客人。",
            f"Of {len(gifts)} events some never told their customer.",
            score=0.5,
        )
    return passed()
