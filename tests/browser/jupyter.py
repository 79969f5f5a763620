"""A real JupyterLab on loopback, started as a learner starts it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["THEMES", "JupyterLab", "Theme", "jupyterlab", "plain"]

Theme = Literal["light", "dark"]
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S*token=[0-9a-zA-Z]+\S*")
_START_S = 90


@dataclass(frozen=True)
class JupyterLab:
    """A running server; ``folder`` is its root."""

    base: str
    """``http://127.0.0.1:PORT``."""
    token: str
    folder: Path
    process: subprocess.Popen[str]
    said: Sequence[str]
    """What it has printed so far, by line."""

    def address(self, path: str) -> str:
        """Return the page that shows a file of the folder."""
        return f"{self.base}/lab/tree/{urllib.parse.quote(path)}?token={self.token}&reset"

    def set(self, plugin: str, **values: object) -> None:
        """Change a setting of JupyterLab, as its settings page would."""
        request = urllib.request.Request(
            f"{self.base}/lab/api/settings/{plugin}?token={self.token}",
            data=json.dumps({"raw": json.dumps(values)}).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=20):
            pass

    def theme(self, theme: Theme) -> None:
        """Choose the theme of pages opened from now on."""
        self.set("@jupyterlab/apputils-extension:themes", theme=THEMES[theme])


@contextlib.contextmanager
def jupyterlab(command: Sequence[str], folder: Path) -> Iterator[JupyterLab]:
    """Start JupyterLab with ``command``; end it, and all it started, afterwards.

    Parameters
    ----------
    command
        What a person would type.
    folder
        Root of the files it shows.
    """
    home = tempfile.mkdtemp(prefix="lambdalab-home-")
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "JUPYTER", "JPY_", "LAMBDALAB_"))
    }
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=keep | {"HOME": home, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    said: list[str] = []
    found = threading.Event()
    address: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            match = _ADDRESS.search(line)
            if match and not address:
                address.append(match[0])
                found.set()
        found.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        found.wait(_START_S)
        if not address:
            raise RuntimeError("JupyterLab did not start:\n" + "\n".join(said[-40:]))
        parts = urllib.parse.urlsplit(address[0])
        token = urllib.parse.parse_qs(parts.query)["token"][0]
        server = JupyterLab(f"http://{parts.netloc}", token, folder, process, said)
        _answers(f"{server.base}/api?token={token}")
        # All cells are in the page, or a person's scrolling would have to be played.
        server.set("@jupyterlab/notebook-extension:tracker", windowingMode="none")
        server.set("@jupyterlab/apputils-extension:notification", fetchNews="false")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(10)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(home, ignore_errors=True)


def _answers(url: str) -> None:
    """Wait until the server, which says its address before it listens, answers."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def plain(folder: Path) -> list[str]:
    """Return the command of a bare JupyterLab, for looking at a notebook on its own."""
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
    ]
