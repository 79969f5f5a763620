"""Hidden checks of lab 03: other bills, other tables, other endings, more sales, more secrets."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from itertools import pairwise
from typing import Any

from lambdalab.grading import Verdict, World, incorrect, not_attempted, passed
from lambdalab.grading.evidence import as_delivered, failure, literal, say, seen, shown, wrong
from lambdalab.grading.spec import Text
from lambdalab.rules import pricing

_BILLS: list[list[Any]] = [
    [1769, 0.4, 12_000_000],
    [1769, 1000.0, 1],
    [10240, 899_999.2, 1000, 10240],
    [128, 99.999, 7_654_321, 512],
    [2048, 5.0, 900_000, 513],
    [640, 333.3, 2_500_000, 2048],
]
_TABLES: list[list[Any]] = [
    [[[1769, 100.0], [128, 1382.0], [512, 350.0]], 400],
    [[[128, 20.2], [256, 10.1], [512, 5.2]], 50],  # rounding up decides
    [[[256, 100.0], [128, 200.0]], 1000],  # both cost the same
    [[[128, 200.0], [256, 99.1]], 1000],  # the same, after rounding
    [[[512, 80.0], [1024, 40.0001]], 40],  # just too slow
    [[[1024, 40.0], [512, 80.0]], 40],  # exactly as long
    [[], 100],
]
INPUTS = {"task-1": {"monthly_cost": _BILLS}, "task-2": {"cheapest_memory": _TABLES}}
_CAUSE = 0.25
"""Share of task 3 for naming the cause; the repair is worth the rest."""
_FOLDER = "/tmp/addresses/"  # noqa: S108
_BLOB = 36 + 12 + 16 + 32
"""Bytes of a data key as the sandbox's KMS encrypts it: id of the main key, IV, tag, key."""
_GROWTH_MB = 15
"""A ledger that keeps three million sales needs more than this, however it packs them."""


def check_task_1(world: World) -> Verdict:
    """Fractions, one request, the most of everything."""
    calls = world.calls("monthly_cost")
    if all(call.value is None and call.error is None for call in calls):
        return not_attempted()
    missed = []
    for arguments, call in zip(_BILLS, calls, strict=True):
        memory, duration, requests, disk = [*arguments, 512][:4]
        seconds = math.ceil(duration) * requests / 1000
        (tier, *_) = pricing.COMPUTE["x86_64"]
        right = (
            memory / 1024 * seconds * tier.usd
            + max(disk - 512, 0) / 1024 * seconds * pricing.EPHEMERAL.value
            + requests * pricing.REQUESTS.value / 1e6
        )
        value = call.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isclose(float(value), right, rel_tol=1e-9, abs_tol=1e-12):
            missed.append((arguments, call, right))
    if not missed:
        return passed()
    arguments, call, right = missed[0]
    asked = ", ".join(repr(one) for one in arguments)
    got = literal(call.value) if call.error is None else shown(call.error)
    return wrong(
        f"{len(calls)} 個裡有 {len(missed)} 個不對，例如 `monthly_cost({asked})` 應該是 "
        f"{right:.6f}，得到的是 {got}。",
        f"{len(missed)} of {len(calls)} are wrong, for example `monthly_cost({asked})` should be "
        f"{right:.6f}; it gave {got}.",
        score=1 - len(missed) / len(calls),
    )


