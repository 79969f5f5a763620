"""ministack (PyPI): an AWS emulator that runs Python functions in worker processes."""

from __future__ import annotations

import itertools
from pathlib import Path

from benchmarks import install
from benchmarks.contenders.base import Contender, lambda_client
from benchmarks.contenders.process import Server, free_ports
from benchmarks.handlers import MODULE, source
from lambdalab.packaging import deployment_package

__all__ = ["Ministack"]

_ROLE = "arn:aws:iam::000000000000:role/benchmark"


class Ministack(Contender):
    """Cold: the first invoke of a function made just now; it starts a worker for it."""

    name = "ministack"

    def __init__(self, folder: Path, functions: int) -> None:
        super().__init__(folder, functions)
        self._server: Server | None = None
        self._port = 0
        self._numbers = itertools.count()

    @classmethod
    def missing(cls) -> str | None:
        """Look for its environment."""
        return None if install.PYTHON.exists() else "ministack is not installed"

    def versions(self) -> dict[str, str]:
        """Return its version and that of the boto3 its handlers get."""
        found = install.python_versions(("ministack", "boto3"))
        return {"ministack": found["ministack"], "boto3 (peers' handlers)": found["boto3"]}

    def start(self) -> None:
        """Start its server with the local executor, its default."""
        self._port = free_ports(1)[0]
        self._server = Server(
            self.name,
            [str(install.PYTHON), "-m", "ministack"],
            folder=self.folder,
            variables={
                "GATEWAY_PORT": str(self._port),
                "BIND_HOST": "127.0.0.1",
                "LOG_LEVEL": "WARNING",
            },
            port=self._port,
        )
        self._client = lambda_client(self.url)

    @property
    def url(self) -> str:
        """Its one address."""
        return f"http://127.0.0.1:{self._port}"

    def fresh_function(self, kind: str) -> str:
        """Make a function with a package of its own."""
        name = f"{kind}-{next(self._numbers)}"
        self._client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler=f"{MODULE}.handler",
            Role=_ROLE,
            Code={"ZipFile": deployment_package({f"{MODULE}.py": source(kind, name)})},
        )
        return name

    def discard(self, name: str) -> None:
        """Delete the function, which ends its worker."""
        self._client.delete_function(FunctionName=name)

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._client.close()
            self._server.stop()
            self._server = None
