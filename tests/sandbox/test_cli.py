"""``lambdalab sandbox …`` as a person types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lambdalab.commands import sandbox as command
from lambdalab.sandbox import Sandbox
from tests.sandbox.conftest import Place, until

ACTIONS = ("start", "stop", "status", "reset", "save", "load", "clock", "env")


def test_help_names_every_action_in_both_languages(place: Place) -> None:
    english = place.cli("--help").stdout
    chinese = place.cli("--help", language="zh-TW").stdout
    for action in ACTIONS:
        assert action in english and action in chinese
    assert "start the sandbox of this folder" in english
    assert "啟動這個資料夾的沙盒" in chinese
    for action in ACTIONS:
        ended = place.cli(action, "--help")
        assert ended.returncode == 0 and "usage" in ended.stdout, ended.stderr


def test_one_day_of_a_sandbox(place: Place, tmp_path: Path) -> None:
    assert (place.cli("status").returncode, place.cli("status", "--json").stdout) == (
        3,
        '{"running": false}\n',
    )
    nothing = place.cli("stop")
    assert nothing.returncode == 0 and "No sandbox runs for" in nothing.stdout

    started = place.cli("start", "--owner", str(os.getpid()))
    assert started.returncode == 0, started.stderr
    assert "The sandbox runs at http://127.0.0.1:" in started.stdout
    assert 'eval "$(lambdalab sandbox env)"' in started.stdout
    joined = json.loads(place.cli("start", "--json").stdout)
    box = Sandbox.connect(workspace=place.workspace, configure=False)
    assert joined == {"url": box.url, "port": box.port, "pid": box.pid, "joined": True}
    assert "already runs" in place.cli("start").stdout

    shown = json.loads(place.cli("status", "--json").stdout)
    assert (shown["running"], shown["pid"], shown["owner"]) == (True, box.pid, os.getpid())
    text = place.cli("status").stdout
    assert box.url in text and str(box.folder) in text and "Functions: 0" in text

    file = tmp_path / "state.lab"
    assert str(file) in place.cli("save", str(file)).stdout
    assert place.cli("load", str(file)).returncode == 0
    assert "empty again" in place.cli("reset").stdout
    assert "has stopped" in place.cli("stop").stdout
    assert not box.alive


def test_the_clock_is_shown_and_put_forward(place: Place) -> None:
    place.start()
    assert ", at this machine's pace" in place.cli("clock").stdout
    words = place.cli("start", "--time-scale", "60").stdout
    assert "already runs" in words
    shown = place.cli("clock").stdout
    assert re.match(
        r"Service time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d, at 60 times", shown
    )
    assert "Nothing waits for its time." in shown
    paused = place.cli("clock", "--pause", "--scale", "5", language="zh-TW").stdout
    assert paused.startswith("服務時間：") and "已暫停（倍率 5）" in paused
    assert "已暫停" in place.cli("status", language="zh-TW").stdout
    first = json.loads(place.cli("clock", "--json").stdout)
    assert (first["scale"], first["paused"], first["next"]) == (5, True, None)
    later = json.loads(place.cli("clock", "--advance", "1d6h30m", "--json").stdout)
    assert later["now"] - first["now"] == 30.5 * 3600
    jumped = place.cli("clock", "--jump", "--resume").stdout
    assert jumped.count("Nothing waits for its time.") == 1 and "at 5 times" in jumped
    assert json.loads(place.cli("clock", "--jump", "--json").stdout)["done"] is None


def test_durations_add_up() -> None:
    found = [command._seconds(words) for words in ("90", "1.5m", "6h", "1d12h", "1h30")]
    assert found == [90, 90, 21_600, 129_600, 3630]


@pytest.mark.parametrize("words", ["6 hours", "h", "", "-5"])
def test_a_duration_is_a_number_and_a_unit(place: Place, words: str) -> None:
    ended = place.cli("clock", f"--advance={words}")
    assert ended.returncode == 1 and "no duration" in ended.stderr


@pytest.mark.parametrize(
    "action", [["reset"], ["save", "f"], ["load", "f"], ["clock", "--jump"], ["env"]]
)
def test_without_a_sandbox_each_says_how_to_start_one(place: Place, action: list[str]) -> None:
    ended = place.cli(*action)
    assert ended.returncode == 1
    assert "Start one with Sandbox.start()" in ended.stderr and "Traceback" not in ended.stderr
    assert "請在筆記本用 Sandbox.start() 啟動" in place.cli(*action, language="zh-TW").stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "sandbox.example.com"])
def test_host_that_is_not_loopback_is_refused(place: Place, host: str) -> None:
    ended = place.cli("start", "--host", host)
    assert ended.returncode == 1
    assert "not a loopback address. Use 127.0.0.1" in ended.stderr
    assert not place.root.exists()


def test_owner_that_is_none_of_both_is_refused(place: Place) -> None:
    assert "no process abc" in place.cli("start", "--owner", "abc").stderr


def test_terminal_session_owns_what_it_started(place: Place) -> None:
    script = f"{sys.executable} -m lambdalab.cli sandbox start; sleep 0.2"
    subprocess.run(
        ["sh", "-c", script],
        cwd=place.workspace,
        env=place.environment(),
        start_new_session=True,
        check=True,
        capture_output=True,
    )
    assert until(lambda: not list(place.root.iterdir())), "it ends with the terminal"


def test_jupyterlab_owns_what_its_terminal_started(place: Place) -> None:
    """Its terminals have sessions of their own, and the shell may end before the server."""
    server = place.workspace / "jupyter-lab"
    server.write_text(
        "import os, subprocess, sys\n"
        "shell = f'{sys.executable} -m lambdalab.cli sandbox start --json; true'\n"
        "subprocess.run(['sh', '-c', shell], start_new_session=True)\n"
        "print(os.getpid(), flush=True)\n"
        "sys.stdin.read()\n",
        encoding="utf-8",
    )
    with subprocess.Popen(
        [sys.executable, str(server)],
        cwd=place.workspace,
        env=place.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as jupyter:
        assert jupyter.stdout is not None
        started = json.loads(jupyter.stdout.readline())
        assert int(jupyter.stdout.readline()) == jupyter.pid
        box = Sandbox.connect(workspace=place.workspace, configure=False)
        assert box.pid == started["pid"] and box.status()["owner"] == jupyter.pid
        jupyter.kill()
    assert until(lambda: not list(place.root.iterdir()))


# -- env --------------------------------------------------------------------------------------


def test_env_makes_a_shell_work_in_the_sandbox(place: Place) -> None:
    place.start()
    python = (
        "import boto3, os;"
        "print(boto3.client('sts').get_caller_identity()['Account'], os.environ.get('AWS_PROFILE'))"
    )
    script = f'eval "$({sys.executable} -m lambdalab.cli sandbox env)"; {sys.executable} -c "$CODE"'
    ended = subprocess.run(
        ["sh", "-c", script],
        cwd=place.workspace,
        env=place.environment(AWS_PROFILE="work", AWS_SESSION_TOKEN="t", CODE=python),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "123456789012 None\n", ended.stderr


def test_aws_command_works_with_it(place: Place) -> None:
    aws = str(Path(sys.executable).with_name("aws"))
    place.start()
    values = json.loads(place.cli("env", "--json").stdout)
    ended = subprocess.run(
        [aws, "sts", "get-caller-identity", "--output", "text"],
        env=place.environment(**values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("123456789012"), ended.stderr


def test_env_as_json_is_what_the_handle_says(place: Place) -> None:
    box = place.start()
    said = json.loads(place.cli("env", "--json").stdout)
    assert said["AWS_ENDPOINT_URL"] == box.url
    assert said["LAMBDALAB_SANDBOX"] == str(box.folder.parent / "sandbox.json")
    assert set(said) == set(box.environment())


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        ("sh", ["unset AWS_PROFILE", "export NAME='it'\"'\"'s'"]),
        ("fish", ["set -e AWS_PROFILE;", "set -gx NAME 'it'\"'\"'s';"]),
        (
            "powershell",
            [
                "Remove-Item Env:AWS_PROFILE -ErrorAction SilentlyContinue",
                "$Env:NAME = 'it''s'",
            ],
        ),
    ],
)
def test_each_shell_gets_its_own_syntax(shell: str, lines: list[str]) -> None:
    assert list(command._lines(shell, {"NAME": "it's"}, ["AWS_PROFILE"])) == lines


def test_env_of_each_shell_names_the_endpoint(place: Place) -> None:
    box = place.start()
    wanted = {
        "sh": f"export AWS_ENDPOINT_URL={box.url}",
        "fish": f"set -gx AWS_ENDPOINT_URL {box.url};",
        "powershell": f"$Env:AWS_ENDPOINT_URL = '{box.url}'",
    }
    for shell, line in wanted.items():
        ended = place.cli("env", "--shell", shell, AWS_PROFILE="work")
        assert line in ended.stdout.splitlines()
        assert "AWS_PROFILE" in ended.stdout, "what leads elsewhere is taken away"
