"""Public checks of lab 08: what functions give, and who is served when requests come together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdalab.grading import (
    Invocation,
    Verdict,
    World,
    not_attempted,
    passed,
)
from lambdalab.grading.evidence import as_delivered, failure, literal, say, shown, wrong
from lambdalab.grading.functions import Part, judged, same, silent, weighed
from lambdalab.grading.spec import JsonValue, Text
from lambdalab.rules.pricing import COMPUTE, PROVISIONED_HELD, PROVISIONED_USED
from lambdalab.sandbox.events import InvokeStarted, Throttled

CUSTOMERS = 15
"""So many must be able to check out at once …"""
MOST_RESERVED = 20
"""… with no more than this set aside for them."""
MOST_PROVISIONED = 4
NEIGHBOUR = "reports"
AT_ONCE = 3
NEEDED = 34
"""Task 1: 30 that come together, while 4 of the others are in progress or arrive."""
READY_AFTER_S = 35.0
"""Task 5: 1,000 at once, and the other 3,500 at 100 per second."""


def together(world: World, name: str, payloads: Sequence[JsonValue]) -> list[Invocation]:
    """Invoke a function with all payloads at the same time."""
    world.client("lambda")  # made once, and not by several threads
    with ThreadPoolExecutor(len(payloads)) as crowd:
        return list(crowd.map(lambda payload: world.invoke(name, payload), payloads))


# -- task 1 -------------------------------------------------------------------------------


def _throttled(arrivals: Sequence[float], duration: float, limit: int) -> int:
    ends: list[float] = []
    for now in arrivals:
        busy = sum(end > now for end in ends)
        if busy < limit:
            ends.append(now + duration)
    return len(arrivals) - len(ends)


def check_task_1(world: World) -> Verdict:
    """Try the examples, two more, and the limit for the sale."""
    calls, needed = world.calls("throttled"), world.outputs.get("needed")
    if silent(calls) and needed is None:
        return not_attempted()
    share, text = judged("throttled", calls, _throttled)
    fits = same(needed, NEEDED)
    number = say(
        f"`needed` 是 {literal(needed)}。用 `throttled(sale, 1, …)` 試試：它要剛好讓拒絕數變成 0。",
        f"`needed` is {literal(needed)}. Try it with `throttled(sale, 1, …)`: it should be just "
        "enough for 0 refusals.",
    )
    return weighed([(0.75, share, text), (0.25, float(fits), None if fits else number)])


# -- task 2 -------------------------------------------------------------------------------


def _spillover(
    requests: int, provisioned: int, unreserved: int, reserved: int | None = None
) -> dict[str, int]:
    places = {"provisioned": provisioned}
    if reserved is None:
        places["unreserved"] = unreserved
    else:
        places["reserved"] = reserved - provisioned
    found = {"provisioned": 0, "reserved": 0, "unreserved": 0, "throttled": 0}
    for pool, room in places.items():
        found[pool] = min(requests, room)
        requests -= found[pool]
    return found | {"throttled": requests}


def check_task_2(world: World) -> Verdict:
    """With a reservation and without, with room and without."""
    calls = world.calls("spillover")
    if silent(calls):
        return not_attempted()
    share, text = judged("spillover", calls, _spillover)
    return weighed([(1.0, share, text)])


# -- task 3 -------------------------------------------------------------------------------


def _reserved(world: World, name: str) -> int | None:
    answer = world.client("lambda").get_function_concurrency(FunctionName=name)
    found: int | None = answer.get("ReservedConcurrentExecutions")
    return found


def check_task_3(world: World) -> Verdict:
    """Who it was, and if 15 customers find a place now."""
    names = ("culprit", "reason", "refused")
    found = {name: world.outputs.get(name) for name in names}
    reserved = {name: _reserved(world, name) for name in ("checkout", NEIGHBOUR, "thumbnails")}
    if all(one is None for one in (*found.values(), *reserved.values())):
        return not_attempted()
    turned_away = world.records(Throttled, function="checkout", qualifier="delivered")
    right = {
        "culprit": NEIGHBOUR,
        "reason": turned_away[0].reason if turned_away else "",
        "refused": len(turned_away),
    }
    parts: list[Part] = []
    for name in names:
        fits = same(found[name], right[name])
        parts.append((0.4 / 3, float(fits), None if fits else _misnamed(name, found[name])))
    share, text = _places(world, reserved)
    return weighed([*parts, (0.6, share, text)])


def _misnamed(name: str, got: object) -> Text:
    return say(
        f"`{name}` 是 {literal(got)}，和那天早上的事件記錄不符。",
        f"`{name}` is {literal(got)}, and the event log of that morning says otherwise.",
    )


def _places(world: World, reserved: dict[str, int | None]) -> tuple[float, Text | None]:
    """Return the share that the repair earns, and what is wrong with it."""
    mine = reserved["checkout"]
    if mine is None or mine < CUSTOMERS:
        has = say(
            "沒有任何預留" if mine is None else f"只預留了 {mine}",
            "nothing reserved" if mine is None else f"{mine} reserved",
        )
        return 0.0, say(
            f"`checkout` {has['zh-TW']}：別人把集區占滿時，它不能同時處理 {CUSTOMERS} 個請求。",
            f"`checkout` has {has['en']}: when others fill the pool, it cannot serve {CUSTOMERS} "
            "requests at once.",
        )
    if mine > MOST_RESERVED:
        return 0.5, say(
            f"`checkout` 預留了 {mine}，最多 {MOST_RESERVED}：閒著的時候誰都不能用。",
            f"`checkout` has {mine} reserved; {MOST_RESERVED} is the most, because nobody can use "
            "them while they are idle.",
        )
    for name in (NEIGHBOUR, "thumbnails"):
        theirs = reserved[name]
        if theirs is not None:
            return 0.5, say(
                f"`{name}` 預留了 {theirs}，那也是它的上限；它應該能用剩下的全部。",
                f"`{name}` has {theirs} reserved, and that is its cap as well; it should be able "
                "to use all of the rest.",
            )
    answers = together(world, "checkout", [{"seconds": 0.4}] * CUSTOMERS)
    for answer in answers:
        problem = failure("checkout", {"seconds": 0.4}, answer)
        if problem is not None:
            return 0.5, problem.text
    return 1.0, None


# -- task 4 -------------------------------------------------------------------------------


def _provisioned(world: World) -> dict[str, int]:
    """Return what is provisioned of ``prices``, by version or alias."""
    answer = world.client("lambda").list_provisioned_concurrency_configs(FunctionName="prices")
    return {
        one["FunctionArn"].rpartition(":")[2]: one["RequestedProvisionedConcurrentExecutions"]
        for one in answer["ProvisionedConcurrencyConfigs"]
    }


def check_task_4(world: World) -> Verdict:
    """Two times 3 customers at once, and which environments of ``prices`` served them."""
    before = _provisioned(world)
    if as_delivered(world, "web") and before == {"live": 1}:
        return not_attempted()
    if sum(before.values()) > MOST_PROVISIONED:
        return wrong(
            f"一共佈建了 {sum(before.values())}，最多 {MOST_PROVISIONED}。",
            f"{sum(before.values())} are provisioned in all; {MOST_PROVISIONED} is the most.",
        )
    latest, live = world.function("prices"), world.function("prices", "live")
    if latest is None or live is None or latest["CodeSha256"] != live["CodeSha256"]:
        return wrong(
            "`prices` 的程式碼或別名 `live` 變了；這個任務不需要改它。",
            "The code of `prices` or its alias `live` has changed; this task needs no such change.",
        )
    payloads: list[Any] = [{"item": "lamp"}, {"item": "desk"}, {"item": "chair"}]
    pages = [49, 210, 95]
    for _ in range(2):
        world.shutdown_idle("prices")
        answers = together(world, "web", payloads)
        for payload, price, answer in zip(payloads, pages, answers, strict=True):
            problem = failure("web", payload, answer)
            if problem is not None:
                return problem
            page = {"page": {"item": payload["item"], "price": price}}
            if answer.value != page:
                return wrong(
                    f"{shown(payload)} 的答案應該是 {shown(page)}，得到的是 "
                    f"{shown(answer.value)}。",
                    f"The answer to {shown(payload)} should be {shown(page)}; it was "
                    f"{shown(answer.value)}.",
                )
    return _served(world, len(payloads) * 2) or passed()


def _served(world: World, expected: int) -> Verdict | None:
    """Judge by whom ``prices`` was served since the checks began."""
    starts = [
        event
        for event in world.new_events()
        if isinstance(event, InvokeStarted) and event.function == "prices"
    ]
    ahead = sum(event.pool == "provisioned" for event in starts)
    latest = sum(event.version == "$LATEST" for event in starts)
    if latest:
        return wrong(
            f"`web` 帶來的 {len(starts)} 次調用裡，有 {latest} 次走到 `prices` 的 `$LATEST`。",
            f"Of {len(starts)} invocations that came from `web`, {latest} went to `$LATEST` of "
            "`prices`.",
        )
    if len(starts) < expected:
        return wrong(
            f"`web` 收到 {expected} 個請求，卻只調用了 `prices` {len(starts)} 次。",
            f"`web` got {expected} requests and invoked `prices` only {len(starts)} times.",
        )
    if ahead < len(starts):
        return wrong(
            f"{AT_ONCE} 個請求同時到，重複 2 次：{len(starts)} 次調用裡只有 {ahead} 次由佈建的"
            "執行環境處理，其餘都溢流了。",
            f"{AT_ONCE} requests at once, 2 times: of {len(starts)} invocations, {ahead} were "
            "served by provisioned environments, and the rest spilled over.",
            score=0.5,
        )
    return None


# -- task 5 -------------------------------------------------------------------------------


def _reservation(rate: int, duration_ms: int) -> int:
    least = 1
    while least * 1000 < rate * duration_ms or least * 10 < rate:
        least += 1
    return least


def check_task_5(world: World) -> Verdict:
    """Try both quotas, and the opening of the sale."""
    calls, ready = world.calls("reservation"), world.outputs.get("ready_after_s")
    if silent(calls) and ready is None:
        return not_attempted()
    share, text = judged("reservation", calls, _reservation)
    fits = same(ready, READY_AFTER_S)
    number = say(
        f"`ready_after_s` 是 {literal(ready)}。一開始能新增幾個？剩下的每秒補充幾個？",
        f"`ready_after_s` is {literal(ready)}. How many may be added at once? And how many per "
        "second after that?",
    )
    return weighed([(0.6, share, text), (0.4, float(fits), None if fits else number)])


# -- task 6 -------------------------------------------------------------------------------


def _cost(hours: Sequence[int], memory_mb: int, provisioned: int) -> float:
    total = 0.0
    for busy in hours:
        ahead = min(busy, provisioned)
        total += provisioned * PROVISIONED_HELD["x86_64"].value
        total += ahead * PROVISIONED_USED["x86_64"].value
        total += (busy - ahead) * COMPUTE["x86_64"][0].usd
    return total * 30 * 3600 * memory_mb / 1024


def _cheapest(hours: Sequence[int], memory_mb: int) -> int:
    best = 0
    for count in range(1, max(hours) + 1):
        if _cost(hours, memory_mb, count) < _cost(hours, memory_mb, best):
            best = count
    return best


def check_task_6(world: World) -> Verdict:
    """Price three days, and decide three."""
    costs, choices = world.calls("cost"), world.calls("cheapest")
    if silent(costs) and silent(choices):
        return not_attempted()
    return weighed(
        [
            (0.5, *judged("cost", costs, _cost)),
            (0.5, *judged("cheapest", choices, _cheapest)),
        ]
    )
