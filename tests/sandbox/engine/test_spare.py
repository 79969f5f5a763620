"""The process that waits for its environment: what it holds, and what if it dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.sandbox.engine.conftest import Laboratory

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def spares() -> list[psutil.Process]:
    """Return the zygotes' children that belong to no environment."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if not process.children() and process.status() == psutil.STATUS_SLEEPING
    ]


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
    assert len(sockets) == 1, "its own, and no status socket of anybody else"
