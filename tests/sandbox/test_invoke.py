"""Invoke as its callers see it: answers, headers, limits, qualifiers, throttles, logs."""

from __future__ import annotations

import base64
import gc
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.packaging import deployment_package
from lambdalab.rules import limits, logs
from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.conftest import until

_ANY = Callable[..., Any]
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
SLEEPER = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"
VERSION = "def handler(event, context):\n    return context.function_version\n"


def _refused(call: Callable[[], object]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: dict[str, Any] = dict(caught.value.response)
    return answer


def _busy(box: Sandbox, count: int = 1) -> None:
    def running() -> bool:
        states = [one["state"] for one in box.status()["environments"]]
        return states.count("invoke") >= count

    assert until(running)


# -- answers ------------------------------------------------------------------


def test_answer_of_a_good_invoke(functions: Functions) -> None:
    functions.create()
    answer = functions.client.invoke(FunctionName="f", Payload=b'{"a": [1, "\xe4\xbd\xa0"]}')
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer and "LogResult" not in answer
    assert json.load(answer["Payload"]) == {"a": [1, "你"]}
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-amzn-requestid"])
    assert headers["content-type"] == "application/json"


def test_function_error_keeps_status_200_and_says_unhandled(functions: Functions) -> None:
    functions.create(
        code="def handler(event, context):\n    raise ValueError('no tea')\n", Handler="app.handler"
    )
    answer = functions.client.invoke(FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.load(answer["Payload"])
    request = answer["ResponseMetadata"]["RequestId"]
    assert error == {
        "errorMessage": "no tea",
        "errorType": "ValueError",
        "requestId": request,
        "stackTrace": [
            "  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no tea')\n"
        ],
    }


def test_no_payload_is_an_empty_object(functions: Functions) -> None:
    functions.create()
    assert json.load(functions.client.invoke(FunctionName="f")["Payload"]) == {}


def test_tail_of_the_log_comes_with_the_answer(functions: Functions) -> None:
    functions.create(code="def handler(event, context):\n    print('from the handler')\n")
    answer = functions.client.invoke(FunctionName="f", LogType="Tail")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    request = answer["ResponseMetadata"]["RequestId"]
    assert lines[0] == f"START RequestId: {request} Version: $LATEST"
    assert lines[1] == "from the handler"
    assert lines[2] == f"END RequestId: {request}"
    report = logs.parse_report(lines[3])
    assert report is not None and report.request_id == request
    assert report.init_ms is not None and report.billed_ms >= report.duration_ms
    assert report.memory_mb == 128 and 0 < report.max_memory_mb <= 128
    again = functions.client.invoke(FunctionName="f", LogType="Tail")
    assert b"Init Duration" not in base64.b64decode(again["LogResult"])


def test_dry_run_checks_and_runs_nothing(functions: Functions, sandbox: Sandbox) -> None:
    functions.create(code="def handler(event, context):\n    print('ran')\n")
    answer = functions.client.invoke(FunctionName="f", InvocationType="DryRun")
    assert answer["StatusCode"] == 204 and answer["Payload"].read() == b""
    missing = _refused(lambda: functions.client.invoke(FunctionName="no", InvocationType="DryRun"))
    assert missing["Error"]["Code"] == "ResourceNotFoundException"
    assert sandbox.status()["environments"] == []


def test_event_is_taken_at_once_and_run_later(functions: Functions, sandbox: Sandbox) -> None:
    functions.create(code=SLEEPER + "    \n", Timeout=10)
    begun = time.monotonic()
    answer = functions.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")
    assert time.monotonic() - begun < 0.9
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    request = answer["ResponseMetadata"]["RequestId"]

    def finished() -> bool:
        return any(
            event.type == "InvokeFinished" and event.request_id == request  # type: ignore[attr-defined]
            for event in sandbox.events()
        )

    assert until(finished)


def test_client_context_reaches_the_handler(functions: Functions) -> None:
    functions.create(
        code="def handler(event, context):\n"
        "    seen = context.client_context\n"
        "    return [seen.custom, seen.env, seen.client.app_title]\n"
    )
    context = {"custom": {"k": "v"}, "env": {"locale": "zh"}, "client": {"app_title": "t"}}
    text = base64.b64encode(json.dumps(context).encode()).decode()
    assert functions.call(ClientContext=text) == [{"k": "v"}, {"locale": "zh"}, "t"]


@pytest.mark.parametrize("text", ["%%%", base64.b64encode(b"[1]").decode(), "A" * 4000])
def test_client_context_that_is_none_is_refused(functions: Functions, text: str) -> None:
    functions.create()
    refused = _refused(lambda: functions.call(ClientContext=text))
    assert refused["Error"]["Code"] == "InvalidRequestContentException"


# -- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload", [b"{", b"'x'", b"NaN", b"\xff\xfe", b'{"a": 1} trailing', b"[" * 200_000]
)
def test_payload_that_is_not_json_is_refused(
    functions: Functions, sandbox: Sandbox, payload: bytes
) -> None:
    functions.create()
    refused = _refused(lambda: functions.client.invoke(FunctionName="f", Payload=payload))
    assert refused["Error"]["Code"] == "InvalidRequestContentException"
    assert "Could not parse request body into json" in refused["Error"]["Message"]
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert sandbox.status()["environments"] == [], "nothing was started for it"


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("RequestResponse", limits.PAYLOAD_SYNC.value),
        ("Event", limits.PAYLOAD_ASYNC.value),
    ],
)
def test_request_payload_limits(functions: Functions, kind: str, limit: int) -> None:
    functions.create(
        code="def handler(event, context):\n    return len(event)\n", MemorySize=512, Timeout=20
    )

    def invoke(size: int) -> Any:
        payload = b'"' + b"x" * (size - 2) + b'"'
        return functions.client.invoke(FunctionName="f", InvocationType=kind, Payload=payload)

    assert invoke(limit)["StatusCode"] == (200 if kind == "RequestResponse" else 202)
    refused = _refused(lambda: invoke(limit + 1))
    assert refused["Error"]["Code"] == "RequestTooLargeException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert str(limit) in refused["Error"]["Message"]


