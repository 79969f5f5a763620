"""Nothing is left: processes, threads, files, sockets; also when someone is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lambdalab.sandbox.engine.executor import Settings
from lambdalab.sandbox.engine.reaper import Reaper
from lambdalab.sandbox.model import ThrottledError
from tests.sandbox.engine.conftest import Laboratory, Make

DAEMON = """
import os, subprocess, sys, time
def handler(event, context):
    # A double fork into a session of its own: what a daemon does to outlive its parent.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(3):
                os.close(fd)
            os.execvp("sleep", ["sleep", "MARK"])
        os._exit(0)
    os.wait()
    time.sleep(0.2)
    return os.getpid()
"""


def _until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def _alive(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command == ["sleep", mark] and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def test_fifty_parallel_environments_leave_nothing(make_laboratory: Make) -> None:
    me = psutil.Process()
    lab = make_laboratory()
    lab.invoke(lab.function("def handler(event, context):\n    return 1\n"))
    lab.executor.shutdown_idle()
    descriptors, threads = me.num_fds(), threading.active_count()
    # As many, not the same: a spare process that was used up has been replaced.
    children = len(me.children(recursive=True))
    function = lab.function(
        "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 1\n",
        timeout_s=60,
    )
    results = lab.parallel(function, [{}] * 50)
    assert [result.payload for result in results] == [b"1"] * 50
    assert len(lab.executor.environments()) == 50
    assert lab.executor.shutdown_idle() == 50
    assert _until(lambda: threading.active_count() <= threads)
    assert me.num_fds() <= descriptors
    assert _until(lambda: len(me.children(recursive=True)) <= children)
    assert not list((lab.folder / "run0" / "environments").rglob("*/tmp/*"))
    lab.executor.close()
    assert not (lab.folder / "run0").exists()
    assert not me.children(recursive=True)


def test_repeated_failures_leave_nothing(lab: Laboratory) -> None:
    me = psutil.Process()
    function = lab.function("import os\ndef handler(event, context):\n    os._exit(1)\n")
    lab.invoke(function)
    descriptors, threads = me.num_fds(), threading.active_count()
    for _ in range(30):
        lab.invoke(function)
    lab.executor.shutdown_idle()
    assert _until(lambda: threading.active_count() <= threads)
    assert me.num_fds() <= descriptors


def test_end_of_one_environment_never_ends_another(lab: Laboratory) -> None:
    """The kernel gives a namespace's number away again; a sweep must not go by that."""
    crash = lab.function("import os\ndef handler(event, context):\n    os._exit(1)\n")
    good = [lab.function("def handler(event, context):\n    return 1\n") for _ in range(60)]
    stop = threading.Event()

    def keep_crashing() -> None:
        while not stop.is_set():
            lab.invoke(crash)

    crashing = [threading.Thread(target=keep_crashing) for _ in range(3)]
    for thread in crashing:
        thread.start()
    answers = [lab.invoke(function).payload for function in good]
    stop.set()
    for thread in crashing:
        thread.join()
    assert set(answers) == {b"1"}


@pytest.mark.parametrize("isolate", [True, False])
def test_daemons_of_a_handler_end_with_its_environment(
    make_laboratory: Make, isolate: bool
) -> None:
    mark = f"86{os.getpid()}{int(isolate)}"
    lab = make_laboratory(isolate=isolate)
    function = lab.function(DAEMON.replace("MARK", mark))
    assert lab.call(function) > 0
    assert len(_alive(mark)) == 1
    lab.executor.shutdown_idle()
    assert _until(lambda: not _alive(mark))


def _runs(process: psutil.Process) -> bool:
    """Whether it is more than an entry that waits for its parent's ``wait``."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


OWNER = """
import sys, time
from pathlib import Path
from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.engine.executor import Executor
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.scheduler import Scheduler
from tests.sandbox.engine.conftest import Laboratory, ListSink
import tests.sandbox.engine.test_leaks as this
folder, mark, isolate = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
clock, sink = VirtualClock(), ListSink()
events, scheduler = EventLog(clock), Scheduler(clock)
executor = Executor(run_dir=folder / "run", endpoint_url="http://127.0.0.1:9",
                    scheduler=scheduler, events=events, logs=sink, isolate=isolate)
