"""JupyterLab on a course folder: the plan, and a real server from start to every kind of end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lambdalab.course import launch
from lambdalab.course.errors import CourseError
from lambdalab.sandbox import credentials

NOTEBOOK = Path("lessons/zh-TW/00_welcome.ipynb")


def plan(workspace: Path, port: int | None = None) -> launch.Plan:
    return launch.plan(workspace, NOTEBOOK, "zh-TW", port=port, browser=False)


def test_the_users_own_jupyter_and_account_stay_out(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL_S3": "https://example.com",
        "AWS_REGION": "ap-northeast-1",
        "JUPYTER_CONFIG_DIR": "/home/me/.jupyter",
        "JUPYTERLAB_SETTINGS_DIR": "/home/me/settings",
        "JUPYTER_TOKEN": "known",
        "LAMBDALAB_SANDBOX": "/somewhere",
        "IPYTHONDIR": "/home/me/.ipython",
        "OTHER": "stays",
    }.items():
        monkeypatch.setenv(name, value)
    variables = plan(workspace).environment
    assert credentials.real_credentials(variables) == ()
    assert not credentials.unwanted(variables)
    assert variables["AWS_REGION"] == "ap-northeast-1"
    assert variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert Path(variables["AWS_CONFIG_FILE"]).is_relative_to(workspace)
    assert variables["OTHER"] == "stays"
    assert variables["LAMBDALAB_LANG"] == "zh-TW"
    assert "LAMBDALAB_SANDBOX" not in variables
    assert "JUPYTERLAB_SETTINGS_DIR" not in variables
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        assert Path(variables[name]).is_relative_to(workspace / ".lambdalab")
    assert re.fullmatch(r"[0-9a-f]{48}", variables["JUPYTER_TOKEN"])
    assert variables["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_the_token_is_not_on_the_command_line(workspace: Path) -> None:
    made = plan(workspace)
    assert made.environment["JUPYTER_TOKEN"] not in " ".join(made.command)


def test_a_port_in_use_is_refused_if_it_was_asked_for(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(CourseError, match=r"--port"):
            plan(workspace, taken.getsockname()[1])
        plan(workspace)


def test_settings_that_cannot_be_written(workspace: Path) -> None:
    (workspace / ".lambdalab" / "jupyter").write_text("in the way")
    with pytest.raises(CourseError, match="jupyter"):
        plan(workspace)


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"url": "http://example.com/", "token": "x"}'])
def test_a_dead_or_foreign_record_is_no_running_server(workspace: Path, record: str) -> None:
    runtime = workspace / ".lambdalab/jupyter/runtime"
    runtime.mkdir(parents=True)
    (runtime / "jpserver-1.json").write_text(record)
    assert launch.running(workspace) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a desktop")
def test_without_a_display_there_is_no_browser() -> None:
    assert not launch.browser_available({})
    assert not launch.browser_available({"DISPLAY": ""})


class Server:
    """A JupyterLab started as a learner does, and the sandbox of a notebook in it."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        keep = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "JUPYTER", "JPY_", "LAMBDALAB_"))
        }
        self.home = workspace.parent / "home"
        self.home.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lambdalab", "start", str(workspace), "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=keep | {"LAMBDALAB_LANG": "en", "HOME": str(self.home)},
            cwd=workspace.parent,
            start_new_session=True,
        )
        self.said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        found = re.search(r"http://127\.0\.0\.1:\d+/\S+", self.said)
        assert found, self.said
        self.url = found[0]
        self.base, _, self.token = self.url.partition("/lab/")[0], "", self.url.split("token=")[1]

    def call(self, method: str, path: str, body: object = None) -> object:
        request = urllib.request.Request(
            f"{self.base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def sandbox(self) -> psutil.Process:
        """Start a kernel, and a sandbox as ``Sandbox.start()`` in it would."""
        self.call("POST", "api/kernels", {"name": "python3"})
        variables = psutil.Process(self.process.pid).environ() | {
            "JPY_PARENT_PID": str(self.process.pid)
        }
        code = "from lambdalab.sandbox import Sandbox; print(Sandbox.start().pid)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=variables,
            cwd=self.workspace / "lessons",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return psutil.Process(int(done.stdout))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "course")
    yield started
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait(20)
    assert started.process.stdout is not None
    started.process.stdout.close()


def test_a_server_opens_the_welcome_and_asks_the_internet_nothing(server: Server) -> None:
    assert "/lab/tree/lessons/en/00_welcome.ipynb?token=" in server.url
    with urllib.request.urlopen(server.url, timeout=30) as answer:
        page = answer.read().decode()
    found = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found
    config = json.loads(found[1])
    assert config["news"] == {"disabled": True}
    disabled = config["disabledExtensions"]
    assert "@jupyterlab/apputils-extension:announcements" in disabled
    settings = server.call("GET", "lab/api/settings/@jupyterlab/apputils-extension:notification")
    assert isinstance(settings, dict)
    defaults = settings["schema"]["properties"]
    assert defaults["fetchNews"]["default"] == "false"
    assert defaults["checkForUpdates"]["default"] is False
    local = {
        connection.laddr.ip
        for connection in psutil.Process(server.process.pid).net_connections("inet")
    }
    assert local == {"127.0.0.1"}
    assert [path.name for path in server.home.iterdir() if "jupyter" in path.name.lower()] == []


def test_a_second_start_leads_to_the_first(server: Server) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "lambdalab", "start", "--no-browser", "--lang", "zh-TW"],
        cwd=server.workspace / "lessons",
        env=os.environ | {"PWD": str(server.workspace / "lessons")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"{server.base}/lab/tree/lessons/zh-TW/00_welcome.ipynb?token=" in again.stdout
    assert server.token in again.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_with_the_server_everything_ends(server: Server, number: signal.Signals) -> None:
    sandbox = server.sandbox()
    family = [*server.descendants(), sandbox, *sandbox.children(recursive=True)]
    assert any("ipykernel" in " ".join(one.cmdline()) for one in family)
    server.process.send_signal(number)
    code = server.process.wait(30)
    assert code == (-number if number == signal.SIGKILL else 0)
    deadline = time.monotonic() + 20
    while alive := [one for one in family if one.is_running() and one.status() != "zombie"]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)
    if number != signal.SIGKILL:
        assert server.process.stdout is not None
        assert "JupyterLab has ended" in server.process.stdout.read()
        runtime = server.workspace / ".lambdalab/jupyter/runtime"
        assert not list(runtime.glob("jpserver-*"))