def check_task_2(world: World) -> Verdict:
    """Ties, limits met exactly, rounding that decides, an empty table."""
    calls = world.calls("cheapest_memory")
    if all(call.value is None and call.error is None for call in calls):
        return not_attempted()
    missed = []
    for (table, limit), call in zip(_TABLES, calls, strict=True):
        fast = sorted((m * math.ceil(ms), ms, m) for m, ms in table if ms <= limit)
        right = fast[0][2] if fast else None
        if call.error is not None or call.value != right:
            missed.append((table, limit, call, right))
    if not missed:
        return passed()
    table, limit, call, right = missed[0]
    got = literal(call.value) if call.error is None else shown(call.error)
    return wrong(
        f"{len(calls)} 組裡有 {len(missed)} 組不對，例如量到 {literal(table)}、上限 {limit} 毫秒，"
        f"應該選 {literal(right)}，得到的是 {got}。",
        f"{len(missed)} of {len(calls)} cases are wrong, for example {literal(table)} with a limit "
        f"of {limit} ms should give {literal(right)}; it gave {got}.",
        score=1 - len(missed) / len(calls),
    )


def check_task_3(world: World) -> Verdict:
    """Serve an album after some that failed, a large one that timed out, or both."""
    if as_delivered(world, "albums"):
        named = any(world.outputs.get(name) is not None for name in ("first_failure", "error_name"))
        text = say("`albums` 還是原來的程式。", "`albums` still runs the code you found.")
        return incorrect(text, score=_CAUSE) if named else not_attempted()
    function = world.function("albums") or {}
    if function.get("EphemeralStorage", {}).get("Size") != 512 or function.get("Timeout") != 4:
        return wrong(
            "`/tmp` 或逾時和原來不同。",
            "The size of `/tmp` or the timeout is not what it was.",
            score=_CAUSE,
        )
    corrupt = {"album": "north", "photos": 15, "corrupt": True}
    jam = {"album": "south", "photos": 45, "stall_s": 9}
    endings = ([corrupt, corrupt, corrupt], [jam], [jam, corrupt])
    problems: list[Text] = []
    world.shutdown_idle("albums")
    for before in endings:
        for album in before:
            world.invoke("albums", album)
        for photos in (9, 3):
            album = {"album": "good", "photos": photos}
            answer = world.invoke("albums", album)
            digest = hashlib.sha256(b"good".ljust(64) * photos).hexdigest()[:12]
            if answer.value != {"album": "good", "checksum": digest}:
                got = shown(answer.value if answer.error is None else answer.error)
                problems.append(
                    say(
                        f"在 {shown(before)} 之後，{shown(album)} 得到 {got}。",
                        f"After {shown(before)}, {shown(album)} gave {got}.",
                    )
                )
                break
    if not problems:
        return passed()
    share = 1 - len(problems) / len(endings)
    return incorrect(problems[0], score=_CAUSE + (1 - _CAUSE) * share)


def check_task_4(world: World) -> Verdict:
    """Three million sales need no more memory than one."""
    if as_delivered(world, "ledger"):
        return not_attempted()
    world.shutdown_idle("ledger")
    answers = []
    for month, count in [(11, 1), (11, 2), (2, 3_000_000)]:
        payload = {"month": month, "count": count}
        answers.append(world.invoke("ledger", payload))
        problem = failure("ledger", payload, answers[-1])
        if problem is not None:
            return problem
        right = _ledger(month, count)
        if answers[-1].value != right:
            return wrong(
                f"{shown(payload)} 應該得到 {shown(right)}，得到的是 {shown(answers[-1].value)}。",
                f"{shown(payload)} should give {shown(right)}; it gave {shown(answers[-1].value)}.",
            )
    memory = [one.max_memory_mb for one in seen(world, answers).finished]
    if memory[-1] - memory[0] > _GROWTH_MB:
        return wrong(
            f"1 筆用了 {memory[0]} MB，3,000,000 筆用了 {memory[-1]} MB：記憶體隨筆數增加。",
            f"1 sale took {memory[0]} MB, 3,000,000 took {memory[-1]} MB: memory grows with them.",
            score=0.6,
        )
    return passed()


def _ledger(month: int, count: int) -> dict[str, int]:
    sales, amount = [], 12345 + month
    for _ in range(count):
        amount = (amount * 48271 + month) % 2147483647
        sales.append(amount % 1000003)
    gaps = (abs(after - before) for before, after in pairwise(sales))
    return {"total": sum(sales), "largest": max(sales, default=0), "gap": max(gaps, default=0)}


