"""The process that waits for its environment: what it holds, and what if it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lambdalab.sandbox.engine.spare import Spare, receive
from lambdalab.sandbox.engine.spec import ProcessSpec
from tests.sandbox.engine.conftest import Laboratory

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def spares() -> list[psutil.Process]:
    """Return the zygotes' children that belong to no environment."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
            if not process.children() and process.status() == psutil.STATUS_SLEEPING:
                found.append(process)
    return found


def only_spare() -> psutil.Process:
    deadline = time.monotonic() + 10
    while len(found := spares()) != 1:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found[0]


def test_one_waits_and_another_takes_its_place(lab: Laboratory) -> None:
    function = lab.function("def handler(event, context):\n    return event\n")
    assert lab.call(function, 1) == 1
    first = only_spare()
    lab.executor.shutdown_idle()
    assert lab.call(function, 2) == 2
    assert lab.executor.environments()[0].pid == first.pid
    assert only_spare().pid != first.pid


def test_a_spare_that_was_killed_is_replaced(lab: Laboratory) -> None:
    function = lab.function("def handler(event, context):\n    return event\n")
    assert lab.call(function, 1) == 1
    lab.executor.shutdown_idle()
    os.kill(only_spare().pid, signal.SIGKILL)
    assert lab.call(function, 2) == 2
    only_spare()


@linux
def test_a_spare_holds_no_descriptor_of_an_environment(lab: Laboratory) -> None:
    function = lab.function("def handler(event, context):\n    return event\n")
    assert lab.call(function, 1) == 1
    held = [path.readlink() for path in Path(f"/proc/{only_spare().pid}/fd").iterdir()]
    sockets = [place for place in held if str(place).startswith("socket:")]
    assert len(sockets) == 2, "its own, the zygote's ear, and no status socket of anybody else"


SPEC = ProcessSpec(
    environment="e",
    kind="exec",
    program=("/bin/true",),
    variables={"A": "1"},
    code="/code",
    layers="/layers",
    temporary="/temporary",
    ephemeral_mb=512,
    client="python",
    poll_in_thread=False,
)


class _Quick:
    """A socket whose other end has read all and is closed before ``sendmsg`` returns."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self._near, self._far = near, far
        self.order: tuple[ProcessSpec, int, int] | None = None

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._near.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._near, name)

    def sendmsg(self, *args: Any) -> int:
        sent = self._near.sendmsg(*args)
        self.order = receive(self._far)
        self._far.close()
        return sent


def test_an_order_taken_at_once_is_no_failure() -> None:
    """A spare that is quicker than the zygote made two processes of one order."""
    quick = _Quick(*socket.socketpair())
    spare = object.__new__(Spare)
    spare._channel = quick  # type: ignore[assignment]
    reader, writer = os.pipe()
    spare.give(SPEC, writer, writer)
    assert quick.order is not None
    spec, log, status = quick.order
    assert spec == SPEC
    for descriptor in (reader, writer, log, status):
        os.close(descriptor)