def test_a_warm_environment_takes_the_largest_event(functions: Functions) -> None:
    """It is frozen while the event comes: more than its socket holds must not wait for it."""
    functions.create(code="def handler(event, context):\n    return len(event)\n", MemorySize=512)
    size = limits.PAYLOAD_SYNC.value - 2
    assert functions.call(event="x") == 1
    assert functions.call(event="x" * size) == size
    assert functions.call(event="x" * size) == size


def test_response_payload_limit(functions: Functions) -> None:
    functions.create(code="def handler(event, context):\n    return 'x' * event\n", MemorySize=512)
    limit = limits.PAYLOAD_SYNC.value
    assert len(functions.call(event=limit - 2)) == limit - 2
    answer = functions.client.invoke(FunctionName="f", Payload=str(limit).encode())
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(
    ("name", "qualifier", "code"),
    [
        ("missing", None, "ResourceNotFoundException"),
        ("f", "7", "ResourceNotFoundException"),
        ("f", "nolive", "ResourceNotFoundException"),
        ("f:1", "2", "InvalidParameterValueException"),
        ("no spaces", None, "ValidationException"),
        ("x" * 65, None, "ValidationException"),
        ("arn:aws:lambda:us-east-1:999999999999:function:f", None, "ResourceNotFoundException"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:f", None, "ResourceNotFoundException"),
    ],
)
def test_who_is_not_there_is_not_found(
    clients: _ANY, functions: Functions, name: str, qualifier: str | None, code: str
) -> None:
    functions.create()
    client = clients("lambda", parameter_validation=False)
    options = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    assert _refused(lambda: client.invoke(**options))["Error"]["Code"] == code


def test_invocation_type_that_is_none_is_refused(clients: _ANY, functions: Functions) -> None:
    functions.create()
    client = clients("lambda", parameter_validation=False)
    refused = _refused(lambda: client.invoke(FunctionName="f", InvocationType="Later"))
    assert "[DryRun, Event, RequestResponse]" in refused["Error"]["Message"]


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import nothing_of_the_kind", "app.handler", "Runtime.ImportModuleError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "nodot", "Runtime.MalformedHandlerName"),
        ("def handler(e, c):\n    return {1}", "app.handler", "Runtime.MarshalError"),
        ("import os\ndef handler(e, c):\n    os._exit(3)", "app.handler", "Runtime.ExitError"),
        ("import sys\nsys.exit(2)", "app.handler", "Runtime.ExitError"),
        ("def handler(", "app.handler", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_errors_of_the_runtime_reach_the_caller(
    functions: Functions, source: str, handler: str, kind: str
) -> None:
    functions.create(code=source, Handler=handler)
    answer = functions.client.invoke(FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"])["errorType"] == kind


# -- names and qualifiers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "f",
        "f:1",
        "f:live",
        ARN,
        f"{ARN}:1",
        f"{ARN}:live",
        "123456789012:function:f:1",
        "f:$LATEST",
    ],
)
def test_every_way_to_name_a_function(functions: Functions, name: str) -> None:
    functions.create(
        code="def handler(event, context):\n    return context.invoked_function_arn\n", Publish=True
    )
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    qualifier = name.split("f:")[1] if "f:" in name.removeprefix("arn:aws:lambda") else ""
    wanted = f"{ARN}:{qualifier}" if qualifier and not qualifier.startswith("us-") else ARN
    assert functions.call(name) == wanted


