"""Hidden checks of lab 01: other lines, other orders, other endings, other environments."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from lambdalab.grading import CallResult, Verdict, World, incorrect, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, failure, literal, say, seen, shown, wrong
from lambdalab.grading.spec import Text
from lambdalab.rules.lifecycle import SHUTDOWN_EXTERNAL
from lambdalab.rules.logs import Report, parse_report
from lambdalab.sandbox.events import EnvironmentTerminated, LogLine, ShutdownStarted

_FIELDS = [field.name for field in dataclasses.fields(Report) if field.name != "error_type"]
_ANSWER_S = 2.0
"""`stock` is asked for 1 second; the other one is for slow machines."""
_NAMED = 0.25
"""Share of task 3 for naming the customers; the repair is worth the rest."""
_PLAIN = (
    "REPORT RequestId: 1e9a4c52-70f2-4f5b-8a57-44d0e3b6aa01\tDuration: 0.98 ms\t"
    "Billed Duration: 1 ms\tMemory Size: 10240 MB\tMax Memory Used: 1203 MB\t"
)
_LINES = [
    # a cold start that failed
    "REPORT RequestId: 9d3c7e14-2b8f-4d0a-9c6e-7a1f5b2d8e02\tDuration: 12.50 ms\t"
    "Billed Duration: 424 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t"
    "Init Duration: 411.00 ms\tStatus: error\tError Type: Runtime.ExitError\t\n",
    # the longest there can be, without a tab at its end
    "REPORT RequestId: 3f6b1d80-5c4e-4a9b-b1d7-9e2c6f0a4b03\tDuration: 900000.00 ms\t"
    "Billed Duration: 900000 ms\tMemory Size: 512 MB\tMax Memory Used: 512 MB\t"
    "Status: timeout",
    # X-Ray goes on after a line break
    f"{_PLAIN}\nXRAY TraceId: 1-5f6a3f4d-0a1b2c3d4e5f60718293a4b5\tSegmentId: 4d0e3b6aa01f2c11\t"
    "Sampled: true\t\n",
    # SnapStart has durations of its own
    f"{_PLAIN}Restore Duration: 514.58 ms\tBilled Restore Duration: 49 ms\t",
    "INIT_REPORT Init Duration: 10002.91 ms\tPhase: init\tStatus: timeout",
    "INIT_START Runtime Version: python:3.13.v64\tRuntime Version ARN: arn:aws:lambda:us-east-1::r",
    "Sending REPORT RequestId: to accounting",
    "",
]
_TRACES: list[list[Any]] = [
    [[], 1, 600],
    [[7], 2, 1],
    [[0, 2], 2, 600],  # one finishes as the other arrives
    [[0, 11], 1, 10],  # idle for exactly as long as the lifetime
    [[0, 10.5], 1, 10],
    [[0, 0, 6, 12, 18, 18], 1, 14],  # most recently used: the other one dies unused
    [[0, 0, 0, 4, 8, 12, 16, 16, 16], 1, 10],
    [[0, 0.5, 1, 1.5, 2, 2.5], 1, 4],
    [[0, 0, 0, 20, 20, 45, 45, 45, 45], 5, 20],
    [[n * 0.25 for n in range(80)], 3, 600],
    [sorted(n * 37 % 400 / 2 for n in range(200)), 4, 3],
]
INPUTS = {
    "task-1": {"parse_report": [[line] for line in _LINES]},
    "task-5": {"cold_starts": _TRACES},
}


def check_task_1(world: World) -> Verdict:
    """Try rarer forms of the line, and lines that only look like it."""
    calls = world.calls("parse_report")
    if all(call.value is None and call.error is None for call in calls):
        return not_attempted()
    lines = [line for line, call in zip(_LINES, calls, strict=True) if not _read(line, call)]
    if not lines:
        return passed()
    return incorrect(
        say(
            f"{len(calls)} 行裡有 {len(lines)} 行讀錯，例如：\n\n`{lines[0].strip()}`",
            f"{len(lines)} of {len(calls)} lines were misread, for example:\n\n"
            f"`{lines[0].strip()}`",
        ),
        score=1 - len(lines) / len(calls),
    )


def _read(line: str, call: CallResult) -> bool:
    report, value = parse_report(line) if line.startswith("REPORT ") else None, call.value
    if call.error is not None:
        return False
    if report is None or not isinstance(value, dict):
        return report is None and value is None
    return all(_same(getattr(report, name), value.get(name, "missing")) for name in _FIELDS)


def _same(wanted: object, got: object) -> bool:
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return abs(wanted - got) < 0.005
    return wanted == got


def check_task_2(world: World) -> Verdict:
    """Begin with a trend, fail in between, use other currencies; then once more, elsewhere."""
    if as_delivered(world, "quotes"):
        return not_attempted()
    good: list[tuple[dict[str, str], dict[str, object]]] = [
        ({"action": "trend", "currency": "JPY"}, {"currency": "JPY", "change": 41.4}),
        ({"action": "quote", "currency": "EUR"}, {"currency": "EUR", "rate": 0.92}),
        ({"action": "trend", "currency": "EUR"}, {"currency": "EUR", "change": 0.07}),
        ({"action": "quote", "currency": "JPY"}, {"currency": "JPY", "rate": 151.2}),
    ]
    bad = {"action": "sell", "currency": "EUR"}
    for _ in range(2):
        world.shutdown_idle("quotes")
        answers = []
        for payload, value in good:
            answers.append(world.invoke("quotes", payload))
            problem = failure("quotes", payload, answers[-1])
            if problem is not None:
                return problem
            if answers[-1].value != value:
                return wrong(
                    f"{shown(payload)} 的答案應該是 {shown(value)}，得到的是 "
                    f"{shown(answers[-1].value)}。",
                    f"The answer to {shown(payload)} should be {shown(value)}; it was "
                    f"{shown(answers[-1].value)}.",
                )
            refused = world.invoke("quotes", bad)
            answers.append(refused)
            if refused.error is None:
                return wrong(
                    f"{shown(bad)} 原本會失敗，現在得到 {shown(refused.value)}。",
                    f"{shown(bad)} used to fail; now it gives {shown(refused.value)}.",
                )
        lines = seen(world, answers).lines
        counts = lines.count("supplier: connect"), lines.count("supplier: load history")
        if counts != (1, 1):
            return wrong(
                f"一個執行環境連線 {counts[0]} 次、載入歷史資料 {counts[1]} 次；各應該是 1 次，"
                "中間有請求失敗也一樣。",
                f"In one environment: connected, {counts[0]} ×; history loaded, {counts[1]} ×. "
                "Each should happen once, even if requests fail in between.",
                score=sum(0.5 for count in counts if count == 1),
            )
    return passed()


def check_task_3(world: World) -> Verdict:
    """Serve customers after a timeout, after an error, after both."""
    if as_delivered(world, "receipts"):
        # Whom it wronged is for the public check to judge: no other inputs would say more.
        named = world.outputs.get("victims") is not None
        text = say("`receipts` 還是原來的程式。", "`receipts` still runs the code you found.")
        return incorrect(text, score=_NAMED) if named else not_attempted()
    world.shutdown_idle("receipts")
    jam: dict[str, Any] = {"customer": "pia", "items": ["toast", "tea"], "printer_s": 5}
    refused: dict[str, Any] = {"customer": "quin", "items": ["tea", "tea", "pizza"]}
    good: list[tuple[dict[str, Any], int]] = [
        ({"customer": "rosa", "items": ["coffee"]}, 60),
        ({"customer": "rosa", "items": ["coffee", "coffee"]}, 120),
        ({"customer": "sam", "items": ["tea", "toast", "tea"]}, 115),
    ]
    problems: list[Text] = []
    endings = ([jam], [refused], [jam, refused])
    for before in endings:
        for order in before:
            answer = world.invoke("receipts", order)
            if order is refused and answer.error is None:
                return wrong(
                    f"{shown(order)} 應該失敗，得到的是 {shown(answer.value)}。",
                    f"{shown(order)} should fail; it gave {shown(answer.value)}.",
                    score=_NAMED,
                )
        for order, total in good:
            answer = world.invoke("receipts", order)
            value = {"customer": order["customer"], "total": total, "receipt": order["items"]}
            if answer.value != value:
                result = answer.value if answer.error is None else answer.error
                problems.append(
                    say(
                        f"在 {shown(before)} 之後，{shown(order)} 應該得到 {shown(value)}，"
                        f"得到的是 {shown(result)}。",
                        f"After {shown(before)}, {shown(order)} should give {shown(value)}; it "
                        f"gave {shown(result)}.",
                    )
                )
                break
    if not problems:
        return passed()
    share = 1 - len(problems) / len(endings)
    return incorrect(problems[0], score=_NAMED + (1 - _NAMED) * share)


def check_task_4(world: World) -> Verdict:
    """Let the file come late, hold a zero, and be there at the start."""
    if as_delivered(world, "stock"):
        return not_attempted()
    s3 = world.client("s3")
    place = {"Bucket": "lab01-warehouse", "Key": "stock.json"}
    try:
        s3.delete_object(**place)
        world.shutdown_idle("stock")
        problem = _asks(world, [("toast", None)] * 4, "沒有檔案", "without the file", 0.0)
        if problem is not None:
            return problem
        s3.put_object(**place, Body=json.dumps({"toast": 12, "coffee": 0}).encode())
        known: list[tuple[str, int | None]] = [("toast", 12), ("coffee", 0), ("cake", 0)]
        problem = _asks(world, known, "檔案到了之後", "once the file is there", 0.4)
        if problem is not None:
            return problem
        world.shutdown_idle("stock")
        problem = _asks(world, known[::-1], "一開始就有檔案", "with the file there at first", 0.6)
        if problem is not None:
            return problem
        s3.delete_object(**place)
        return _asks(world, known, "檔案收走之後", "after the file was taken away", 0.7) or passed()
    finally:
        s3.delete_object(**place)
        world.shutdown_idle("stock")


def _asks(
    world: World,
    questions: Sequence[tuple[str, int | None]],
    chinese: str,
    english: str,
    score: float,
) -> Verdict | None:
    """Ask how many are left of some items; return what to say at the first wrong answer."""
    for item, left in questions:
        answer = world.invoke("stock", {"item": item})
        value = answer.value if isinstance(answer.value, dict) else {}
        got = value.get("left", "missing")
        if got != left or isinstance(got, bool):
            result = answer.value if answer.error is None else answer.error
            return wrong(
                f"{chinese}，`{item}` 的 `left` 應該是 {shown(left)}，得到的是 {shown(result)}。",
                f"`left` of `{item}` {english} should be {shown(left)}; the answer was "
                f"{shown(result)}.",
                score,
            )
        took = seen(world, [answer]).waits[0]
        if took > _ANSWER_S:
            return wrong(
                f"{chinese}，`{item}` 等了 {took:.1f} 秒才有答案；應該在 1 秒內。",
                f"For `{item}` {english} the answer took {took:.1f} s; it should come within 1 "
                "second.",
                score=0.2,
            )
    return None


def check_task_5(world: World) -> Verdict:
    """Compare with environments kept in a list, over edges and longer traces."""
    calls = world.calls("cold_starts")
    if all(call.value is None and call.error is None for call in calls):
        return not_attempted()
    missed = []
    for trace, call in zip(_TRACES, calls, strict=True):
        right = _cold_starts(*trace)
        if isinstance(call.value, bool) or call.value != right:
            missed.append((trace, call, right))
    if not missed:
        return passed()
    trace, call, right = missed[0]
    text = ", ".join(literal(one).strip("`") for one in trace)
    got = literal(call.value) if call.error is None else shown(call.error)
    return wrong(
        f"{len(calls)} 組裡有 {len(missed)} 組不對，例如 `cold_starts({text})` 應該是 {right}，"
        f"得到的是 {got}。",
        f"{len(missed)} of {len(calls)} cases are wrong, for example `cold_starts({text})` should "
        f"be {right}; it gave {got}.",
        score=max(0.0, 1 - 1.5 * len(missed) / len(calls)),
    )


def _cold_starts(arrivals: Sequence[float], duration: float, idle_lifetime: float) -> int:
    """Count the arrivals that find fewer environments than they need.

    Most recently used first makes environments a stack: the one above ``n`` busy ones has been
    idle since concurrency last fell to ``n``. Answers usually keep a list of environments; this
    is another way to the same number.
    """
    cold = 0
    ends: deque[float] = deque()
    fell_to: dict[int, float] = {}
    for now in arrivals:
        while ends and ends[0] <= now:
            end = ends.popleft()
            fell_to[len(ends)] = end
        cold += now - fell_to.get(len(ends), -math.inf) >= idle_lifetime
        ends.append(now + duration)
    return cold


def check_task_6(world: World) -> Verdict:
    """Read the last words of three lives: idle, timed out, and after that."""
    function = world.function("metered")
    if function is None or not function.get("Layers"):
        return not_attempted()
    quick, slow = {"n": 1}, {"work_s": 5}
    lives: list[tuple[list[dict[str, int]], dict[str, object]]] = [
        ([quick] * 5, {"invokes": 5, "reason": "spindown"}),
        ([quick, slow], {"invokes": 2, "reason": "timeout"}),
        ([quick], {"invokes": 1, "reason": "spindown"}),
    ]
    world.shutdown_idle("metered")
    right = 0
    text: Text | None = None
    for payloads, wanted in lives:
        before = world.new_events()
        answers = []
        for payload in payloads:
            answers.append(world.invoke("metered", payload))
            problem = failure("metered", payload, answers[-1]) if payload is quick else None
            if problem is not None:
                return problem
            status = seen(world, answers[-1:]).finished[0].status
            if payload is quick and status != "success":
                return wrong(
                    f"處理常式答完了，那次調用的狀態卻是 `{status}`。",
                    f"The handler had answered, and yet that invoke ended as `{status}`.",
                    score=0.2,
                )
        if wanted["reason"] == "spindown":
            world.shutdown_idle("metered")
        news = world.new_events()[len(before) :]
        said = [word for one in news if isinstance(one, LogLine) for word in _tallies(one.line)]
        if said == [wanted]:
            right += 1
            continue
        text = text or say(
            f"調用 {len(payloads)} 次之後因為 `{wanted['reason']}` 關閉：應該留下一行 "
            f"{shown(wanted)}，得到的是 {shown(said)}。",
            f"After {len(payloads)} invokes and a shutdown for `{wanted['reason']}`, one line "
            f"should say {shown(wanted)}; there was {shown(said)}.",
        )
    if text is not None:
        return incorrect(text, score=0.3 + 0.6 * right / len(lives))
    return _lingers(world) or passed()


def _tallies(line: str) -> Iterator[object]:
    try:
        data = json.loads(line)
    except ValueError:
        return
    if isinstance(data, dict) and "tally" in data:
        yield data["tally"]


def _lingers(world: World) -> Verdict | None:
    """Say so if the newest shutdown had to wait for its limit."""
    begun = ended = 0.0
    for event in world.new_events():
        if isinstance(event, ShutdownStarted) and event.function == "metered":
            begun = event.time
        elif isinstance(event, EnvironmentTerminated) and event.function == "metered":
            ended = event.time
    took_ms = (ended - begun) * 1000
    if took_ms < 0.8 * SHUTDOWN_EXTERNAL.value:
        return None
    return wrong(
        f"關閉階段花了 {took_ms:.0f} 毫秒，等到上限才被強制結束；印完就該結束。",
        f"The shutdown phase took {took_ms:.0f} ms, until its limit ended it by force; the "
        "extension should end once it has printed its line.",
        score=0.8,
    )
