"""Answers to lab 01 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function

# -- task 1: parse_report -----------------------------------------------------------------

_REGULAR = """
import re

def parse_report(line):
    if re.match(r"REPORT RequestId: \\S+\\s+Duration: ", line) is None:
        return None
    def find(name):
        found = re.search(rf"(?:^|\\t){name}: ([\\d.]+)", line)
        return float(found[1]) if found else None
    status = re.search(r"Status: (\\w+)", line)
    return {
        "request_id": line.split()[2],
        "duration_ms": find("Duration"),
        "billed_ms": int(find("Billed Duration")),
        "memory_mb": int(find("Memory Size")),
        "max_memory_mb": int(find("Max Memory Used")),
        "init_ms": find("Init Duration"),
        "status": status[1] if status else "success",
    }
"""
_SLICES = """
def parse_report(line):
    if line[:7] != "REPORT ":
        return None
    keys = {"RequestId": "request_id", "Duration": "duration_ms", "Billed Duration": "billed_ms",
            "Memory Size": "memory_mb", "Max Memory Used": "max_memory_mb",
            "Init Duration": "init_ms", "Status": "status"}
    answer = {"init_ms": None, "status": "success", "note": "more than was asked for"}
    for part in line[7:].split("\\t"):
        name, _, value = part.strip().partition(": ")
        if name in keys:
            word = value.split()[0]
            text = name in ("RequestId", "Status")
            answer[keys[name]] = word if text else float(word)
    return answer
"""
TASK_1 = [
    function("task-1", "regular expressions", _REGULAR),
    function("task-1", "cut into parts", _SLICES),
    function(
        "task-1",
        "takes any line with REPORT in it",
        _REGULAR.replace(
            're.match(r"REPORT RequestId: \\S+\\s+Duration: ", line) is None',
            '"REPORT" not in line',
        ),
        hidden=0.75,
    ),
    function(
        "task-1",
        "takes the first Duration for Init Duration",
        _SLICES.replace('"Init Duration": "init_ms"', '"No": "init_ms"').replace(
            '"init_ms": None', '"init_ms": 4.72'
        ),
        public=0.5,
        hidden=0.5,
    ),
    function(
        "task-1",
        "zero for no init",
        _SLICES.replace('"init_ms": None', '"init_ms": 0'),
        public=4 / 6,
        hidden=5 / 8,
    ),
    function(
        "task-1", "leaves numbers as text", _SLICES.replace("float(word)", "word"), 3 / 6, 4 / 8
    ),
    function(
        "task-1",
        "fails for other lines",
        _SLICES.replace("return None", "raise ValueError(line)"),
        public=3 / 6,
        hidden=4 / 8,
    ),
    function("task-1", "has no status", _SLICES.replace('"status": "success", ', ""), 4 / 6, 6 / 8),
    function("task-1", "returns the line", "def parse_report(line):\n    return line", 0, 0),
]

# -- task 2: quotes -----------------------------------------------------------------------

_QUOTES = """
import functools
import supplier

{module}

def handler(event, context):
    currency = event["currency"]
    if event["action"] == "quote":
        return {{"currency": currency, "rate": {session}.rate(currency)}}
    if event["action"] == "trend":
        rates = {history}[currency]
        return {{"currency": currency, "change": round(rates[-1] - rates[0], 4)}}
    raise ValueError("unknown action")
"""


def _quotes(
    name: str, module: str, session: str, history: str, *, public: float = 1, hidden: float = 1
) -> Answer:
    app = _QUOTES.format(module=module, session=session, history=history)
    deployed = f'deploy("quotes", {{"app.py": {app!r}, "supplier.py": SUPPLIER}})'
    return Answer(name, {"task-2-answer": deployed}, public, hidden)


_OPEN = "session = supplier.connect()"
_LAZY = """
kept = {}
def get(name, make):
    if name not in kept:
        kept[name] = make()
    return kept[name]
