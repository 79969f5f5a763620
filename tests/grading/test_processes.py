"""Child processes: bounded in time and words, and gone at the end with all they started."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from lambdalab.grading import confine
from lambdalab.grading.processes import Child, base_environment
from lambdalab.sandbox.owner import identity


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that ``Child`` runs in place of a module of ours."""
    path = tmp_path / "program.py"
    start = [sys.executable, "-I", str(path)]
    import subprocess

    plain = subprocess.Popen

    def popen(_command: object, **options: object) -> object:
        return plain(start, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("lambdalab.grading.processes.subprocess.Popen", popen)
    return path


def child(request: bytes = b"", seconds: float = 20, **more: object) -> Child:
    return Child("x", request, environment=base_environment(), seconds=seconds, **more)  # type: ignore[arg-type]


def test_request_in_lines_out(program: Path) -> None:
    program.write_text("import sys\nfor line in sys.stdin: print(len(line))")
    with child(b"x" * 3_000_000 + b"\nyy\n") as one:
        assert list(one.lines()) == [b"3000001", b"3"]
    assert (one.ending, one.status) == ("finished", 0)


def test_time_is_bounded(program: Path) -> None:
    program.write_text("import time\nprint('a', flush=True)\ntime.sleep(60)")
    started = time.monotonic()
    with child(seconds=0.5) as one:
        assert list(one.lines()) == [b"a"]
    assert one.ending == "timed out"
    assert time.monotonic() - started < 10


def test_words_are_bounded(program: Path) -> None:
    program.write_text("import sys\nwhile True: sys.stdout.write('x' * 1_000_000)")
    with child() as one:
        assert list(one.lines()) == []
    assert one.ending == "too much"


def test_stopped(program: Path) -> None:
    program.write_text("import time\ntime.sleep(60)")
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with child(stop=stop) as one:
        assert list(one.lines()) == []
    assert one.ending == "stopped"


def test_grandchild_that_holds_the_pipe_keeps_nobody(program: Path) -> None:
    program.write_text(
        "import subprocess, sys\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    started = time.monotonic()
    with child() as one:
        (line,) = one.lines()
    assert one.ending == "finished"
    assert time.monotonic() - started < 10
    while identity(int(line)) is not None:  # killed, and gone in a moment
        assert time.monotonic() - started < 10
        time.sleep(0.01)


def test_last_words_are_kept(program: Path) -> None:
    program.write_text("import sys\nsys.stderr.write('x' * 100_000 + ' the end')\nsys.exit(3)")
    with child() as one:
        assert list(one.lines()) == []
    assert one.error_text.endswith(" the end")
    assert len(one.error_text) <= 16 * 1024
    assert one.status == 3


def test_nothing_of_an_account_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    found = base_environment(HOME="/x")
    assert found["HOME"] == "/x"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & set(found)


SUPERVISED = """
import os, sys, time
from pathlib import Path
from lambdalab.grading import confine
{more}
def work():
    {work}
confine.supervise(work, writable=[Path(__file__).parent])
"""


def supervised(program: Path, work: str, more: str = "") -> Child:
    program.write_text(SUPERVISED.format(work=work, more=more))
    return child()


def test_supervisor_ends_as_its_child(program: Path) -> None:
    with supervised(program, "print(os.getpid(), flush=True); os._exit(7)") as one:
        list(one.lines())
    assert one.status == 7


def test_error_of_the_work_is_told(program: Path) -> None:
    with supervised(program, "1 / 0") as one:
        list(one.lines())
    assert one.status == 1
    assert "ZeroDivisionError" in one.error_text


@pytest.mark.parametrize("namespaces", [True, False])
def test_nothing_outlives_the_supervisor(program: Path, tmp_path: Path, namespaces: bool) -> None:
    """With process ids of its own, and where the kernel refuses them."""
    more = "" if namespaces else "confine.linux.AVAILABLE = False"
    marker = tmp_path / "alive"
    survivor = tmp_path / "survivor.py"
    survivor.write_text(
        f"import time\nwhile True:\n    open({str(marker)!r}, 'w').close()\n    time.sleep(0.02)"
    )
    work = (
        f"import subprocess; subprocess.Popen([sys.executable, {str(survivor)!r}], "
        "start_new_session=True); time.sleep(0.6); print('up', flush=True); time.sleep(60)"
    )
    with supervised(program, work, more) as one:
        assert next(iter(one.lines())) == b"up"
    assert marker.exists()
    marker.unlink()
    time.sleep(0.2)
    assert not marker.exists()


def test_killed_supervisor_takes_its_child_along(program: Path, tmp_path: Path) -> None:
    marker = tmp_path / "alive"
    work = (
        f"print(os.getppid(), flush=True)\n    while True: open({str(marker)!r}, 'w').close(); "
        "time.sleep(0.02)"
    )
    with supervised(program, work) as one:
        next(iter(one.lines()))
        os.kill(one._process.pid, 9)
        one._process.wait()
        time.sleep(0.2)
        marker.unlink()
        time.sleep(0.2)
        assert not marker.exists()


def test_limits_hold_in_the_child(program: Path) -> None:
    work = (
        "import resource, json; print(json.dumps([resource.getrlimit(one)[0] for one in "
        "confine.LIMITS]), flush=True)"
    )
    with supervised(program, work) as one:
        (line,) = one.lines()
    assert all(
        found <= limit
        for found, limit in zip(json.loads(line), confine.LIMITS.values(), strict=True)
    )
