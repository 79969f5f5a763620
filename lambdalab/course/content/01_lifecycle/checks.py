"""Public checks of lab 01: each looks at what a function does, never at how it is written."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    Seen,
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
from lambdalab.rules.logs import Report, parse_report
from lambdalab.sandbox.events import ExtensionRegistered, LogLine

WARM_MS = 150.0
"""A warm invoke that does no expensive set-up stays far below, even on a slow machine."""
ANSWER_S = 2.0
"""`stock` is asked for 1 second; the other one is for slow machines."""
FIELDS = [field.name for field in dataclasses.fields(Report) if field.name != "error_type"]
"""Of ``parse_report``'s dictionary."""
BUCKET, KEY = "lab01-warehouse", "stock.json"


# -- task 1 -------------------------------------------------------------------------------


def check_task_1(world: World) -> Verdict:
    """Each line gives the figures that the rulebook's own parser finds in it."""
    return examined(world.calls("parse_report"), _misread)


def _misread(call: CallResult) -> Text | None:
    """Say what is wrong with one reading; ``None`` if nothing is."""
    line = str(call.arguments[0])
    place = say(f"這一行：\n\n`{line.strip()}`\n\n", f"This line:\n\n`{line.strip()}`\n\n")
    if call.error is not None:
        return say(
            f"{place['zh-TW']}`parse_report` 丟出了 {shown(call.error)}。",
            f"{place['en']}`parse_report` raised {shown(call.error)}.",
        )
    report = parse_report(line) if line.startswith("REPORT ") else None
    if report is None:
        if call.value is None:
            return None
        return say(
            f"{place['zh-TW']}不是 `REPORT` 行，應該得到 `None`，得到的是 {literal(call.value)}。",
            f"{place['en']}It is no `REPORT` line and should give `None`; it gave "
            f"{literal(call.value)}.",
        )
    if not isinstance(call.value, dict):
        return say(
            f"{place['zh-TW']}應該得到一個字典，得到的是 {literal(call.value)}。",
            f"{place['en']}It should give a dictionary; it gave {literal(call.value)}.",
        )
    for name in FIELDS:
        wanted, got = getattr(report, name), call.value.get(name)
        if name not in call.value or not _equal(wanted, got):
            found = say(
                f"是 {literal(got)}" if name in call.value else "不在字典裡",
                f"is {literal(got)}" if name in call.value else "is not in the dictionary",
            )
            return say(
                f"{place['zh-TW']}`{name}` 應該是 {literal(wanted)}，你的{found['zh-TW']}。",
                f"{place['en']}`{name}` should be {literal(wanted)}; yours {found['en']}.",
            )
    return None


def _equal(wanted: object, got: object) -> bool:
    if isinstance(wanted, int | float):
        number = isinstance(got, int | float) and not isinstance(got, bool)
        return number and abs(float(got) - wanted) < 0.005  # type: ignore[arg-type]
    return wanted == got


# -- task 2 -------------------------------------------------------------------------------


def check_task_2(world: World) -> Verdict:
    """Three quotes in a new environment, then two trends in the same one."""
    if as_delivered(world, "quotes"):
        return not_attempted()
    quote = {"action": "quote", "currency": "TWD"}
    trend = {"action": "trend", "currency": "TWD"}
    quoting = fresh(world, "quotes", quote, quote, quote)
    trends = [world.invoke("quotes", trend) for _ in range(2)]
    both = seen(world, [*quoting.answers, *trends])
    wanted = [{"currency": "TWD", "rate": 32.4}] * 3 + [{"currency": "TWD", "change": 2.3}] * 2
    for payload, answer, value in zip([quote] * 3 + [trend] * 2, both.answers, wanted, strict=True):
        failed = failure("quotes", payload, answer)
        if failed is not None:
            return failed
        if answer.value != value:
            return wrong(
                f"{shown(payload)} 的答案原本是 {shown(value)}，現在是 {shown(answer.value)}。",
                f"The answer to {shown(payload)} used to be {shown(value)}; now it is "
                f"{shown(answer.value)}.",
            )
    connects = both.lines.count("supplier: connect")
    early = quoting.lines.count("supplier: load history")
    loads = both.lines.count("supplier: load history")
    problems: list[Text] = []
    score = 1.0
    if connects != 1:
        score -= 0.5
        problems.append(
            say(
                f"一個執行環境服務 5 個請求，連線了 {connects} 次，應該是 1 次。",
                f"One environment served 5 requests and connected {connects} times; once is "
                "what it should take.",
            )
        )
    if loads != 1:
        score -= 0.5
        problems.append(
            say(
                f"同一個執行環境收到 2 個 `trend`，歷史資料載入了 {loads} 次，應該是 1 次。",
                f"With 2 `trend` requests an environment loaded the history {loads} times; once "
                "is what it should take.",
            )
        )
    elif early:
        score -= 0.25
        problems.append(
            say(
                "只收到 `quote` 的執行環境也載入了歷史資料。初始化花了 "
                f"{_init_ms(quoting):.0f} 毫秒，每個冷啟動都要付。",
                "An environment that was asked for quotes only loaded the history as well. "
                f"Its init took {_init_ms(quoting):.0f} ms, and every cold start pays that.",
            )
        )
    slow = max(both.finished[index].duration_ms for index in (1, 2, 4))
    if not problems and slow > WARM_MS:
        score -= 0.25
        problems.append(
            say(
                f"有一次暖啟動的調用仍然花了 {slow:.0f} 毫秒，它什麼都不必等才對。",
                f"A warm invoke still took {slow:.0f} ms; there is nothing left to wait for.",
            )
        )
    return incorrect(joined(problems), score=score) if problems else passed()


