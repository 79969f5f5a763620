"""Where running sandboxes are written down: one folder per workspace, one record, one lock."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.sandbox.durability.salvage import ASIDE, LEFT, Salvage, forget_old, remove_tree
from lambdalab.sandbox.durability.salvage import salvage as found_salvage
from lambdalab.sandbox.owner import identity

__all__ = [
    "RECORD",
    "Record",
    "Salvage",
    "SandboxError",
    "check_platform",
    "clean",
    "discard",
    "end",
    "find_workspace",
    "lock",
    "read",
    "remove_tree",
    "root",
    "salvage",
    "storage_error",
    "storage_reason",
    "sweep",
    "workspace_folder",
    "write",
]

RECORD = "sandbox.json"
_LOCK = "lock"
_RUN = "run-"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SandboxError(LambdalabError):
    """The sandbox cannot be started, found or spoken to."""


@dataclass(frozen=True, slots=True)
class Record:
    """What ``sandbox.json`` says of a running sandbox."""

    pid: int
    identity: str
    """Tells its process from a later one with the same number."""
    port: int
    token: str
    run: str
    workspace: str
    path: Path
    """The record's own place."""

    @property
    def folder(self) -> Path:
        """The folder of this run's files."""
        return self.path.parent / f"{_RUN}{self.run}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether its process still exists."""
        return identity(self.pid) == self.identity


def find_workspace(start: Path | None = None) -> Path:
    """Return the course folder around ``start``; outside of one, the current folder itself."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / ".lambdalab").is_dir():
            return folder
    return here


def check_platform() -> None:
    """Refuse a system on which no sandbox can run.

    Raises
    ------
    SandboxError
        This is Windows: it has neither ``fork`` nor signals that freeze a process.
    """
    if sys.platform == "win32":
        raise SandboxError(message("sandbox.start.windows"))


def storage_reason(path: Path, error: OSError) -> dict[str, str]:
    """Return why files cannot be kept at ``path``: a message key (``error``) and its values."""
    key = "folder"
    if error.errno in _FULL:
        key = "full"
    elif error.errno == errno.EROFS:
        key = "read_only"
    return {"error": key, "path": str(path), "reason": error.strerror or str(error)}


def storage_error(path: Path, error: OSError) -> SandboxError:
    """Return the error that says why the sandbox's files cannot be kept at ``path``."""
    why = storage_reason(path, error)
    return SandboxError(message(f"sandbox.start.{why.pop('error')}", **why))


def root() -> Path:
    """Return the folder of all sandboxes of this user, private to them.

    Raises
    ------
    SandboxError
        It cannot be made, somebody else could reach into it, or no sandbox can run here.
    """
    check_platform()
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir() and os.access(given, os.W_OK | os.X_OK):
        folder = Path(given) / "lambdalab"
    else:
        folder = Path(tempfile.gettempdir()) / f"lambdalab-{os.getuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        facts = folder.lstat()
    except OSError as error:
        raise storage_error(folder, error) from error
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise SandboxError(message("sandbox.start.not_private", path=folder))
    return folder


def workspace_folder(workspace: Path) -> Path:
    """Return the folder for the sandbox of a workspace (made by :func:`lock`)."""
    name = hashlib.sha256(os.fsencode(workspace.resolve())).hexdigest()[:16]
    return root() / name


@contextlib.contextmanager
def lock(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a workspace's folder, which is made if need be.

    Yields whether the lock is held (always, with ``wait``). The end of a process,
    however it ends, gives its lock back: a stale one cannot be.
    """
    import fcntl  # not there on Windows, where this module can still be read

    while True:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # another process removed the folder just now
        except OSError as error:
            raise storage_error(folder, error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if not _same(descriptor, folder / _LOCK):
                continue
            yield True
            return
        finally:
            os.close(descriptor)


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def read(path: Path) -> Record | None:
    """Return the record at ``path``; ``None`` if there is none or it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Record(path=path, **data)
    except (OSError, ValueError, TypeError):
        return None


def write(record: Record) -> None:
    """Write a record so that a reader sees all of it or nothing."""
    data = asdict(record)
    del data["path"]
    fresh = record.path.with_name(f"{RECORD}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(record.path)


def salvage(folder: Path) -> Salvage | None:
    """Take what a dead sandbox of a workspace had kept out of its run; its lock must be held.

    ``None``: it lives, or there is nothing.
    """
    record = read(folder / RECORD)
    if record is not None and record.alive:
        return None
    return found_salvage(folder, folder.glob(f"{_RUN}*"))


def clean(folder: Path) -> bool:
    """Remove what dead sandboxes left in a workspace's folder; its lock must be held.

    Returns whether there was anything.
    """
    path = folder / RECORD
    record = read(path)
    if record is not None and record.alive:
        return False
    found = path.exists()
    path.unlink(missing_ok=True)
    for run in folder.glob(f"{_RUN}*"):
        found = True
        remove_tree(run)
    forget_old(folder.glob(f"{ASIDE}*"))
    return found


def end(record: Record, patience_s: float = 5.0) -> bool:
    """Kill a sandbox that does not answer, and remove what it left; say whether it is gone.

    Its execution environments end with it: the kernel and the zygote see to that.
    """
    with contextlib.suppress(ProcessLookupError):
        if record.alive:
            os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + patience_s
    while record.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    discard(record)
    return True


def discard(record: Record) -> None:
    """Remove a run's files as its sandbox ends, and the workspace's folder if it is empty."""
    folder = record.path.parent
    if not folder.is_dir():
        return
    written = read(record.path)
    if written is not None and written.run == record.run:
        record.path.unlink(missing_ok=True)
    remove_tree(record.folder)
    with lock(folder):
        if not any(entry.name != _LOCK for entry in folder.iterdir()):
            (folder / _LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()


def sweep(keep: Path) -> None:
    """Remove what dead sandboxes of other workspaces left; ``keep`` is left alone.

    What one that died had kept stays for a week: its learner may come back.
    """
    for folder in keep.parent.iterdir():
        if folder == keep or not folder.is_dir():
            continue
        record = read(folder / RECORD)
        if record is not None and record.alive:
            continue
        with contextlib.suppress(OSError), lock(folder, wait=False) as held:
            if not held:
                continue
            salvage(folder)
            clean(folder)
            forget_old([folder / LEFT])
            if not any(entry.name != _LOCK for entry in folder.iterdir()):
                (folder / _LOCK).unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    folder.rmdir()