"""
TASK_2 = [
    _quotes(
        "both on demand",
        _LAZY,
        'get("session", supplier.connect)',
        'get("history", supplier.load_history)',
    ),
    _quotes(
        "connection in a thread that init waits for",
        "import threading\nbox = []\n"
        "thread = threading.Thread(target=lambda: box.append(supplier.connect()))\n"
        "thread.start(); thread.join()\n"
        "history = functools.lru_cache(maxsize=None)(supplier.load_history)",
        "box[0]",
        "history()",
    ),
    _quotes(
        "a class",
        "class Book:\n"
        "    def __init__(self):\n        self.session = supplier.connect()\n"
        "    @functools.cached_property\n"
        "    def history(self):\n        return supplier.load_history()\n"
        "book = Book()",
        "book.session",
        "book.history",
    ),
    _quotes(
        "everything during init",
        f"{_OPEN}\nhistory = supplier.load_history()",
        "session",
        "history",
        public=0.75,
    ),
    _quotes(
        "history each time",
        _OPEN,
        "session",
        "supplier.load_history()",
        public=0.5,
        hidden=0.5,
    ),
    _quotes(
        "connects each time",
        _LAZY,
        "supplier.connect()",
        'get("history", supplier.load_history)',
        public=0.5,
        hidden=0.5,
    ),
    _quotes("as before", "", "supplier.connect()", "supplier.load_history()", public=0, hidden=0),
    _quotes("no supplier", "", "supplier.Session()", "supplier.RATES", public=0, hidden=0),
    _quotes("does not run", "import nothing_like_this", "session", "history", public=0, hidden=0),
    _quotes(
        "remembers the first currency",
        f"{_OPEN}\nfirst = []\n"
        "def history():\n"
        "    first or first.append(supplier.load_history())\n"
        "    return dict.fromkeys(first[0], next(iter(first[0].values())))",
        "session",
        "history()",
        hidden=0,
    ),
]

# -- task 3: receipts ---------------------------------------------------------------------

_RECEIPTS = """
import os
import pathlib
import time

PRICES = {{"tea": 35, "coffee": 60, "toast": 45}}
print("menu loaded")
{module}
receipt = pathlib.Path("/tmp/receipt.txt")


def handler(event, context):
    customer = event["customer"]
{body}
"""
_NAMES = 'victims = ["Eve", "cleo"]'


def _receipts(
    name: str,
    body: str,
    public: float = 1,
    hidden: float = 1,
    *,
    module: str = "",
    victims: str = _NAMES,
    settings: str = "",
) -> Answer:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    app = _RECEIPTS.format(module=module, body=lines)
    repair = f'deploy("receipts", {{"app.py": {app!r}}}{settings})'
    return Answer(name, {"task-3-victims": victims, "task-3-answer": repair}, public, hidden)


_FILL = """
for item in event["items"]:
    basket.append((item, PRICES[item]))
    with receipt.open("a") as out:
        out.write(item + "\\n")
total = sum(price for _, price in basket)
printed = receipt.read_text().splitlines()
time.sleep(event.get("printer_s", 0))
"""
_GIVE = 'return {"customer": customer, "total": total, "receipt": printed}'
_AFTER = f"{_FILL}basket.clear()\nreceipt.unlink()\n{_GIVE}"
_MEMORY = f"""
basket = [PRICES[item] for item in event["items"]]
total, printed = sum(basket), list(event["items"])
time.sleep(event.get("printer_s", 0))
{_GIVE}
"""
TASK_3 = [
    _receipts(
        "clears before it begins",
        f"basket.clear()\nreceipt.unlink(missing_ok=True)\n{_FILL}{_GIVE}",
        module="basket = []",
    ),
    _receipts("keeps nothing anywhere", _MEMORY),
    _receipts(
        "a file for each request",
        f'basket = []\nreceipt = pathlib.Path("/tmp") / context.aws_request_id\n{_FILL}{_GIVE}',
    ),
    _receipts(
        "cleans up in a finally",
        "try:\n"
        + "".join(f"    {line}\n" for line in (_FILL.strip() + "\n" + _GIVE).splitlines())
        + "finally:\n    basket.clear()\n    receipt.unlink(missing_ok=True)",
        hidden=0.75,
        module="basket = []",
    ),
    _receipts(
        "forgets the file",
        f"basket = []\n{_FILL}receipt.unlink()\n{_GIVE}",
        public=0.625,
        hidden=0.25,
    ),
    _receipts(
        "leaves out what is not on the menu",
        _MEMORY.replace("PRICES[item]", "PRICES.get(item, 0)"),
        public=0.25,
        hidden=0.25,
    ),
    _receipts(
        "ends the environment after each customer",
        f"if served: os._exit(1)\nserved.append(customer)\n{_MEMORY}",
        public=0.25,
        hidden=0.25,
        module="served = []",
    ),
    _receipts("more time for the printer", _MEMORY, public=0.25, settings=", Timeout=30", hidden=1),
    _receipts("names nobody", _MEMORY, public=0.75, victims=""),
    _receipts(
        "names the innocent",
        _MEMORY,
        public=0.75,
        victims='victims = ["cleo", "eve", "ben", "dan"]',
    ),
    Answer("names them only", {"task-3-victims": _NAMES}, 0.25, 0.25),
]

# -- task 4: stock ------------------------------------------------------------------------

_STOCK = """
import json
import pathlib
import time