def _init_ms(what: Seen) -> float:
    return next((one.init_ms for one in what.finished if one.init_ms is not None), 0.0)


# -- task 3 -------------------------------------------------------------------------------


def check_task_3(world: World) -> Verdict:
    """Who was wronged that morning, and an order after one that failed."""
    problems: list[Text] = []
    score = 0.0
    named = world.outputs.get("victims")
    untouched = as_delivered(world, "receipts")
    if named is None and untouched:
        return not_attempted()
    if _names(named) == wronged(world):
        score += 0.25
    else:
        problems.append(_victims_text(named, wronged(world)))
    if untouched:
        problems.append(
            say("`receipts` 還是原來的程式。", "`receipts` still runs the code you found.")
        )
        return incorrect(joined(problems), score=score)
    share, text = _receipts(world)
    score += 0.75 * share
    if text is not None:
        problems.append(text)
    return incorrect(joined(problems), score=score) if problems else passed()


def _names(value: object) -> set[str] | None:
    """Return the customers a learner named; ``None`` if that is no list of names."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return {one.strip().lower() for one in value}


def wronged(world: World) -> set[str]:
    """Return who got more than they ordered, as the log of the delivered version tells."""
    version = (world.function("receipts", "delivered") or {}).get("Version")
    ordered: dict[str, list[str]] = {}
    found: set[str] = set()
    for event in world.records(LogLine, function="receipts", version=version):
        line = re.fullmatch(r"(order|charged|receipt) +(\w+): (.*)", event.line)
        if line is None:
            continue
        kind, customer, rest = line.groups()
        if kind == "order":
            ordered[customer] = rest.split(", ")
        elif kind == "charged":
            count = re.search(r"for (\d+) item", rest)
            if count and int(count[1]) != len(ordered[customer]):
                found.add(customer)
        elif rest.split(", ") != ordered[customer]:
            found.add(customer)
    return found


def _victims_text(named: object, right: set[str]) -> Text:
    names = _names(named)
    if names is None:
        return say(
            f"`victims` 應該是客人名字的串列，現在是 {literal(named)}。",
            f"`victims` should be a list of customers' names; it is {literal(named)}.",
        )
    extra, missed = len(names - right), len(right - names)
    return say(
        f"`victims` 裡有 {extra} 位其實沒事，還少了 {missed} 位。",
        f"`victims` names {extra} who came to no harm, and {missed} are missing.",
    )


def _receipts(world: World) -> tuple[float, Text | None]:
    """Return the share earned by the repair, and what is wrong with it."""
    orders: list[dict[str, Any]] = [
        {"customer": "mia", "items": ["toast", "cake"]},
        {"customer": "noah", "items": ["coffee"]},
        {"customer": "olga", "items": ["tea", "tea"]},
    ]
    what = fresh(world, "receipts", *orders)
    rejected, *good = what.answers
    timeout = (world.function("receipts") or {}).get("Timeout")
    if timeout != 1:
        return 0.0, say(
            f"`receipts` 的逾時是 {timeout} 秒，應該維持 1 秒。",
            f"`receipts` has a timeout of {timeout} s; it should stay at 1 s.",
        )
    if rejected.error is None:
        return 0.0, say(
            f"{shown(orders[0])} 裡有不賣的品項，整張單應該失敗，得到的卻是 "
            f"{shown(rejected.value)}。",
            f"{shown(orders[0])} has an item that is not on the menu and should fail as a "
            f"whole; it gave {shown(rejected.value)}.",
        )
    if what.inits != 1 or len(what.environments) != 1:
        return 0.0, say(
            f"3 個請求初始化了 {what.inits} 次，應該由同一個執行環境服務，只初始化 1 次。",
            f"3 requests caused {what.inits} init phases; one environment should serve them "
            f"all after 1 init.",
        )
    share = 1.0
    text: Text | None = None
    for part, expected in (("total", [60, 70]), ("receipt", [["coffee"], ["tea", "tea"]])):
        for order, answer, wanted in zip(orders[1:], good, expected, strict=True):
            value = answer.value if isinstance(answer.value, dict) else {}
            if value.get(part) != wanted:
                share -= 0.5
                result = answer.error if answer.error is not None else value.get(part)
                text = text or say(
                    f"{shown(order)} 的 `{part}` 應該是 {shown(wanted)}，得到的是 "
                    f"{shown(result)}。它前面那張單失敗了。",
                    f"`{part}` of {shown(order)} should be {shown(wanted)}; it was "
                    f"{shown(result)}. The order before it had failed.",
                )
                break
    return share, text


# -- task 4 -------------------------------------------------------------------------------


@contextmanager
def warehouse(world: World) -> Iterator[Any]:
    """Lend the bucket, without the file, and leave it so; no environment remembers anything."""
    s3 = world.client("s3")
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    try:
        yield s3
    finally:
        s3.delete_object(Bucket=BUCKET, Key=KEY)
        world.shutdown_idle("stock")


def check_task_4(world: World) -> Verdict:
    """Two invokes without the file, one when it has come, one when it is gone again."""
    if as_delivered(world, "stock"):
        return not_attempted()
    timeout = (world.function("stock") or {}).get("Timeout", 0)
    if timeout > 3:
        return wrong(
            f"`stock` 的逾時是 {timeout} 秒，應該維持 3 秒。",
            f"`stock` has a timeout of {timeout} s; it should stay at 3 s.",
        )
    tea = {"item": "tea"}
    with warehouse(world) as s3:
        world.shutdown_idle("stock")
        missing = []
        for _ in range(2):
            missing.append(world.invoke("stock", tea))
            failed = _without_file(world, missing)
            if failed is not None:
                return failed
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps({"tea": 7}).encode())
        found = world.invoke("stock", tea)
        s3.delete_object(Bucket=BUCKET, Key=KEY)
        again = world.invoke("stock", tea)
    if _left(found) != 7:
        return wrong(
            '`stock.json` 寫著 `{"tea": 7}` 之後，下一次調用應該得到 `left` 是 7，'
            f"得到的是 {_result(found)}。",
            'Once `stock.json` says `{"tea": 7}`, the next invoke should answer `left`: '
            f"7; it answered {_result(found)}.",
            score=0.4,
        )
    if _left(again) != 7:
        return wrong(
            f"這個執行環境讀過檔案了；檔案收走之後，`left` 應該還是 7，得到的是 {_result(again)}。",
            "This environment had read the file; after it was taken away, `left` should "
            f"still be 7; it answered {_result(again)}.",
            score=0.7,
        )
    return passed()


def _left(answer: Invocation) -> object:
    return answer.value.get("left", "?") if isinstance(answer.value, dict) else "?"


def _result(answer: Invocation) -> str:
    return shown(answer.value if answer.error is None else answer.error)


def _without_file(world: World, answers: Sequence[Invocation]) -> Verdict | None:
    """Judge the newest answer, given while there was no file."""
    answer = answers[-1]
    what = seen(world, answers)
    trouble = [line for line in what.lines if line.startswith("INIT_REPORT")]
    if answer.error is not None:
        extra = "".join(f"\n\n`{line.strip()}`" for line in trouble[:2])
        return wrong(
            f"檔案還沒到時，應該得到 `left` 是 `null`，得到的是錯誤 {_result(answer)}。{extra}",
            "While the file is missing, the answer should be `left`: `null`; the invoke "
            f"failed with {_result(answer)}.{extra}",
        )
    if _left(answer) is not None:
        return wrong(
            f"檔案還沒到時，應該得到 `left` 是 `null`，得到的是 {_result(answer)}。",
            "While the file is missing, the answer should be `left`: `null`; it was "
            f"{_result(answer)}.",
        )
    took = what.waits[-1]
    if trouble or took > ANSWER_S:
        return wrong(
            f"檔案還沒到時，應該在 1 秒內回答；這次連同初始化花了 {took:.1f} 秒。",
            "While the file is missing, the answer should come within 1 second; this one took "
            f"{took:.1f} s, init included.",
            score=0.2,
        )
    return None


# -- task 5 -------------------------------------------------------------------------------


def check_task_5(world: World) -> Verdict:
    """Try the examples of the task, and two more."""
    calls = world.calls("cold_starts")
    if all(call.value is None and call.error is None for call in calls):
        return not_attempted()
    wanted = [1, 3, 2, 4, 3]
    missed = [
        (call, right)
        for call, right in zip(calls, wanted, strict=True)
        if isinstance(call.value, bool) or call.value != right
    ]
    if not missed:
        return passed()
    call, right = missed[0]
    text = ", ".join(json.dumps(one) for one in call.arguments)
    got = literal(call.value) if call.error is None else shown(call.error)
    return wrong(
        f"`cold_starts({text})` 應該是 {right}，得到的是 {got}。",
        f"`cold_starts({text})` should be {right}; it gave {got}.",
        score=0.5 * (1 - len(missed) / len(wanted)),
    )


# -- task 6 -------------------------------------------------------------------------------


def check_task_6(world: World) -> Verdict:
    """Three invokes of a new environment, its shutdown, and what the extension said."""
    function = world.function("metered")
    if function is None or not function.get("Layers"):
        return not_attempted()
    payloads = [{"order": number} for number in range(3)]
    what = fresh(world, "metered", *payloads)
    for payload, answer in zip(payloads, what.answers, strict=True):
        failed = failure("metered", payload, answer)
        if failed is not None:
            return failed
    environment = what.finished[0].environment
    listening = {
        kind
        for event in world.new_events()
        if isinstance(event, ExtensionRegistered) and event.environment == environment
        for kind in event.events
    }
    if listening < {"INVOKE", "SHUTDOWN"}:
        registered = sorted(listening)
        return wrong(
            f"應該有一個擴充功能登記 `INVOKE` 和 `SHUTDOWN`，登記的是 {shown(registered)}。",
            "An extension should register for `INVOKE` and `SHUTDOWN`; registered were "
            f"{shown(registered)}.",
        )
    late = next((event for event in what.finished if event.status != "success"), None)
    if late is not None:
        return wrong(
            f"處理常式答完了，執行環境卻沒有：這次調用花了 {late.duration_ms:.0f} 毫秒，狀態是 "
            f"`{late.status}`。擴充功能也要說它好了。",
            f"The handler had answered, but the environment was not done: this invoke took "
            f"{late.duration_ms:.0f} ms and ended as `{late.status}`. The extension has to say "
            "that it is done, too.",
            score=0.2,
        )
    world.shutdown_idle("metered")
    said = last_words(seen(world, what.answers).lines)
    if len(said) != 1:
        return wrong(
            f"關閉之後，日誌裡應該有 1 行含 `tally` 的 JSON，找到 {len(said)} 行。",
            f"After the shutdown the log should have 1 line of JSON with `tally`; there "
            f"are {len(said)}.",
            score=0.3,
        )
    wanted = {"invokes": 3, "reason": "spindown"}
    if said[0] != wanted:
        word = said[0] if isinstance(said[0], dict) else {}
        return wrong(
            f"服務 3 個請求、閒置後關閉：`tally` 應該是 {shown(wanted)}，得到的是 "
            f"{shown(said[0])}。",
            f"After 3 requests and a shutdown for being idle, `tally` should be "
            f"{shown(wanted)}; it was {shown(said[0])}.",
            score=0.3 + 0.3 * sum(word.get(name) == right for name, right in wanted.items()),
        )
    return passed()


def last_words(lines: Sequence[str]) -> list[object]:
    """Return what the extension said of itself in a log."""
    found = []
    for line in lines:
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and "tally" in data:
            found.append(data["tally"])
    return found
