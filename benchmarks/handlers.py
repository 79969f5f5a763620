"""The functions that are measured: the same source for every contender."""

from __future__ import annotations

__all__ = ["KINDS", "MODULE", "source"]

MODULE = "app"
"""Name of the module; the handler is ``app.handler``."""

_HANDLER = """\
count = 0


def handler(event, context):
    global count
    count += 1
    return {"event": event, "count": count}
"""

_CLIENT = """\
import boto3

client = boto3.client("dynamodb", region_name="us-east-1")
"""

KINDS: dict[str, str] = {"plain": _HANDLER, "boto3": f"{_CLIENT}{_HANDLER}"}
"""``boto3`` makes a client while it is imported, as most real functions do.

Both count their invocations: only a fresh process answers 1, so every cold start that is
timed has been seen to be one.
"""


def source(kind: str, mark: str) -> str:
    """Return a handler's source; ``mark`` makes each package another one, so none is reused."""
    return f"# {mark}\n{KINDS[kind]}"
