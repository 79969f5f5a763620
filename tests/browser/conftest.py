"""One JupyterLab on a copy of the course, and one Chromium, for all browser tests."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import jupyter
from tests.browser.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that stands here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def offline() -> bool:
    """Leave this machine without a network, where the kernel lets us: loopback only.

    That nothing needs the internet is then no promise. Elsewhere the tests still look at
    the address of every request a page makes.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    return True


@pytest.fixture(scope="session")
def browser(offline: bool) -> Iterator[Browser]:
    """Return a headless Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def course(offline: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyter.JupyterLab]:
    """Return a JupyterLab started by ``lambdalab start`` on a fresh workspace."""
    folder = tmp_path_factory.mktemp("learner") / "course"
    command = [sys.executable, "-m", "lambdalab", "start", str(folder), "--no-browser"]
    with jupyter.jupyterlab([*command, "--lang", "en"], folder) as server:
        yield server


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Return the folder for pictures that people look at."""
    return Path(__file__).parents[1] / "artefacts"