executor.start()
lab = Laboratory(folder, executor, events, sink, scheduler)
source = "import os, subprocess\\nfor fd in (): pass\\n" + (this.DAEMON.replace("MARK", mark))
lab.invoke(lab.function(source))
print(executor.environments()[0].pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("victim", "isolate"),
    [("owner", True), ("zygote", True), ("both", True), ("owner", False), ("both", False)],
)
def test_kill_9_leaves_no_orphan_frozen_or_not(tmp_path: Path, victim: str, isolate: bool) -> None:
    mark = f"85{os.getpid()}{len(victim)}{int(isolate)}"
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), mark, str(isolate)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as owner:
        try:
            assert owner.stdout is not None
            frozen = int(owner.stdout.readline())
            family = psutil.Process(owner.pid).children(recursive=True)
            assert frozen in {process.pid for process in family}
            assert _until(lambda: psutil.Process(frozen).status() == psutil.STATUS_STOPPED)
            assert _alive(mark)
            zygote = next(one for one in family if "--control" in " ".join(one.cmdline())).pid
            victims = {"owner": [owner.pid], "zygote": [zygote], "both": [zygote, owner.pid]}
            for pid in victims[victim]:
                os.kill(pid, signal.SIGKILL)
            assert _until(lambda: not [one for one in family if _runs(one)])
            assert _until(lambda: not _alive(mark)), "a daemon outlived the sandbox"
        finally:
            owner.kill()


def test_without_namespaces_a_lost_zygote_takes_its_environments_with_it(
    make_laboratory: Make,
) -> None:
    mark = f"84{os.getpid()}"
    lab = make_laboratory(isolate=False)
    daemon = lab.function(DAEMON.replace("MARK", mark))
    lab.invoke(daemon)
    frozen = psutil.Process(lab.executor.environments()[0].pid)
    zygote = next(
        one
        for one in psutil.Process().children()
        if f"--folder={lab.folder / 'run0'}" in one.cmdline()
    )
    zygote.kill()
    assert lab.call(lab.function("def handler(event, context):\n    return 1\n")) == 1
    assert _until(lambda: not _runs(frozen) and not _alive(mark))


def test_reaper_ends_what_it_was_told_of_frozen_or_not(tmp_path: Path) -> None:
    """As on macOS, where no kernel does it: nobody but the reaper knows of these."""
    with (
        subprocess.Popen(["sleep", "600"], start_new_session=True) as frozen,
        subprocess.Popen(["sleep", "600"], start_new_session=True) as ended,
        subprocess.Popen(
            ["sleep", "600"], start_new_session=True, env={"TMPDIR": f"{tmp_path}/a/tmp"}
        ) as marked,
        subprocess.Popen(["sleep", "600"], env={"TMPDIR": f"{tmp_path}-other/tmp"}) as stranger,
    ):
        os.kill(frozen.pid, signal.SIGSTOP)
        reaper = Reaper(tmp_path)
        for process in (frozen, ended):
            reaper.watch(process.pid)
        reaper.forget(ended.pid)
        reaper.close()
        assert frozen.wait(timeout=5) == marked.wait(timeout=5) == -signal.SIGKILL
        assert ended.poll() is None and stranger.poll() is None
        for process in (ended, stranger):
            process.kill()


def test_reserved_and_account_concurrency_refuse(make_laboratory: Make) -> None:
    lab = make_laboratory(settings=Settings(account_concurrency=2))
    slow = lab.function("import time\ndef handler(event, context):\n    time.sleep(event or 0)\n")
    thread = threading.Thread(target=lab.invoke, args=(slow, 1.5), kwargs={"reserved": 1})
    thread.start()
    assert _until(lambda: any(e.state == "invoke" for e in lab.executor.environments()))
    with pytest.raises(ThrottledError, match="ReservedFunctionConcurrentInvocationLimitExceeded"):
        lab.invoke(slow, reserved=1)
    other = lab.function("def handler(event, context):\n    return 1\n")
    with pytest.raises(ThrottledError, match=r"^ConcurrentInvocationLimitExceeded"):
        lab.invoke(other, reserved_total=2)
    assert lab.call(other, reserved_total=1) == 1
    with pytest.raises(ThrottledError, match="ReservedFunction"):
        lab.invoke(other, reserved=0)
    thread.join()
