"""The trace header that SQS keeps with a message, so that Lambda finds a loop through a queue.

boto3 in a handler sends the header with every request. moto keeps what a caller names as
``AWSTraceHeader``; SQS also keeps what comes in the header.
"""

from __future__ import annotations

import functools

from lambdalab.sandbox.push.hub import trace_of_request
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install"]

_NAME = "AWSTraceHeader"


def install() -> None:
    """Have messages keep the trace header of the request that sent them."""
    from moto.sqs.models import SQSBackend

    original = SQSBackend.send_message
    if hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def send_message(self: Untyped, *arguments: Untyped, **named: Untyped) -> Untyped:
        header = trace_of_request()
        if header:
            kept = {_NAME: {"DataType": "String", "StringValue": header}}
            named["system_attributes"] = kept | (named.get("system_attributes") or {})
        return original(self, *arguments, **named)

    SQSBackend.send_message = send_message
