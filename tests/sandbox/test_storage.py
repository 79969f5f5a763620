"""Full disks and read-only folders, before the sandbox runs and while it does."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.conftest import Place

# Mounts need a namespace in which one is root; a script runs inside of it.
_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def _can_mount() -> bool:
    with contextlib.suppress(OSError):
        return (
            subprocess.run(
                [*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"],
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )
    return False


@pytest.fixture
def mounted(place: Place) -> Iterator[Place]:
    if sys.platform != "linux" or not _can_mount():
        pytest.skip("this kernel lets nobody but its administrator mount a small disk")
    yield place


def _inside(place: Place, mount: str, python: str) -> str:
    """Run a script with another disk at ``place.runtime``; return what it printed."""
    script = f'{mount}\nexec {sys.executable} -c "$CODE"'
    prologue = (
        "import os, sys; from lambdalab.sandbox import Sandbox, SandboxError;"
        "from pathlib import Path; runtime = Path(os.environ['XDG_RUNTIME_DIR'])\n"
    )
    ended = subprocess.run(
        [*_UNSHARE, "sh", "-ec", script],
        cwd=place.workspace,
        env=place.environment(CODE=prologue + python, PLACE=str(place.runtime)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


START = """
try:
    Sandbox.start(configure=False)
except SandboxError as error:
    print(error)
"""


def test_start_on_a_full_disk_says_so(mounted: Place) -> None:
    full = 'mount -t tmpfs -o size=64k,mode=700 none "$PLACE"; '
    for blocks in (64, 60, 56):  # nothing fits, half of it, all but the last file
        fill = f'dd if=/dev/zero of="$PLACE/ballast" bs=1k count={blocks} 2>/dev/null || true'
        said = _inside(mounted, full + fill, START)
        assert "is full" in said and "Free some space, or set TMPDIR to another disk" in said


def test_start_on_a_disk_without_room_for_another_folder(mounted: Place) -> None:
    said = _inside(mounted, 'mount -t tmpfs -o size=64k,nr_inodes=1,mode=700 none "$PLACE"', START)
    assert "is full" in said and "Traceback" not in said


def test_start_in_a_read_only_folder_says_so(mounted: Place) -> None:
    mount = (
        'mount -t tmpfs -o mode=700 none "$PLACE"; mkdir -m 700 "$PLACE/lambdalab";'
        'mount -o remount,ro "$PLACE"'
    )
    # A read-only XDG_RUNTIME_DIR is passed over; the temporary folder is all that is left.
    force = "import tempfile; tempfile.tempdir = str(runtime)\n"
    said = _inside(mounted, mount, force + START)
    assert "is read only" in said and "Set XDG_RUNTIME_DIR or TMPDIR" in said


FILLED = """
import boto3, json
from tests.conftest import TRUST
from lambdalab.packaging import deployment_package
box = Sandbox.start()
client = boto3.client("lambda")
role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
def create(name, size):
    files = {"app.py": "def handler(e, c): return e", "noise.bin": os.urandom(size)}
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler",
                           Role=role, Code={"ZipFile": deployment_package(files)})
create("small", 10)
print(json.load(client.invoke(FunctionName="small", Payload=b"1")["Payload"]))
try:
    create("large", 12_000_000)
except Exception as error:
    print("refused:", error)
print(sorted(f["FunctionName"] for f in client.list_functions()["Functions"]))
print(sorted(p.name for p in (box.folder / "code").glob("*.new")))
print(json.load(client.invoke(FunctionName="small", Payload=b"2")["Payload"]))
create("another", 10)
print(json.load(client.invoke(FunctionName="another", Payload=b"3")["Payload"]))
try:
    box.save(runtime / "state.lab")
    (runtime / "state.lab").unlink()
    print("saved")
except SandboxError as error:
    print(error)
box.stop()
print(list((runtime / "lambdalab").iterdir()))
"""


def test_disk_that_fills_while_it_runs_costs_nothing_that_was_there(mounted: Place) -> None:
    mount = 'mount -t tmpfs -o size=6m,mode=700 none "$PLACE"'
    lines = _inside(mounted, mount, FILLED).splitlines()
    assert lines[0] == "1"
    assert lines[1].startswith("refused:") and "files is full" in lines[1]
    assert lines[2:] == ["['small']", "[]", "2", "3", "saved", "[]"]


SAVE = """
box = Sandbox.start(configure=False)
target = runtime / "disk" / "state.lab"
try:
    box.save(target)
except SandboxError as error:
    print(error)
print(sorted(p.name for p in target.parent.iterdir()), target.read_text())
box.stop()
"""


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ('dd if=/dev/zero of="$PLACE/disk/ballast" bs=1k 2>/dev/null || true', "No space left"),
        ('mount -o remount,ro "$PLACE/disk"', "Read-only file system"),
    ],
    ids=["full", "read only"],
)
def test_save_that_cannot_be_written_keeps_the_file_of_before(
    mounted: Place, prepare: str, reason: str
) -> None:
    mount = (
        'mkdir "$PLACE/disk"; mount -t tmpfs -o size=16k none "$PLACE/disk";'
        'printf before > "$PLACE/disk/state.lab";'
    )
    said, left = _inside(mounted, mount + prepare, SAVE).strip().rsplit("\n", 1)
    assert said.startswith("The state cannot be written to") and reason in said
    assert left.endswith("before") and ".tmp" not in left


def test_folder_that_is_a_file(place: Place) -> None:
    from lambdalab.sandbox import SandboxError

    place.root.write_text("in the way", encoding="utf-8")
    with pytest.raises(SandboxError, match="must be a folder of yours"):
        place.start()


def test_limit_on_file_size_is_an_error_and_no_crash(place: Place, tmp_path: Path) -> None:
    source = """
import resource, signal, sys
from lambdalab.sandbox import state
from lambdalab.sandbox.registry import SandboxError
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    state.write(Path(sys.argv[1]), b"x" * 5000)
except SandboxError as error:
    print(error)
"""
    out, _ = place.run(source, str(tmp_path / "s.lab"))
    assert "cannot be written" in out and "File too large" in out
    assert list(tmp_path.iterdir()) == []
