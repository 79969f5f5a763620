"""Real credentials, other hosts, web pages and strangers are refused, on both sides."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.sandbox import Sandbox, credentials
from lambdalab.sandbox.guard import is_loopback
from tests.conftest import TRUST, Functions
from tests.sandbox.conftest import Place

_ANY = Callable[..., Any]
REAL = {"aws_access_key_id": "AKIAREALREALREAL9999", "aws_secret_access_key": "s3cret"}


# -- the server's side ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("lambda", lambda client: client.list_functions()),
        ("lambda", lambda client: client.invoke(FunctionName="f")),
        ("s3", lambda client: client.list_buckets()),
        ("sqs", lambda client: client.list_queues()),
        ("iam", lambda client: client.list_roles()),
        ("dynamodb", lambda client: client.list_tables()),
    ],
    ids=["lambda", "invoke", "s3", "sqs", "iam", "dynamodb"],
)
def test_key_the_sandbox_did_not_give_out_is_refused(
    clients: _ANY, service: str, call: _ANY
) -> None:
    with pytest.raises(ClientError) as caught:
        call(clients(service, **REAL))
    error = caught.value.response["Error"]
    assert error["Code"] == "UnrecognizedClientException"
    assert "AKIA…9999" in error["Message"] and "AKIAREALREALREAL9999" not in error["Message"]


def test_signed_address_with_a_foreign_key_is_refused(sandbox: Sandbox, clients: _ANY) -> None:
    url = clients("s3", **REAL).generate_presigned_url("list_buckets")
    assert _get(sandbox, url.removeprefix(sandbox.url))[0] == 403
    own = clients("s3").generate_presigned_url("list_buckets")
    assert _get(sandbox, own.removeprefix(sandbox.url))[0] == 200


def test_keys_made_in_the_sandbox_are_good(clients: _ANY, role: str) -> None:
    clients("iam").create_user(UserName="u")
    made = clients("iam").create_access_key(UserName="u")["AccessKey"]
    keys = {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
    }
    assert clients("sqs", **keys).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assumed = clients("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {
        "aws_access_key_id": assumed["AccessKeyId"],
        "aws_secret_access_key": assumed["SecretAccessKey"],
        "aws_session_token": assumed["SessionToken"],
    }
    assert clients("lambda", **keys).list_functions()["Functions"] == []


def _get(box: Sandbox, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_other_names_for_this_machine_are_refused(sandbox: Sandbox) -> None:
    """A web page's server may answer with 127.0.0.1 for its own name."""
    status, body = _get(sandbox, "/", Host="evil.example.com:80")
    assert status == 403 and b"evil.example.com" in body
    assert _get(sandbox, "/moto-api/data.json")[0] == 403
    assert _get(sandbox, "/nothing", Host=f"localhost:{sandbox.port}")[0] != 403


def test_web_pages_are_refused(sandbox: Sandbox) -> None:
    assert _get(sandbox, "/", Origin="https://evil.example.com")[0] == 403
    token = {"X-Lambdalab-Token": sandbox._record.token}
    assert _get(sandbox, "/_lambdalab/status", **token)[0] == 200
    page = f"http://localhost:{sandbox.port}"
    assert _get(sandbox, "/_lambdalab/status", Origin=page, **token)[0] == 403


@pytest.mark.parametrize("token", ["", "wrong", "schön"])
def test_control_wants_its_token(sandbox: Sandbox, token: str) -> None:
    status, body = _get(
        sandbox, "/_lambdalab/status", **{"X-Lambdalab-Token": token.encode().decode("latin-1")}
    )
    assert status == 403 and "error" in json.loads(body)


