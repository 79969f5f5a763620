"""Public checks of lab 04: what a response means, and what stands in the sandbox after a call."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdalab.grading import Invocation, Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, failure, joined, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import JsonValue, Text
from lambdalab.rules import services
from lambdalab.sandbox.events import InvokeFinished, InvokeReceived, InvokeStarted

CHARGES = "lab04-charges"
BUCKET = "lab04-reports"
MODES = ("sync", "async", "poll")
FAILED = ("KeyError", "Sandbox.Timedout")
"""What becomes of an item that is not on the shelves, and of one that takes too long."""
ITEMS = {"desk": None, "sofa": FAILED[0], "piano": FAILED[1]}
"""Item -> why ``stock`` fails, if it does."""


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
    asked = list(modes)
    unknown = [name for name, mode in modes.items() if mode not in MODES]
    if unknown:
        return wrong(
            f"`{unknown[0]}` 是 {literal(modes[unknown[0]])}；應該是 `sync`、`async` 或 `poll`。",
            f"`{unknown[0]}` is {literal(modes[unknown[0]])}; it should be `sync`, `async` or "
            "`poll`.",
        )
    right = [name for name in asked if _mode(name) == modes[name]]
    if len(right) == len(asked):
        return passed()
    return wrong(
        f"{len(asked)} 個裡有 {len(right)} 個正確。",
        f"{len(right)} of {len(asked)} are right.",
        score=max(0.0, 1 - 2 * (len(asked) - len(right)) / len(asked)),
    )


def _mode(name: str) -> str | None:
    try:
        return services.find(name).mode.value
    except KeyError:
        return None


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Look at what was found, and send one order of each kind through `order`."""
    lost = world.outputs.get("lost")
    repaired = not as_delivered(world, "order")
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
    if not as_delivered(world, "stock"):
        text = say(
            "`stock` 的程式碼或設定變了；它要維持原樣。",
            "The code or the settings of `stock` changed; they should stay as they were.",
        )
        return weighed([*parts, (0.6, 0.0, text)])
    share, problem = _orders(world, repaired=repaired)
    return weighed([*parts, (0.6, share, problem)])


def _lost(world: World) -> list[int]:
    """Return the orders of the morning that failed, from the log of ``stock``."""
    lost: list[int] = []
    order = 0
    for line in world.log_lines("stock"):
        if line.startswith("order "):
            order = int(line.split()[1].rstrip(":"))
        failed = "[ERROR]" in line or "Task timed out" in line
        if failed and 100 < order < 200 and order not in lost:
            lost.append(order)
    return sorted(lost)


def _orders(world: World, *, repaired: bool) -> tuple[float, Text | None]:
    if not repaired:
        return 0.0, say("`order` 還是原來的程式碼。", "`order` still has its old code.")
    right = 0
    texts: list[Text] = []
    for number, (item, reason) in enumerate(ITEMS.items(), 901):
        payload: JsonValue = {"order": number, "item": item}
        answer = world.invoke("order", payload)
        wanted = {"order": number, "status": "confirmed"}
        if reason is not None:
            wanted = {"order": number, "status": "failed", "reason": reason}
        problem = failure("order", payload, answer)
        if problem is not None and problem.text is not None:
            texts.append(problem.text)
        elif answer.value != wanted:
            texts.append(
                say(
                    f"用 {shown(payload)} 調用 `order`，應該得到 {shown(wanted)}，"
                    f"得到的是 {shown(answer.value)}。",
                    f"Invoked with {shown(payload)}, `order` should return {shown(wanted)}; it "
                    f"returned {shown(answer.value)}.",
                )
            )
        elif _asked(world, answer) != 1:
            texts.append(
                say(
                    "`order` 調用 `stock` 不只一次，或根本沒有調用。",
                    "`order` invoked `stock` more than once, or not at all.",
                )
            )
        else:
            right += 1
    return right / len(ITEMS), joined(texts[:1]) if texts else None


def _asked(world: World, answer: Invocation) -> int:
    """Count the invocations of ``stock`` during one of ``order``."""
    events = world.new_events()
    begin = next(one.seq for one in events if getattr(one, "request_id", "") == answer.request_id)
    return sum(
        isinstance(one, InvokeReceived) and one.function == "stock" and one.seq > begin
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
    """Wait for invocations of ``charge`` that go on although nobody waits for them."""
    for _ in range(100):
        events = world.new_events()
        begun = sum(isinstance(one, InvokeStarted) and one.function == "charge" for one in events)
        ended = sum(isinstance(one, InvokeFinished) and one.function == "charge" for one in events)
        if begun == ended:
            return
        time.sleep(0.1)


def together(world: World, name: str, payloads: Sequence[JsonValue]) -> list[Invocation]:
    """Invoke a function with all payloads at the same time."""
    world.client("lambda")  # made once, and not by several threads
    with ThreadPoolExecutor(len(payloads)) as crowd:
        return list(crowd.map(lambda payload: world.invoke(name, payload), payloads))


def check_task_4(world: World) -> Verdict:
    """One order, and the same order again."""
    if as_delivered(world, "shop") and as_delivered(world, "charge"):
        return not_attempted()
    order = f"public-{uuid.uuid4().hex[:8]}"
    payload: JsonValue = {"order": order, "amount": 250}
    problem = _paid(world.invoke("shop", payload), payload)
    if problem is not None:
        return problem
    _settle(world)
    ran = sum(
        isinstance(one, InvokeStarted) and one.function == "charge" for one in world.new_events()
    )
    items = charges(world, order)
    if len(items) != 1 or items[0].get("amount", {}).get("N") != "250":
        return wrong(
            f"訂單 `{order}` 有 {len(items)} 筆扣款，應該是 1 筆，金額 250。",
            f"Order `{order}` has {len(items)} charges; it should be 1, of 250.",
        )
    if ran != 1:
        return wrong(
            f"只扣了一次，但 `charge` 跑了 {ran} 次：`shop` 等得不夠久。",
            f"There is one charge, but `charge` ran {ran} times: `shop` does not wait long enough.",
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
    named = isinstance(value, dict) and isinstance(value.get("key"), str)
    if not named or not isinstance(value, dict) or value.get("bucket") != BUCKET:
        wanted = {"bucket": BUCKET, "key": "…"}
        return wrong(
            f"`report` 應該傳回 {shown(wanted)}，得到的是 {shown(value)}。",
            f"`report` should return {shown(wanted)}; it returned {shown(value)}.",
        )
    s3 = world.client("s3")
    try:
        body = s3.get_object(Bucket=BUCKET, Key=value["key"])["Body"].read()
    except s3.exceptions.NoSuchKey:
        return wrong(
            f"`{BUCKET}` 裡沒有 {literal(value['key'])} 這個物件。",
            f"There is no object {literal(value['key'])} in `{BUCKET}`.",
        )
    if body != csv(rows).encode():
        return wrong(
            f"{rows} 列的報表，內容和 `csv({rows})` 不一樣：{len(body)} 個位元組，"
            f"應該是 {len(csv(rows))}。",
            f"The report of {rows} rows is not `csv({rows})`: it has {len(body)} bytes and should "
            f"have {len(csv(rows))}.",
        )
    return None
