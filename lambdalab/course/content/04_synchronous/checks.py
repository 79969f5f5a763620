"""Public checks of lab 04: what a response means, and what stands in the sandbox after a call."""

from __future__ import annotations

import dataclasses
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from lambdalab.grading import Invocation, Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, failure, joined, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import JsonValue, Text
from lambdalab.rules import services
from lambdalab.sandbox.events import InvokeFinished, InvokeReceived, InvokeStarted

CHARGES = "lab04-charges"
BUCKET = "lab04-reports"
KEY_BYTES = 1024
"""Longest key of an S3 object."""
SERVICES = (
    "alb",
    "api-gateway",
    "cloudformation",
    "cloudfront",
    "cognito",
    "dynamodb",
    "eventbridge",
    "kinesis",
    "logs",
    "s3",
    "sns",
    "sqs",
)
MODES = ("sync", "async", "poll")
MORNING = range(101, 109)
"""The orders that the set-up takes."""
TAKEN = re.compile(r"order (\d+): ")
"""What ``shelf`` logs of an order."""
BUSY_MS = 990
"""A little less than the payment company takes."""
FAILED = ("KeyError", "Sandbox.Timedout")
"""What becomes of an item that is not on the shelves, and of one that takes too long."""
ITEMS = {"desk": None, "sofa": FAILED[0], "piano": FAILED[1]}
"""Item -> why ``shelf`` fails, if it does."""


# -- task 1 -------------------------------------------------------------------------------


def _judge(status: int, headers: Mapping[str, str], _payload: object) -> dict[str, object]:
    if status != 200:
        throttled, broken = status == 429, status >= 500
        outcome = "throttled" if throttled else "service error" if broken else "refused"
        return {"outcome": outcome, "retry": throttled or broken}
    failed = any(name.lower() == "x-amz-function-error" for name in headers)
    return {"outcome": "function error" if failed else "success", "retry": False}


def check_task_1(world: World) -> Verdict:
    """One response of each kind."""
    calls = world.calls("judge")
    if silent(calls):
        return not_attempted()
    share, text = judged("judge", calls, _judge)
    return weighed([(1.0, share, text)])


# -- task 2 -------------------------------------------------------------------------------


