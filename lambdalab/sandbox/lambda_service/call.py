"""What a caller asks of the Lambda service."""

from __future__ import annotations

from dataclasses import dataclass

from lambdalab.sandbox.credentials import ACCOUNT

__all__ = ["Call"]


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation as its caller asked for it.

    ``source`` names the way: ``api``, ``s3``, ``sns``, ``events``, ``scheduler``, ``logs``,
    ``sqs``, ``kinesis``, ``dynamodb``, ``destination`` or ``service``.
    """

    name: str
    payload: bytes
    qualifier: str | None = None
    account: str = ACCOUNT
    region: str = "us-east-1"
    invocation_type: str = "RequestResponse"
    tail: bool = False
    client_context: str | None = None
    trace_id: str | None = None
    source: str = "api"
    request_id: str | None = None
    """For a caller that has to name it before; ``None``: a new one."""
