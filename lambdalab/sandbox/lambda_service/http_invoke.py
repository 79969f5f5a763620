"""The Invoke API on the wire: from a request's headers and body to its answer's."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qs, unquote

from lambdalab.rules import limits
from lambdalab.sandbox.lambda_service.errors import ApiError, invalid_parameter, refused_value
from lambdalab.sandbox.lambda_service.service import Call, LambdaService
from lambdalab.sandbox.lambda_service.validation import check_name

__all__ = ["PATH", "Answer", "error_answer", "invoke"]

PATH = re.compile(r"/2015-03-31/functions/([^/?]+)/invocations/?(?:\?(.*))?")
_ARN = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)
_TYPES = ("RequestResponse", "Event", "DryRun")
_CLIENT_CONTEXT_MAX = 3583
"""Bytes of base64 (botocore:Invoke)."""
_ERROR_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (without Content-Length) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def invoke(
    service: LambdaService,
    match: re.Match[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    account: str,
    region: str,
) -> Answer:
    """Answer one Invoke request.

    Parameters
    ----------
    service
        What runs it.
    match
        Of :data:`PATH` on the request's path.
    headers
        The request's, names in lower case.
    body
        The payload.
    account, region
        Whom the request's signature names.
    """
    try:
        call = _call(match, headers, body, account, region)
        request_id, result = service.invoke(call)
    except ApiError as error:
        return error_answer(error)
    answer = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
    if result is None:
        return Answer(202 if call.invocation_type == "Event" else 204, tuple(answer))
    answer.append(("X-Amz-Executed-Version", result.executed_version))
    if result.function_error:
        answer.append(("X-Amz-Function-Error", result.function_error))
    if call.tail:
        answer.append(("X-Amz-Log-Result", base64.b64encode(result.log_tail).decode()))
    return Answer(200, tuple(answer), result.payload)


def error_answer(error: ApiError) -> Answer:
    """Return the answer that carries an error."""
    body: dict[str, object] = {"Type": "User" if error.code < 500 else "Service"}
    body |= error.fields
    body["message"] = error.text
    # Older members of the API spell it with a capital, and clients read either.
    body["Message"] = error.text
    headers = (
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", error.error_type),
        ("x-amzn-RequestId", _ERROR_ID),
    )
    return Answer(error.code, headers, json.dumps(body).encode())


def _call(
    match: re.Match[str], headers: Mapping[str, str], body: bytes, account: str, region: str
) -> Call:
    name, qualifier, account, region = _who(match, account, region)
    kind = headers.get("x-amz-invocation-type") or "RequestResponse"
    if kind not in _TYPES:
        raise refused_value(
            kind,
            "invocationType",
            f"Member must satisfy enum value set: [{', '.join(sorted(_TYPES))}]",
        )
    limit = (limits.PAYLOAD_ASYNC if kind == "Event" else limits.PAYLOAD_SYNC).value
    if len(body) > limit:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"{len(body)} byte payload is too large for the {kind} invocation type "
            f"(limit {limit} bytes)",
        )
    if body:
        _check_json(body)
    return Call(
        name=name,
        payload=body or b"{}",
        qualifier=qualifier,
        account=account,
        region=region,
        invocation_type=kind,
        tail=headers.get("x-amz-log-type") == "Tail" and kind == "RequestResponse",
        client_context=_client_context(headers.get("x-amz-client-context")),
        trace_id=headers.get("x-amzn-trace-id"),
    )


def _who(match: re.Match[str], account: str, region: str) -> tuple[str, str | None, str, str]:
    text, query = match.groups()
    asked = None
    if query:
        asked = (parse_qs(query).get("Qualifier") or [None])[0]
    if "%" not in text and ":" not in text:
        check_name(text)
        return text, asked, account, region
    text = unquote(text)
    parts = _ARN.fullmatch(text)
    if parts is None:
        check_name(text)
        raise invalid_parameter(f"{text} names no function")
    derived = parts["qualifier"]
    if derived and asked and derived != asked:
        raise invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return parts["name"], derived or asked, parts["account"] or account, parts["region"] or region


def _client_context(header: str | None) -> str | None:
    if not header:
        return None
    wrong = ApiError(
        400,
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON object.",
    )
    if len(header) > _CLIENT_CONTEXT_MAX:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            f"Client context is {len(header)} bytes of Base64, more than {_CLIENT_CONTEXT_MAX}.",
        )
    try:
        text = base64.b64decode(header, validate=True).decode()
        if not isinstance(json.loads(text), dict):
            raise wrong
    except (binascii.Error, ValueError, RecursionError) as error:
        raise wrong from error
    return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def _check_json(body: bytes) -> None:
    try:
        _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from error
