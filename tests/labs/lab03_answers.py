"""Answers to lab 03 as learners might write them, right and wrong, with what each is worth."""

from __future__ import annotations

from collections.abc import Mapping

from tests.labs.answer import Answer, function

# -- task 1: monthly_cost -----------------------------------------------------------------

_COST = """
def monthly_cost(memory_mb, duration_ms, requests, ephemeral_mb=512):
    billed = -(-duration_ms // 1)
    gb_s = memory_mb / 1024 * billed / 1000 * requests
    disk = max(ephemeral_mb - 512, 0) / 1024 * billed / 1000 * requests
    return gb_s * 0.0000166667 + disk * 3.09e-8 + 2e-7 * requests
"""
TASK_1 = [
    function("task-1", "floor division", _COST),
    function(
        "task-1",
        "does not round up",
        _COST.replace("-(-duration_ms // 1)", "duration_ms"),
        3 / 6,
        2 / 6,
    ),
    function(
        "task-1",
        "takes 1,000 MB for 1 GB",
        _COST.replace("1024", "1000"),
        1 / 6,
        0,
    ),
    function(
        "task-1",
        "all storage is billed",
        _COST.replace("max(ephemeral_mb - 512, 0)", "ephemeral_mb"),
        1 / 6,
        0,
    ),
    function("task-1", "forgets the storage", _COST.replace("disk * 3.09e-8", "0"), 5 / 6, 3 / 6),
    function("task-1", "fails", "def monthly_cost(*_):\n    return 1 / 0", 0, 0),
]

# -- task 2: cheapest_memory --------------------------------------------------------------

_LOOP = """
import math

def cheapest_memory(measurements, limit_ms):
    best = None
    for memory, duration in sorted(measurements, key=lambda one: one[1]):
        price = memory * math.ceil(duration)
        if duration <= limit_ms and (best is None or price < best[0]):
            best = (price, memory)
    return best and best[1]
"""
TASK_2 = [
    function("task-2", "a loop from fast to slow", _LOOP),
    function("task-2", "below the limit only", _LOOP.replace("<=", "<"), 0.8, 6 / 7),
    function(
        "task-2",
        "the least memory",
        _LOOP.replace("memory * math.ceil(duration)", "memory"),
        0.8,
        4 / 7,
    ),
    function(
        "task-2", "does not round up", _LOOP.replace("math.ceil(duration)", "duration"), 1, 6 / 7
    ),
    function(
        "task-2", "always the first", "def cheapest_memory(m, l):\n    return m[0][0]", 0, 4 / 7
    ),
]

# -- task 3: albums -----------------------------------------------------------------------

_ALBUMS = """
import os
import shutil
import tempfile

import shop


def lay_out(event, folder):
    for number in range(event["photos"]):
        with open(f"{{folder}}/{{number:03}}.raw", "wb") as file:
            file.write(event["album"].encode().ljust(64) + bytes(10 << 20))


def finish(event, folder):
    if event.get("corrupt"):
        raise ValueError("corrupt")
    checksum = shop.checksum(folder, event.get("stall_s", 0))
    return {{"album": event["album"], "checksum": checksum}}


def handler(event, context):
{body}
"""
_NAMED = 'first_failure = 6\nerror_name = "enospc"'


def _albums(
    name: str,
    body: str,
    public: float = 1,
    hidden: float = 1,
    *,
    named: str = _NAMED,
    settings: str = "",
) -> Answer:
    app = _ALBUMS.format(body="".join(f"    {line}\n" for line in body.strip().splitlines()))
    repair = f'deploy("albums", {{"app.py": {app!r}, "shop.py": SHOP}}{settings})'
    return Answer(name, {"task-3-cause": named, "task-3-answer": repair}, public, hidden)


_CLEAR = """
for one in os.scandir("/tmp"):
    shutil.rmtree(one.path, ignore_errors=True)
folder = tempfile.mkdtemp(dir="/tmp")
lay_out(event, folder)
return finish(event, folder)
"""
TASK_3 = [
    _albums("clears all of /tmp as it begins", _CLEAR),
    _albums(
        "cleans up in a finally",
        """
folder = f"/tmp/{context.aws_request_id}"
os.mkdir(folder)
try:
    lay_out(event, folder)
    return finish(event, folder)
finally:
    shutil.rmtree(folder)
""",
        hidden=0.5,
    ),
    _albums(
        "cleans up after success",
        """
folder = f"/tmp/{context.aws_request_id}"
os.mkdir(folder)
lay_out(event, folder)
answer = finish(event, folder)
shutil.rmtree(folder)
return answer
""",
        public=0.25 + 0.75 / 2,
        hidden=0.25,
    ),
    _albums(
        "one folder for all, never cleared",
        """
folder = "/tmp/album"
os.makedirs(folder, exist_ok=True)
lay_out(event, folder)
return finish(event, folder)
""",
        public=0.25 + 0.75 / 2,
        hidden=0.25,
    ),
    _albums("a larger /tmp", _CLEAR, 0.25, 0.25, settings=', EphemeralStorage={"Size": 2048}'),
    _albums("names nothing", _CLEAR, 0.75, named=""),
    _albums("names another error", _CLEAR, 0.85, named='first_failure = 6\nerror_name = "ENOMEM"'),
    Answer("names them only", {"task-3-cause": _NAMED}, 0.25, 0.25),
]

# -- task 4: ledger -----------------------------------------------------------------------

_LEDGER = """
import array
import itertools
import sales


def handler(event, context):
    amounts = {amounts}
    total = largest = gap = 0
    before = None
    for amount in amounts:
        total, largest = total + amount, max(largest, amount)
        gap = max(gap, abs(amount - before)) if before is not None else 0
        before = amount
    return {{"total": total, "largest": largest, "gap": gap}}
"""
_SALES = 'sales.of_month(event["month"], event["count"])'


