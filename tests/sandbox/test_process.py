"""The sandbox's process: found again, owned, ended, and nothing left of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from lambdalab.sandbox import NoSandboxError, Sandbox, SandboxError, owner, registry, starter
from tests.conftest import Clients, Functions
from tests.sandbox.conftest import DAEMON, ROOT, Place, family, runs, sleepers, until

KERNEL = """
import json, sys
from lambdalab.sandbox import Sandbox
box = Sandbox.start()
import boto3
client = boto3.client("sqs")
if sys.argv[1] == "first":
    client.create_queue(QueueName="kept")
print(json.dumps({"pid": box.pid, "queues": client.list_queues().get("QueueUrls", [])}), flush=True)
sys.stdin.readline()
"""


def _role(clients: Any, box: Sandbox) -> str:
    from tests.conftest import TRUST

    made = clients(box, "iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


@pytest.fixture
def made(place: Place, all_clients: Clients) -> Callable[[Sandbox], Functions]:
    """Return short ways to make functions in a sandbox of this test's own."""

    def functions(box: Sandbox) -> Functions:
        return Functions(all_clients(box, "lambda"), _role(all_clients, box))

    return functions


# -- found again ---------------------------------------------------------------------------


def test_started_once_and_found_again(place: Place) -> None:
    box = place.start()
    again = place.start()
    found = Sandbox.connect(workspace=place.workspace, configure=False)
    assert box.pid == again.pid == found.pid
    assert box.status()["workspace"] == str(place.workspace)
    box.stop()
    assert not box.alive and not found.alive
    assert list(place.root.iterdir()) == [], "nothing is left of it"
    box.stop()
    with pytest.raises(NoSandboxError, match="lambdalab sandbox start"):
        Sandbox.connect(workspace=place.workspace, configure=False)
    with pytest.raises(NoSandboxError, match="has ended"):
        box.status()


def test_workspaces_have_sandboxes_of_their_own(place: Place) -> None:
    other = place.workspace.with_name("other")
    (other / ".lambdalab").mkdir(parents=True)
    (other / "labs" / "en").mkdir(parents=True)
    one, two = place.start(), place.start(workspace=other)
    assert one.pid != two.pid
    assert registry.find_workspace(other / "labs" / "en") == other
    one.stop()
    assert two.status()["pid"] == two.pid


def test_two_that_start_at_once_get_the_same(place: Place) -> None:
    source = (
        "import os, sys; from lambdalab.sandbox import Sandbox;"
        "print(Sandbox.start(owner=int(sys.argv[1])).pid)"
    )
    scripts = [place.python(source, str(os.getpid())) for _ in range(3)]
    pids = {script.communicate(timeout=60)[0] for script in scripts}
    assert [script.returncode for script in scripts] == [0, 0, 0]
    assert len(pids) == 1
    Sandbox.connect(workspace=place.workspace, configure=False).stop()


def test_one_line_makes_plain_boto3_work(place: Place) -> None:
    source = """
from lambdalab.sandbox import Sandbox; box = Sandbox.start()
import boto3, json, os
made = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
print(json.dumps([boto3.client("sts").get_caller_identity()["Account"], made,
                  boto3.Session().region_name, dict(os.environ)]))
"""
    out, err = place.run(
        source,
        AWS_ACCESS_KEY_ID="AKIAREALREALREALREAL",
        AWS_SECRET_ACCESS_KEY="real",
        AWS_SESSION_TOKEN="real",
        AWS_PROFILE="work",
        AWS_ENDPOINT_URL_S3="https://s3.example.com",
        AWS_DEFAULT_REGION="eu-west-1",
    )
    account, queue, region, variables = json.loads(out)
    assert account == "123456789012"
    assert queue.startswith("http://127.0.0.1:") and region == "eu-west-1"
    assert "set aside" in err and "AWS_PROFILE" in err and "real" not in err
    assert "AKIAREALREALREALREAL" not in variables.values()
    assert not {"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3"} & set(variables)
    assert until(lambda: not any(place.root.glob("*/sandbox.json"))), "it ends with the script"


def test_survives_a_kernel_restart_and_ends_with_the_notebook_server(place: Place) -> None:
    with subprocess.Popen(["sleep", "600"]) as server:
        try:
            said = []
            for turn in ("first", "second"):
                kernel = place.python(KERNEL, turn, JPY_PARENT_PID=str(server.pid))
                assert kernel.stdout is not None and kernel.stderr is not None
                line = kernel.stdout.readline()
                assert line, kernel.stderr.read()
                said.append(json.loads(line))
                kernel.kill()  # what a restart does to a kernel that does not listen
                kernel.communicate()
            assert said[0]["pid"] == said[1]["pid"]
            assert len(said[1]["queues"]) == 1, "what the first kernel made is still there"
            members = family(said[0]["pid"])
        finally:
            server.kill()
    assert until(lambda: not [one for one in members if runs(one)])
    assert until(lambda: not list(place.root.iterdir())), "its files are gone with it"


