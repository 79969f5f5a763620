"""Init once, warm reuse, freezing, the init limit, reset and shutdown."""

from __future__ import annotations

import time
from typing import Any

import psutil
import pytest

from lambdalab.rules import logs
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.engine.executor import Settings
from tests.sandbox.engine.conftest import Laboratory, Make

COUNTER = """
import os
print("module code runs")
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {"calls": calls, "pid": os.getpid()}
"""


def test_module_code_runs_once_and_globals_stay(lab: Laboratory) -> None:
    function = lab.function(COUNTER)
    assert [lab.call(function)["calls"] for _ in range(3)] == [1, 2, 3]
    assert lab.sink.lines.count("module code runs") == 1
    assert len(lab.recorded(ev.InitStarted)) == 1
    assert [event.cold for event in lab.recorded(ev.InvokeStarted)] == [True, False, False]


def test_init_duration_is_reported_on_the_cold_invoke_only(lab: Laboratory) -> None:
    function = lab.function("import time\ntime.sleep(0.2)\n" + COUNTER)
    cold = logs.parse_report(lab.invoke(function).log_tail.decode())
    warm = logs.parse_report(lab.invoke(function).log_tail.decode())
    assert cold is not None and warm is not None
    assert cold.init_ms is not None and 200 <= cold.init_ms < 9000
    assert cold.billed_ms >= cold.init_ms
    assert cold.duration_ms < 200
    assert warm.init_ms is None
    assert warm.billed_ms >= warm.duration_ms


def test_environment_stands_still_between_invokes(lab: Laboratory) -> None:
    function = lab.function(
        """
        import threading, time
        ticks = 0
        def tick():
            global ticks
            while True:
                time.sleep(0.01)
                ticks += 1
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context):
            time.sleep(event["sleep"])
            return ticks
        """
    )
    before = lab.call(function, {"sleep": 0.2})
    pid = lab.executor.environments()[0].pid
    deadline = time.monotonic() + 2
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.01)
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    time.sleep(0.6)
    after = lab.call(function, {"sleep": 0})
    assert before > 5
    assert after - before < 10, "the ticker went on while the environment was frozen"


def test_concurrent_invokes_make_concurrent_environments(lab: Laboratory) -> None:
    function = lab.function(
        """
        import os, time
        def handler(event, context):
            time.sleep(0.4)
            return os.getpid()
        """
    )
    pids = {result.payload for result in lab.parallel(function, [{}] * 4)}
    assert len(pids) == 4
    assert len(lab.executor.environments()) == 4
    assert lab.call(function) in {int(pid) for pid in pids}, "an idle environment is used again"


def test_most_recently_used_environment_serves(lab: Laboratory) -> None:
    function = lab.function(
        "import os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(event)\n"
        "    return os.getpid()\n"
    )
    first, last = (result.payload for result in lab.parallel(function, [0.2, 0.6]))
    assert first != last
    assert str(lab.call(function, 0)).encode() == last


def test_init_over_ten_seconds_is_retried_within_the_invoke(lab: Laboratory) -> None:
    function = lab.function(
        """
        import pathlib, time
        mark = pathlib.Path("/tmp/tried")
        if not mark.exists():
            mark.write_text("once")
            time.sleep(60)
        def handler(event, context):
            return "served"
        """,
        timeout_s=5,
    )
    begun = time.monotonic()
    result = lab.invoke(function)
    assert result.payload == b'"served"'
    assert 10 <= time.monotonic() - begun < 14
    first, second = lab.recorded(ev.InitFinished)
    assert (first.status, first.suppressed) == ("timeout", False)
    assert (second.status, second.suppressed) == ("success", True)
    (timed_out,) = [line for line in lab.sink.lines if "Phase: init\tStatus: timeout" in line]
    assert timed_out.endswith("Status: timeout"), "a timed-out init names no error type"
    report = logs.parse_report(result.log_tail.decode())
    assert report is not None and report.init_ms is None, "a suppressed init is not Init Duration"


def test_timeout_kills_resets_and_keeps_tmp(lab: Laboratory) -> None:
    function = lab.function(
        """
        import pathlib, time
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            left = sorted(path.name for path in pathlib.Path("/tmp").iterdir() if path.is_file())
            pathlib.Path("/tmp/mark").write_text("here")
            time.sleep(event)
            return {"calls": calls, "tmp": left}
        """,
        timeout_s=1,
    )
    assert lab.call(function, 0) == {"calls": 1, "tmp": []}
    result = lab.invoke(function, 30)
    assert result.function_error == "Unhandled"
    expected = f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds"
    assert b'"Sandbox.Timedout"' in result.payload and expected.encode() in result.payload
    report = logs.parse_report(result.log_tail.decode())
    assert report is not None
    assert (report.status, report.duration_ms, report.billed_ms) == ("timeout", 1000.0, 1000)
    assert b"Task timed out after 1.00 seconds" in result.log_tail
    assert lab.call(function, 0) == {"calls": 1, "tmp": ["mark"]}, "init again, same /tmp"
    inits = lab.recorded(ev.InitStarted)
    assert [init.suppressed for init in inits] == [False, True]
    assert len({init.environment for init in inits}) == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit()", "Runtime exited without providing a reason"),
        ("os._exit(7)", "Runtime exited with error: exit status 7"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_exit_in_the_handler(lab: Laboratory, statement: str, reason: str) -> None:
    function = lab.function(
        f"""
        import ctypes, os, sys
        def handler(event, context):
            if event:
                {statement}
            return "fine"
        """
    )
    begun = time.monotonic()
    result = lab.invoke(function, 1)
    assert time.monotonic() - begun < 4, "a death is seen at once, not at the timeout of 5 s"
    assert result.function_error == "Unhandled"
    answer: Any = __import__("json").loads(result.payload)
    assert answer == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {reason}",
    }
    assert lab.call(function, 0) == "fine"
    assert [init.suppressed for init in lab.recorded(ev.InitStarted)] == [False, True]


