"""Requests that change moto's state: which they are, how they are written down and run again."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qs

from lambdalab.sandbox.durability.drawing import drawn_from
from lambdalab.sandbox.lambda_service.http_invoke import Answer
from lambdalab.sandbox.untyped import Untyped

__all__ = ["Change", "change_of", "pack", "run", "run_again"]

_READS = (
    "BatchGet",
    "Check",
    "Count",
    "Decode",
    "Describe",
    "Download",
    "Estimate",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "TransactGet",
    "Validate",
)
"""How the names of actions begin that change nothing."""

_ELSEWHERE = {
    "sqs": (
        "ChangeMessageVisibility",
        "DeleteMessage",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    ),
    "sns": ("Publish",),
    "events": ("PutEvents", "PutPartnerEvents"),
}
"""Actions whose effect is noted where it happens: in queues of SQS, in the asynchronous queue."""

_DATA = {
    "dynamodb": ("BatchExecute", "BatchWrite", "Delete", "Execute", "Put", "Transact", "Update"),
    "kinesis": ("PutRecord",),
    "logs": ("PutLogEvents",),
}
_TABLES = ("Table", "Tag", "TimeToLive", "Backup", "ResourcePolicy", "Stream")
_LENGTH = struct.Struct("<I")


class Change(Enum):
    """What a request changes."""

    NOTHING = "nothing"
    """Or what is noted elsewhere."""
    DATA = "data"
    """Items, objects, records: there are many of these, and they come in a certain order."""
    CONTROL = "control"


def change_of(service: str, environ: Mapping[str, Any], body: bytes) -> Change:
    """Return what a request to a service changes, going by its action's name or its method."""
    method = str(environ["REQUEST_METHOD"])
    action = _action(environ, body)
    if action is None:
        if method in ("GET", "HEAD", "OPTIONS"):
            return Change.NOTHING
        path = str(environ.get("PATH_INFO", ""))
        if service == "lambda" and ("/invoke-async" in path or "/invocations" in path):
            return Change.NOTHING
        return Change.DATA if service == "s3" else Change.CONTROL
    if action.startswith(_READS) or action.startswith(_ELSEWHERE.get(service, ())):
        return Change.NOTHING
    if action.startswith(_DATA.get(service, ())) and not (
        service == "dynamodb" and any(word in action for word in _TABLES)
    ):
        return Change.DATA
    return Change.CONTROL


def _action(environ: Mapping[str, Any], body: bytes) -> str | None:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rpartition(".")[2]
    if str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        named = parse_qs(body.decode("utf-8", "replace")).get("Action")
        named = named or parse_qs(str(environ.get("QUERY_STRING", ""))).get("Action")
        return named[0] if named else None
    return None


def pack(environ: Mapping[str, Any], seed: int) -> bytes:
    """Return what a journal holds of a request but its body: that follows."""
    words = {name: value for name, value in environ.items() if isinstance(value, str)}
    head = json.dumps({"environ": words, "seed": seed}).encode()
    return _LENGTH.pack(len(head)) + head


def run(app: Untyped, environ: dict[str, Any], body: bytes) -> Answer:
    """Have moto answer a request."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Untyped = None) -> Untyped:
        started[:] = [(status, headers)]
        return lambda _data: None

    parts = app(environ, start)
    try:
        content = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[0]
    return Answer(int(status.split()[0]), tuple(headers), content)


def run_again(app: Untyped, content: bytes) -> Answer:
    """Have moto answer a request of a journal once more."""
    (length,) = _LENGTH.unpack_from(content)
    end = _LENGTH.size + length
    told: dict[str, Any] = json.loads(content[_LENGTH.size : end])
    environ: dict[str, Any] = told["environ"] | {
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    with drawn_from(int(told["seed"])):
        return run(app, environ, content[end:])
