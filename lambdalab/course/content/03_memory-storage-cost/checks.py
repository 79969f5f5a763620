"""Public checks of lab 03: figures, a choice, a disk, a memory limit, a secret."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any

from lambdalab.grading import (
    CallResult,
    Invocation,
    Verdict,
    World,
    incorrect,
    not_attempted,
    passed,
)
from lambdalab.grading.evidence import (
    as_delivered,
    failure,
    fresh,
    joined,
    literal,
    say,
    seen,
    shown,
    wrong,
)
from lambdalab.grading.functions import examined
from lambdalab.grading.spec import Text
from lambdalab.rules import limits, pricing

CAUSE = {"first_failure": (6, 0.1), "error_name": ("ENOSPC", 0.15)}
"""Variables of task 3: the right value, and its share of the points."""
REPAIR = 0.75
ALBUMS_S = 4
LEDGER_MB = 128
ADDRESS = "Ms Ann Lindqvist, 12 Harbour Street, Keelung"


# -- task 1 -------------------------------------------------------------------------------


def check_task_1(world: World) -> Verdict:
    """Each bill is what the rulebook's prices come to."""
    return examined(world.calls("monthly_cost"), _misbilled)


def _misbilled(call: CallResult) -> Text | None:
    right, got = _bill(*call.arguments), call.value
    number = isinstance(got, int | float) and not isinstance(got, bool)
    if number and math.isclose(float(got), right, rel_tol=1e-9, abs_tol=1e-12):
        return None
    asked = ", ".join(repr(one) for one in call.arguments)
    result = literal(got) if call.error is None else shown(call.error)
    return say(
        f"`monthly_cost({asked})` 應該是 {right:.6f} 美元，得到的是 {result}。",
        f"`monthly_cost({asked})` should be {right:.6f} USD; it gave {result}.",
    )


def _bill(memory_mb: int, duration_ms: float, requests: int, ephemeral_mb: int = 512) -> float:
    seconds = math.ceil(duration_ms) / 1000 * requests
    extra = ephemeral_mb - limits.EPHEMERAL_MIN.value
    usage = pricing.Usage(
        requests=requests,
        compute=pricing.gb_seconds(memory_mb, seconds),
        ephemeral=pricing.gb_seconds(extra, seconds),
    )
    return pricing.bill(usage).total


# -- task 2 -------------------------------------------------------------------------------


def check_task_2(world: World) -> Verdict:
    """Each choice is the one that costs least in time."""
    return examined(world.calls("cheapest_memory"), _mischosen)


def _mischosen(call: CallResult) -> Text | None:
    table, limit_ms = call.arguments
    right = _cheapest(table, limit_ms)
    if call.error is None and call.value == right and not isinstance(call.value, bool):
        return None
    result = literal(call.value) if call.error is None else shown(call.error)
    return say(
        f"量到 {literal(table)}，上限 {limit_ms} 毫秒：應該選 {literal(right)}，"
        f"得到的是 {result}。",
        f"Measured {literal(table)}, limit {limit_ms} ms: the choice should be {literal(right)}; "
        f"it was {result}.",
    )