def _ledger(
    name: str, source: str, public: float = 1, hidden: float = 1, settings: str = ""
) -> Answer:
    repair = f'deploy("ledger", {{"app.py": {source!r}, "sales.py": SALES}}{settings})'
    return Answer(name, {"task-4-answer": repair}, public, hidden)


TASK_4 = [
    _ledger("one by one", _LEDGER.format(amounts=_SALES)),
    _ledger(
        "keeps them, packed", _LEDGER.format(amounts=f'array.array("l", {_SALES})'), hidden=0.6
    ),
    _ledger("keeps them in a list", _LEDGER.format(amounts=f"list({_SALES})"), 0.6, 0),
    _ledger(
        "more memory",
        _LEDGER.format(amounts=f"list({_SALES})"),
        0,
        0.6,
        ", MemorySize=1024",
    ),
    _ledger(
        "the first sale is a gap",
        _LEDGER.format(amounts=_SALES).replace("before = None", "before = 0"),
        0.4,
        0,
    ),
]

# -- task 5: addresses --------------------------------------------------------------------

_ADDRESSES = """
import base64
import json
import os
from pathlib import Path

import boto3
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

kms = boto3.client("kms")
FOLDER = Path("/tmp/addresses")
kept = {{}}
{seal}

def handler(event, context):
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / event["name"]
    if event["action"] == "put":
        file.write_bytes(seal(event["text"]))
        return {{"stored": event["name"]}}
    return {{"text": unseal(file.read_bytes()) if file.exists() else None}}
"""
_RAW = """
def seal(text):
    key = {key}
    nonce, blob = os.urandom(12), key["CiphertextBlob"]
    size = len(blob).to_bytes(2, "big")
    return size + blob + nonce + AESGCM(key["Plaintext"]).encrypt(nonce, text.encode(), blob)

def unseal(data):
    size = int.from_bytes(data[:2], "big") + 2
    blob, nonce = data[2:size], data[size:size + 12]
    key = kms.decrypt(CiphertextBlob=blob)["Plaintext"]
    return AESGCM(key).decrypt(nonce, data[size + 12:], blob).decode()
"""
_NEW_KEY = 'kms.generate_data_key(KeyId=os.environ["KEY_ID"], KeySpec="AES_256")'
_JSON = f"""
def seal(text):
    key = kept.setdefault("key", {_NEW_KEY})
    fernet = Fernet(base64.urlsafe_b64encode(key["Plaintext"]))
    blob = base64.b64encode(key["CiphertextBlob"]).decode()
    return json.dumps({{"key": blob, "data": fernet.encrypt(text.encode()).decode()}}).encode()

def unseal(data):
    parts = json.loads(data)
    key = kms.decrypt(CiphertextBlob=base64.b64decode(parts["key"]))["Plaintext"]
    return Fernet(base64.urlsafe_b64encode(key)).decrypt(parts["data"]).decode()
"""
_PLAIN_KEY = f"""
def seal(text):
    key = {_NEW_KEY}["Plaintext"]
    nonce = os.urandom(12)
    return key + nonce + AESGCM(key).encrypt(nonce, text.encode(), None)

def unseal(data):
    return AESGCM(data[:32]).decrypt(data[32:44], data[44:], None).decode()
"""
_GLOBAL_KEY = """
key = AESGCM.generate_key(256)

def seal(text):
    return bytes(12) + AESGCM(key).encrypt(bytes(12), text.encode(), None)

def unseal(data):
    return AESGCM(key).decrypt(bytes(12), data[12:], None).decode()
"""
_DIRECT = """
def seal(text):
    return kms.encrypt(KeyId=os.environ["KEY_ID"], Plaintext=text.encode())["CiphertextBlob"]

def unseal(data):
    return kms.decrypt(CiphertextBlob=data)["Plaintext"].decode()
"""
_ENCODED = """
def seal(text):
    return base64.b64encode(text.encode())

def unseal(data):
    return base64.b64decode(data).decode()
"""


def _addresses(name: str, seal: str, public: float = 1, hidden: float = 1) -> Answer:
    app = _ADDRESSES.format(seal=seal)
    repair = f'deploy("addresses", {{"app.py": {app!r}, "guard.py": GUARD}})'
    return Answer(name, {"task-5-answer": repair}, public, hidden)


TASK_5 = [
    _addresses("raw bytes, one after another", _RAW.format(key=_NEW_KEY)),
    _addresses("one data key for all files", _JSON, hidden=0.7),
    _addresses("the plaintext key beside it", _PLAIN_KEY, 1, 0.3),
    _addresses(
        "the plaintext key as well",
        _RAW.format(key=_NEW_KEY)
        .replace("return size +", "return size + key['Plaintext'] +")
        .replace('data[:2], "big") + 2', 'data[:2], "big") + 34')
        .replace("data[2:size]", "data[34:size]"),
        1,
        0.3,
    ),
    _addresses("a key of its own in a global", _GLOBAL_KEY, 0.5, 0.3),
    _addresses("KMS encrypts it all", _DIRECT, 1, 0),
    _addresses("only encoded", _ENCODED, 0.2, 0.2),
    _addresses("does not run", "import nothing_like_this", 0, 0),
]

ANSWERS: Mapping[str, list[Answer]] = {
    "task-1": TASK_1,
    "task-2": TASK_2,
    "task-3": TASK_3,
    "task-4": TASK_4,
    "task-5": TASK_5,
}