import boto3

s3 = boto3.client("s3")
{module}

def fetch():
    found = s3.get_object(Bucket="lab01-warehouse", Key="stock.json")
    return json.loads(found["Body"].read())

def attempt():
    try:
        return fetch()
    except s3.exceptions.NoSuchKey:
        return None

{load}

def handler(event, context):
    stock = known()
    left = None if stock is None else stock.get(event["item"], 0)
    return {{"item": event["item"], "left": left}}
"""


def _stock(
    name: str, load: str, public: float = 1, hidden: float = 1, *, settings: str = ""
) -> Answer:
    app = _STOCK.format(module="", load=load)
    repair = f'deploy("stock", {{"app.py": {app!r}}}{settings})'
    return Answer(name, {"task-4-answer": repair}, public, hidden)


_KEEP = "kept = {}\ndef known():\n    kept['stock'] = kept.get('stock') or attempt()\n"
TASK_4 = [
    _stock("keeps what it found", f"{_KEEP}    return kept['stock']"),
    _stock("tries once during init, too", f"{_KEEP}    return kept['stock']\nknown()"),
    _stock(
        "keeps it in /tmp",
        "place = pathlib.Path('/tmp/stock.json')\n"
        "def known():\n"
        "    if not place.exists():\n"
        "        stock = attempt()\n"
        "        if stock is None:\n            return None\n"
        "        place.write_text(json.dumps(stock))\n"
        "    return json.loads(place.read_text())",
    ),
    _stock("reads it each time", "known = attempt", public=0.7, hidden=0.7),
    _stock(
        "remembers that it was missing",
        "import functools\nknown = functools.cache(attempt)",
        public=0.4,
        hidden=0.4,
    ),
    _stock("says none are left", "def known():\n    return attempt() or {}", 0, 0),
    _stock(
        "waits in the handler",
        "def known():\n    time.sleep(2.3)\n    return attempt()",
        public=0.2,
        hidden=0.2,
    ),
    _stock(
        "waits longer during init, under the limit",
        "for _ in range(6):\n    if attempt(): break\n    time.sleep(0.5)\n"
        f"{_KEEP}    return kept['stock']",
        public=0.2,
        hidden=0.2,
    ),
    _stock(
        "asks for more time",
        f"{_KEEP}    return kept['stock']",
        public=0,
        settings=", Timeout=60",
    ),
    _stock("lets the error out", "known = fetch", 0, 0),
    _stock("still dies during init", "time.sleep(11)\nknown = attempt", 0, 0),
]

# -- task 5: cold_starts ------------------------------------------------------------------

_LIST = """
def cold_starts(arrivals, duration, idle_lifetime):
    environments, cold = [], 0
    for now in arrivals:
        alive = [end for end in environments if end > now or now - end < idle_lifetime]
        idle = sorted(end for end in alive if end <= now)
        if idle:
            alive.remove(idle[-1])
        else:
            cold += 1
        environments = [*alive, now + duration]
    return cold
"""
_STACK = """
import heapq

class Pool:
    def __init__(self, lifetime):
        self.lifetime, self.busy, self.since = lifetime, [], []
    def take(self, now, duration):
        while self.busy and self.busy[0] <= now:
            self.since.append(heapq.heappop(self.busy))
        warm = bool(self.since) and now - self.since.pop() < self.lifetime
        if not warm:
            self.since.clear()
        heapq.heappush(self.busy, now + duration)
        return not warm

def cold_starts(arrivals, duration, idle_lifetime):
    pool = Pool(idle_lifetime)
    return sum(pool.take(now, duration) for now in arrivals)
