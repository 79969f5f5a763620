"""HTTP/1.1 as the Runtime API and the Extensions API need it, on non-blocking sockets.

A warm invoke passes two requests through here, so this is a parser of the few things
a runtime client sends: a request line, headers, a body by length or in chunks.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BadRequestError", "Connection", "Request", "response_bytes"]

_MAX_HEAD = 64 * 1024
_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    500: "Internal Server Error",
}


class BadRequestError(Exception):
    """What arrived is not HTTP; the connection is of no further use."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Return the parsed body, or ``None`` if it is not JSON."""
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            return None


def response_bytes(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a response ready to send, keep-alive, JSON unless ``headers`` say otherwise."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


class Connection:
    """One accepted connection of a runtime or an extension."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self._data = bytearray()
        self._continued = False
        self.closed = False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def read(self) -> Request | None:
        """Read what there is; return a request once it is complete."""
        try:
            data = self._socket.recv(262_144)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return None
        self._data += data
        return self._parse()

    def _parse(self) -> Request | None:
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > _MAX_HEAD:
                raise BadRequestError("header too long")
            return None
        first, *lines = bytes(self._data[:end]).decode("latin-1").split("\r\n")
        try:
            method, path, _ = first.split(" ", 2)
            pairs = (line.split(":", 1) for line in lines)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            body, used = self._body(end + 4, headers)
        except ValueError as error:
            raise BadRequestError(str(error)) from error
        if body is None:
            if headers.get("expect", "").lower() == "100-continue" and not self._continued:
                self._continued = True
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        del self._data[:used]
        self._continued = False
        return Request(method, path.partition("?")[0], headers, body)

    def _body(self, start: int, headers: Mapping[str, str]) -> tuple[bytes | None, int]:
        if "chunked" not in headers.get("transfer-encoding", "").lower():
            end = start + int(headers.get("content-length", "0"))
            return (bytes(self._data[start:end]), end) if len(self._data) >= end else (None, 0)
        parts: list[bytes] = []
        while True:
            line = self._data.find(b"\r\n", start)
            if line < 0:
                return None, 0
            size = int(bytes(self._data[start:line]).split(b";")[0], 16)
            end = line + 2 + size + 2
            if len(self._data) < end:
                return None, 0
            if size == 0:
                return b"".join(parts), end
            parts.append(bytes(self._data[line + 2 : end - 2]))
            start = end

    def send(self, data: bytes) -> None:
        """Send all of ``data``; a peer that went away is noticed at the next read."""
        try:
            sent = self._socket.send(data)
            if sent < len(data):
                self._socket.setblocking(True)
                self._socket.settimeout(30)
                self._socket.sendall(memoryview(data)[sent:])
                self._socket.setblocking(False)
        except OSError:
            self.closed = True

    def close(self) -> None:
        """Close the socket."""
        self.closed = True
        self._socket.close()