def _cheapest(table: list[list[float]], limit_ms: float) -> float | None:
    best: tuple[float, float, float] | None = None
    for memory, duration in table:
        one = memory * math.ceil(duration), duration, memory
        if duration <= limit_ms and (best is None or one < best):
            best = one
    return None if best is None else best[2]


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Compare the cause; then send more albums than fit, and one after some corrupt ones."""
    untouched = as_delivered(world, "albums")
    named = {name: world.outputs.get(name) for name in CAUSE}
    if untouched and all(value is None for value in named.values()):
        return not_attempted()
    score = 0.0
    problems: list[Text] = []
    for name, (right, share) in CAUSE.items():
        if _named(named[name]) == right:
            score += share
        else:
            problems.append(
                say(
                    f"`{name}` 是 {literal(named[name])}，和日誌裡看到的不符。",
                    f"`{name}` is {literal(named[name])}, which is not what the log shows.",
                )
            )
    if untouched:
        text = say("`albums` 還是原來的程式。", "`albums` still runs the code you found.")
        return incorrect(joined([*problems, text]), score=score)
    share, found = _albums(world)
    score += REPAIR * share
    problems += [] if found is None else [found]
    return incorrect(joined(problems), score=min(score, 0.99)) if problems else passed()


def _named(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _albums(world: World) -> tuple[float, Text | None]:
    function = world.function("albums") or {}
    size = function.get("EphemeralStorage", {}).get("Size")
    if size != limits.EPHEMERAL_MIN.value or function.get("Timeout") != ALBUMS_S:
        return 0.0, say(
            f"`albums` 有 {size} MB 的 `/tmp`，逾時 {function.get('Timeout')} 秒；題目要的是維持"
            f" {limits.EPHEMERAL_MIN.value} MB 與 {ALBUMS_S} 秒。",
            f"`albums` has a `/tmp` of {size} MB and a timeout of {function.get('Timeout')} s; the "
            f"task keeps them at {limits.EPHEMERAL_MIN.value} MB and {ALBUMS_S} s.",
        )
    albums = [{"album": f"check-{number}", "photos": 9} for number in range(7)]
    run = fresh(world, "albums", *albums)
    for album, answer in zip(albums, run.answers, strict=True):
        text = _album(album, answer)
        if text is not None:
            return 0.0, text
    if len(run.environments) != 1 or run.inits != 1:
        return 0.0, say(
            "執行環境沒有繼續重複使用。", "The environment was not used again and again."
        )
    if sum("shop: 9 photos, 90 MB" in line for line in run.lines) != len(albums):
        return 0.0, say(
            "店裡的工具在 `/tmp` 沒有看到完整的照片。",
            "The shop's tools did not find all of the photos in `/tmp`.",
        )
    corrupt: dict[str, Any] = {"album": "bad", "photos": 15, "corrupt": True}
    for _ in range(3):  # together nearly as much as there is room for
        refused = world.invoke("albums", corrupt)
    if refused.error is None or refused.error.get("errorType") != "ValueError":
        return 0.5, say(
            f"{shown(corrupt)} 應該以 `ValueError` 失敗，得到的是 "
            f"{shown(refused.value if refused.error is None else refused.error)}。",
            f"{shown(corrupt)} should fail with `ValueError`; it gave "
            f"{shown(refused.value if refused.error is None else refused.error)}.",
        )
    good = {"album": "after", "photos": 9}
    text = _album(good, world.invoke("albums", good))
    if text is not None:
        before = say("在 3 本損壞的相簿之後：", "After 3 albums that were corrupt: ")
        return 0.5, {lang: before[lang] + text[lang] for lang in before}
    return 1.0, None


def _album(album: dict[str, Any], answer: Invocation) -> Text | None:
    digest = hashlib.sha256(str(album["album"]).encode().ljust(64) * int(album["photos"]))
    right = {"album": album["album"], "checksum": digest.hexdigest()[:12]}
    if answer.value == right:
        return None
    got = shown(answer.value if answer.error is None else answer.error)
    return say(
        f"{shown(album)} 應該得到 {shown(right)}，得到的是 {got}。",
        f"{shown(album)} should give {shown(right)}; it gave {got}.",
    )


# -- task 4 -------------------------------------------------------------------------------


def check_task_4(world: World) -> Verdict:
    """No sale, one, some, and two million."""
    if as_delivered(world, "ledger"):
        return not_attempted()
    memory = (world.function("ledger") or {}).get("MemorySize")
    if memory != LEDGER_MB:
        return wrong(
            f"`ledger` 有 {memory} MB 記憶體，題目要的是 {LEDGER_MB} MB。",
            f"`ledger` has {memory} MB of memory; the task asks for {LEDGER_MB} MB.",
        )
    counts = [1000, 0, 1, 2_000_000]
    for done, count in enumerate(counts):
        payload = {"month": 5, "count": count}
        answer = world.invoke("ledger", payload)
        problem = failure("ledger", payload, answer)
        if problem is not None:
            return incorrect(problem.text or {}, score=0.2 * done)
        right = _ledger(5, count)
        if answer.value != right:
            return wrong(
                f"{shown(payload)} 應該得到 {shown(right)}，得到的是 {shown(answer.value)}。",
                f"{shown(payload)} should give {shown(right)}; it gave {shown(answer.value)}.",
                score=0.2 * done,
            )
    return passed()


def _ledger(month: int, count: int) -> dict[str, int]:
    total = largest = gap = 0
    amount, before = 12345 + month, -1
    for _ in range(count):
        amount = (amount * 48271 + month) % 2147483647
        sale = amount % 1000003
        total += sale
        largest = max(largest, sale)
        gap = max(gap, abs(sale - before)) if before >= 0 else 0
        before = sale
    return {"total": total, "largest": largest, "gap": gap}


# -- task 5 -------------------------------------------------------------------------------


def check_task_5(world: World) -> Verdict:
    """Store, read, look at the disk; then again after a crash."""
    if as_delivered(world, "addresses"):
        return not_attempted()
    put = {"action": "put", "name": "ann", "text": ADDRESS}
    get = {"action": "get", "name": "ann"}
    world.shutdown_idle("addresses")
    steps: list[tuple[dict[str, str], object]] = [
        (put, {"stored": "ann"}),
        (get, {"text": ADDRESS}),
        ({"action": "get", "name": "nobody"}, {"text": None}),
    ]
    answers = []
    for payload, right in steps:
        answer = world.invoke("addresses", payload)
        answers.append(answer)
        problem = failure("addresses", payload, answer)
        if problem is not None:
            return problem
        if answer.value != right:
            return wrong(
                f"{shown(payload)} 應該得到 {shown(right)}，得到的是 {shown(answer.value)}。",
                f"{shown(payload)} should give {shown(right)}; it gave {shown(answer.value)}.",
            )
    files = world.invoke("addresses", {"action": "audit"}).value
    if not isinstance(files, dict):
        return wrong(
            "進入點應該是原來的 `guard.py`，`audit` 卻沒有列出檔案。",
            "The entry point should be `guard.py` as it was; `audit` did not list the files.",
        )
    inside = [name for name in files if name.startswith("/tmp/addresses/")]  # noqa: S108
    if not inside:
        return wrong(
            "`/tmp/addresses/` 裡沒有檔案。", "There is no file in `/tmp/addresses/`.", score=0.2
        )
    for name, content in files.items():
        if _reveals(base64.b64decode(str(content)), ADDRESS):
            return wrong(
                f"`{name}` 裡讀得到明文的地址。",
                f"`{name}` holds the address in plain text.",
                score=0.2,
            )
    world.invoke("addresses", {"action": "crash"})
    again = world.invoke("addresses", get)
    if again.value != {"text": ADDRESS}:
        return wrong(
            "程序當掉一次之後，`get` 應該仍然讀得到，得到的是 "
            f"{shown(again.value if again.error is None else again.error)}。",
            "After a crash of the process `get` should still work; it gave "
            f"{shown(again.value if again.error is None else again.error)}.",
            score=0.5,
        )
    if len(seen(world, [*answers, again]).environments) != 1:
        return wrong("執行環境換過了，請再檢查一次。", "The environment changed. Check again.")
    return passed()


def _reveals(content: bytes, text: str) -> bool:
    raw = text.encode()
    return any(
        form in content for form in (raw, raw[::-1], base64.b64encode(raw), raw.hex().encode())
    )