def test_unknown_control_call_and_wrong_body(sandbox: Sandbox) -> None:
    from lambdalab.sandbox import SandboxError

    with pytest.raises(SandboxError, match="no such control call"):
        sandbox._call("GET", "nonsense")
    with pytest.raises(SandboxError, match="JSON object"):
        sandbox._call("POST", "settings", [1])
    with pytest.raises(SandboxError, match="idle_lifetime must be above 0"):
        sandbox.settings(idle_lifetime=0)
    with pytest.raises(SandboxError, match="no setting 'speed'"):
        sandbox.settings(speed=1)


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["line", "header", "length", "chunk"],
)
def test_what_is_not_http_gets_400_and_harms_nobody(sandbox: Sandbox, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(data)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert sandbox.status()["pid"] == sandbox.pid


# -- the caller's side ------------------------------------------------------------------------

LEAVING = """
import socket, sys
asked = []
real = socket.getaddrinfo
def noted(host, *rest, **options):
    asked.append(host)
    return real(host, *rest, **options)
socket.getaddrinfo = noted
from lambdalab.sandbox import Sandbox
{first}
asked.clear()
box = Sandbox.start()
import boto3
try:
    boto3.client("s3", endpoint_url="https://s3.amazonaws.com").list_buckets()
except Exception as error:
    print(type(error).__name__, error)
print(sorted(set(asked) - {{"127.0.0.1"}}))
"""


@pytest.mark.parametrize("first", ["", "import boto3; boto3.client('s3', region_name='us-east-1')"])
def test_client_of_another_host_is_refused_before_anything_is_sent(
    place: Place, first: str
) -> None:
    out, _ = place.run(LEAVING.format(first=first))
    said, asked = out.strip().rsplit("\n", 1)
    assert said.startswith("RemoteCallRefusedError The sandbox stopped a request to s3.amazonaws")
    assert asked == "[]"


def test_handler_cannot_leave_either(functions: Functions) -> None:
    functions.create(
        code="import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3', endpoint_url='https://s3.amazonaws.com').list_buckets()\n"
    )
    error = functions.call()
    assert error["errorType"] == "RemoteCallRefusedError"
    assert "s3.amazonaws.com" in error["errorMessage"]


def test_handler_works_in_the_sandbox(functions: Functions, clients: _ANY) -> None:
    functions.create(
        code="import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').create_queue(QueueName='made-inside')\n",
        Timeout=20,
    )
    assert functions.call() is None
    assert clients("sqs").list_queues()["QueueUrls"][0].endswith("made-inside")


def test_role_that_lambda_may_not_assume_is_of_no_use(clients: _ANY, functions: Functions) -> None:
    other = clients("iam").create_role(
        RoleName="other", AssumeRolePolicyDocument=TRUST.replace("lambda", "ec2")
    )["Role"]["Arn"]
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        functions.create(Role=other)


def test_child_processes_get_no_real_credentials(place: Place) -> None:
    source = (
        "import os, subprocess, sys; from lambdalab.sandbox import Sandbox;"
        "Sandbox.start(quiet=True); subprocess.run([sys.executable, '-c',"
        '\'import os; print(sorted(n for n in os.environ if n.startswith("AWS")),'
        ' os.environ["AWS_ACCESS_KEY_ID"])\'])'
    )
    out, _ = place.run(source, AWS_SESSION_TOKEN="real", AWS_ROLE_ARN="arn:real")
    assert "AWS_SESSION_TOKEN" not in out and "AWS_ROLE_ARN" not in out
    assert credentials.ACCESS_KEY in out


def test_server_is_started_without_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    for name, value in {"AWS_SECRET_ACCESS_KEY": "real", "AWS_PROFILE": "work"}.items():
        monkeypatch.setenv(name, value)
    server = psutil.Process(place.start().pid)
    for process in [server, *server.children(recursive=True)]:
        environ = process.environ()
        assert environ.get("AWS_SECRET_ACCESS_KEY") != "real"
        assert "AWS_PROFILE" not in environ


# -- what loopback is -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "::1", "127.9.9.9"])
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "127.0.0.1.evil.com", "localhost.evil.com", "127.1", "s3.amazonaws.com"],
)
def test_names_of_others(host: str) -> None:
    assert not is_loopback(host)


@given(st.text(max_size=30))
def test_nothing_else_is_loopback(host: str) -> None:
    if is_loopback(host):
        plain = host.lower().rstrip(".")
        assert plain.startswith("127.") or plain in ("::1",) or plain.endswith("localhost")


@given(st.ip_addresses(v=4))
def test_every_address_is_told_apart(address: Any) -> None:
    assert is_loopback(str(address)) == address.is_loopback


def test_guard_is_put_on_once_and_keeps_other_hosts_out() -> None:
    source = """
import lambdalab.sandbox.guard as guard, sys
guard.install(); guard.install()
assert len([f for f in sys.meta_path if type(f).__name__ == "_Finder"]) == 1
import botocore.httpsession as module
first = module.URLLib3Session.send
guard.install()
assert module.URLLib3Session.send is first
"""
    subprocess.run([sys.executable, "-c", source], check=True)
