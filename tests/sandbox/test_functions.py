"""Creating and changing functions: what is stored, and what is refused in AWS's words."""

from __future__ import annotations

import io
import json
import re
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox
from tests.conftest import ECHO, TRUST, Functions

_ANY = Callable[..., Any]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    """Return code and message of the error that ``call`` must give."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def dead_letter_queue(clients: _ANY) -> str:
    """Make a queue that the functions' role may send to."""
    clients("sqs").create_queue(QueueName="dlq")
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    clients("iam").put_role_policy(
        RoleName="lambda",
        PolicyName="dlq",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return "arn:aws:sqs:us-east-1:123456789012:dlq"


def test_created_function_is_complete(clients: _ANY, functions: Functions) -> None:
    queue = dead_letter_queue(clients)
    made = functions.create(
        MemorySize=256,
        Timeout=7,
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/my/group"},
        TracingConfig={"Mode": "Active"},
        DeadLetterConfig={"TargetArn": queue},
        Environment={"Variables": {"KEY": "1"}},
        Description="d",
    )
    found = functions.client.get_function_configuration(FunctionName="f")
    for config in (made, found):
        assert config["State"] == "Active"
        assert config["LastUpdateStatus"] == "Successful"
        assert config["MemorySize"] == 256
        assert config["Timeout"] == 7
        assert config["EphemeralStorage"] == {"Size": 1024}
        assert config["LoggingConfig"] == {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "SystemLogLevel": "INFO",
            "LogGroup": "/my/group",
        }
        assert config["TracingConfig"] == {"Mode": "Active"}
        assert config["DeadLetterConfig"]["TargetArn"].endswith(":dlq")
        assert config["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
        assert config["Environment"] == {"Variables": {"KEY": "1"}}
        assert config["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:f"
        assert re.fullmatch(r"[0-9a-f-]{36}", config["RevisionId"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}\+0000", config["LastModified"])
    assert made["RevisionId"] == found["RevisionId"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"MemorySize": 127}, "ValidationException", "'127' at 'memorySize'"),
        ({"MemorySize": 10241}, "ValidationException", "less than or equal to 10240"),
        ({"Timeout": 0}, "ValidationException", "greater than or equal to 1"),
        ({"Timeout": 901}, "ValidationException", "less than or equal to 900"),
        ({"EphemeralStorage": {"Size": 511}}, "ValidationException", "ephemeralStorage.size"),
        ({"EphemeralStorage": {"Size": 10241}}, "ValidationException", "equal to 10240"),
        ({"Handler": "with space"}, "ValidationException", "'handler'"),
        ({"Handler": "a" * 129}, "ValidationException", "length less than or equal to 128"),
        ({"Runtime": "nodejs22.x"}, "InvalidParameterValueException", "python3.x"),
        ({"Runtime": "python2.7"}, "InvalidParameterValueException", "provided.al2023"),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "Zip"),
        ({"Role": "not-an-arn"}, "ValidationException", "'not-an-arn' at 'role'"),
        (
            {"Role": "arn:aws:iam::123456789012:role/missing"},
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            {"Role": "arn:aws:iam::999999999999:role/theirs"},
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x", "LAMBDA_TASK_ROOT": "y"}}},
            "InvalidParameterValueException",
            "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT",
        ),
        (
            {"Environment": {"Variables": {"1A": "x"}}},
            "ValidationException",
            "'environment.variables'",
        ),
        (
            {"Environment": {"Variables": {"BIG": "x" * 4096}}},
            "InvalidParameterValueException",
            "exceeded the 4KB limit. String measured: {",
        ),
        ({"LoggingConfig": {"LogFormat": "XML"}}, "ValidationException", "[JSON, Text]"),
        (
            {"LoggingConfig": {"SystemLogLevel": "WARN"}},
            "InvalidParameterValueException",
            "LogFormat is set to Text",
        ),
        ({"Architectures": ["sparc"]}, "ValidationException", "x86_64"),
        ({"FunctionName": "no spaces"}, "ValidationException", "'functionName'"),
        ({"FunctionName": "n" * 65}, "ValidationException", "less than or equal to 64"),
        (
            {"Code": {"ZipFile": b"this is no zip"}},
            "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        ({"Code": {}}, "InvalidParameterValueException", "provide a source"),
        (
            {"Code": {"S3Bucket": "nowhere", "S3Key": "k"}},
            "InvalidParameterValueException",
            "NoSuchBucket",
        ),
        ({"Layers": ["x"]}, "ValidationException", "'layers'"),
    ],
)
def test_bad_create_is_refused_and_leaves_nothing(
    clients: _ANY, role: str, options: dict[str, Any], code: str, words: str
) -> None:
    client = clients("lambda", parameter_validation=False)
    spec = {
        "FunctionName": "f",
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": role,
        "Code": {"ZipFile": deployment_package({"app.py": ECHO})},
    }
    got = refused(lambda: client.create_function(**(spec | options)))
    assert got[0] == code
    assert words in got[1]
    assert client.list_functions()["Functions"] == []


def test_runtime_and_handler_are_mandatory(clients: _ANY, role: str) -> None:
    client = clients("lambda", parameter_validation=False)
    package = {"ZipFile": deployment_package({"app.py": ECHO})}
    code, words = refused(lambda: client.create_function(FunctionName="f", Role=role, Code=package))
    assert (code, words[:19]) == ("InvalidParameterValueException", "Runtime and Handler")


def test_role_must_trust_lambda(clients: _ANY, functions: Functions) -> None:
    other = clients("iam").create_role(
        RoleName="ec2", AssumeRolePolicyDocument=TRUST.replace("lambda.", "ec2.")
    )["Role"]["Arn"]
    assert "cannot be assumed by Lambda" in refused(lambda: functions.create(Role=other))[1]
    functions.create()
    update = functions.client.update_function_configuration
    assert "cannot be assumed" in refused(lambda: update(FunctionName="f", Role=other))[1]
    assert functions.client.get_function(FunctionName="f")["Configuration"]["Role"] != other


def test_environment_of_just_under_4_kb_is_taken(functions: Functions) -> None:
    size = 4096 - len(json.dumps({"KEY": ""}, separators=(",", ":")))
    functions.create(Environment={"Variables": {"KEY": "x" * size}})
    too_much = {"Variables": {"KEY": "x" * (size + 1)}}
    assert "4KB" in refused(lambda: functions.create("g", Environment=too_much))[1]


def test_name_is_taken_once(functions: Functions) -> None:
    functions.create()
    assert refused(functions.create) == (
        "ResourceConflictException",
        "Function already exist: f",
    )


def _zip(entries: dict[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in entries.items():
            package.writestr(name, data)
    return buffer.getvalue()


def _link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    "package",
    [
        _zip({"../outside.py": b"x"}),
        _zip({"/etc/outside.py": b"x"}),
        _zip({"a/../../outside.py": b"x"}),
        _zip({_link("leak"): b"/etc/passwd"}),
        _zip({_link("leak"): b"../../.."}),
        _zip({_link("d"): b".", "d/app.py": b"x"}),
        deployment_package({"app.py": ECHO * 100})[:-30],
        b"",
    ],
    ids=["up", "absolute", "around", "link", "link up", "through link", "cut", "empty"],
)
def test_zip_that_leads_outside_or_is_damaged_is_refused(
    functions: Functions, package: bytes, sandbox: Sandbox
) -> None:
    code, words = refused(lambda: functions.create(code=package))
    assert code == "InvalidParameterValueException"
    assert "unzip" in words or "non-empty" in words
    kept = [path.name for path in (sandbox.folder / "code").glob("*")]
    assert not [name for name in kept if name.endswith(".new")]


def test_corrupt_content_is_found_when_it_is_created(functions: Functions) -> None:
    package = bytearray(_zip({"app.py": bytes(range(256)) * 40}))
    package[60] ^= 0xFF
    assert "unzip" in refused(lambda: functions.create(code=bytes(package)))[1]


def test_unpacked_size_is_limited_even_if_the_zip_lies(functions: Functions) -> None:
    package = _zip({f"zeros{n}": bytes(90 * 1024 * 1024) for n in range(3)})
    words = "Unzipped size must be smaller than 262144000 bytes"
    assert refused(lambda: functions.create(code=package)) == (
        "InvalidParameterValueException",
        words,
    )


def test_zip_over_50_mb_must_come_by_s3(functions: Functions) -> None:
    import os

    package = _zip({"noise": os.urandom(50 * 1024 * 1024)})
    code, words = refused(lambda: functions.create(code=package))
    assert code == "RequestEntityTooLargeException"
    assert "69905067 bytes" in words


def test_modes_and_inner_links_survive(functions: Functions, sandbox: Sandbox) -> None:
    package = deployment_package({"app.py": ECHO, "bootstrap": "#!/bin/sh\n"})
    buffer = io.BytesIO(package)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(_link("lib/alias.py"), b"../app.py")
    functions.create(code=buffer.getvalue())
    (folder,) = (sandbox.folder / "code").iterdir()
    assert stat.S_IMODE((folder / "app.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((folder / "bootstrap").stat().st_mode) == 0o555
    assert (folder / "lib/alias.py").read_text() == ECHO


def test_code_from_s3(clients: _ANY, functions: Functions) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    texts = [f"def handler(e, c):\n    return {n}\n" for n in (1, 2)]
    ids = [
        s3.put_object(Bucket="code", Key="k.zip", Body=deployment_package({"app.py": text}))[
            "VersionId"
        ]
        for text in texts
    ]
    functions.create(Code={"S3Bucket": "code", "S3Key": "k.zip"})
    assert functions.call() == 2
    functions.client.update_function_code(
        FunctionName="f", S3Bucket="code", S3Key="k.zip", S3ObjectVersion=ids[0]
    )
    assert functions.call() == 1
    missing = refused(lambda: functions.create("g", Code={"S3Bucket": "code", "S3Key": "no"}))
    assert "NoSuchKey" in missing[1]


def test_update_of_code_changes_what_runs(functions: Functions) -> None:
    before = functions.create(code="def handler(e, c):\n    return 'old'\n")
    assert functions.call() == "old"
    package = deployment_package({"app.py": "def handler(e, c):\n    return 'new'\n"})
    update = functions.client.update_function_code
    dry = update(FunctionName="f", ZipFile=package, DryRun=True)
    assert dry["CodeSha256"] == before["CodeSha256"]
    assert functions.call() == "old"
    after = update(FunctionName="f", ZipFile=package)
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["RevisionId"] != before["RevisionId"]
    assert functions.call() == "new"


def test_update_of_configuration_changes_what_runs(clients: _ANY, functions: Functions) -> None:
    functions.create(code="import os\ndef handler(e, c):\n    return os.environ.get('VAR')\n")
    assert functions.call() is None
    update = functions.client.update_function_configuration
    update(FunctionName="f", Environment={"Variables": {"VAR": "1"}})
    assert functions.call() == "1"
    update(FunctionName="f", Environment={"Variables": {}})
    assert functions.call() is None
    changed = update(
        FunctionName="f",
        EphemeralStorage={"Size": 2048},
        LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"},
        TracingConfig={"Mode": "Active"},
        DeadLetterConfig={"TargetArn": dead_letter_queue(clients)},
        FileSystemConfigs=[
            {
                "Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-"
                "0123456789abcdef0",
                "LocalMountPath": "/mnt/x",
            }
        ],
    )
    assert changed["EphemeralStorage"] == {"Size": 2048}
    assert changed["LoggingConfig"]["SystemLogLevel"] == "WARN"
    assert changed["TracingConfig"] == {"Mode": "Active"}
    assert changed["DeadLetterConfig"]["TargetArn"].endswith("dlq")
    assert changed["FileSystemConfigs"][0]["LocalMountPath"] == "/mnt/x"


def test_bad_update_changes_nothing(clients: _ANY, functions: Functions) -> None:
    functions.create()
    before = functions.client.get_function_configuration(FunctionName="f")
    update = clients("lambda", parameter_validation=False).update_function_configuration
    for options in (
        {"MemorySize": 1, "Timeout": 9},
        {"Timeout": 9, "Environment": {"Variables": {"AWS_REGION": "x"}}},
        {"Timeout": 9, "Runtime": "java21"},
        {"Timeout": 9, "RevisionId": "old"},
        {"Timeout": 9, "Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:no:1"]},
    ):
        refused(lambda options=options: update(FunctionName="f", **options))  # type: ignore[misc]
    after = functions.client.get_function_configuration(FunctionName="f")
    del before["ResponseMetadata"], after["ResponseMetadata"]
    assert after == before


def test_revision_guards_both_updates(functions: Functions) -> None:
    revision = functions.create()["RevisionId"]
    client = functions.client
    changed = client.update_function_configuration(FunctionName="f", Timeout=5, RevisionId=revision)
    stale = refused(
        lambda: client.update_function_code(
            FunctionName="f",
            ZipFile=deployment_package({"app.py": ECHO}),
            RevisionId=revision,
        )
    )
    assert stale[0] == "PreconditionFailedException"
    assert changed["RevisionId"] != revision


def test_delete_takes_everything_with_it(functions: Functions, sandbox: Sandbox) -> None:
    functions.create(Publish=True)
    client = functions.client
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=7)
    client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )
    functions.call()
    client.delete_function(FunctionName="f")
    assert refused(functions.call)[0] == "ResourceNotFoundException"
    deadline = time.monotonic() + 10
    while sandbox.status()["environments"] or _kept(sandbox):
        assert time.monotonic() < deadline, "environments or unpacked code were left"
        time.sleep(0.05)
    functions.create()
    assert client.list_aliases(FunctionName="f")["Aliases"] == []
    assert len(client.list_versions_by_function(FunctionName="f")["Versions"]) == 1
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="f")
    assert refused(lambda: client.get_policy(FunctionName="f"))[0] == "ResourceNotFoundException"


