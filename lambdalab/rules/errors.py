"""The errors a Lambda function's caller sees, worded as the service words them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from lambdalab.rules.source import Source

__all__ = [
    "SOURCE",
    "ErrorType",
    "ThrottleReason",
    "exit_error",
    "exit_reason",
    "invalid_entrypoint_error",
    "out_of_memory_error",
    "response_too_large",
    "timeout_error",
    "timeout_log_line",
]

SOURCE = Source("dg:troubleshooting-invocation")


class ErrorType(StrEnum):
    """``errorType`` of an invocation that failed outside the handler's own code."""

    TIMEOUT = "Sandbox.Timedout"
    EXIT = "Runtime.ExitError"
    OUT_OF_MEMORY = "Runtime.OutOfMemory"
    IMPORT = "Runtime.ImportModuleError"
    HANDLER_NOT_FOUND = "Runtime.HandlerNotFound"
    MALFORMED_HANDLER = "Runtime.MalformedHandlerName"
    SYNTAX = "Runtime.UserCodeSyntaxError"
    MARSHAL = "Runtime.MarshalError"
    UNMARSHAL = "Runtime.UnmarshalError"
    INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"
    RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"
    EXTENSION_CRASH = "Extension.Crash"
    EXTENSION_INIT = "Extension.InitError"


class ThrottleReason(StrEnum):
    """``Reason`` of a ``TooManyRequestsException`` (HTTP 429), from the API model."""

    CONCURRENT = "ConcurrentInvocationLimitExceeded"
    RATE = "FunctionInvocationRateLimitExceeded"
    RESERVED_CONCURRENT = "ReservedFunctionConcurrentInvocationLimitExceeded"
    RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"
    CALLER_RATE = "CallerRateLimitExceeded"
    SNAPSHOT = "ConcurrentSnapshotCreateLimitExceeded"


def _error(request_id: str, error_type: str, text: str) -> dict[str, str]:
    return {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {text}"}


def timeout_error(request_id: str, timeout_s: int) -> dict[str, str]:
    """Return the payload of an invocation that ran past its timeout (seconds)."""
    return _error(request_id, ErrorType.TIMEOUT, f"Task timed out after {timeout_s:.2f} seconds")


def timeout_log_line(iso_time: str, request_id: str, timeout_s: int) -> str:
    """Return the line that the log gets at a timeout."""
    return f"{iso_time} {request_id} Task timed out after {timeout_s:.2f} seconds"


def exit_reason(exit_code: int | None, signal_name: str | None) -> str:
    """Say how a runtime process ended: ``exit status 1`` or ``signal: killed``."""
    if signal_name is not None:
        return f"Runtime exited with error: signal: {signal_name}"
    if exit_code:
        return f"Runtime exited with error: exit status {exit_code}"
    return "Runtime exited without providing a reason"


def exit_error(
    request_id: str, exit_code: int | None = None, signal_name: str | None = None
) -> dict[str, str]:
    """Return the payload of an invocation whose process ended before it answered."""
    return _error(request_id, ErrorType.EXIT, exit_reason(exit_code, signal_name))


def out_of_memory_error(request_id: str) -> dict[str, str]:
    """Return the payload of an invocation that went beyond ``MemorySize``."""
    return _error(request_id, ErrorType.OUT_OF_MEMORY, exit_reason(None, "killed"))


def invalid_entrypoint_error(request_id: str, tried: Sequence[str]) -> dict[str, str]:
    """Return the payload when an OS-only runtime ships no executable ``bootstrap``."""
    text = f"Couldn't find valid bootstrap(s): [{' '.join(tried)}]"
    return _error(request_id, ErrorType.INVALID_ENTRYPOINT, text)


def response_too_large(size: int, limit: int) -> dict[str, str]:
    """Return the payload of an invocation whose response exceeded ``limit`` bytes."""
    return {
        "errorType": ErrorType.RESPONSE_TOO_LARGE,
        "errorMessage": (
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
            f"({limit} bytes)."
        ),
    }
