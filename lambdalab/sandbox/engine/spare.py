"""A fork of the zygote made before it is needed.

Forking copies page tables for milliseconds, and a part of what follows is the same for
every environment. So one process is always ready that belongs to no environment yet; it
waits on a socket for what it is to become.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Callable
from typing import NoReturn

from lambdalab.sandbox.engine.spec import ProcessSpec

__all__ = ["Spare", "receive"]

_DESCRIPTORS = 2


class Spare:
    """A waiting process, as the zygote holds it.

    Parameters
    ----------
    become
        Runs in the fork, with its end of the socket; never returns.

    Raises
    ------
    OSError
        No process could be made.
    """

    def __init__(self, become: Callable[[socket.socket], NoReturn]) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            try:
                self.pid = os.fork()
            except OSError:
                self._channel.close()
                raise
            if self.pid == 0:
                become(theirs)

    def give(self, spec: ProcessSpec, log: int, status: int) -> None:
        """Tell it what to become, once; both descriptors stay the caller's to close.

        Raises
        ------
        OSError
            It is gone.
        """
        data = spec.dumps().encode() + b"\n"
        descriptors = array.array("i", (log, status))
        with self._channel:
            sent = self._channel.sendmsg(
                [data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            )
            # Not even nothing is sent after all has been: it may have taken the order and closed
            # its end by now, and that error would have the order carried out twice.
            if sent < len(data):
                self._channel.sendall(data[sent:])

    def close(self) -> None:
        """Let it go: without an order it ends."""
        self._channel.close()


def receive(channel: socket.socket) -> tuple[ProcessSpec, int, int] | None:
    """Wait for :meth:`Spare.give`; return what was given, or ``None`` if that will never be."""
    data = b""
    descriptors = array.array("i")
    while not data.endswith(b"\n"):
        space = socket.CMSG_SPACE(_DESCRIPTORS * descriptors.itemsize)
        part, ancillary, _, _ = channel.recvmsg(65536, space)
        if not part:
            return None
        data += part
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(payload[: _DESCRIPTORS * descriptors.itemsize])
    log, status = descriptors
    return ProcessSpec.loads(json.loads(data)), log, status