def _kept(sandbox: Sandbox) -> list[Path]:
    return list((sandbox.folder / "code").iterdir())


def test_same_code_is_unpacked_once(functions: Functions, sandbox: Sandbox) -> None:
    for name in ("a", "b", "c"):
        functions.create(name)
        functions.call(name)
    assert len(_kept(sandbox)) == 1
    functions.client.delete_function(FunctionName="a")
    assert functions.call("b", 5) == 5


def test_notice_when_pythons_differ(functions: Functions, sandbox: Sandbox) -> None:
    functions.create(Runtime="python3.99")
    (notice,) = [event for event in sandbox.events() if event.type == "Notice"]
    assert notice.key == "notice.runtime_differs"  # type: ignore[attr-defined]
    assert notice.values["runtime"] == "python3.99"  # type: ignore[attr-defined]
    assert functions.call(event=3) == 3


def test_other_services_reach_a_function_asynchronously(
    clients: _ANY, functions: Functions, sandbox: Sandbox
) -> None:
    functions.create(code="def handler(e, c):\n    print('got', e['Records'][0]['Sns'])\n")
    sns = clients("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    functions.client.add_permission(
        FunctionName="f",
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello there")
    for event in sandbox.follow():
        if event.type == "LogLine" and "hello there" in event.line:  # type: ignore[attr-defined]
            break
    received = [event for event in sandbox.events() if event.type == "InvokeReceived"]
    assert received[0].invocation_type == "Event"  # type: ignore[attr-defined]
