"""serverless-offline (npm): the Serverless Framework's plugin that runs functions locally."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

from benchmarks import install
from benchmarks.contenders.base import Contender
from benchmarks.contenders.process import Server, free_ports
from benchmarks.handlers import KINDS, source

__all__ = ["ServerlessOffline"]

_SERVICE, _STAGE = "benchmark", "dev"


class ServerlessOffline(Contender):
    """Cold: the first invoke of a declared function; it starts a Python process for it.

    It has no CreateFunction: all functions stand in its ``serverless.yml`` from the start.
    """

    name = "serverless-offline"

    def __init__(self, folder: Path, functions: int) -> None:
        super().__init__(folder, functions)
        self._server: Server | None = None
        self._port = 0
        self._numbers = {kind: itertools.count() for kind in KINDS}

    @classmethod
    def missing(cls) -> str | None:
        """Look for Node.js, its packages, and the Python its handlers run on."""
        if shutil.which("node") is None:
            return "serverless-offline needs Node.js, and there is no node on the search path"
        if not install.SERVERLESS.exists() or not install.PYTHON.exists():
            return "serverless-offline is not installed"
        return None

    def versions(self) -> dict[str, str]:
        """Return its version, and those of the framework and of Node.js."""
        return install.node_versions(("serverless", "serverless-offline"))

    def start(self) -> None:
        """Write a service and start the plugin on it."""
        names: list[str] = []
        for kind in KINDS:
            for number in range(self.functions):
                name = _module(kind, number)
                (self.folder / f"{name}.py").write_text(source(kind, name), encoding="utf-8")
                names.append(name)
        text = (
            f"service: {_SERVICE}\nframeworkVersion: '3'\n"
            "provider:\n  name: aws\n  runtime: python3.11\n  timeout: 60\n"
            "plugins:\n  - serverless-offline\nfunctions:\n"
        )
        text += "".join(f"  {name}:\n    handler: {name}.handler\n" for name in names)
        (self.folder / "serverless.yml").write_text(text, encoding="utf-8")
        (self.folder / "node_modules").symlink_to(install.SERVERLESS.parents[2])
        http, websocket, balancer, self._port = free_ports(4)
        self._server = Server(
            self.name,
            [
                "node",
                str(install.SERVERLESS),
                *("offline", "start", "--host", "127.0.0.1"),
                *("--httpPort", str(http), "--websocketPort", str(websocket)),
                *("--albPort", str(balancer), "--lambdaPort", str(self._port)),
            ],
            folder=self.folder,
            variables={
                # Its handlers run on the `python3` it finds first.
                "PATH": f"{install.PYTHON.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "SLS_TELEMETRY_DISABLED": "1",
                "SLS_NOTIFICATIONS_MODE": "off",
                "AWS_ACCESS_KEY_ID": "fake",
                "AWS_SECRET_ACCESS_KEY": "fake",
            },
            port=self._port,
        )

    @property
    def url(self) -> str:
        """Address of its Lambda API."""
        return f"http://127.0.0.1:{self._port}"

    def fresh_function(self, kind: str) -> str:
        """Return the next declared function."""
        number = next(self._numbers[kind])
        if number >= self.functions:
            raise AssertionError(f"only {self.functions} {kind} functions were declared")
        return f"{_SERVICE}-{_STAGE}-{_module(kind, number)}"

    def discard(self, name: str) -> None:
        """Do nothing: it ends idle processes itself, after a minute."""

    def stop(self) -> None:
        """End it, and the handlers' processes with it."""
        if self._server is not None:
            self._server.stop()
            self._server = None


def _module(kind: str, number: int) -> str:
    return f"{kind}{number:03d}"
