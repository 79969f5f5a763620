"""Saving, loading, resetting: everything comes back, and a bad file changes nothing."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox, SandboxError
from lambdalab.sandbox.events import SandboxReset
from lambdalab.sandbox.state import _MAGIC
from tests.conftest import Clients, Functions
from tests.sandbox.conftest import Place

_ANY = Callable[..., Any]
COUNTER = """
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("call", calls)
    return [calls, os.environ["GREETING"], context.function_version]
"""


def _fill(clients: _ANY, functions: Functions) -> None:
    layer = functions.client.publish_layer_version(
        LayerName="l", Content={"ZipFile": deployment_package({"python/extra.py": "A = 1\n"})}
    )["LayerVersionArn"]
    functions.create(
        code=COUNTER, Layers=[layer], Environment={"Variables": {"GREETING": "你好"}}, Publish=True
    )
    functions.client.create_alias(
        FunctionName="f", Name="live", FunctionVersion="1", Description="d"
    )
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=3)
    sqs = clients("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waits")
    clients("s3").create_bucket(Bucket="bucket")
    clients("s3").put_object(Bucket="bucket", Key="k", Body=b"object")
    table = clients("dynamodb")
    table.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(TableName="t", Item={"id": {"S": "1"}})
    clients("sns").create_topic(Name="topic")


def _looks_filled(clients: _ANY, functions: Functions) -> None:
    config = functions.client.get_function_configuration(FunctionName="f", Qualifier="live")
    assert config["Version"] == "1" and len(config["Layers"]) == 1
    concurrency = functions.client.get_function_concurrency(FunctionName="f")
    assert concurrency["ReservedConcurrentExecutions"] == 3
    url = clients("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    (message,) = clients("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    assert message["Body"] == "waits"
    assert clients("s3").get_object(Bucket="bucket", Key="k")["Body"].read() == b"object"
    assert clients("dynamodb").scan(TableName="t")["Items"] == [{"id": {"S": "1"}}]
    assert clients("sns").list_topics()["Topics"][0]["TopicArn"].endswith(":topic")
    assert clients("iam").get_role(RoleName="lambda")["Role"]["Arn"] == functions.role


def _messages(clients: _ANY) -> list[str]:
    events = clients("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    return [event["message"].strip() for event in events]


def test_everything_comes_back_and_starts_cold(
    clients: _ANY, functions: Functions, sandbox: Sandbox, tmp_path: Path
) -> None:
    _fill(clients, functions)
    assert functions.call(Qualifier="live") == [1, "你好", "1"]
    assert functions.call(Qualifier="live") == [2, "你好", "1"]
    file = sandbox.save(tmp_path / "state.lab")
    _looks_filled(clients, functions)  # saving changes nothing

    sandbox.reset()
    assert functions.client.list_functions()["Functions"] == []
    assert clients("s3").list_buckets()["Buckets"] == []
    sandbox.load(file)
    _looks_filled(clients, functions)
    assert _messages(clients).count("call 2") == 1, "the log of before is there"
    assert functions.call(Qualifier="live") == [1, "你好", "1"], "environments are not saved"
    assert _messages(clients).count("call 1") == 2, "and it goes on"
    assert isinstance(sandbox.events()[0], SandboxReset)
    sandbox.save(file)  # what was loaded can be saved


def test_versions_go_on_counting_after_a_load(
    functions: Functions, sandbox: Sandbox, tmp_path: Path
) -> None:
    functions.create(Publish=True)
    file = sandbox.save(tmp_path / "state.lab")
    sandbox.load(file)
    functions.client.update_function_code(
        FunctionName="f", ZipFile=deployment_package({"app.py": "def handler(e, c): return 2\n"})
    )
    assert functions.client.publish_version(FunctionName="f")["Version"] == "2"
    assert functions.call(event=1, Qualifier="1") == 1
    assert functions.call(Qualifier="2") == 2


def test_another_sandbox_can_load_it(
    clients: _ANY, functions: Functions, sandbox: Sandbox, place: Place, all_clients: Clients
) -> None:
    _fill(clients, functions)
    file = sandbox.save(place.workspace / "state.lab")
    other = place.start()
    other.load(file)
    moved = Functions(all_clients(other, "lambda"), functions.role)
    assert moved.call(Qualifier="live") == [1, "你好", "1"]


def test_a_file_of_format_1_still_loads(
    clients: _ANY, functions: Functions, sandbox: Sandbox, tmp_path: Path
) -> None:
    _fill(clients, functions)
    file = sandbox.save(tmp_path / "state.lab")
    head, _, packed = file.read_bytes().removeprefix(_MAGIC).partition(b"\n")
    header = json.loads(head)
    old = packed[header.pop("keepers") :]  # it had no keepers, and said nothing of them
    header |= {"format": 1, "sha256": sha256(old).hexdigest()}
    file.write_bytes(_MAGIC + json.dumps(header).encode() + b"\n" + old)
    sandbox.reset()
    sandbox.load(file)
    _looks_filled(clients, functions)


def test_reset_empties_everything(clients: _ANY, functions: Functions, sandbox: Sandbox) -> None:
    _fill(clients, functions)
    functions.call()
    before = sandbox.events()[-1].seq
    sandbox.reset()
    status = sandbox.status()
    assert (status["functions"], status["environments"], status["invocations"]) == (0, [], 0)
    assert clients("sqs").list_queues().get("QueueUrls", []) == []
    assert clients("logs").describe_log_groups()["logGroups"] == []
    assert clients("iam").list_roles()["Roles"] == []
    events = sandbox.events()
    assert isinstance(events[0], SandboxReset) and events[0].seq > before


def test_reset_ends_what_still_runs(functions: Functions, sandbox: Sandbox) -> None:
    import threading
    import time

    functions.create(code="import time\ndef handler(e, c):\n    time.sleep(1)\n    return 1\n")
    answers: list[object] = []
    caller = threading.Thread(target=lambda: answers.append(functions.call()))
    caller.start()
    deadline = time.monotonic() + 5
    while not [one for one in sandbox.status()["environments"] if one["state"] == "invoke"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sandbox.reset()
    caller.join()
    assert answers == [1], "a request that was taken gets its answer"
    while sandbox.status()["environments"]:
        assert time.monotonic() < deadline + 5
        time.sleep(0.02)


# -- files that cannot be used -----------------------------------------------------------------


def _with(data: bytes, **header: object) -> bytes:
    """Return a state file with a changed header."""
    head, _, packed = data.removeprefix(_MAGIC).partition(b"\n")
    return _MAGIC + json.dumps(json.loads(head) | header).encode() + b"\n" + packed


def _holding(data: bytes, thing: object) -> bytes:
    packed = zlib.compress(pickle.dumps(thing))
    changed = _with(data, sha256=sha256(packed).hexdigest(), keepers=0)
    header = changed.removeprefix(_MAGIC).partition(b"\n")[0]
    return _MAGIC + header + b"\n" + packed


class _Calls:
    def __init__(self, function: Any, *arguments: object) -> None:
        self._what = (function, arguments)

    def __reduce__(self) -> Any:
        return self._what


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"PK\x03\x04 something else", "is not a saved sandbox"),
        (lambda data: b"", "is not a saved sandbox"),
        (lambda data: data[:-20], "damaged (checksum)"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "damaged (checksum)"),
        (lambda data: data[:40], "damaged (header)"),
        (lambda data: _with(data, moto="4.0.0"), "was saved by moto 4.0.0"),
        (lambda data: _with(data, python="2.7"), "was saved by python 2.7"),
        (lambda data: _with(data, format=99), "was saved by format 99"),
        (lambda data: _holding(data, _Calls(eval, "1")), "builtins.eval"),
        (lambda data: _holding(data, _Calls(exit)), "holds something"),
        (lambda data: _holding(data, {"os:environ": {}}), "os:environ"),
        (lambda data: _holding(data, {"moto.sqs.models:sqs_backends": {"1": {"r": 1}}}), "damaged"),
        (lambda data: _holding(data, [1, 2]), "damaged"),
    ],
    ids=[
        "foreign",
        "empty",
        "cut",
        "bit",
        "header",
        "moto",
        "python",
        "format",
        "eval",
        "exit",
        "place",
        "content",
        "list",
    ],
)
def test_file_that_cannot_be_used_changes_nothing(
    functions: Functions, sandbox: Sandbox, tmp_path: Path, spoil: Any, words: str
) -> None:
    functions.create()
    functions.call()
    file = sandbox.save(tmp_path / "state.lab")
    file.write_bytes(spoil(file.read_bytes()))
    environments = sandbox.status()["environments"]
    with pytest.raises(SandboxError) as caught:
        sandbox.load(file)
    assert words in str(caught.value) and str(file) in str(caught.value)
    assert functions.call(event=7) == 7
    assert sandbox.status()["environments"] == environments, "not even an environment ended"


def test_file_that_is_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be read: No such file"):
        sandbox.load(tmp_path / "no.lab")
    with pytest.raises(SandboxError, match=r"cannot be written to .*No such file"):
        sandbox.save(tmp_path / "no" / "such" / "folder.lab")
    with pytest.raises(SandboxError, match="cannot be read: Is a directory"):
        sandbox.load(tmp_path)


def test_save_of_a_busy_sandbox_waits_for_nobody(
    functions: Functions, sandbox: Sandbox, tmp_path: Path
) -> None:
    import threading
    import time

    functions.create(code="import time\ndef handler(e, c):\n    time.sleep(1.5)\n")
    caller = threading.Thread(target=functions.call)
    caller.start()
    begun = time.monotonic()
    sandbox.save(tmp_path / "state.lab")
    assert time.monotonic() - begun < 1.4
    caller.join()
