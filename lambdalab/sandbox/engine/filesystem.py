"""What an execution environment sees as ``/tmp``, ``/var/task`` and ``/opt``.

With Linux namespaces these are the very paths of AWS, private to each environment.
Without them (macOS, hardened kernels) the same folders have their real paths, and
``TMPDIR``, ``LAMBDA_TASK_ROOT`` and ``PATH`` lead there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lambdalab.sandbox.engine import linux
from lambdalab.sandbox.engine.linux import MountFlag

__all__ = ["View", "prepare_host_view", "show_environment", "temporary_folder"]

TASK = "/var/task"
RUNTIME = "/var/runtime"
LAYERS = "/opt"
TEMPORARY = "/tmp"  # noqa: S108 - the path AWS documents


@dataclass(frozen=True, slots=True)
class View:
    """Where a process of the environment finds its folders."""

    task: str
    layers: str
    temporary: str


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def prepare_host_view(scratch: Path, runtime: Path) -> None:
    """Ready this mount namespace for all environments: own ``/proc``, ``/var/runtime``.

    Parameters
    ----------
    scratch
        A folder of the sandbox's, for a replica of ``/var`` if that has no ``task``.
    runtime
        The folder to show as ``/var/runtime``.
    """
    linux.mount(None, "/", None, MountFlag.PRIVATE | MountFlag.RECURSIVE)
    with contextlib.suppress(OSError):  # refused where parts of /proc are masked
        linux.mount("proc", "/proc", "proc", MountFlag.NO_SUID | MountFlag.NO_DEV)
    if not (Path(TASK).is_dir() and Path(RUNTIME).is_dir()):
        _replicate_var(scratch)
    linux.bind(str(runtime), RUNTIME, read_only=True)


def _replicate_var(scratch: Path) -> None:
    replica = scratch / "var"
    replica.mkdir(parents=True, exist_ok=True)
    linux.mount("tmpfs", str(replica), "tmpfs", MountFlag.NO_SUID | MountFlag.NO_DEV, "size=1m")
    for name in (TASK, RUNTIME):
        (replica / Path(name).name).mkdir()
    with os.scandir("/var") as entries:
        for entry in entries:
            twin = replica / entry.name
            if twin.exists():
                continue
            if entry.is_symlink():
                twin.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                twin.mkdir()
                linux.bind(entry.path, str(twin))
    linux.bind(str(replica), "/var")


def temporary_folder(folder: Path, size_mb: int, *, isolated: bool) -> None:
    """Make an environment's ``/tmp``: a tmpfs of ``size_mb`` where that can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    if isolated:
        flags = MountFlag.NO_SUID | MountFlag.NO_DEV
        linux.mount("tmpfs", str(folder), "tmpfs", flags, f"size={size_mb}m,mode=1777")


def show_environment(code: str, layers: str, temporary: str, needed: Iterable[str]) -> View:
    """Put the environment's folders at AWS's paths, for this process and its children.

    Parameters
    ----------
    code, layers, temporary
        The real folders.
    needed
        Folders the interpreter still has to read; those below ``/tmp`` are kept visible.
    """
    linux.new_mounts()
    linux.bind(code, TASK, read_only=True)
    shown = layers
    if not any(_inside(path, LAYERS) for path in needed) and Path(LAYERS).is_dir():
        linux.bind(layers, LAYERS, read_only=True)
        shown = LAYERS
    hidden = [path for path in needed if _inside(path, TEMPORARY)]
    kept = [(path, os.open(path, os.O_PATH)) for path in sorted(hidden)]
    linux.bind(temporary, TEMPORARY)
    for path, descriptor in kept:
        if not Path(path).is_dir():
            Path(path).mkdir(parents=True, exist_ok=True)
        linux.bind(f"/proc/self/fd/{descriptor}", path)
        os.close(descriptor)
    return View(TASK, shown, TEMPORARY)
