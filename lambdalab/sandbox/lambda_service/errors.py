"""Errors of the Lambda API, as AWS names and words them."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError

from lambdalab.sandbox.untyped import Untyped

__all__ = [
    "RECURSIVE",
    "ApiError",
    "conflict",
    "invalid_parameter",
    "not_found",
    "precondition_failed",
    "refused_value",
]

RECURSIVE = "RecursiveInvocationException"
"""Name of the error of an invocation that would go on with a loop."""


class ApiError(JsonRESTError):  # type: ignore[misc]
    """An answer with an error status.

    Parameters
    ----------
    status
        HTTP status.
    error_type
        The exception's name in the API.
    message
        What it says.
    fields
        Further members of the answer's body, such as ``Reason``.
    """

    def __init__(self, status: int, error_type: str, message: str, **fields: Untyped) -> None:
        super().__init__(error_type, message)
        self.code = status
        self.text = message
        self.fields = fields


def invalid_parameter(message: str) -> ApiError:
    """Return an ``InvalidParameterValueException``."""
    return ApiError(400, "InvalidParameterValueException", message)


def refused_value(value: object, place: str, constraint: str) -> ApiError:
    """Return a ``ValidationException``; ``place`` is the member's name, ``memorySize``."""
    return ApiError(
        400,
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy "
        f"constraint: {constraint}",
    )


def not_found(message: str) -> ApiError:
    """Return a ``ResourceNotFoundException``."""
    return ApiError(404, "ResourceNotFoundException", message)


def conflict(message: str) -> ApiError:
    """Return a ``ResourceConflictException``."""
    return ApiError(409, "ResourceConflictException", message)


def precondition_failed() -> ApiError:
    """Return the answer to a ``RevisionId`` that is not the newest."""
    return ApiError(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