def check_task_5(world: World) -> Verdict:
    """Long and foreign addresses; no plaintext key; a key of its own for each file."""
    if as_delivered(world, "addresses"):
        return not_attempted()
    texts = {"chen": "基隆市仁愛區愛三路 21 號", "long": "box 7, " * 1200, "twin": "box 7, " * 1200}
    world.shutdown_idle("addresses")
    for name, text in texts.items():
        payload = {"action": "put", "name": name, "text": text}
        problem = failure("addresses", payload, world.invoke("addresses", payload))
        if problem is not None:
            return problem
    files = world.invoke("addresses", {"action": "audit"}).value
    contents = (
        {name: base64.b64decode(str(one)) for name, one in files.items()}
        if isinstance(files, dict)
        else {}
    )
    for text in ("基隆市仁愛區", "box 7, box 7"):
        raw = text.encode()
        forms = (raw, raw.decode().encode("unicode_escape"), base64.b64encode(raw)[:12])
        if not contents or any(form in one for form in forms for one in contents.values()):
            return wrong(
                "`/tmp` 裡讀得到明文的地址，或根本沒有檔案。",
                "An address stands in `/tmp` in plain text, or there is no file at all.",
                score=0.2,
            )
    problem = _keys(world, contents) or _read_back(world, texts)
    if problem is not None:
        return problem
    blobs = [_blob(world, one) for name, one in contents.items() if name.startswith(_FOLDER)]
    if len(set(blobs)) != len(blobs):
        return wrong(
            "兩個檔案裡有同一把加密過的金鑰；每次 `put` 都該要一把新的。",
            "Two files hold the same encrypted key; each `put` should ask for a new one.",
            score=0.7,
        )
    return passed()


def _blob(world: World, content: bytes) -> bytes | None:
    """Return the encrypted data key in a file: it begins with the id of the main key."""
    kms = world.client("kms")
    main = kms.describe_key(KeyId="alias/lab03")["KeyMetadata"]["KeyId"].encode()
    coded = re.findall(rb"[A-Za-z0-9+/_-]{64,}", content)
    plain = [one[: len(one) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/")) for one in coded]
    decoded = [base64.b64decode(one) for one in plain]
    for place in (content, *decoded):
        start = place.find(main)
        if start >= 0 and len(place) >= start + _BLOB:
            return place[start : start + _BLOB]
    return None


def _keys(world: World, contents: dict[str, bytes]) -> Verdict | None:
    """Find the data key of each file with KMS, and look for it in plain."""
    for name, content in contents.items():
        if not name.startswith(_FOLDER):
            continue
        blob = _blob(world, content)
        if blob is None:
            return wrong(
                f"`{name}` 裡沒有加密過的資料金鑰。",
                f"There is no encrypted data key in `{name}`.",
                score=0.3,
            )
        key = world.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"]
        forms = (key, base64.b64encode(key), base64.urlsafe_b64encode(key), key.hex().encode())
        if any(form in one for form in forms for one in contents.values()):
            return wrong(
                "`/tmp` 裡有明文的資料金鑰。",
                "There is a data key in plain text in `/tmp`.",
                score=0.3,
            )
    return None


def _read_back(world: World, texts: dict[str, str]) -> Verdict | None:
    """Read all addresses after a crash."""
    world.invoke("addresses", {"action": "crash"})
    for name, text in texts.items():
        answer = world.invoke("addresses", {"action": "get", "name": name})
        if answer.value != {"text": text}:
            got = shown(answer.value if answer.error is None else answer.error)
            return wrong(
                f"程序重新開始之後，`{name}` 的地址讀出來是 {got}。",
                f"After the process began anew, the address of `{name}` came back as {got}.",
                score=0.5,
            )
    return None
