"""Sandboxes of a test's own, in folders of its own, and a look at what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from lambdalab.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], object], seconds: float = 8.0) -> bool:
    """Wait for a condition; return whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def runs(process: psutil.Process) -> bool:
    """Tell whether a process is more than an entry that waits for its parent's ``wait``."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def sleepers(mark: str) -> list[psutil.Process]:
    """Return the processes that were started as ``sleep MARK``."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", mark] and runs(process)
    ]


DAEMON = """
import os
def handler(event, context):
    # A double fork into a session of its own: what a daemon does to outlive its parent.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(3):
                os.close(fd)
            os.execvp("sleep", ["sleep", event])
        os._exit(0)
    os.wait()
    return os.getpid()
"""


@dataclass
class Place:
    """A workspace and a root for sandboxes' files, both a test's own."""

    workspace: Path
    runtime: Path
    started: list[Sandbox] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.runtime / "lambdalab"

    def start(self, **options: Any) -> Sandbox:
        """Start or re-join the workspace's sandbox; it ends with this test at the latest."""
        usual: dict[str, Any] = {
            "workspace": self.workspace,
            "owner": os.getpid(),
            "configure": False,
        }
        box = Sandbox.start(**(usual | options))
        self.started.append(box)
        return box

    def environment(self, **values: str) -> dict[str, str]:
        """Return a child's environment: this place's, without AWS variables."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "LAMBDALAB_", "JPY_"))
        }
        return kept | {
            "XDG_RUNTIME_DIR": str(self.runtime),
            "LAMBDALAB_LANG": "en",
            "PWD": str(self.workspace),
            "PYTHONPATH": str(ROOT),
            **values,
        }

    def python(self, source: str, *arguments: str, **values: str) -> subprocess.Popen[str]:
        """Start a script in the workspace."""
        return subprocess.Popen(
            [sys.executable, "-c", source, *arguments],
            cwd=self.workspace,
            env=self.environment(**values),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str, *arguments: str, **values: str) -> tuple[str, str]:
        """Run a script to its end; return what it wrote to stdout and stderr."""
        with self.python(source, *arguments, **values) as script:
            out, err = script.communicate(timeout=60)
        assert script.returncode == 0, err
        return out, err

    def cli(
        self, *words: str, language: str = "en", **values: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``lambdalab sandbox …`` in the workspace."""
        return subprocess.run(
            [sys.executable, "-m", "lambdalab.cli", "sandbox", *words],
            cwd=self.workspace,
            env=self.environment(LAMBDALAB_LANG=language, **values),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def place(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Give this test a workspace and a root of its own; its sandboxes end with it."""
    folder = tmp_path_factory.mktemp("place")
    here = Place(folder / "work", folder / "run")
    here.workspace.mkdir()
    here.runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(here.runtime))
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.delenv("LAMBDALAB_SANDBOX", raising=False)
    yield here
    for box in here.started:
        box.stop()
