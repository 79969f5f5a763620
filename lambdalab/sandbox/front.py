"""The one port: reads a request, decides who answers it, sends the answer at once."""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import json
import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import MotoRequestHandler

from lambdalab.i18n import message
from lambdalab.sandbox.admission import Refusal, Signature, signature
from lambdalab.sandbox.core import Core
from lambdalab.sandbox.guard import is_loopback
from lambdalab.sandbox.lambda_service import http_invoke
from lambdalab.sandbox.lambda_service.http_invoke import Answer

__all__ = ["FrontHandler", "handler_for"]

_LINE_MAX = 65_536
_HEADERS_MAX = 200
_BODY_MAX = 1 << 30
_CONTROL = "/_lambdalab/"
_HOST_PORT = re.compile(r":\d+$")
_BODILESS = (204, 304)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _BadRequestError(Exception):
    """What came is not HTTP that can be answered."""


@dataclass(frozen=True, slots=True)
class _Request:
    """One request as it was read; ``line`` and ``head`` are its raw lines."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    line: bytes
    head: list[bytes]


class FrontHandler(MotoRequestHandler):  # type: ignore[misc]
    """One connection. Lambda's Invoke and control calls never become a WSGI request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    core: Core

    def handle_one_request(self) -> None:
        """Answer one request; the connection stays open for the next."""
        self.close_connection = True
        try:
            line = self.rfile.readline(_LINE_MAX + 1)
            if not line:
                return
            words = line.decode("latin-1").split()
            if len(words) != 3 or not words[2].startswith("HTTP/1."):
                raise _BadRequestError("request line")
            head = self._head()
            headers = _headers(head)
            self.close_connection = (
                headers.get("connection", "").lower() == "close" or words[2] == "HTTP/1.0"
            )
            method, path = words[0], words[1]
            refusal = self._refuse(path, headers)
            request = _Request(method, path, headers, self._body(headers), line, head)
        except _BadRequestError as error:
            text = json.dumps({"message": f"bad request: {error}"}).encode()
            self.close_connection = True
            self._send(Answer(400, (("Content-Type", "application/json"),), text))
            return
        answer = refusal or self._answer(request)
        self._send(answer, with_body=method != "HEAD")

    # -- reading --------------------------------------------------------------------------

    def _head(self) -> list[bytes]:
        lines: list[bytes] = []
        while True:
            line = self.rfile.readline(_LINE_MAX + 1)
            if line in (b"\r\n", b"\n"):
                return lines
            if not line or len(line) > _LINE_MAX or len(lines) >= _HEADERS_MAX:
                raise _BadRequestError("headers")
            lines.append(line)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        text = headers.get("content-length", "0")
        if not text.isdigit() or int(text) > _BODY_MAX:
            raise _BadRequestError("Content-Length")
        length = int(text)
        body: bytes = self.rfile.read(length) if length else b""
        if len(body) != length:
            raise _BadRequestError("body")
        return body

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(_LINE_MAX).split(b";")[0], 16)
            except ValueError as error:
                raise _BadRequestError("chunk") from error
            total += size
            if size < 0 or total > _BODY_MAX:
                raise _BadRequestError("chunk")
            if not size:
                while self.rfile.readline(_LINE_MAX) not in (b"\r\n", b"\n", b""):
                    pass  # trailers
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(_LINE_MAX)

    # -- deciding -------------------------------------------------------------------------

    def _refuse(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        host = _HOST_PORT.sub("", headers.get("host", "")).strip("[]")
        if not is_loopback(host):
            return _refused("HostRefused", message("sandbox.refuse.host", host=host or "-"))
        origin = headers.get("origin")
        if origin is not None and (
            path.startswith(_CONTROL) or not is_loopback(urlsplit(origin).hostname or "")
        ):
            return _refused("OriginRefused", message("sandbox.refuse.origin", origin=origin))
        return None

    def _answer(self, request: _Request) -> Answer:
        core = self.core
        path = request.path
        if path.startswith(_CONTROL):
            return core.control.answer(
                request.method, path[len(_CONTROL) :], request.headers, request.body
            )
        try:
            signed = signature(path, request.headers)
        except Refusal as error:
            return error.answer
        try:
            if request.method == "POST":
                match = http_invoke.PATH.fullmatch(path)
                if match is not None:
                    return http_invoke.invoke(
                        core.service,
                        match,
                        request.headers,
                        request.body,
                        account=signed.account,
                        region=signed.region,
                    )
            if path.startswith("/moto-api"):
                return _refused("NotAvailable", message("sandbox.refuse.moto_api"))
            return self._moto(signed, request)
        except Exception as error:  # noqa: BLE001 - whatever fails, the caller gets an answer
            return _failed(error, signed)

    def _moto(self, signed: Signature, request: _Request) -> Answer:
        core = self.core
        if signed.service == "logs":
            core.sink.drain()
        self.raw_requestline = request.line
        self.command, self.path, self.request_version = request.method, request.path, "HTTP/1.1"
        self.headers = http.client.parse_headers(io.BytesIO(b"".join(request.head) + b"\r\n"))
        environ: dict[str, Any] = self.make_environ()
        # Left to itself, moto looks for the key in six partitions, and fills each with all of
        # AWS's policies on the way.
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = signed.account
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        with core.gate.passing():
            return core.keeping.answer(signed.service, environ, request.body)

    # -- answering ------------------------------------------------------------------------

    def _send(self, answer: Answer, *, with_body: bool = True) -> None:
        status = answer.status
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n"]
        length: str | None = None
        for name, value in answer.headers:
            lowered = name.lower()
            if lowered == "content-length":
                length = value
            elif lowered not in ("connection", "transfer-encoding"):
                lines.append(f"{name}: {_clean(str(value))}\r\n")
        if status not in _BODILESS:
            if with_body or length is None:
                length = str(len(answer.body))
            lines.append(f"Content-Length: {length}\r\n")
        if self.close_connection:
            lines.append("Connection: close\r\n")
        lines.append("\r\n")
        data = "".join(lines).encode("latin-1", "replace")
        if with_body and status not in _BODILESS:
            data += answer.body
        self.connection.sendall(data)


def _clean(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def _headers(lines: list[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name.strip() or name[0] in " \t":
            raise _BadRequestError("header")
        key = name.strip().lower()
        text = value.strip()
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _refused(kind: str, text: str) -> Answer:
    headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", kind))
    return Answer(403, headers, json.dumps({"__type": kind, "message": text}).encode())


def _failed(error: Exception, signed: Signature) -> Answer:
    if isinstance(error, NotImplementedError):
        text = message("sandbox.refuse.missing", what=f"{signed.service}: {error}")
        return signed.error(501, "NotImplementedException", text)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = message("sandbox.refuse.full", reason=error.strerror)
        return signed.error(500, "ServiceException", text)
    with contextlib.suppress(OSError):  # the log may be on a full disk; the caller gets an answer
        traceback.print_exception(error, file=sys.stderr)
    text = message("sandbox.refuse.broken", what=f"{type(error).__name__}: {error}")
    return signed.error(500, "ServiceException", text)


def handler_for(core: Core) -> type[FrontHandler]:
    """Return the handler class that answers for ``core``."""
    return type("FrontHandler", (FrontHandler,), {"core": core})
