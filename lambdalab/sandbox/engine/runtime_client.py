"""A runtime client in plain Python, for systems AWS's own has no wheel for (macOS).

Same loop, same errors, same context as awslambdaric; its log is plain text without
frames. Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any, TextIO

__all__ = ["Context", "run"]

_API = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Context:
    """The handler's second argument (dg/python-context)."""

    aws_request_id: str
    invoked_function_arn: str
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    client_context: Any
    identity: Any
    tenant_id: str | None
    deadline_ms: int

    def get_remaining_time_in_millis(self) -> int:
        """Return how many ms are left before the timeout."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


class _FaultError(Exception):
    """An error with a type of the service's own."""

    def __init__(self, kind: str, text: str, trace: list[str] | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.trace = trace or []


def _load(handler: str) -> Callable[[Any, Context], Any]:
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise _FaultError(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise _FaultError("Runtime.ImportModuleError", text) from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        text = f"Syntax error in module '{module_name}': {error}"
        raise _FaultError("Runtime.UserCodeSyntaxError", text, trace) from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        text = f"Handler '{name}' missing on module '{module_name}'"
        raise _FaultError("Runtime.HandlerNotFound", text) from error


def _describe(error: BaseException, request_id: str, skip: int) -> dict[str, Any]:
    if isinstance(error, _FaultError):
        kind, trace = error.kind, error.trace
    else:
        kind = type(error).__name__
        trace = _frames(error.__traceback__, skip)
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _frames(trace: TracebackType | None, skip: int) -> list[str]:
    return traceback.format_list(traceback.extract_tb(trace)[skip:])


def _log_error(report: Mapping[str, Any]) -> None:
    lines = [f"[ERROR] {report['errorType']}: {report['errorMessage']}"]
    if report["stackTrace"]:
        lines += ["Traceback (most recent call last):"]
        lines += [line.rstrip("\n").replace("\n", "\r") for line in report["stackTrace"]]
    print("\r".join(lines), flush=True)


class _RequestFormatter(logging.Formatter):
    def __init__(self, current: SimpleNamespace) -> None:
        super().__init__("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(id)s\t%(message)s")
        self.datefmt = "%Y-%m-%dT%H:%M:%S"
        self.converter = time.gmtime
        self._current = current

    def format(self, record: logging.LogRecord) -> str:
        record.id = self._current.request_id
        return super().format(record).replace("\n", "\r")


class _JsonFormatter(logging.Formatter):
    def __init__(self, current: SimpleNamespace) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._current = current

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "timestamp": self.formatTime(record, self.datefmt),
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
                "requestId": self._current.request_id,
            }
        )


def _set_up_logging(current: SimpleNamespace) -> None:
    handler = logging.StreamHandler(sys.stdout)
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    handler.setFormatter(_JsonFormatter(current) if as_json else _RequestFormatter(current))
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if level:
        root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))


class _Client:
    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def call(
        self, method: str, path: str, body: bytes | None = None, kind: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Lambda-Runtime-Function-Error-Type": kind} if kind else {}
        self._connection.request(method, _API + path, body, headers)
        response = self._connection.getresponse()
        return response, response.read()


def _context(response: http.client.HTTPResponse) -> Context:
    environment = os.environ
    raw = response.getheader("Lambda-Runtime-Client-Context")
    client = None
    if raw:
        data = json.loads(raw)
        client = SimpleNamespace(
            client=SimpleNamespace(**data["client"]) if data.get("client") else None,
            custom=data.get("custom"),
            env=data.get("env"),
        )
    return Context(
        aws_request_id=response.getheader("Lambda-Runtime-Aws-Request-Id") or "",
        invoked_function_arn=response.getheader("Lambda-Runtime-Invoked-Function-Arn") or "",
        function_name=environment["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=environment["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        log_group_name=environment["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        client_context=client,
        identity=SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None),
        tenant_id=None,
        deadline_ms=int(response.getheader("Lambda-Runtime-Deadline-Ms") or 0),
    )


def _marshal(value: object) -> bytes:
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        text = f"Unable to marshal response: {error}"
        raise _FaultError("Runtime.MarshalError", text) from error


def run(handler: str, address: str, poll_in_thread: bool) -> None:
    """Serve ``handler`` until the process is told to end; see ``awslambdaric_main.run``.

    ``poll_in_thread`` makes no difference: Python sees signals while it waits here.
    """
    del poll_in_thread
    for name in ("stdout", "stderr"):
        setattr(sys, name, _Unbuffered(getattr(sys, name)))
    current = SimpleNamespace(request_id="")
    _set_up_logging(current)
    client = _Client(address)
    try:
        function = _load(handler)
    except Exception as error:  # noqa: BLE001 - whatever the function's module raised
        report = _describe(error, "", 1)
        _log_error(report)
        client.call("POST", "/init/error", json.dumps(report).encode(), report["errorType"])
        sys.exit(1)
    while True:
        response, body = client.call("GET", "/invocation/next")
        context = _context(response)
        current.request_id = context.aws_request_id
        os.environ["_X_AMZN_TRACE_ID"] = response.getheader("Lambda-Runtime-Trace-Id") or ""
        path = f"/invocation/{context.aws_request_id}"
        try:
            answer = _marshal(function(json.loads(body), context))
        except Exception as error:  # noqa: BLE001 - whatever the handler raised
            report = _describe(error, context.aws_request_id, 1)
            _log_error(report)
            data = json.dumps(report).encode()
            client.call("POST", path + "/error", data, report["errorType"])
        else:
            client.call("POST", path + "/response", answer)


class _Unbuffered:
    """A stream that keeps nothing back, as the streams of AWS's own client.

    Order against what others write to the same pipe holds, and nothing is lost when the
    process ends in the middle.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        self._stream.flush()
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream.writelines(lines)
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)
