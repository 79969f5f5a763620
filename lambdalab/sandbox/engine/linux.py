"""The few Linux calls Python has no name for: namespaces, mounts, death signals.

Everywhere else :data:`AVAILABLE` is false and nothing here is called.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

__all__ = [
    "AVAILABLE",
    "MountFlag",
    "bind",
    "die_with_parent",
    "mount",
    "new_mounts",
    "unmount",
    "unshare_mounts_and_pids",
]

AVAILABLE = sys.platform == "linux"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_PR_SET_PDEATHSIG = 1


class MountFlag:
    """Flags of mount(2)."""

    READ_ONLY = 0x1
    NO_SUID = 0x2
    NO_DEV = 0x4
    REMOUNT = 0x20
    BIND = 0x1000
    RECURSIVE = 0x4000
    PRIVATE = 0x40000
    DETACH = 0x2


_libc = ctypes.CDLL(None, use_errno=True) if AVAILABLE else None


def _call(name: str, *arguments: object) -> None:
    assert _libc is not None  # noqa: S101 - callers test AVAILABLE
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, frozen or not."""
    if AVAILABLE:
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def unshare_mounts_and_pids() -> None:
    """Enter new mount and user namespaces; children get a new pid namespace.

    Raises
    ------
    OSError
        The kernel does not allow it (some containers, hardened distributions).
    """
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", _CLONE_NEWNS | _CLONE_NEWPID)
        return
    except PermissionError:
        _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{user} {user} 1")
    (own / "gid_map").write_text(f"{group} {group} 1")


def new_mounts() -> None:
    """Give this process a copy of the mount table, of its own from now on."""
    _call("unshare", _CLONE_NEWNS)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Call mount(2)."""

    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    _call("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show the folder ``source`` at ``target`` as well."""
    mount(source, target, None, MountFlag.BIND | MountFlag.RECURSIVE)
    if read_only:
        flags = MountFlag.BIND | MountFlag.REMOUNT | MountFlag.READ_ONLY
        flags |= MountFlag.NO_SUID | MountFlag.NO_DEV
        mount(None, target, None, flags)


def unmount(target: str) -> None:
    """Detach what is mounted at ``target``."""
    _call("umount2", os.fsencode(target), MountFlag.DETACH)