"""
TASK_5 = [
    function("task-5", "a list of environments", _LIST),
    function("task-5", "a stack of idle ones", _STACK),
    function(
        "task-5",
        "least recently used first",
        _LIST.replace("idle[-1]", "idle[0]"),
        hidden=1 - 1.5 * 3 / 11,
    ),
    function(
        "task-5",
        "a lifetime too long",
        _LIST.replace("now - end <", "now - end <="),
        1,
        1 - 1.5 * 2 / 11,
    ),
    function(
        "task-5", "busy to the end", _LIST.replace("end <= now", "end < now"), 1, 1 - 1.5 * 4 / 11
    ),
    function(
        "task-5",
        "never retires",
        _LIST.replace("< idle_lifetime", "< 10**9"),
        0.4,
        1 - 1.5 * 5 / 11,
    ),
    function("task-5", "always one", "def cold_starts(*_):\n    return 1", 0.1, 0),
    function("task-5", "fails", "def cold_starts(*_):\n    return 1 / 0", 0, 0),
    function("task-5", "says so in words", "def cold_starts(*_):\n    return '1'", 0, 0),
]

# -- task 6: the extension ----------------------------------------------------------------

_EXTENSION = """#!/usr/bin/env python3
import json, os, sys, time, urllib.request

base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"

def call(path, body=None, **headers):
    request = urllib.request.Request(base + path, body)
    for name, value in headers.items():
        request.add_header("Lambda-Extension-" + name, value)
    answer = urllib.request.urlopen(request)
    return answer.headers, json.loads(answer.read())

headers, _ = call("register", json.dumps({{"events": {events}}}).encode(), Name="tally")
me = headers["Lambda-Extension-Identifier"]
count = 0
while True:
    _, event = call("event/next", Identifier=me)
{body}
"""
_LAYER = """
made = aws.publish_layer_version(
    LayerName="counting",
    Content={{"ZipFile": deployment_package({{"{path}": {source!r}}})}},
)
aws.update_function_configuration(FunctionName="metered", Layers=[made["LayerVersionArn"]])
"""


def _extension(
    name: str,
    body: str,
    public: float = 1,
    hidden: float = 1,
    *,
    events: str = '["INVOKE", "SHUTDOWN"]',
    path: str = "extensions/tally",
) -> Answer:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    source = _EXTENSION.format(events=events, body=lines)
    return Answer(name, {"task-6-answer": _LAYER.format(path=path, source=source)}, public, hidden)


_LAST = """\
print(json.dumps({"tally": {"invokes": count, "reason": event["shutdownReason"]}}), flush=True)"""
_COUNT = f"""
if event["eventType"] == "INVOKE":
    count += 1
else:
    {_LAST}
    sys.exit(0)
"""
TASK_6 = [
    _extension("its own loop", _COUNT, events='["SHUTDOWN", "INVOKE"]'),
    _extension("on standard error", _COUNT.replace("flush=True", "file=sys.stderr")),
    _extension(
        "counts the shutdown",
        f'count += 1\nif event["eventType"] == "SHUTDOWN":\n    {_LAST}\n    break',
        public=0.6,
        hidden=0.3,
    ),
    _extension(
        "always says spindown",
        _COUNT.replace('event["shutdownReason"]', '"spindown"'),
        hidden=0.7,
    ),
    _extension("lingers", _COUNT.replace("sys.exit(0)", "time.sleep(30)"), hidden=0.8),
    _extension(
        "says nothing",
        'if event["eventType"] == "SHUTDOWN":\n    break',
        public=0.3,
        hidden=0.3,
    ),
    _extension("hears no shutdown", _COUNT, 0, 0.3, events='["INVOKE"]'),
    _extension("is not where Lambda looks", _COUNT, 0, 0.3, path="tally"),
    _extension("crashes at once", "import nothing_like_this", 0, 0, events="nobody"),
    _extension(
        "holds the environment up",
        f'if event["eventType"] == "INVOKE":\n    time.sleep(30)\n{_LAST}',
        public=0.2,
        hidden=0.2,
    ),
]

ANSWERS: Mapping[str, list[Answer]] = {
    "task-1": TASK_1,
    "task-2": TASK_2,
    "task-3": TASK_3,
    "task-4": TASK_4,
    "task-5": TASK_5,
    "task-6": TASK_6,
}
