"""lambdalab: the sandbox in its own process, as a notebook would have it."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import os
from pathlib import Path

from benchmarks.contenders.base import Contender, lambda_client, service_client
from benchmarks.handlers import MODULE, source
from lambdalab import __version__
from lambdalab.packaging import deployment_package
from lambdalab.sandbox import Sandbox

__all__ = ["Lambdalab"]

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Lambdalab(Contender):
    """Our own sandbox. Cold: the first invoke of a function made just now."""

    name = "lambdalab"

    def __init__(self, folder: Path, functions: int) -> None:
        super().__init__(folder, functions)
        self._box: Sandbox | None = None
        self._numbers = itertools.count()
        self._role = ""

    @classmethod
    def missing(cls) -> str | None:
        """Nothing: it is this project."""
        return None

    def versions(self) -> dict[str, str]:
        """Return its version and those of what it runs on."""
        return {"lambdalab": __version__} | {
            name: importlib.metadata.version(name)
            for name in ("moto", "boto3", "awslambdaric")
            if _installed(name)
        }

    def start(self) -> None:
        """Start the sandbox; it ends with this process at the latest."""
        self._box = Sandbox.start(
            workspace=self.folder, owner=os.getpid(), configure=False, quiet=True
        )
        roles = service_client("iam", self.url)
        made = roles.create_role(RoleName="benchmark", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self._role = str(made["Role"]["Arn"])
        roles.close()
        self._client = lambda_client(self.url)

    @property
    def url(self) -> str:
        """The sandbox's one address."""
        assert self._box is not None  # started
        return self._box.url

    def fresh_function(self, kind: str) -> str:
        """Make a function with a package of its own."""
        name = f"{kind}-{next(self._numbers)}"
        self._client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler=f"{MODULE}.handler",
            Role=self._role,
            Code={"ZipFile": deployment_package({f"{MODULE}.py": source(kind, name)})},
        )
        return name

    def discard(self, name: str) -> None:
        """Delete the function, and with it its environments."""
        self._client.delete_function(FunctionName=name)

    def stop(self) -> None:
        """End the sandbox."""
        if self._box is not None:
            self._client.close()
            self._box.stop()
            self._box = None


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
