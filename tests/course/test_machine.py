from __future__ import annotations

import importlib.metadata
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lambdalab.course import machine, trial
from lambdalab.course.errors import CourseError
from tests.course.conftest import Course

GOOD = {
    "ready_s": 0.9,
    "cold_ms": 12.0,
    "warm_ms": 1.0,
    "isolation": ["processes", "pid namespace", "private /tmp, /var/task, /opt"],
}


@pytest.fixture(autouse=True)
def ordinary(
    installed: Course, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Be on an ordinary machine, whose sandbox works."""
    monkeypatch.setenv("HOME", str(clean_environment))
    monkeypatch.setattr(machine, "_trial", lambda: GOOD)
    yield


def found(name: str) -> machine.Finding:
    return next(one for one in machine.look() if one.name == name)


def level(name: str) -> machine.Level:
    one = found(name)
    assert one.text
    assert bool(one.advice) == (one.level != "ok")
    return one.level


def test_an_ordinary_machine_is_well() -> None:
    findings = list(machine.look())
    assert [one.name for one in findings if one.level == "problem"] == []
    names = [one.name for one in findings]
    assert len(set(names)) == len(names)
    assert {"system", "python", "parts", "course", "sandbox", "isolation", "account"} <= {*names}


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    names = {one.name for one in machine.look()}
    assert level("system") == "problem"
    assert "WSL" in found("system").advice
    assert "sandbox" not in names


Usage = namedtuple("Usage", "total used free")
Memory = namedtuple("Memory", "available")
MB = 1024 * 1024


@pytest.mark.parametrize(("mb", "expected"), [(1, "problem"), (500, "warning"), (5000, "ok")])
def test_disk_and_memory(monkeypatch: pytest.MonkeyPatch, mb: int, expected: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(9, 9, mb * MB))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(mb * MB))
    assert level("disk") == level("memory") == expected
    assert str(mb) in found("disk").text


def test_a_missing_part(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("anywidget", "awslambdaric"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert level("parts") == "problem"
    assert "anywidget" in found("parts").text
    assert level("client") == "ok"
    assert "own runtime client" in found("client").text


def test_no_course(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise CourseError("no lessons here")

    monkeypatch.setattr("lambdalab.course.catalogue.catalogue", none)
    assert found("course") == machine.Finding("course", "problem", "no lessons here")


def test_a_language_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "language" not in {one.name for one in machine.look()}
    monkeypatch.setenv("LAMBDALAB_LANG", "fr")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert level("language") == "warning"
    assert "fr" in found("language").text


def test_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    (tmp_path / "run" / "lambdalab").mkdir(mode=0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert found("folders").level == "problem"  # others could look into it
    (tmp_path / "run" / "lambdalab").chmod(0o700)
    assert level("folders") == "ok"
    (tmp_path / "run" / "lambdalab").rmdir()
    (tmp_path / "run" / "lambdalab").write_text("")
    assert found("folders").level == "problem"


def test_no_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "create_server", refuse)
    assert level("loopback") == "problem"
    assert "Operation not permitted" in found("loopback").text


def test_a_sandbox_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_trial", lambda: {"error": "no luck"})
    assert level("sandbox") == "problem"
    assert "no luck" in found("sandbox").text
    assert "isolation" not in {one.name for one in machine.look()}


def test_a_shared_tmp_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = GOOD | {"isolation": ["processes", "shared /tmp"]}
    monkeypatch.setattr(machine, "_trial", lambda: shared)
    assert level("isolation") == "warning"


def test_real_credentials_are_named_and_never_read(
    monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    assert "No real AWS credentials" in found("account").text
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    (clean_environment / ".aws").mkdir()
    (clean_environment / ".aws/credentials").write_text("secret")
    (clean_environment / ".aws/credentials").chmod(0)
    one = found("account")
    assert one.level == "ok"
    assert "AWS_ACCESS_KEY_ID" in one.text and "~/.aws/credentials" in one.text
    assert "AKIAREAL" not in one.text


@pytest.mark.skipif(sys.platform != "linux", reason="fontconfig tells on Linux only")
def test_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    def listing(text: str) -> Any:
        done = subprocess.CompletedProcess([], 0, text, "")
        return lambda *_, **__: done

    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", listing("Noto Sans CJK TC,Noto\nOther\n"))
    assert found("font").text.endswith("Noto Sans CJK TC")
    monkeypatch.setattr(subprocess, "run", listing(""))
    assert level("font") == "warning"


def test_no_browser_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert level("browser") == "ok"
    assert "not installed" in found("browser").text


def test_a_check_that_fails_itself_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def _odd() -> Iterator[machine.Finding]:
        raise ZeroDivisionError("oops")
        yield

    monkeypatch.setattr(machine, "CHECKS", (_odd,))
    (one,) = machine.look()
    assert (one.name, one.level) == ("odd", "problem")
    assert "oops" in one.text


def test_the_trial_is_real(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    said = machine._trial()
    assert 0 < said["warm_ms"] < said["cold_ms"] < 5000
    assert 0 < said["ready_s"] < 30
    assert said["isolation"][0] == "processes"


def test_a_trial_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> dict[str, Any]:
        raise CourseError("the disk is full")

    monkeypatch.setattr(trial, "_try", fail)
    assert trial.main() == 1
    assert capsys.readouterr().out == '{"error": "the disk is full"}\n'


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit('broken python')", "broken python"),
        ("import os; os._exit(3)", "exit status 3"),
        ("import time; time.sleep(60)", "within"),
    ],
)
def test_a_trial_that_never_answers(
    monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    monkeypatch.undo()
    real = subprocess.run

    def run(command: list[str], **options: Any) -> Any:
        return real([command[0], "-c", program], **options)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(machine, "_TRIAL_S", 2.0)
    assert words in machine._trial()["error"] or "秒" in machine._trial()["error"]
