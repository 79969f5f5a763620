"""The Runtime API and the Extensions API of one execution environment.

Serves on a port of its own on loopback, driven by whoever waits on its descriptors
(there is no thread here). It answers what can be answered at once and holds back the
``next`` calls until :meth:`EnvironmentApi.dispatch` or :meth:`announce_shutdown`.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab.rules import errors, limits
from lambdalab.sandbox.engine.wire import BadRequestError, Connection, Request, response_bytes

__all__ = ["Answer", "EnvironmentApi", "Extension"]

_RUNTIME = "/2018-06-01/runtime/"
_EXTENSION = "/2020-01-01/extension/"
_OK = response_bytes(202, b'{"status":"OK"}')


@dataclass(slots=True)
class Extension:
    """A registered extension. ``waiting`` is the connection that awaits the next event."""

    id: str
    name: str
    events: tuple[str, ...]
    internal: bool
    waiting: Connection | None = None
    ready: bool = False
    """Whether it has asked for its next event since the last one it got."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the runtime posted: a response, or an error with its type."""

    payload: bytes
    error_type: str | None = None


@dataclass(slots=True)
class EnvironmentApi:
    """The two APIs of one environment.

    Attributes
    ----------
    external
        Names of the programs in ``/opt/extensions``; others that register are internal.
    on_register
        Called with each extension that registers.
    identity
        ``functionName``, ``functionVersion`` and ``handler``, told to extensions.
    """

    external: frozenset[str]
    on_register: Callable[[Extension], None]
    identity: Mapping[str, str]
    extensions: dict[str, Extension] = field(default_factory=dict)
    runtime_waiting: Connection | None = None
    init_error: Answer | None = None
    extension_error: str | None = None
    answer: Answer | None = None
    request_id: str | None = None
    _connections: dict[int, Connection] = field(default_factory=dict)
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._listener.setblocking(False)

    @property
    def address(self) -> str:
        """``host:port``, the value of ``AWS_LAMBDA_RUNTIME_API``."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def descriptors(self) -> list[int]:
        """Return what to wait on."""
        return [self._listener.fileno(), *self._connections]

    def serve(self, descriptor: int) -> bool:
        """Handle a readable descriptor; return whether the set of descriptors changed."""
        if descriptor == self._listener.fileno():
            with contextlib.suppress(BlockingIOError):
                connection = Connection(self._listener.accept()[0])
                self._connections[connection.fileno()] = connection
            return True
        connection = self._connections[descriptor]
        try:
            request = connection.read()
            if request is not None:
                self._route(request, connection)
        except BadRequestError as error:
            connection.send(_error(400, "BadRequest", str(error)))
            connection.closed = True
        if connection.closed:
            self._drop(descriptor)
            return True
        return False

    def _drop(self, descriptor: int) -> None:
        connection = self._connections.pop(descriptor)
        if self.runtime_waiting is connection:
            self.runtime_waiting = None
        for extension in self.extensions.values():
            if extension.waiting is connection:
                extension.waiting = None
        connection.close()

    # -- what runtimes and extensions ask -------------------------------------------------

    def _route(self, request: Request, connection: Connection) -> None:
        method, path = request.method, request.path
        if method == "GET" and path == _RUNTIME + "invocation/next":
            self.runtime_waiting = connection
        elif method == "POST" and path.startswith(_RUNTIME + "invocation/"):
            request_id, _, what = path.removeprefix(_RUNTIME + "invocation/").partition("/")
            self._take_answer(request, connection, request_id, what)
        elif method == "POST" and path == _RUNTIME + "init/error":
            self.init_error = Answer(request.body, _error_type(request))
            connection.send(_OK)
        elif method == "POST" and path == _EXTENSION + "register":
            self._register(request, connection)
        elif path.startswith(_EXTENSION):
            self._serve_extension(request, connection)
        elif path in ("/2022-07-01/telemetry", "/2020-08-15/logs"):
            kind = "Telemetry" if "telemetry" in path else "Logs"
            connection.send(_error(202, f"{kind}.NotSupported", f"{kind} API is not supported"))
        else:
            connection.send(_error(404, "NotFound", f"no such path: {path}"))

    def _take_answer(
        self, request: Request, connection: Connection, request_id: str, what: str
    ) -> None:
        if request_id != self.request_id or what not in ("response", "error"):
            connection.send(_error(400, "InvalidRequestID", "Invalid request ID"))
            return
        if self.answer is not None:
            text = "State transition from Ready to InvocationResponse failed"
            connection.send(_error(403, "InvalidStateTransition", text))
            return
        limit = limits.PAYLOAD_SYNC.value
        if what == "response" and len(request.body) > limit:
            body = json.dumps(errors.response_too_large(len(request.body), limit)).encode()
            self.answer = Answer(body, errors.ErrorType.RESPONSE_TOO_LARGE)
            connection.send(response_bytes(413, body))
            return
        error_type = _error_type(request) if what == "error" else None
        self.answer = Answer(request.body, error_type)
        connection.send(_OK)

    def _register(self, request: Request, connection: Connection) -> None:
        name = request.headers.get("lambda-extension-name", "")
        body = request.json()
        events = body.get("events", []) if isinstance(body, dict) else []
        if not name or not isinstance(events, list):
            text = "Lambda-Extension-Name header and a list of events are required"
            connection.send(_error(400, "Extension.InvalidExtensionName", text))
            return
        internal = name not in self.external
        if set(events) - {"INVOKE", "SHUTDOWN"} or (internal and "SHUTDOWN" in events):
            kind = "internal" if internal else "external"
            text = f"events an {kind} extension cannot register for: {events}"
            connection.send(_error(400, "Extension.InvalidEventType", text))
            return
        extension = Extension(str(uuid.uuid4()), name, tuple(events), internal)
        self.extensions[extension.id] = extension
        self.on_register(extension)
        headers = {"Lambda-Extension-Identifier": extension.id}
        connection.send(response_bytes(200, json.dumps(dict(self.identity)).encode(), headers))

    def _serve_extension(self, request: Request, connection: Connection) -> None:
        extension = self.extensions.get(request.headers.get("lambda-extension-identifier", ""))
        if extension is None:
            text = "Lambda-Extension-Identifier is missing or unknown: register first"
            connection.send(_error(403, "Extension.InvalidExtensionIdentifier", text))
        elif request.path == _EXTENSION + "event/next":
            extension.waiting, extension.ready = connection, True
        elif request.path in (_EXTENSION + "init/error", _EXTENSION + "exit/error"):
            kind = request.headers.get("lambda-extension-function-error-type", "Extension.Error")
            self.extension_error = kind
            connection.send(_OK)
        else:
            connection.send(_error(404, "NotFound", f"no such path: {request.path}"))

    # -- what the environment tells them --------------------------------------------------

    @property
    def all_waiting(self) -> bool:
        """Whether the runtime and every extension await their next event."""
        if self.runtime_waiting is None:
            return False
        return all(extension.ready for extension in self.extensions.values())

    def dispatch(
        self, request_id: str, payload: bytes, headers: Mapping[str, str], event: Mapping[str, Any]
    ) -> None:
        """Hand an invocation to the runtime and tell extensions that asked for INVOKE."""
        self.answer, self.request_id = None, request_id
        if self.extensions:
            self._announce("INVOKE", json.dumps({"eventType": "INVOKE", **event}).encode())
        connection, self.runtime_waiting = self.runtime_waiting, None
        assert connection is not None  # noqa: S101 - callers wait for all_waiting
        connection.send(response_bytes(200, payload, headers))

    def announce_shutdown(self, reason: str, deadline_ms: int) -> None:
        """Send SHUTDOWN to the extensions that asked for it."""
        event = {"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": deadline_ms}
        self._announce("SHUTDOWN", json.dumps(event).encode())

    def _announce(self, kind: str, body: bytes) -> None:
        for extension in self.extensions.values():
            if kind in extension.events and extension.waiting is not None:
                connection, extension.waiting = extension.waiting, None
                extension.ready = False
                headers = {"Lambda-Extension-Event-Identifier": str(uuid.uuid4())}
                connection.send(response_bytes(200, body, headers))

    def close(self) -> None:
        """Close every socket."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._listener.close()


def _error_type(request: Request) -> str:
    named = request.headers.get("lambda-runtime-function-error-type")
    body = request.json()
    inside = body.get("errorType") if isinstance(body, dict) else None
    return str(named or inside or "Runtime.Unknown")


def _error(status: int, kind: str, text: str) -> bytes:
    return response_bytes(status, json.dumps({"errorType": kind, "errorMessage": text}).encode())
