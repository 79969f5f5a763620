from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambdalab.course.storage import locked, write_atomically


def test_the_new_content_and_the_old_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")
    path.chmod(0o640)
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_content_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "file", b"")
    with pytest.raises(FileNotFoundError), locked(tmp_path / "none" / "lock"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks on Windows")
def test_a_lock_is_waited_for_and_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\nfrom lambdalab.course.storage import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    lock = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiter = subprocess.Popen(
            [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True
        )
        with waiter:
            time.sleep(0.3)
            assert waiter.poll() is None
            holder.kill()
            assert waiter.stdout is not None
            assert waiter.stdout.readline() == "held\n"
            waiter.kill()
