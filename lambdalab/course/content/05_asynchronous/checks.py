"""Public checks of lab 05: when events are tried, and what stands after they were."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

from lambdalab.grading import Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, event_invoke_config, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import JsonValue, Text
from lambdalab.rules import limits, retries
from lambdalab.rules.retries import Decision, Outcome, Policy, Retry
from lambdalab.sandbox.events import AttemptFinished, AttemptStarted

PHOTOS, SMALL, FRAMES, CUSTOMERS = "lab05-photos", "lab05-small", "lab05-frames", "lab05-customers"
NIGHT = (
    "2024/a.jpg",
    "cat.jpg",
    "day one.jpg",
    "dog.jpg",
    "me&you.jpg",
    "tree.jpg",
    "臺北.jpg",
)
OUTAGE_S, EVERY_S = 1200, 10
ALERT_AGE_S = 300


# -- task 1 -------------------------------------------------------------------------------


def _life(
    outcomes: Sequence[str], max_retries: int = 2, max_age: int = limits.ASYNC_AGE_MAX.value
) -> dict[str, Any]:
    """Plan it by the rulebook, without any lag."""
    policy = Policy(max_retries=max_retries, max_age_s=float(max_age), lag=0.0)
    plan = retries.schedule([Outcome(one) for one in outcomes], policy)
    return {
        "times": [round(one.time_s) for one in plan],
        "end": _end(plan[-1].decision) if plan else None,
    }


def _end(decision: Decision) -> str | None:
    return None if isinstance(decision, Retry) else decision.condition.value


def check_task_1(world: World) -> Verdict:
    """Try the examples, mixed ones, and other settings."""
    calls = world.calls("life")
    if silent(calls):
        return not_attempted()
    share, text = judged("life", calls, _life)
    return weighed([(1.0, share, text)])


# -- task 2 -------------------------------------------------------------------------------


def check_task_2(world: World) -> Verdict:
    """Count those whose last attempt is still in the outage."""
    lost = world.outputs.get("lost")
    if lost is None:
        return not_attempted()
    last = limits.ASYNC_RETRY_FIRST.value + limits.ASYNC_RETRY_SECOND.value
    if same(lost, sum(one + last < OUTAGE_S for one in range(0, OUTAGE_S, EVERY_S))):
        return passed()
    return wrong(
        f"`lost` 是 {literal(lost)}，不對。最後一次嘗試還在故障期間的事件才會丟掉。",
        f"`lost` is {literal(lost)}, which is not right. Lost are the events whose last attempt "
        "is still in the outage.",
    )


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Look at what was found, at the missing photos, and at one with a difficult name."""
    names = ("missing", "tries", "cause")
    found = {name: world.outputs.get(name) for name in names}
    repaired = not as_delivered(world, "shrink")
    if not repaired and all(one is None for one in found.values()):
        return not_attempted()
    right = _morning(world)
    parts: list[Part] = []
    for name in names:
        fits = same(found[name], right[name])
        parts.append((0.4 / 3, float(fits), None if fits else _misread(name, found[name])))
    share, text = _pictures(world, repaired=repaired)
    return weighed([*parts, (0.6, share, text)])


def _misread(name: str, got: object) -> Text:
    return say(
        f"`{name}` 是 {literal(got)}，和那一晚的記錄不符。",
        f"`{name}` is {literal(got)}, and the record of that night says otherwise.",
    )


def _morning(world: World) -> dict[str, JsonValue]:
    """Return what the event log has on the seven uploads of the set-up."""
    failed: dict[str, list[str]] = {}
    for one in world.records(AttemptFinished, function="shrink", status="error"):
        failed.setdefault(one.request_id, []).append(one.error_type or "")
    tries, cause = 0, ""
    for errors in failed.values():
        if len(errors) > tries:
            tries, cause = len(errors), errors[0]
    # S3 writes keys into events as a URL would: what looks different there was not found.
    missing: list[JsonValue] = [key for key in NIGHT if quote_plus(key, safe="/") != key]
    return {"missing": missing, "tries": tries, "cause": cause}


