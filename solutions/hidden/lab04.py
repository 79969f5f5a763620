"""Hidden checks of lab 04: other responses, other orders, and customers who press twice at once."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdalab.grading import Invocation, Verdict, World, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, failure, literal, shown, wrong
from lambdalab.grading.functions import judged, silent, weighed
from lambdalab.grading.spec import JsonValue
from lambdalab.sandbox.events import InvokeReceived

INPUTS: dict[str, dict[str, list[list[Any]]]] = {
    "task-1": {
        "judge": [
            [200, {}, None],
            [200, {"x-amz-function-error": "Handled"}, {"errorMessage": "no"}],
            [200, {"X-AMZ-FUNCTION-ERROR": "Unhandled"}, "text"],
            [200, {"X-Amz-Executed-Version": "3"}, {"errorType": "returned", "errorMessage": "on"}],
            [400, {}, {"Message": "not JSON"}],
            [403, {"X-Amz-Function-Error": "Unhandled"}, None],
            [413, {}, {"Message": "too large"}],
            [429, {"x-amz-function-error": "Unhandled"}, None],
            [502, {}, {"Message": "InvalidRuntimeException"}],
            [503, {}, None],
        ]
    },
    "task-5": {
        "consequences": [
            [3, 3, 3, 2],
            [3, 2, 5, 2],
            [5, 3, 2, 4],  # stopped after nobody listened any more: no effect at all
            [5, 8, 2, 1],
            [0.25, 3, 0.5, 6],
            [4, 4, 3.5, 3],
            [29, 900, 60, 5],
            [61, 900, 60, 2],
        ]
    },
}
_PENALTY = 1.5
"""Points lost for each right case missed: half of them wrong is worth a quarter."""
_CHARGES, _BUCKET = "lab04-charges", "lab04-reports"
_MODES = {
    "sync": {"alb", "api-gateway", "cloudfront", "cognito"},
    "async": {"cloudformation", "eventbridge", "logs", "s3", "sns"},
    "poll": {"dynamodb", "kinesis", "sqs"},
}


def _together(world: World, name: str, payloads: Sequence[JsonValue]) -> list[Invocation]:
    world.client("lambda")
    with ThreadPoolExecutor(len(payloads)) as crowd:
        return list(crowd.map(lambda payload: world.invoke(name, payload), payloads))


def check_task_1(world: World) -> Verdict:
    """Headers in every case, errors that are answers, statuses at the edges."""
    calls = world.calls("judge")
    if silent(calls):
        return not_attempted()
    share, text = judged("judge", calls, _judge, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _judge(status: int, headers: Mapping[str, str], _payload: object) -> dict[str, object]:
    failed = "x-amz-function-error" in [name.casefold() for name in headers]
    match status:
        case 200:
            return {"outcome": "function error" if failed else "success", "retry": False}
        case 429:
            return {"outcome": "throttled", "retry": True}
        case _:
            broken = status >= 500
            return {"outcome": "service error" if broken else "refused", "retry": broken}


def check_task_2(world: World) -> Verdict:
    """Compare the three columns; each name in the wrong one costs two."""
    modes = world.outputs.get("modes")
    if not isinstance(modes, dict) or all(mode is None for mode in modes.values()):
        return not_attempted()
    names = set().union(*_MODES.values())
    missed = [name for name in names if name not in _MODES.get(str(modes.get(name)), ())]
    if not missed:
        return passed()
    return wrong(
        f"{len(names)} 個裡有 {len(missed)} 個不對。",
        f"{len(missed)} of {len(names)} are wrong.",
        score=max(0.0, 1 - 2 * len(missed) / len(names)),
    )


def check_task_3(world: World) -> Verdict:
    """Other items, in another order; what was found is the public check's part."""
    lost = world.outputs.get("lost")
    if as_delivered(world, "accept"):
        return (
            not_attempted()
            if lost is None
            else wrong("`accept` 還是原來的程式碼。", "`accept` still has its old code.", score=0.4)
        )
    wanted: list[tuple[dict[str, JsonValue], dict[str, object]]] = [
        ({"order": 951, "item": "table"}, {"status": "failed", "reason": "KeyError"}),
        ({"order": 952, "item": "lamp"}, {"status": "confirmed"}),
        ({"order": 953, "item": "piano"}, {"status": "failed", "reason": "Sandbox.Timedout"}),
        ({"order": 954}, {"status": "failed", "reason": "KeyError"}),
        ({"order": 955, "item": "chair"}, {"status": "confirmed"}),
    ]
    before = len([one for one in world.new_events() if _of_stock(one)])
    right = 0
    example = None
    for payload, rest in wanted:
        answer = world.invoke("accept", payload)
        expected = {"order": payload["order"], **rest}
        problem = failure("accept", payload, answer)
        if problem is None and answer.value == expected:
            right += 1
        else:
            example = (
                example
                or problem
                or wrong(
                    f"用 {shown(payload)} 調用 `accept`，應該得到 {shown(expected)}，"
                    f"得到的是 {shown(answer.value)}。",
                    f"Invoked with {shown(payload)}, `accept` should return {shown(expected)}; it "
                    f"returned {shown(answer.value)}.",
                )
            )
    asked = len([one for one in world.new_events() if _of_stock(one)]) - before
    share = right / len(wanted) * (1.0 if asked == len(wanted) else 0.5)
    if share == 1:
        return passed()
    text = None if example is None else example.text
    if text is None:
        return wrong(
            f"{len(wanted)} 張訂單調用了 `shelf` {asked} 次。",
            f"For {len(wanted)} orders `shelf` was invoked {asked} times.",
            score=0.4 + 0.6 * share,
        )
    return wrong(text["zh-TW"], text["en"], score=0.4 + 0.6 * share)


