"""A learner's process on Linux: the file system read-only but for its own folders, no privileges.

Where the kernel does not allow it, the process runs without; what it is worth then is
said in docs/writing-labs.md.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from lambdalab.sandbox.engine import linux
from lambdalab.sandbox.engine.linux import MountFlag

__all__ = ["drop_privileges", "protect"]

_MOUNT_SETATTR = 442  # the same number on every architecture
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_RDONLY = 0x1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


class _CapabilityHead(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def protect(writable: Sequence[Path], hidden: Sequence[Path]) -> None:
    """Make every mount of this process's own mount namespace read-only, but for some folders.

    Parameters
    ----------
    writable
        Folders that stay as they are.
    hidden
        Folders that are empty from now on.

    Raises
    ------
    OSError
        The kernel is too old (before 5.12) or does not allow it; some of it may be done.
    """
    linux.mount(None, "/", None, MountFlag.RECURSIVE | MountFlag.PRIVATE)
    for folder in writable:
        linux.bind(str(folder), str(folder))
    _mount_attributes(Path("/"), _MountAttr(attr_set=_RDONLY), recursive=True)
    for folder in writable:
        _mount_attributes(folder, _MountAttr(attr_clr=_RDONLY), recursive=True)
    for folder in hidden:
        linux.mount("none", str(folder), "tmpfs", MountFlag.READ_ONLY, "size=4k")


def _mount_attributes(path: Path, wanted: _MountAttr, *, recursive: bool) -> None:
    if platform.system() != "Linux":
        raise OSError("mount_setattr is Linux's")
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _AT_RECURSIVE if recursive else 0
    done = libc.syscall(
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(path),
        ctypes.c_uint(flags),
        ctypes.byref(wanted),
        ctypes.c_size_t(ctypes.sizeof(wanted)),
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount_setattr: {os.strerror(number)}", str(path))


def drop_privileges() -> None:
    """Give up every capability for good: root, too, can then undo no mount.

    Raises
    ------
    OSError
        The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    head = _CapabilityHead(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: twice 32 bits each
    if libc.capset(ctypes.byref(head), ctypes.byref(nothing)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
