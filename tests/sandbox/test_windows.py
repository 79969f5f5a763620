"""On Windows there is no sandbox, and it says so instead of failing on an import."""

from __future__ import annotations

import subprocess
import sys

import pytest

PRETEND = """
import sys, subprocess, tempfile, pathlib, threading, shutil, select  # as they are here
for name in ("fcntl", "grp", "pwd", "resource", "termios", "psutil"):
    sys.modules[name] = None
import os
for name in ("fork", "getuid", "setsid", "getsid", "killpg", "pidfd_open"):
    if hasattr(os, name):
        delattr(os, name)
sys.platform = "win32"
"""


def _run(code: str, language: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRETEND + code],
        env={"LAMBDALAB_LANG": language, "PATH": "", "PWD": "/", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("call", ["start", "connect"])
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Install WSL"), ("zh-TW", "請安裝 WSL")],
)
def test_handle_says_what_to_do(call: str, language: str, words: str) -> None:
    code = f"""
from lambdalab.sandbox import Sandbox, SandboxError
try:
    Sandbox.{call}()
except SandboxError as error:
    print(error)
"""
    ended = _run(code, language)
    assert ended.returncode == 0, ended.stderr
    assert words in ended.stdout and "wsl --install" in ended.stdout


@pytest.mark.parametrize("action", ["start", "stop", "status", "reset", "env"])
def test_command_says_what_to_do(action: str) -> None:
    code = f"import lambdalab.cli; sys.exit(lambdalab.cli.main(['sandbox', '{action}']))"
    ended = _run(code, "zh-TW")
    assert ended.returncode == 1, ended.stderr
    assert "請安裝 WSL" in ended.stderr and "Traceback" not in ended.stderr