def _pictures(world: World, *, repaired: bool) -> tuple[float, Text | None]:
    if not repaired:
        return 0.0, say("`shrink` 還是原來的程式碼。", "`shrink` still has its old code.")
    s3 = world.client("s3")
    key = f"public {uuid.uuid4().hex[:6]} & more.jpg"
    s3.put_object(Bucket=PHOTOS, Key=key, Body=b"public")
    world.clock.advance(minutes=10)
    made = _shrunk(world, key)
    for bucket in (PHOTOS, SMALL):
        s3.delete_object(Bucket=bucket, Key=key)
    if not made:
        return 0.0, say(
            f"上傳了 {literal(key)}，`{SMALL}` 裡沒有它的縮圖。",
            f"{literal(key)} was uploaded, and its small picture is not in `{SMALL}`.",
        )
    absent = [one for one in NIGHT if not _shrunk(world, one)]
    if absent:
        return 0.5, say(
            f"新的照片有縮圖了，但 {literal(absent[0])} 的還沒有，或內容不對。",
            f"New photos have their small picture now, but that of {literal(absent[0])} is "
            "missing or wrong.",
        )
    return 1.0, None


def _shrunk(world: World, key: str) -> bool:
    photo, small = (stored(world, bucket, key) for bucket in (PHOTOS, SMALL))
    return photo is not None and small == b"small " + photo


def stored(world: World, bucket: str, key: str) -> bytes | None:
    """Return an object; ``None`` if there is none under this key."""
    s3 = world.client("s3")
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    return body


# -- task 4 -------------------------------------------------------------------------------


def check_task_4(world: World) -> Verdict:
    """One upload: one run, one result."""
    if world.function("frame") is None or _untouched(world):
        return not_attempted()
    return framed_once(world, "public.jpg") or passed()


def _untouched(world: World) -> bool:
    found = world.client("s3").get_bucket_notification_configuration(Bucket=FRAMES)
    rules = found.get("LambdaFunctionConfigurations") or []
    shapes = [(one["Events"], "Filter" in one) for one in rules]
    return as_delivered(world, "frame") and shapes == [(["s3:ObjectCreated:*"], False)]


def framed_once(world: World, name: str) -> Verdict | None:
    """Upload a photo; return what is wrong with what came of it."""
    if not as_delivered(world, "frame"):
        return wrong(
            "`frame` 的程式碼或設定變了；它要維持原樣。",
            "The code or the settings of `frame` changed; they should stay as they were.",
        )
    s3 = world.client("s3")
    s3.delete_object(Bucket=FRAMES, Key=f"framed/{name}")
    before = len(_frames(world))
    s3.put_object(Bucket=FRAMES, Key=f"uploads/{name}", Body=b"check")
    world.clock.advance(minutes=10)
    ran = len(_frames(world)) - before
    if stored(world, FRAMES, f"framed/{name}") is None:
        return wrong(
            f"上傳 `uploads/{name}` 之後，沒有 `framed/{name}`。",
            f"After an upload of `uploads/{name}` there is no `framed/{name}`.",
        )
    if ran != 1:
        return wrong(
            f"上傳一張，`frame` 被嘗試了 {ran} 次，應該是 1 次。",
            f"For one upload there were {ran} attempts of `frame`; it should be 1.",
        )
    return None


def _frames(world: World) -> list[AttemptStarted]:
    events = world.new_events()
    return [one for one in events if isinstance(one, AttemptStarted) and one.function == "frame"]


# -- task 5 -------------------------------------------------------------------------------


