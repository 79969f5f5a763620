"""What a handler sees, what its errors look like, with AWS's runtime client and with ours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from lambdalab.rules import limits
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.model import LoggingConfig, UnsupportedRuntimeError
from tests.sandbox.engine.conftest import Laboratory, Make


@pytest.fixture(params=["awslambdaric", "python"])
def lab(request: pytest.FixtureRequest, make_laboratory: Make) -> Iterator[Laboratory]:
    yield make_laboratory(client=request.param)


def test_context_and_variables(lab: Laboratory) -> None:
    function = lab.function(
        """
        import os, sys, time
        def handler(event, context):
            first = context.get_remaining_time_in_millis()
            time.sleep(0.05)
            return {
                "remaining": [first, context.get_remaining_time_in_millis()],
                "context": {name: getattr(context, name) for name in (
                    "aws_request_id", "invoked_function_arn", "function_name",
                    "function_version", "memory_limit_in_mb", "log_group_name",
                    "log_stream_name")},
                "custom": context.client_context.custom,
                "environ": dict(os.environ),
                "cwd": os.getcwd(),
                "path": sys.path,
                "zone": time.tzname[0],
            }
        """,
        environment=(("GREETING", "{task} 你好"),),
        timeout_s=4,
        memory_mb=512,
    )
    result = lab.invoke(function, client_context=json.dumps({"custom": {"who": "me"}}))
    seen = json.loads(result.payload)
    first, second = seen["remaining"]
    assert 3500 < second < first <= 4000
    (created,) = lab.recorded(ev.EnvironmentCreated)
    assert seen["context"] == {
        "aws_request_id": result.request_id,
        "invoked_function_arn": function.arn,
        "function_name": function.name,
        "function_version": "$LATEST",
        "memory_limit_in_mb": "512",
        "log_group_name": f"/aws/lambda/{function.name}",
        "log_stream_name": created.log_stream,
    }
    assert seen["custom"] == {"who": "me"}
    environ = seen["environ"]
    expected = {
        "_HANDLER": "app.handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": created.log_stream,
        "LAMBDA_TASK_ROOT": "/var/task",
        "TZ": ":UTC",
        "GREETING": "{task} 你好",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    assert {name: environ.get(name) for name in expected} == expected
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_RUNTIME_DIR",
        "PATH",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "LANG",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "_X_AMZN_TRACE_ID",
    ):
        assert environ.get(name), name
    assert "HOME" not in environ and "LAMBDALAB_SANDBOX" not in environ
    assert seen["cwd"] == "/var/task" and seen["path"][0] == "/var/task"
    assert seen["zone"] == "UTC"


def test_exception_is_shaped_as_aws_shapes_it(lab: Laboratory) -> None:
    function = lab.function(
        """
        class OutOfStock(Exception):
            pass
        def find(name):
            raise OutOfStock(f"no {name}")
        def handler(event, context):
            return find(event["name"])
        """
    )
    result = lab.invoke(function, {"name": "tea"})
    assert result.function_error == "Unhandled"
    error = json.loads(result.payload)
    assert error["errorMessage"] == "no tea"
    assert error["errorType"] == "OutOfStock"
    assert error["requestId"] == result.request_id
    assert [entry.split("\n")[0] for entry in error["stackTrace"]] == [
        '  File "/var/task/app.py", line 7, in handler',
        '  File "/var/task/app.py", line 5, in find',
    ]
    assert b"[ERROR] OutOfStock: no tea" in result.log_tail
    (finished,) = lab.recorded(ev.InvokeFinished)
    assert (finished.status, finished.error_type) == ("error", "OutOfStock")


@pytest.mark.parametrize(
    ("source", "handler", "kind", "text"),
    [
        (
            "import nosuchthing",
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nosuchthing'",
        ),
        (
            "def other(e, c): ...",
            "app.handler",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'app'",
        ),
        ("", "nodot", "Runtime.MalformedHandlerName", "Bad handler 'nodot'"),
        (
            "def broken(:",
            "app.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app'",
        ),
        ("raise RuntimeError('boom')", "app.handler", "RuntimeError", "boom"),
        ("import sys; sys.exit(9)", "app.handler", "Runtime.ExitError", "exit status 9"),
    ],
)
def test_failed_init(lab: Laboratory, source: str, handler: str, kind: str, text: str) -> None:
    function = lab.function(source, handler=handler)
    result = lab.invoke(function)
    assert result.function_error == "Unhandled"
    error = json.loads(result.payload)
    assert error["errorType"] == kind
    assert text in error["errorMessage"]
    assert error.get("requestId", result.request_id) == result.request_id
    first, second = lab.recorded(ev.InitFinished)
    assert (first.status, first.suppressed) == ("error", False)
    assert (second.status, second.suppressed) == ("error", True), "Init is retried in the invoke"


def test_response_that_is_not_json(lab: Laboratory) -> None:
    function = lab.function("def handler(event, context):\n    return {1, 2}\n")
    error = lab.call(function)
    assert error["errorType"] == "Runtime.MarshalError"
    assert "set is not JSON serializable" in error["errorMessage"]


def test_response_over_six_megabytes(lab: Laboratory) -> None:
    limit = limits.PAYLOAD_SYNC.value
    function = lab.function("def handler(event, context):\n    return 'x' * event\n")
    assert len(lab.invoke(function, limit - 2).payload) == limit
    error = lab.call(function, limit + 1)
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert str(limit) in error["errorMessage"]


def test_only_what_the_runtime_ships_can_be_imported(lab: Laboratory) -> None:
    function = lab.function(
        """
        def handler(event, context):
            found = []
            for name in ("boto3", "json", "jupyterlab", "moto", "lambdalab", "requests"):
                try:
                    __import__(name)
                    found.append(name)
                except ImportError:
                    pass
            return found
        """
    )
    assert lab.call(function) == ["boto3", "json"]


def test_own_copy_of_a_shipped_package_wins(lab: Laboratory) -> None:
    layer = {"python/boto3/__init__.py": "__version__ = 'mine'\n"}
    function = lab.function(
        "import boto3\ndef handler(event, context):\n    return boto3.__version__\n", layer=layer
    )
    assert lab.call(function) == "mine"
    plain = lab.function("import boto3\ndef handler(e, c):\n    return boto3.__version__\n")
    assert lab.call(plain) != "mine"


def test_json_log_format(lab: Laboratory) -> None:
    function = lab.function(
        """
        import logging
        log = logging.getLogger()
        def handler(event, context):
            log.debug("too low")
            log.warning("careful", extra={"order": 7})
            return 1
        """,
        logging=LoggingConfig("/custom/group", "JSON", "WARN", "INFO"),
    )
    result = lab.invoke(function)
    records = [json.loads(line) for line in result.log_tail.decode().splitlines()]
    kinds = [record.get("type") for record in records]
    assert kinds == ["platform.start", None, "platform.report"]
    assert records[1]["message"] == "careful" and records[1]["level"] in ("WARN", "WARNING")
    assert records[1]["requestId"] == result.request_id
    metrics = records[2]["record"]["metrics"]
    assert {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB"} <= set(metrics)
    assert "initDurationMs" in metrics
    assert {group for group, _, _ in lab.sink.entries} == {"/custom/group"}


def test_system_log_level_hides_platform_records(lab: Laboratory) -> None:
    function = lab.function(
        "def handler(event, context):\n    return 1\n",
        logging=LoggingConfig("/g", "JSON", "INFO", "WARN"),
    )
    assert lab.invoke(function).log_tail.strip() == b""


def test_lines_keep_their_order_and_the_tail_is_whole(lab: Laboratory) -> None:
    function = lab.function(
        """
        import logging, os, sys
        def handler(event, context):
            print("one")
            logging.getLogger().error("two")
            os.write(2, b"three\\n")
            sys.stdout.write("four")
            return 1
        """
    )
    for _ in range(20):
        lines = lab.invoke(function).log_tail.decode().splitlines()
        inner = [line for line in lines[1:-2] if line]
        assert [line.split("\t")[-1] for line in inner] == ["one", "two", "three", "four"]
        assert lines[0].startswith("START RequestId") and lines[-1].startswith("REPORT RequestId")


def test_tail_is_the_last_four_kilobytes(lab: Laboratory) -> None:
    function = lab.function(
        "def handler(event, context):\n    for i in range(1000):\n        print('line', i)\n"
    )
    tail = lab.invoke(function).log_tail
    assert len(tail) == limits.LOG_TAIL.value
    assert b"line 999" in tail and b"line 1\n" not in tail


def test_provided_runtime_runs_bootstrap(lab: Laboratory) -> None:
    function = lab.function("", runtime="provided.al2023", handler="my.handler")
    script = """\
        #!/usr/bin/env python3
        import os, urllib.request
        api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
        while True:
            with urllib.request.urlopen(api + "next") as event:
                body, request_id = event.read(), event.headers["Lambda-Runtime-Aws-Request-Id"]
            print("handling with", os.environ["_HANDLER"], flush=True)
            answer = b'{"echo": ' + body + b"}"
            urllib.request.urlopen(f"{api}{request_id}/response", answer).read()
        """
    lab._write(function.code, {"bootstrap": script})
    (function.code / "bootstrap").chmod(0o755)
    result = lab.invoke(function, {"a": 1})
    assert json.loads(result.payload) == {"echo": {"a": 1}}
    assert b"handling with my.handler" in result.log_tail


def test_provided_runtime_without_bootstrap(lab: Laboratory) -> None:
    error = lab.call(lab.function("", runtime="provided.al2023"))
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "/var/task/bootstrap" in error["errorMessage"]


def test_other_runtimes_are_refused_by_name(lab: Laboratory) -> None:
    with pytest.raises(UnsupportedRuntimeError, match=r"nodejs22\.x.*python3\.x"):
        lab.invoke(lab.function("", runtime="nodejs22.x"))


def test_file_descriptor_limit(lab: Laboratory) -> None:
    function = lab.function(
        "import resource\n"
        "def handler(event, context):\n"
        "    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]\n"
    )
    assert lab.call(function) == limits.FILE_DESCRIPTORS.value


def test_handler_that_answers_late_is_cut_at_its_timeout(lab: Laboratory) -> None:
    function = lab.function(
        "import time\ndef handler(event, context):\n    time.sleep(20)\n", timeout_s=1
    )
    begun = time.monotonic()
    assert lab.call(function)["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - begun < 8
