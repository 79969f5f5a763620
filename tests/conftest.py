"""A real sandbox process for every test that asks for one, empty each time."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lambdalab.packaging import deployment_package
from lambdalab.rules.retries import LAG
from lambdalab.sandbox import Sandbox

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole run: ask for ``sandbox`` instead, which empties it."""
    box = Sandbox.start(
        workspace=tmp_path_factory.mktemp("workspace"), owner=os.getpid(), configure=False
    )
    yield box
    box.stop()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """Return a running, empty sandbox; this process's variables are left alone."""
    shared_sandbox.settings(
        idle_lifetime=600,
        account_concurrency=1000,
        scaling_burst=1000,
        cpu_share=False,
        time_scale=1,
        duplicate_events=False,
        retry_lag=LAG.value,
    )
    shared_sandbox.reset()  # last: service time runs from here on, at its own pace
    return shared_sandbox


class Clients:
    """Makes boto3 clients of a sandbox, without retries, and keeps them."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Any] = {}

    def __call__(self, box: Sandbox, service: str, **options: Any) -> Any:
        import boto3
        from botocore.config import Config

        key = (box.url, service, *sorted(options.items()))
        if key not in self._made:
            checks = options.pop("parameter_validation", True)
            options = {
                "region_name": "us-east-1",
                "aws_access_key_id": "AKIALAMBDALABSANDBOX",
                "aws_secret_access_key": "fake",
            } | options
            config = Config(
                retries={"total_max_attempts": 1},
                parameter_validation=checks,
                max_pool_connections=64,
                read_timeout=60,
            )
            session = boto3.Session()
            self._made[key] = session.client(
                service, endpoint_url=box.url, config=config, **options
            )
        return self._made[key]

    def close(self) -> None:
        for client in self._made.values():
            client.close()


@pytest.fixture(scope="session")
def all_clients() -> Iterator[Clients]:
    clients = Clients()
    with contextlib.closing(clients):
        yield clients


@pytest.fixture
def clients(sandbox: Sandbox, all_clients: Clients) -> Callable[..., Any]:
    """Return ``clients("lambda")``: a boto3 client of the sandbox."""

    def client(service: str, **options: Any) -> Any:
        return all_clients(sandbox, service, **options)

    return client


@pytest.fixture
def role(clients: Callable[..., Any]) -> str:
    """Return the ARN of a role that Lambda may assume."""
    made = clients("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


@dataclass
class Functions:
    """Short ways to make and invoke functions."""

    client: Any
    role: str

    def create(
        self,
        name: str = "f",
        code: str | bytes | Mapping[str, str | bytes] = ECHO,
        **options: Any,
    ) -> dict[str, Any]:
        if isinstance(code, str):
            code = {"app.py": code}
        package = code if isinstance(code, bytes) else deployment_package(code)
        spec = {
            "Runtime": "python3.11",
            "Handler": "app.handler",
            "Role": self.role,
            "Code": {"ZipFile": package},
        }
        made: dict[str, Any] = self.client.create_function(FunctionName=name, **(spec | options))
        return made

    def call(self, name: str = "f", event: object = None, **options: Any) -> Any:
        """Return the decoded answer of a synchronous invoke."""
        answer = self.client.invoke(
            FunctionName=name, Payload=json.dumps(event).encode(), **options
        )
        return json.loads(answer["Payload"].read())


@pytest.fixture
def functions(clients: Callable[..., Any], role: str) -> Functions:
    """Return short ways to make and invoke functions in the sandbox."""
    return Functions(clients("lambda"), role)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give this test an environment without AWS variables, and a folder to be in."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "LAMBDALAB_", "JPY_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    return folder
