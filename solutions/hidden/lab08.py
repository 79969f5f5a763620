"""Hidden checks of lab 08: edges and longer traces, other pools, other days, other customers."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdalab.grading import Invocation, Verdict, World, incorrect, passed
from lambdalab.grading.evidence import as_delivered, failure, joined, literal, shown, wrong
from lambdalab.grading.functions import judged, silent
from lambdalab.grading.spec import JsonValue
from lambdalab.grading.verdict import not_attempted
from lambdalab.rules import concurrency, pricing
from lambdalab.sandbox.events import InvokeStarted

_TRACES: list[list[Any]] = [
    [[], 1, 3],
    [[5], 2, 1],
    [[0, 0, 1, 2, 2, 2], 2, 2],  # places become free as others arrive
    [[0, 1, 2, 3, 4, 5, 6], 2.5, 1],  # those refused hold no place
    [[0, 0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 6], 3, 3],
    [[n * 0.25 for n in range(120)], 4, 12],
    [sorted(n * 37 % 100 / 4 for n in range(150)), 1.5, 7],
    [[1, 1, 1], 5, 100],
]
_SPILLS: list[list[Any]] = [
    [0, 3, 100, 10],
    [10, 0, 100],
    [10, 0, 6],
    [10, 4, 0],
    [10, 4, 0, 10],
    [10, 4, 500, 4],
    [7, 0, 100, 0],  # switched off, which is not the same as nothing reserved
    [250, 40, 180],
]
_FLOWS: list[list[Any]] = [
    [1, 1],
    [100, 1100],  # 100 * 1.1 is a little more than 110
    [1000, 100],  # both quotas meet
    [1001, 100],
    [999, 3],
    [3, 1500],
    [40, 2501],
    [2000, 20],
]
_STEADY, _NIGHT = [6] * 24, [0] * 24
_STEPS = [3] * 9 + [7] * 8 + [12] * 7
_DAYS: list[list[Any]] = [
    [_STEADY, 2048],
    [_NIGHT, 1024],
    [_STEPS, 512],
    [[20] * 14 + [1] * 10, 1024],  # just below the point where it pays
    [[20] * 15 + [1] * 9, 1024],  # and just above
    [[hour * 7 % 24 for hour in range(24)], 1769],
]
INPUTS = {
    "task-1": {"throttled": _TRACES},
    "task-2": {"spillover": _SPILLS},
    "task-5": {"reservation": _FLOWS},
    "task-6": {
        "cost": [[*day, count] for day, count in zip(_DAYS, (6, 3, 7, 25, 0, 11), strict=True)],
        "cheapest": _DAYS,
    },
}
_FOUND = 0.4
"""Share of task 3 for reading the event log; the repair is worth the rest."""
_NUMBER = {"task-1": 0.25, "task-5": 0.4}
"""Share of a task for its number, which the public check has judged: no input would say more."""
_PENALTY = 1.5
"""Points lost for each right case missed: half of them wrong is worth a quarter."""
_CUSTOMERS = 15


def _together(world: World, calls: Sequence[tuple[str, JsonValue, str | None]]) -> list[Invocation]:
    """Invoke functions at the same time: name, payload and qualifier of each."""
    world.client("lambda")
    with ThreadPoolExecutor(len(calls)) as crowd:
        return list(crowd.map(lambda call: world.invoke(*call), calls))


def _function(
    world: World, task: str, name: str, right: Callable[..., object], *numbers: str
) -> Verdict:
    calls = world.calls(name)
    if silent(calls) and all(world.outputs.get(number) is None for number in numbers):
        return not_attempted()
    share, text = judged(name, calls, right, penalty=_PENALTY)
    if text is None:
        return passed()
    number = _NUMBER.get(task, 0.0)
    return incorrect(text, score=number + (1 - number) * share)


def check_task_1(world: World) -> Verdict:
    """Edges, and traces where it matters that those refused hold no place."""
    return _function(world, "task-1", "throttled", _throttled, "needed")


def _throttled(arrivals: Sequence[float], duration: float, limit: int) -> int:
    ends: list[float] = []
    refused = 0
    for now in arrivals:
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        if len(ends) >= limit:
            refused += 1
        else:
            heapq.heappush(ends, now + duration)
    return refused


def check_task_2(world: World) -> Verdict:
    """Pools that are empty, full, equal, or switched off."""
    return _function(world, "task-2", "spillover", _spillover)


def _spillover(
    requests: int, provisioned: int, unreserved: int, reserved: int | None = None
) -> dict[str, int]:
    """Place one request after the other, as the service does."""
    found = {"provisioned": 0, "reserved": 0, "unreserved": 0, "throttled": 0}
    for _ in range(requests):
        if found["provisioned"] < provisioned:
            pool = "provisioned"
        elif reserved is not None:
            taken = found["provisioned"] + found["reserved"]
            pool = "reserved" if taken < reserved else "throttled"
        else:
            pool = "unreserved" if found["unreserved"] < unreserved else "throttled"
        found[pool] += 1
    return found


def check_task_3(world: World) -> Verdict:
    """Send customers through two doors at once, while reports and thumbnails are busy, too."""
    aws = world.client("lambda")
    reserved = {
        name: aws.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        for name in ("checkout", "reports", "thumbnails")
    }
    named = [world.outputs.get(name) for name in ("culprit", "reason", "refused")]
    if all(one is None for one in (*named, *reserved.values())):
        return not_attempted()
    found = _FOUND * sum(one is not None for one in named) / len(named)
    mine = reserved["checkout"]
    if mine is None or mine < _CUSTOMERS:
        return wrong(
            f"`checkout` 的預留是 {literal(mine)}，保不住 {_CUSTOMERS} 個位置。",
            f"The reservation of `checkout` is {literal(mine)}; it does not keep {_CUSTOMERS} "
            "places.",
            score=found,
        )
    work: JsonValue = {"seconds": 0.8}
    calls: list[tuple[str, JsonValue, str | None]] = [
        *[("checkout", work, "delivered")] * 7,
        *[("checkout", work, None)] * (_CUSTOMERS - 7),
        *[("reports", work, None)] * 6,
        *[("thumbnails", work, "delivered")] * 3,
    ]
    for (name, payload, _), answer in zip(calls, _together(world, calls), strict=True):
        problem = failure(name, payload, answer)
        if problem is not None:
            return dataclasses.replace(problem, score=found + 0.5 * (1 - _FOUND))
    starts = [one for one in world.new_events() if isinstance(one, InvokeStarted)]
    shared = [one.pool for one in starts if one.function in ("reports", "thumbnails")]
    if set(shared) != {"unreserved"}:
        return wrong(
            "`reports` 與 `thumbnails` 應該共用未預留的集區。",
            "`reports` and `thumbnails` should share the unreserved pool.",
            score=found + 0.5 * (1 - _FOUND),
        )
    return passed()


def check_task_4(world: World) -> Verdict:
    """Other customers: one whose page starts cold, then 3 at once."""
    aws = world.client("lambda")
    found = aws.list_provisioned_concurrency_configs(FunctionName="prices")
    counts = [
        one["RequestedProvisionedConcurrentExecutions"]
        for one in found["ProvisionedConcurrencyConfigs"]
    ]
    if as_delivered(world, "web") and counts == [1]:
        return not_attempted()
    if sum(counts) > 4:
        return wrong(
            f"一共佈建了 {sum(counts)}，最多 4。",
            f"{sum(counts)} are provisioned in all; 4 is the most.",
        )
    world.shutdown_idle("web")
    prices = {"desk": 210, "sofa": None, "chair": 95}
    waves: list[list[str]] = [["desk"], ["sofa", "desk", "chair"]]
    for wave in waves:
        world.shutdown_idle("prices")
        answers = _together(world, [("web", {"item": item}, None) for item in wave])
        for item, answer in zip(wave, answers, strict=True):
            problem = failure("web", {"item": item}, answer)
            if problem is not None:
                return problem
            page = {"page": {"item": item, "price": prices[item]}}
            if answer.value != page:
                return wrong(
                    f"`web` 對 `{item}` 的答案應該是 {shown(page)}，得到的是 "
                    f"{shown(answer.value)}。",
                    f"The answer of `web` for `{item}` should be {shown(page)}; it was "
                    f"{shown(answer.value)}.",
                )
    starts = [
        one
        for one in world.new_events()
        if isinstance(one, InvokeStarted) and one.function == "prices"
    ]
    ahead = [one for one in starts if one.pool == "provisioned" and not one.cold]
    if not starts or any(one.version == "$LATEST" for one in starts):
        return wrong(
            f"`prices` 被調用 {len(starts)} 次，有的走到 `$LATEST`。",
            f"`prices` was invoked {len(starts)} times, not always through its alias.",
        )
    if len(ahead) < len(starts) or len(starts) < sum(map(len, waves)):
        return wrong(
            f"{len(starts)} 次調用裡，{len(ahead)} 次由佈建的執行環境處理，"
            "沒有等初始化；應該全部都是。",
            f"Of {len(starts)} invocations, {len(ahead)} were served by a provisioned environment "
            "whose init was done; all should be.",
            score=0.5,
        )
    return passed()


def check_task_5(world: World) -> Verdict:
    """Flows where rounding matters, where one quota decides and where both do."""
    return _function(world, "task-5", "reservation", _reservation, "ready_after_s")


def _reservation(rate: int, duration_ms: int) -> int:
    running, rest = divmod(rate * duration_ms, 1000)
    per_second, over = divmod(rate, concurrency.RATE_PER_CONCURRENCY.value)
    return max(running + (rest > 0), per_second + (over > 0))


def check_task_6(world: World) -> Verdict:
    """Days around the point where provisioning pays, with other memory."""
    parts = []
    for name, right in (("cost", _cost), ("cheapest", _cheapest)):
        parts.append(judged(name, world.calls(name), right, penalty=_PENALTY))
    if all(silent(world.calls(name)) for name in ("cost", "cheapest")):
        return not_attempted()
    texts = [text for _, text in parts if text is not None]
    if not texts:
        return passed()
    return incorrect(joined(texts), score=sum(share for share, _ in parts) / 2)


def _cost(hours: Sequence[int], memory_mb: int, provisioned: int) -> float:
    """Price it through the rulebook's own bill."""
    seconds = 30 * 3600
    ahead = sum(min(busy, provisioned) for busy in hours)
    usage = pricing.Usage(
        requests=0,
        compute=pricing.gb_seconds(memory_mb, seconds * (sum(hours) - ahead)),
        provisioned_held=pricing.gb_seconds(memory_mb, seconds * len(hours) * provisioned),
        provisioned_used=pricing.gb_seconds(memory_mb, seconds * ahead),
    )
    return pricing.bill(usage).total


def _cheapest(hours: Sequence[int], memory_mb: int) -> int:
    """Ask of each environment if it is busy for long enough to pay; memory does not matter."""
    del memory_mb
    dear = pricing.COMPUTE["x86_64"][0].usd - pricing.PROVISIONED_USED["x86_64"].value
    even = pricing.PROVISIONED_HELD["x86_64"].value / dear
    pays = [
        count
        for count in range(1, max(hours) + 1)
        if sum(busy >= count for busy in hours) / len(hours) > even
    ]
    return len(pays)
