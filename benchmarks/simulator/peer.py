"""The environment of the worker: where it is, how it comes there, and talking to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.install import FOLDER

__all__ = ["PYTHON", "Worker", "install"]

PYTHON = FOLDER / "simulator" / "bin" / "python"
_PACKAGES = ("simfaas==0.2.2", "numba>=0.61")
_ROOT = Path(__file__).resolve().parents[2]


def install() -> None:
    """Install SimFaaS and numba from PyPI into an environment of their own.

    Raises
    ------
    BenchmarkError
        They cannot be installed, for want of a network perhaps.
    """
    commands = [[str(PYTHON), "-m", "pip", "install", "--quiet", *_PACKAGES]]
    if not PYTHON.exists():
        commands.insert(0, [sys.executable, "-m", "venv", str(PYTHON.parents[1])])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-800:]
            raise BenchmarkError(f"SimFaaS cannot be installed: is there a network?\n{said}")


class Worker:
    """The process that measures."""

    def __init__(self) -> None:
        if not PYTHON.exists():
            raise BenchmarkError("SimFaaS is not installed: --install-peers installs it.")
        self._process = subprocess.Popen(
            [str(PYTHON), "-m", "benchmarks.simulator.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, verb: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever it answers
        """Have one thing measured.

        Raises
        ------
        BenchmarkError
            The worker failed; what it said stands on the terminal.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([verb, *arguments]) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise BenchmarkError(f"the simulator's worker ended at {verb} {arguments}") from error
