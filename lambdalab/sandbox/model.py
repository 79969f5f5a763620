"""What the sandbox runs: a published or unpublished version of a function, and a request.

These records are the contract between the Lambda service (moto's state, the API)
and the engine (processes). The engine knows nothing of moto.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lambdalab.errors import LambdalabError

__all__ = [
    "FunctionVersion",
    "InvokeRequest",
    "InvokeResult",
    "LogSink",
    "LoggingConfig",
    "ThrottledError",
    "UnsupportedRuntimeError",
]


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """``LoggingConfig`` of the API: format, levels and group."""

    log_group: str
    log_format: str = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One version of one function, complete: enough to run it.

    ``revision`` changes whenever code or configuration does; environments of an
    older revision never serve again.
    """

    account: str
    region: str
    name: str
    version: str
    """``$LATEST`` or a number."""
    arn: str
    """Unqualified ARN."""
    revision: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    ephemeral_mb: int
    code: Path
    """Folder with the unpacked deployment package (read only)."""
    layers: tuple[Path, ...]
    """Folders with the unpacked layers, in the order of the configuration."""
    logging: LoggingConfig
    environment: tuple[tuple[str, str], ...] = ()
    access_key: str = "AKIALAMBDALABSANDBOX"
    secret_key: str = "lambdalab-fake-secret"  # noqa: S105 - fake by design
    session_token: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What environments are pooled by, next to the revision: ARN and version."""
        return (self.arn, self.version)


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """One invocation, already admitted by the API: only concurrency is left to decide."""

    request_id: str
    payload: bytes
    invoked_arn: str
    qualifier: str = "$LATEST"
    invocation_type: str = "RequestResponse"
    client_context: str | None = None
    """The JSON text (decoded from base64), or ``None``."""
    tail: bool = False
    reserved: int | None = None
    """Reserved concurrency of the function, or ``None``."""
    reserved_total: int = 0
    """Reserved concurrency of all functions of the account in the Region."""
    provisioned: int = 0
    """Provisioned concurrency of the function, on all its versions."""
    provisioned_unreserved: int = 0
    """Provisioned concurrency of all functions without reserved concurrency."""
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """The answer. ``function_error`` is ``None`` or ``Unhandled`` (``X-Amz-Function-Error``)."""

    request_id: str
    payload: bytes
    executed_version: str
    function_error: str | None = None
    log_tail: bytes = field(default=b"", repr=False)
    """The last 4 KB of the log of this invocation; empty unless asked for."""


class LogSink(Protocol):
    """Where log lines go: CloudWatch Logs in the sandbox, a list in a test."""

    def write(self, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Take lines as (epoch milliseconds, text). Must not block the caller for long."""
        ...


class ThrottledError(Exception):
    """The request is refused with 429.

    ``reason`` is one of :class:`lambdalab.rules.errors.ThrottleReason`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsupportedRuntimeError(LambdalabError):
    """The function's runtime cannot run here."""