# -- ended by force -----------------------------------------------------------------------


def _frozen(box: Sandbox) -> int:
    """Return the pid of the one environment, once it stands still."""
    (environment,) = box.status()["environments"]
    pid = int(environment["pid"])
    assert until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return pid


@pytest.mark.parametrize("victim", ["owner", "sandbox", "zygote"])
def test_kill_9_leaves_no_process(
    place: Place, made: Callable[[Sandbox], Functions], victim: str
) -> None:
    mark = f"83{os.getpid()}{len(victim)}"
    with subprocess.Popen(["sleep", "600"]) as holder:
        try:
            box = place.start(owner=holder.pid)
            functions = made(box)
            functions.create(code=DAEMON)
            assert functions.call(event=mark) > 0
            frozen = _frozen(box)
            members = family(box.pid)
            assert frozen in {one.pid for one in members} and len(sleepers(mark)) == 1
            zygote = next(one for one in members if "--control" in " ".join(one.cmdline()))
            os.kill(
                {"owner": holder.pid, "sandbox": box.pid, "zygote": zygote.pid}[victim],
                signal.SIGKILL,
            )
            rest = members[1:] if victim == "zygote" else members
            assert until(lambda: not [one for one in rest if runs(one)])
            assert until(lambda: not sleepers(mark)), "a daemon of the handler lived on"
            if victim == "zygote":
                assert functions.call(event=mark) > 0, "another one takes its place"
                return
            if victim == "sandbox":
                assert any(place.root.glob("*/run-*")), "nobody was left to remove its files"
                place.start().stop()
            assert until(lambda: not list(place.root.iterdir()))
        finally:
            holder.kill()


def test_start_removes_what_dead_sandboxes_of_all_workspaces_left(place: Place) -> None:
    other = place.workspace.with_name("other")
    other.mkdir()
    for box in [place.start(workspace=workspace) for workspace in (place.workspace, other)]:
        os.kill(box.pid, signal.SIGKILL)
    assert until(lambda: not [box for box in place.started if box.alive])
    assert len(list(place.root.glob("*/run-*"))) == 2
    box = place.start()
    assert list(place.root.glob("*/run-*")) == [box.folder]


def test_frozen_environment_that_was_killed_is_replaced(
    place: Place, made: Callable[[Sandbox], Functions]
) -> None:
    box = place.start()
    functions = made(box)
    functions.create(code="import os\ndef handler(event, context):\n    return os.getpid()\n")
    functions.call()
    killed = _frozen(box)
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: not psutil.pid_exists(killed))
    answer = functions.client.invoke(FunctionName="f")
    assert "FunctionError" not in answer
    (environment,) = box.status()["environments"]
    assert environment["pid"] != killed