def _of_stock(event: object) -> bool:
    return isinstance(event, InvokeReceived) and event.function == "shelf"


def check_task_4(world: World) -> Verdict:
    """Three customers at once, one of whom presses three times; and one who cannot pay."""
    if as_delivered(world, "shop") and as_delivered(world, "charge"):
        return not_attempted()
    tag = uuid.uuid4().hex[:8]
    twice, once, other = f"{tag}-a", f"{tag}-b", f"{tag}-c"
    # Cold starts would let the customers in one by one: first, everything is warmed up.
    _together(world, "shop", [{"order": f"{tag}-{n}", "amount": 1} for n in range(5)])
    payloads: list[JsonValue] = [
        {"order": twice, "amount": 10},
        {"order": once, "amount": 20},
        {"order": twice, "amount": 10},
        {"order": other, "amount": 10},
        {"order": twice, "amount": 10},
    ]
    for payload, answer in zip(payloads, _together(world, "shop", payloads), strict=True):
        problem = failure("shop", payload, answer)
        if problem is not None:
            return problem
        if not isinstance(answer.value, dict) or answer.value.get("status") != "paid":
            return wrong(
                f"`shop` 應該傳回 `paid`，得到的是 {shown(answer.value)}。",
                f"`shop` should say `paid`; it returned {shown(answer.value)}.",
            )
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=_CHARGES)
    orders = [item.get("order", {}).get("S") for page in pages for item in page["Items"]]
    counts = {order: orders.count(order) for order in (twice, once, other)}
    if counts[once] != 1 or counts[other] != 1:
        return wrong(
            f"不同的訂單應該各有一筆扣款，得到的是 {literal(list(counts.values()))}。",
            f"Different orders should have one charge each; there are "
            f"{literal(list(counts.values()))}.",
        )
    if counts[twice] != 1:
        return wrong(
            f"同一張訂單同時送三次，有 {counts[twice]} 筆扣款。",
            f"Sent three times at once, one order has {counts[twice]} charges.",
            score=0.5,
        )
    broken: JsonValue = {"order": f"{tag}-d"}
    answer = world.invoke("shop", broken)
    problem = failure("shop", broken, answer)
    if problem is not None:
        return dataclasses.replace(problem, score=0.8)
    if not isinstance(answer.value, dict) or answer.value.get("status") != "failed":
        return wrong(
            f"一張沒有金額的訂單，`charge` 會失敗，`shop` 卻傳回 {shown(answer.value)}。",
            f"`charge` fails for an order without an amount, and `shop` returned "
            f"{shown(answer.value)}.",
            score=0.8,
        )
    return passed()


def check_task_5(world: World) -> Verdict:
    """Just in time, stopped when nobody listens, halves of seconds."""
    calls = world.calls("consequences")
    if silent(calls):
        return not_attempted()
    share, text = judged("consequences", calls, _consequences, penalty=_PENALTY)
    return weighed([(1.0, share, text)])


def _consequences(duration: float, timeout: float, patience: float, attempts: int) -> JsonValue:
    finishes = duration <= timeout
    end = duration if finishes else timeout
    heard = end <= patience
    runs = 1 if heard else attempts
    return {
        "runs": runs,
        "waited": end if heard else attempts * patience,
        "answered": heard,
        "effects": runs * finishes,
    }


def check_task_6(world: World) -> Verdict:
    """Four reports at once: each has its own object, and it is the right one."""
    if as_delivered(world, "report"):
        return not_attempted()
    sizes = [0, 7, 120_000, 7]
    payloads: list[JsonValue] = [{"rows": rows} for rows in sizes]
    keys: list[str] = []
    for rows, payload, answer in zip(
        sizes, payloads, _together(world, "report", payloads), strict=True
    ):
        problem = failure("report", payload, answer)
        if problem is not None:
            return problem
        value = answer.value
        key = value.get("key") if isinstance(value, dict) else None
        if not isinstance(key, str) or not key:
            return wrong(
                f"`report` 沒有說報表在哪裡：{shown(value)}。",
                f"`report` does not say where the report is: {shown(value)}.",
            )
        keys.append(key)
        s3 = world.client("s3")
        try:
            body = s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            body = None
        if body != _csv(rows):
            return wrong(
                f"{rows} 列的報表不見了，或內容不對：也許被另一次調用覆蓋了。",
                f"The report of {rows} rows is missing or wrong: perhaps another invocation "
                "overwrote it.",
                score=0.5,
            )
    if len(set(keys)) < len(keys):
        return wrong(
            "兩次調用用了同一個鍵，後來的會覆蓋先前的。",
            "Two invocations have the same key, and the later one overwrites the earlier.",
            score=0.5,
        )
    return passed()


def _csv(rows: int) -> bytes:
    return b"".join(b"%d,order-%08d,confirmed,%s\n" % (row, row, b"x" * 40) for row in range(rows))