def check_task_2(world: World) -> Verdict:
    """Each service as the rulebook has it; two points lost for each that is not."""
    modes = world.outputs.get("modes")
    if not isinstance(modes, dict) or all(mode is None for mode in modes.values()):
        return not_attempted()
    missed = [name for name in SERVICES if modes.get(name) != services.find(name).mode.value]
    if not missed:
        return passed()
    share = max(0.0, 1 - 2 * len(missed) / len(SERVICES))
    unknown = [name for name in SERVICES if modes.get(name) not in MODES]
    if unknown:
        got = literal(modes.get(unknown[0]))
        return wrong(
            f"`{unknown[0]}` 是 {got}；應該是 `sync`、`async` 或 `poll`。",
            f"`{unknown[0]}` is {got}; it should be `sync`, `async` or `poll`.",
            score=share,
        )
    return wrong(
        f"{len(SERVICES)} 個裡有 {len(SERVICES) - len(missed)} 個正確。",
        f"{len(SERVICES) - len(missed)} of {len(SERVICES)} are right.",
        score=share,
    )


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Look at what was found, and send one order of each kind through `accept`."""
    lost = world.outputs.get("lost")
    repaired = not as_delivered(world, "accept")
    if lost is None and not repaired:
        return not_attempted()
    parts: list[Part] = []
    fits = isinstance(lost, list) and same(lost, _lost(world))
    parts.append(
        (
            0.4,
            float(fits),
            None
            if fits
            else say(
                f"`lost` 是 {literal(lost)}，和那個上午的日誌不符。",
                f"`lost` is {literal(lost)}, and the log of that morning says otherwise.",
            ),
        )
    )
    if not as_delivered(world, "shelf"):
        text = say(
            "`shelf` 的程式碼或設定變了；它要維持原樣。",
            "The code or the settings of `shelf` changed; they should stay as they were.",
        )
        return weighed([*parts, (0.6, 0.0, text)])
    share, problem = _orders(world, repaired=repaired)
    return weighed([*parts, (0.6, share, problem)])


def _lost(world: World) -> list[int]:
    """Return the orders of the morning that failed, from the log of ``shelf``.

    What the learner tried since then comes later, under the same numbers perhaps.
    """
    failed: dict[int, bool] = {}
    order: int | None = None
    for line in world.log_lines("shelf"):
        if taken := TAKEN.match(line):
            number = int(taken[1])
            order = number if number in MORNING and number not in failed else None
            if order is not None:
                failed[order] = False
        elif order is not None and ("[ERROR]" in line or "Task timed out" in line):
            failed[order] = True
    return sorted(number for number, bad in failed.items() if bad)


def _orders(world: World, *, repaired: bool) -> tuple[float, Text | None]:
    if not repaired:
        return 0.0, say("`accept` 還是原來的程式碼。", "`accept` still has its old code.")
    right = 0
    texts: list[Text] = []
    for number, (item, reason) in enumerate(ITEMS.items(), 901):
        payload: JsonValue = {"order": number, "item": item}
        answer = world.invoke("accept", payload)
        wanted = {"order": number, "status": "confirmed"}
        if reason is not None:
            wanted = {"order": number, "status": "failed", "reason": reason}
        problem = failure("accept", payload, answer)
        if problem is not None and problem.text is not None:
            texts.append(problem.text)
        elif answer.value != wanted:
            texts.append(
                say(
                    f"用 {shown(payload)} 調用 `accept`，應該得到 {shown(wanted)}，"
                    f"得到的是 {shown(answer.value)}。",
                    f"Invoked with {shown(payload)}, `accept` should return {shown(wanted)}; it "
                    f"returned {shown(answer.value)}.",
                )
            )
        elif _asked(world, answer) != 1:
            texts.append(
                say(
                    "`accept` 調用 `shelf` 不只一次，或根本沒有調用。",
                    "`accept` invoked `shelf` more than once, or not at all.",
                )
            )
        else:
            right += 1
    return right / len(ITEMS), joined(texts[:1]) if texts else None


def _asked(world: World, answer: Invocation) -> int:
    """Count the invocations of ``shelf`` during one of ``accept``."""
    events = world.new_events()
    begin = next(one.seq for one in events if getattr(one, "request_id", "") == answer.request_id)
    return sum(
        isinstance(one, InvokeReceived) and one.function == "shelf" and one.seq > begin
        for one in events
    )


# -- task 4 -------------------------------------------------------------------------------


def charges(world: World, order: str) -> list[dict[str, Any]]:
    """Return the items of an order, once everything that runs has ended."""
    _settle(world)
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=CHARGES)
    items = [item for page in pages for item in page["Items"]]
    return [item for item in items if item.get("order", {}).get("S") == order]


def _settle(world: World) -> None:
    """Wait for invocations of ``charge`` that go on although nobody waits for them.

    Some of them may have begun before the checks: the last thing a learner tried.
    """
    for _ in range(100):
        events = [*world.events, *world.new_events()]
        ended = {one.request_id for one in events if isinstance(one, InvokeFinished)}
        if all(
            one.request_id in ended
            for one in events
            if isinstance(one, InvokeStarted) and one.function == "charge"
        ):
            return
        time.sleep(0.1)


def _runs(world: World) -> list[InvokeFinished]:
    """Return the runs of ``charge`` since the checks began that have ended."""
    events = world.new_events()
    return [one for one in events if isinstance(one, InvokeFinished) and one.function == "charge"]


def check_task_4(world: World) -> Verdict:
    """One order, and the same order again."""
    if as_delivered(world, "shop") and as_delivered(world, "charge"):
        return not_attempted()
    _settle(world)
    before = len(_runs(world))
    order = f"public-{uuid.uuid4().hex[:8]}"
    payload: JsonValue = {"order": order, "amount": 250}
    problem = _paid(world.invoke("shop", payload), payload)
    if problem is not None:
        return problem
    items = charges(world, order)
    if len(items) != 1 or items[0].get("amount", {}).get("N") != "250":
        return wrong(
            f"訂單 `{order}` 有 {len(items)} 筆扣款，應該是 1 筆，金額 250。",
            f"Order `{order}` has {len(items)} charges; it should be 1, of 250.",
        )
    ran = _runs(world)[before:]
    if len(ran) != 1:
        return wrong(
            f"只扣了一次，但 `charge` 跑了 {len(ran)} 次：`shop` 等得不夠久。",
            f"There is one charge, but `charge` ran {len(ran)} times: `shop` does not wait long "
            "enough.",
            score=0.5,
        )
    if ran[0].duration_ms < BUSY_MS:
        return wrong(
            f"`charge` 只跑了 {ran[0].duration_ms:.0f} 毫秒：金流公司的那 1 秒不見了。",
            f"`charge` ran for {ran[0].duration_ms:.0f} ms only: the second of the payment company "
            "is gone.",
            score=0.5,
        )
    problem = _paid(world.invoke("shop", payload), payload)
    again = len(charges(world, order))
    if problem is not None or again != 1:
        return wrong(
            f"同一張訂單再送一次，變成 {again} 筆扣款。"
            if problem is None
            else "同一張訂單再送一次，`shop` 沒有傳回 `paid`。",
            f"Sent again, the same order has {again} charges."
            if problem is None
            else "Sent again, the same order is not answered with `paid`.",
            score=0.5,
        )
    return passed()


def _paid(answer: Invocation, payload: JsonValue) -> Verdict | None:
    problem = failure("shop", payload, answer)
    if problem is not None:
        return problem
    value = answer.value
    if not isinstance(value, dict) or value.get("status") != "paid":
        return wrong(
            f"`shop` 應該傳回 `paid`，得到的是 {shown(value)}。",
            f"`shop` should say `paid`; it returned {shown(value)}.",
        )
    return None


# -- task 5 -------------------------------------------------------------------------------


def _consequences(duration: float, timeout: float, patience: float, attempts: int) -> JsonValue:
    heard_at = min(duration, timeout)
    if heard_at <= patience:
        written = int(duration <= timeout)
        return {"runs": 1, "waited": heard_at, "answered": True, "effects": written}
    written = attempts if duration <= timeout else 0
    waited = attempts * patience
    return {"runs": attempts, "waited": waited, "answered": False, "effects": written}


def check_task_5(world: World) -> Verdict:
    """Patient and not, stopped and not, and just in time."""
    calls = world.calls("consequences")
    if silent(calls):
        return not_attempted()
    share, text = judged("consequences", calls, _consequences)
    return weighed([(1.0, share, text)])


# -- task 6 -------------------------------------------------------------------------------


def csv(rows: int) -> str:
    """Return the report, as the delivered function makes it."""
    return "".join(f"{row},order-{row:08},confirmed,{'x' * 40}\n" for row in range(rows))


def check_task_6(world: World) -> Verdict:
    """Ask for a small report, and for one that an invocation cannot return."""
    if as_delivered(world, "report"):
        return not_attempted()
    earned = 0.0
    for rows in (3, 100_000):
        payload: JsonValue = {"rows": rows}
        answer = world.invoke("report", payload)
        problem = failure("report", payload, answer) or stored(world, answer.value, rows)
        if problem is not None:
            return dataclasses.replace(problem, score=earned)
        earned = 0.3
    return passed()


def stored(world: World, value: object, rows: int) -> Verdict | None:
    """Return what is wrong with where a report was put, or with the report."""
    key = value.get("key") if isinstance(value, dict) else None
    if not isinstance(value, dict) or value.get("bucket") != BUCKET or not _is_key(key):
        wanted = {"bucket": BUCKET, "key": "…"}
        return wrong(
            f"`report` 應該傳回 {shown(wanted)}，得到的是 {shown(value)}。",
            f"`report` should return {shown(wanted)}; it returned {shown(value)}.",
        )
    s3 = world.client("s3")
    try:
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return wrong(
            f"`{BUCKET}` 裡沒有 {literal(key)} 這個物件。",
            f"There is no object {literal(key)} in `{BUCKET}`.",
        )
    if body != csv(rows).encode():
        return wrong(
            f"{rows} 列的報表，內容和 `csv({rows})` 不一樣：{len(body)} 個位元組，"
            f"應該是 {len(csv(rows))}。",
            f"The report of {rows} rows is not `csv({rows})`: it has {len(body)} bytes and should "
            f"have {len(csv(rows))}.",
        )
    return None


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= KEY_BYTES