def check_task_5(world: World) -> Verdict:
    """Look at the settings of both names."""
    aws = world.client("lambda")
    try:
        found = aws.list_function_event_invoke_configs(FunctionName="alert")
    except aws.exceptions.ResourceNotFoundException:
        return not_attempted()
    if not found["FunctionEventInvokeConfigs"]:
        return not_attempted()
    live = event_invoke_config(world, "alert", "live")
    if live is None:
        return wrong(
            "設定不在別名 `live` 上，但大家調用的是它。",
            "The settings are not on the alias `live`, and that is what everybody invokes.",
        )
    tries, age = live.get("MaximumRetryAttempts"), live.get("MaximumEventAgeInSeconds")
    share = 0.5 * (tries == 0) + 0.5 * (age == ALERT_AGE_S)
    if share < 1:
        return wrong(
            f"`live` 的重試次數是 {literal(tries)}，最長存留時間是 {literal(age)} 秒。",
            f"`live` has {literal(tries)} retry attempts and a maximum age of {literal(age)} s.",
            score=share,
        )
    latest = event_invoke_config(world, "alert") or {}
    defaults = {
        "MaximumRetryAttempts": limits.ASYNC_RETRIES.value,
        "MaximumEventAgeInSeconds": limits.ASYNC_AGE_MAX.value,
    }
    if any(latest.get(name, value) != value for name, value in defaults.items()):
        return wrong(
            "`$LATEST` 的設定也變了；它要維持預設。",
            "The settings of `$LATEST` changed, too; it should keep the defaults.",
            score=0.5,
        )
    return passed()


# -- task 6 -------------------------------------------------------------------------------


def balance(world: World, customer: str) -> int | None:
    """Return the points of a customer; ``None`` if there is no such item."""
    found = world.client("dynamodb").get_item(
        TableName=CUSTOMERS, Key={"id": {"S": customer}}, ConsistentRead=True
    )
    points = found.get("Item", {}).get("points", {}).get("N")
    return None if points is None else int(points)


def outage(world: World, *, on: bool) -> None:
    """Break the service that tells customers, or repair it."""
    item = {"id": {"S": "outage"}}
    dynamodb = world.client("dynamodb")
    if on:
        dynamodb.put_item(TableName=CUSTOMERS, Item=item)
    else:
        dynamodb.delete_item(TableName=CUSTOMERS, Key=item)


def told(world: World, customer: str) -> int:
    """Return how often a customer was told."""
    return world.log_lines("points").count(f"told {customer}")


def check_task_6(world: World) -> Verdict:
    """Send a gift during an outage, and another after it."""
    if as_delivered(world, "points"):
        return not_attempted()
    customer = f"public-{uuid.uuid4().hex[:8]}"
    outage(world, on=True)
    try:
        first = world.send("points", {"id": f"{customer}-1", "customer": customer, "points": 50})
        world.clock.advance(seconds=10)
    finally:
        outage(world, on=False)
    world.clock.advance(minutes=10)
    statuses = [
        one.status
        for one in world.new_events()
        if isinstance(one, AttemptFinished) and one.request_id == first
    ]
    if statuses != ["error", "success"]:
        return wrong(
            f"通知失敗一次之後，嘗試的結果是 {shown(statuses)}；"
            f"應該是 {shown(['error', 'success'])}。",
            f"With one failure to tell, the attempts were {shown(statuses)}; they should be "
            f"{shown(['error', 'success'])}.",
        )
    points = balance(world, customer)
    if points != 50:
        return wrong(
            f"一份 50 點的禮物試了兩次，客人有 {literal(points)} 點。",
            f"A gift of 50 points was tried twice, and the customer has {literal(points)}.",
        )
    if not told(world, customer):
        return wrong(
            "通知的服務好了，客人卻一直沒有收到通知：日誌裡沒有那一行 `told …`。",
            "The service works again, and the customer was never told: there is no line "
            "`told …` in the log.",
            score=0.5,
        )
    world.send("points", {"id": f"{customer}-2", "customer": customer, "points": 7})
    world.clock.advance(minutes=10)
    points = balance(world, customer)
    if points != 57:
        return wrong(
            f"第二份禮物 7 點之後，客人有 {literal(points)} 點，應該是 57。",
            f"After a second gift of 7 points the customer has {literal(points)}; it should be 57.",
            score=0.5,
        )
    return passed()