def test_memory_limit_kills(lab: Laboratory) -> None:
    function = lab.function(
        """
        import time
        def handler(event, context):
            block = bytearray(400 * 1024 * 1024)
            for i in range(0, len(block), 4096):
                block[i] = 1
            time.sleep(2)
            return len(block)
        """,
        memory_mb=128,
    )
    result = lab.invoke(function)
    assert b"Runtime.OutOfMemory" in result.payload and b"signal: killed" in result.payload
    report = logs.parse_report(result.log_tail.decode())
    assert report is not None and report.max_memory_mb == report.memory_mb == 128
    roomy = lab.function((function.code / "app.py").read_text(), memory_mb=1024)
    assert lab.call(roomy) == 400 * 1024 * 1024


def test_tmp_is_private_limited_and_gone_with_the_environment(lab: Laboratory) -> None:
    function = lab.function(
        """
        import errno, pathlib, tempfile, time
        def handler(event, context):
            # Files only: a checkout below /tmp shows as a folder, for the interpreter's sake.
            seen = [path.name for path in pathlib.Path("/tmp").iterdir() if path.is_file()]
            with open("/tmp/mine", "w") as file:
                file.write("x")
            assert tempfile.gettempdir() == "/tmp"
            time.sleep(0.3)
            if event == "fill":
                try:
                    with open("/tmp/big", "wb") as file:
                        for _ in range(600):
                            file.write(bytes(1024 * 1024))
                except OSError as error:
                    return errno.errorcode[error.errno]
            return seen
        """,
        memory_mb=1024,
        timeout_s=30,
    )
    assert [result.payload for result in lab.parallel(function, ["", ""])] == [b"[]", b"[]"]
    assert lab.call(function) == ["mine"]
    assert lab.call(function, "fill") == "ENOSPC"
    lab.executor.shutdown_idle()
    assert lab.call(function) == []


def test_idle_environments_end_after_the_idle_lifetime(make_laboratory: Make) -> None:
    lab = make_laboratory(settings=Settings(idle_lifetime=0.5))
    function = lab.function(COUNTER)
    lab.invoke(function)
    pid = lab.executor.environments()[0].pid
    deadline = time.monotonic() + 5
    while lab.executor.environments() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lab.executor.environments()
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(pid)
    (started,) = lab.recorded(ev.ShutdownStarted)
    assert (started.reason, started.cause) == ("spindown", "idle")
    assert lab.call(function)["calls"] == 1, "the next invoke is cold"


def test_update_recycles_idle_and_busy_environments(lab: Laboratory) -> None:
    function = lab.function(COUNTER)
    lab.invoke(function)
    lab.executor.recycle(function.arn)
    newer = lab.function(COUNTER.replace('"calls": calls', '"calls": -calls'), name=function.name)
    from dataclasses import replace

    newer = replace(newer, revision="2")
    assert lab.call(newer)["calls"] == -1


def test_an_older_revision_never_serves_again(lab: Laboratory) -> None:
    from dataclasses import replace

    function = lab.function(COUNTER)
    lab.invoke(function)
    assert lab.call(replace(function, revision="2"))["calls"] == 1


def test_memory_is_looked_at_while_the_handler_logs_without_a_pause(lab: Laboratory) -> None:
    function = lab.function(
        """
        def handler(event, context):
            blocks = []
            for number in range(400):
                blocks.append(b"x" * 1024 * 1024)
                for line in range(20):
                    print("block", number, line)
            return len(blocks)
        """,
        memory_mb=128,
        timeout_s=30,
    )
    assert lab.call(function)["errorType"] == "Runtime.OutOfMemory"


def test_memory_that_was_taken_and_given_back_at_once_counts(lab: Laboratory) -> None:
    function = lab.function(
        """
        def handler(event, context):
            b"x" * (event * 1024 * 1024)  # gone again before anybody can look
            return event
        """,
        memory_mb=128,
    )
    assert lab.call(function, 10) == 10
    results = [lab.call(function, 200) for _ in range(5)]
    assert [result["errorType"] for result in results] == ["Runtime.OutOfMemory"] * 5
    assert lab.call(function, 10) == 10


def test_killed_while_it_works_is_an_exit_error(lab: Laboratory) -> None:
    import os
    import signal
    import threading

    function = lab.function("import time\ndef handler(e, c):\n    time.sleep(e)\n    return e\n")
    assert lab.call(function, 0) == 0
    pid = lab.executor.environments()[0].pid
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    begun = time.monotonic()
    error = lab.call(function, 4)
    killer.join()
    assert time.monotonic() - begun < 3.5, "seen at once, and not when it would have ended"
    assert error["errorType"] == "Runtime.ExitError" and "signal: killed" in error["errorMessage"]
    assert lab.call(function, 0) == 0


@pytest.mark.parametrize("isolate", [True, False])
def test_works_with_and_without_namespaces(make_laboratory: Make, isolate: bool) -> None:
    lab = make_laboratory(isolate=isolate)
    function = lab.function(
        """
        import os, pathlib, tempfile
        def handler(event, context):
            pathlib.Path(tempfile.gettempdir(), "x").write_text("x")
            data = pathlib.Path(os.environ["LAMBDA_TASK_ROOT"], "app.py").stat().st_size > 0
            return [data, os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]]
        """
    )
    assert lab.call(function) == [True, True]
    words = lab.executor.isolation()
    assert ("pid namespace" in words) is isolate
    assert ("shared /tmp" in words) is not isolate