def test_versions_stand_still_while_latest_moves(functions: Functions) -> None:
    functions.create(
        code="def handler(e, c):\n    return ['one', c.function_version]\n", Publish=True
    )
    functions.client.update_function_code(
        FunctionName="f",
        ZipFile=deployment_package(
            {"app.py": "def handler(e, c):\n    return ['two', c.function_version]\n"}
        ),
    )
    assert functions.client.publish_version(FunctionName="f")["Version"] == "2"
    assert functions.call(Qualifier="1") == ["one", "1"]
    assert functions.call(Qualifier="2") == ["two", "2"]
    assert functions.call() == ["two", "$LATEST"]
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    answer = functions.client.invoke(FunctionName="f", Qualifier="live")
    assert answer["ExecutedVersion"] == "1"
    functions.client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert functions.call(Qualifier="live") == ["two", "2"]


def test_weights_of_an_alias_share_the_requests_out(functions: Functions) -> None:
    functions.create(code=VERSION, Publish=True)
    functions.client.update_function_configuration(FunctionName="f", Description="two")
    functions.client.publish_version(FunctionName="f")
    functions.client.create_alias(
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    seen: Counter[str] = Counter()
    for _ in range(200):
        answer = functions.client.invoke(FunctionName="f", Qualifier="live")
        assert json.load(answer["Payload"]) == answer["ExecutedVersion"]
        seen[answer["ExecutedVersion"]] += 1
    assert set(seen) == {"1", "2"}
    assert 25 <= seen["2"] <= 80  # 50 expected; the draw is seeded
    for weight, version in ((1.0, "2"), (0.0, "1")):
        functions.client.update_alias(
            FunctionName="f",
            Name="live",
            RoutingConfig={"AdditionalVersionWeights": {"2": weight}},
        )
        assert {functions.call(Qualifier="live") for _ in range(20)} == {version}


# -- concurrency ------------------------------------------------------------------


def test_concurrent_requests_get_environments_of_their_own(
    functions: Functions, sandbox: Sandbox
) -> None:
    functions.create(
        code="import os, time\ndef handler(e, c):\n    time.sleep(0.5)\n    return os.getpid()\n",
        Timeout=20,
    )
    answers: list[int] = []
    callers = [threading.Thread(target=lambda: answers.append(functions.call())) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(set(answers)) == 5
    assert len(sandbox.status()["environments"]) == 5


def test_reserved_concurrency_refuses_with_429_and_its_reason(
    functions: Functions, sandbox: Sandbox
) -> None:
    functions.create(code=SLEEPER, Timeout=10)
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    caller = threading.Thread(target=functions.call, args=("f", 1))
    caller.start()
    _busy(sandbox)
    refused = _refused(lambda: functions.call(event=0))
    caller.join()
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused["Error"]["Code"] == "TooManyRequestsException"
    assert refused["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert functions.call(event=0) == 0, "and takes the next one"
    (throttled,) = [event for event in sandbox.events() if event.type == "Throttled"]
    assert throttled.reason == refused["Reason"]  # type: ignore[attr-defined]

    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert _refused(functions.call)["Reason"].startswith("Reserved"), "0 turns it off"
    functions.client.delete_function_concurrency(FunctionName="f")
    assert functions.call(event=0) == 0


def test_account_concurrency_refuses_what_is_not_reserved(
    functions: Functions, sandbox: Sandbox
) -> None:
    functions.create(code=SLEEPER, Timeout=10)
    functions.create("g")
    sandbox.settings(account_concurrency=1)
    caller = threading.Thread(target=functions.call, args=("f", 1))
    caller.start()
    _busy(sandbox)
    refused = _refused(lambda: functions.call("g"))
    caller.join()
    assert refused["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert functions.call("g", 1) == 1


def test_a_hundred_must_stay_unreserved(functions: Functions) -> None:
    functions.create()
    put = functions.client.put_function_concurrency
    put(FunctionName="f", ReservedConcurrentExecutions=900)
    refused = _refused(lambda: put(FunctionName="f", ReservedConcurrentExecutions=901))
    assert "below its minimum value of [100]" in refused["Error"]["Message"]
    settings = functions.client.get_account_settings()["AccountLimit"]
    assert settings["UnreservedConcurrentExecutions"] == 100


# -- updates ------------------------------------------------------------------


def test_update_while_one_runs_lets_it_finish_and_retires_it(
    functions: Functions, sandbox: Sandbox
) -> None:
    functions.create(code=SLEEPER, Timeout=10)
    answers: list[object] = []
    caller = threading.Thread(target=lambda: answers.append(functions.call(event=1)))
    caller.start()
    _busy(sandbox)
    old = sandbox.status()["environments"][0]["id"]
    functions.client.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"NEW": "1"}}
    )
    assert functions.call(event=0) == 0
    caller.join()
    assert answers == [1]
    assert until(lambda: old not in [one["id"] for one in sandbox.status()["environments"]])
    causes = [event.cause for event in sandbox.events() if event.type == "ShutdownStarted"]  # type: ignore[attr-defined]
    assert causes == ["update"]


def test_delete_retires_environments(functions: Functions, sandbox: Sandbox) -> None:
    functions.create()
    functions.call()
    functions.client.delete_function(FunctionName="f")
    assert until(lambda: not sandbox.status()["environments"])
    causes = [event.cause for event in sandbox.events() if event.type == "ShutdownStarted"]  # type: ignore[attr-defined]
    assert causes == ["delete"]


def test_idle_environments_can_be_retired_now_or_by_their_lifetime(
    functions: Functions, sandbox: Sandbox
) -> None:
    functions.create("a")
    functions.create("b")
    for name in ("a", "b"):
        functions.call(name)
    assert sandbox.shutdown_idle("a") == 1
    assert [one["function"] for one in sandbox.status()["environments"]] == ["b"]
    sandbox.settings(idle_lifetime=0.2)
    assert until(lambda: not sandbox.status()["environments"])


# -- logs ------------------------------------------------------------------


def test_log_is_in_cloudwatch_logs(clients: _ANY, functions: Functions, sandbox: Sandbox) -> None:
    functions.create(code="print('while init')\ndef handler(e, c):\n    print('hello', e)\n")
    for number in (1, 2):
        functions.call(event=number)
    client = clients("logs")
    (stream,) = client.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    (environment,) = sandbox.status()["environments"]
    assert re.fullmatch(
        rf"\d{{4}}/\d\d/\d\d/\[\$LATEST\]{environment['id']}", stream["logStreamName"]
    )
    events = client.get_log_events(
        logGroupName="/aws/lambda/f", logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    kinds = [event["message"].split()[0] for event in events]
    assert kinds == ["INIT_START", "while", *(["START", "hello", "END", "REPORT"] * 2)]
    assert [event["timestamp"] for event in events] == sorted(e["timestamp"] for e in events)


def test_json_log_format_and_group_of_the_configuration(
    clients: _ANY, functions: Functions
) -> None:
    functions.create(
        code="import logging\ndef handler(e, c):\n"
        "    logging.getLogger().info('quiet')\n"
        "    logging.getLogger().error('loud')\n",
        LoggingConfig={
            "LogFormat": "JSON",
            "ApplicationLogLevel": "ERROR",
            "SystemLogLevel": "INFO",
            "LogGroup": "/my/group",
        },
    )
    functions.call()
    events = clients("logs").filter_log_events(logGroupName="/my/group")["events"]
    records = [json.loads(event["message"]) for event in events]
    kinds = [record.get("type", record.get("message")) for record in records]
    assert kinds == ["platform.initStart", "platform.start", "loud", "platform.report"]
    assert records[-1]["record"]["metrics"]["initDurationMs"] > 0
    groups = clients("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/my/group"]


# -- layers and other runtimes ---------------------------------------------------------------


def _layer(functions: Functions, name: str, files: dict[str, str]) -> str:
    made = functions.client.publish_layer_version(
        LayerName=name, Content={"ZipFile": deployment_package(files)}
    )
    return str(made["LayerVersionArn"])


def test_layers_are_joined_later_ones_on_top(functions: Functions) -> None:
    first = _layer(functions, "first", {"python/shared.py": "WHO = 'first'\n", "data/a": "a"})
    second = _layer(functions, "second", {"python/shared.py": "WHO = 'second'\n", "data/b": "b"})
    functions.create(
        code="import os, shared\ndef handler(e, c):\n"
        "    return [shared.WHO, sorted(os.listdir('/opt/data'))]\n",
        Layers=[first, second],
    )
    assert functions.call() == ["second", ["a", "b"]]
    functions.client.update_function_configuration(FunctionName="f", Layers=[first])
    assert functions.call() == ["first", ["a"]]


def test_function_keeps_a_layer_that_was_deleted(functions: Functions) -> None:
    arn = _layer(functions, "gone", {"python/shared.py": "WHO = 'still here'\n"})
    functions.create(
        code="import shared\ndef handler(e, c):\n    return shared.WHO\n", Layers=[arn]
    )
    functions.client.delete_layer_version(LayerName="gone", VersionNumber=1)
    assert functions.call() == "still here"
    sixth = [f"arn:aws:lambda:us-east-1:123456789012:layer:l{n}:1" for n in range(6)]
    refused = _refused(lambda: functions.create("g", Layers=sixth))
    assert "more than 5 layers" in refused["Error"]["Message"]


def test_extension_in_a_layer_runs_and_hears_of_shutdown(
    clients: _ANY, functions: Functions, sandbox: Sandbox
) -> None:
    from tests.sandbox.engine.test_extensions import EXTENSION

    layer = _layer(
        functions,
        "watch",
        {"extensions/watcher": EXTENSION.format(after="pass"), "python/x.py": ""},
    )
    functions.create(Layers=[layer], Timeout=10)
    assert functions.call(event=1) == 1
    (registered,) = [event for event in sandbox.events() if event.type == "ExtensionRegistered"]
    assert registered.extension == "watcher"  # type: ignore[attr-defined]
    sandbox.shutdown_idle()
    messages = [
        event["message"]
        for event in clients("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    ]
    assert "extension got SHUTDOWN spindown" in messages


BOOTSTRAP = """#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  HEAD=$(mktemp)
  EVENT=$(curl -sS -D "$HEAD" "$API/next")
  ID=$(grep -i lambda-runtime-aws-request-id "$HEAD" | tr -d '[:space:]' | cut -d: -f2)
  echo "shell got $EVENT"
  curl -sS -X POST "$API/$ID/response" -d "{\\"echo\\": $EVENT}" > /dev/null
done
"""


def test_provided_runtime_runs_a_shell_script(functions: Functions) -> None:
    import shutil

    if shutil.which("curl") is None:
        pytest.skip("the script asks the Runtime API with curl; bootstrap in Python is tested too")
    functions.create(
        code={"bootstrap": BOOTSTRAP}, Runtime="provided.al2023", Handler="any", Timeout=20
    )
    assert functions.call(event=[1]) == {"echo": [1]}
    assert functions.call(event=[2]) == {"echo": [2]}


def test_bootstrap_that_is_missing_is_named(functions: Functions) -> None:
    functions.create(code={"readme": "x"}, Runtime="provided.al2", Handler="any")
    error = functions.call()
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "/var/task/bootstrap" in error["errorMessage"]


# -- many ------------------------------------------------------------------


def _descriptors(box: Sandbox) -> list[str]:
    import os

    folder = f"/proc/{box.pid}/fd"
    return [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]  # noqa: PTH115, PTH208


def test_fifty_functions_at_once_then_none(functions: Functions, sandbox: Sandbox) -> None:
    """Create, invoke, update, invoke and delete 50 functions in parallel: nothing is left."""
    import psutil

    server = psutil.Process(sandbox.pid)
    functions.create("warm")
    functions.call("warm")
    functions.client.delete_function(FunctionName="warm")
    assert until(lambda: not sandbox.status()["environments"])
    assert until(lambda: not list((sandbox.folder / "code").iterdir()), 15)
    files = server.num_fds()
    problems: list[BaseException] = []

    def life(number: int) -> None:
        name = f"f{number}"
        try:
            functions.create(name, f"def handler(e, c):\n    return {number}\n", Timeout=60)
            assert (answer := functions.call(name)) == number, answer
            functions.client.update_function_code(
                FunctionName=name,
                ZipFile=deployment_package({"app.py": f"def handler(e, c): return -{number}\n"}),
            )
            assert (answer := functions.call(name)) == -number, answer
            functions.client.delete_function(FunctionName=name)
        except BaseException as error:  # noqa: BLE001 - shown below
            problems.append(error)

    threads = [threading.Thread(target=life, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert functions.client.list_functions()["Functions"] == []
    assert until(lambda: not sandbox.status()["environments"], 20)
    # Both halves of the zygote, and the process that waits to become the next environment.
    assert until(lambda: len(server.children(recursive=True)) <= 3)
    assert until(lambda: not list((sandbox.folder / "code").iterdir()), 20)
    assert not list((sandbox.folder / "engine" / "environments").rglob("tmp/*"))
    # Each of the 50 connections has a thread and a descriptor there; urllib3 closes them when
    # their pool is collected.
    functions.client.close()
    gc.collect()
    assert until(lambda: server.num_fds() <= files + 2, 20), _descriptors(sandbox)