def test_sandbox_that_hangs_is_stopped_all_the_same(
    place: Place, made: Callable[[Sandbox], Functions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdalab.sandbox.client._STOP_ANSWER_S", 0.3)
    box = place.start()
    functions = made(box)
    functions.create()
    functions.call()
    members = family(box.pid)
    os.kill(box.pid, signal.SIGSTOP)
    box.stop()
    assert until(lambda: not [one for one in members if runs(one)])
    assert not list(place.root.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_polite_signals_end_it_and_its_files(place: Place, number: signal.Signals) -> None:
    box = place.start()
    members = family(box.pid)
    os.kill(box.pid, number)
    assert until(lambda: not [one for one in members if runs(one)])
    assert until(lambda: not list(place.root.iterdir()))


def test_owner_must_exist(place: Place) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    with pytest.raises(SandboxError, match=rf"no process {gone.pid}"):
        place.start(owner=gone.pid)


def test_owner_that_is_gone_before_it_is_up_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdalab.sandbox.starter.identity", lambda _pid: "an earlier process")
    with contextlib.suppress(SandboxError):  # it may be gone before it can be joined
        box = place.start()
        assert until(lambda: not box.alive)
    assert until(lambda: not list(place.root.iterdir()))


def test_sandbox_that_ended_at_once_is_explained(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdalab.sandbox.starter.identity", lambda _pid: "an earlier process")
    listen = starter._listen

    def slow(ready: int) -> bytes:
        said = listen(ready)
        assert until(lambda: not list(place.root.glob("*/sandbox.json")))
        return said

    monkeypatch.setattr(starter, "_listen", slow)
    with pytest.raises(SandboxError, match="which it was to end with, is gone"):
        place.start()


def test_without_an_owner_it_runs_until_it_is_stopped(place: Place) -> None:
    out, _ = place.run(
        "from lambdalab.sandbox import Sandbox; print(Sandbox.start(owner='none').pid)"
    )
    box = Sandbox.connect(workspace=place.workspace, configure=False)
    time.sleep(0.5)
    assert box.pid == int(out) and box.status()["owner"] is None
    box.stop()


# -- stale records and locks ----------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        lambda: {"pid": os.getpid(), "identity": "an older one of this number"},
        lambda: {"pid": 2**22 + 1, "identity": "1"},
        lambda: "not JSON at all",
        lambda: {"pid": "x"},
    ],
    ids=["pid in use again", "pid unknown", "damaged", "incomplete"],
)
def test_stale_record_is_passed_over(place: Place, record: Callable[[], object]) -> None:
    place.root.mkdir(mode=0o700)
    folder = registry.workspace_folder(place.workspace)
    (folder / "run-00ff").mkdir(parents=True)
    content = record()
    if isinstance(content, dict) and "identity" in content:
        content |= {"port": 1, "token": "t", "run": "00ff", "workspace": str(place.workspace)}
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "sandbox.json").write_text(text, encoding="utf-8")
    box = place.start()
    assert box.status()["pid"] == box.pid
    assert not (folder / "run-00ff").exists()


def test_lock_of_a_killed_process_is_free(place: Place) -> None:
    source = """
import sys, time
from pathlib import Path
from lambdalab.sandbox import registry
with registry.lock(registry.workspace_folder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""
    with place.python(source, str(place.workspace)) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with registry.lock(registry.workspace_folder(place.workspace), wait=False) as held:
            assert not held
        holder.kill()
    begun = time.monotonic()
    place.start()
    assert time.monotonic() - begun < 10


# -- the port and the host --------------------------------------------------------------------


def test_port_in_use_is_said_and_another_is_found(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port} of 127.0.0.1 is in use"):
            place.start(port=port)
        assert not any(place.root.glob("*/run-*"))
        assert place.start().port != port


@pytest.mark.parametrize("port", [70_000, -5])
def test_port_that_is_none_is_refused(place: Place, port: int) -> None:
    with pytest.raises(SandboxError, match=f"Port {port} cannot be used"):
        place.start(port=port)


def test_chosen_port_is_taken_and_kept_to(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = place.start(port=port)
    assert box.port == port and box.url == f"http://127.0.0.1:{port}"
    assert place.start(port=port).pid == box.pid
    with pytest.raises(SandboxError, match=f"already runs on port {port}"):
        place.start(port=port + 1)


def test_every_socket_is_on_loopback(place: Place, made: Callable[[Sandbox], Functions]) -> None:
    box = place.start()
    functions = made(box)
    functions.create()
    functions.call()
    addresses = {
        connection.laddr.ip
        for one in family(box.pid)
        for connection in one.net_connections(kind="inet")
    }
    assert addresses == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com"])
def test_server_refuses_to_listen_anywhere_else(place: Place, host: str) -> None:
    folder = place.runtime / "run-x"
    folder.mkdir()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "lambdalab.sandbox.server", f"--host={host}"),
            *(f"--run-folder={folder}", f"--workspace={place.workspace}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "'host'" in ended.stderr and host in ended.stderr


# -- who it belongs to ----------------------------------------------------------------------


def test_identity_tells_a_zombie_from_a_process() -> None:
    with subprocess.Popen(["true"]) as child:
        assert until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert owner.identity(child.pid) is None
    assert owner.identity(os.getpid()) == owner.identity(os.getpid()) is not None


def test_identity_and_watch_where_there_is_neither_proc_nor_pidfd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(owner, "_POLL_S", 0.02)
    with subprocess.Popen(["sleep", "600"]) as child:
        real = sys.platform
        monkeypatch.setattr("lambdalab.sandbox.owner.sys.platform", "darwin")
        try:
            known = owner.identity(child.pid)
            assert known is not None
            ended: list[bool] = []
            thread = owner.watch(child.pid, known, lambda: ended.append(True))
            time.sleep(0.1)
            assert not ended
            child.kill()
            assert until(lambda: ended)
            thread.join(timeout=5)
        finally:
            monkeypatch.setattr("lambdalab.sandbox.owner.sys.platform", real)


def test_notebook_server_owns_before_the_kernel_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getppid()))
    assert owner.notebook_owner() == os.getppid()
    for wrong in ("", "x", "1", str(2**22 + 1)):
        monkeypatch.setenv("JPY_PARENT_PID", wrong)
        assert owner.notebook_owner() == os.getpid()


def test_files_are_private_to_the_user(place: Place) -> None:
    box = place.start()
    for folder in (place.root, box.folder.parent, box.folder):
        assert folder.stat().st_mode & 0o077 == 0
    assert (box.folder.parent / "sandbox.json").stat().st_mode & 0o077 == 0


def test_folder_that_others_can_enter_is_refused(place: Place) -> None:
    place.root.mkdir()
    place.root.chmod(0o755)
    with pytest.raises(SandboxError, match="chmod 700"):
        place.start()


def test_runtime_folder_that_is_not_there_falls_back_to_the_temporary_one(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "no"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert registry.root() == tmp_path / f"lambdalab-{os.getuid()}"
