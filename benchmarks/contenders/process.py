"""A peer's server: started in a session of its own, and ended with everything it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError

__all__ = ["Server", "free_ports"]

_PATIENCE_S = 60.0
_GRACE_S = 5.0
_TAIL_LINES = 15


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


class Server:
    """One child process that listens on a port.

    Parameters
    ----------
    name
        What to call it in messages.
    command, folder
        What to run, and where.
    variables
        Its environment, whole: nothing of ours reaches it but the search path.
    port
        Port of 127.0.0.1 on which it answers once it is up.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        port: int,
    ) -> None:
        self._name = name
        self._log = folder / "server.log"
        home = folder / "home"
        home.mkdir(exist_ok=True)
        own = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=own | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._await(port)
        except BaseException:
            self.stop()
            raise

    def _await(self, port: int) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
                tail = "\n".join(lines[-_TAIL_LINES:])
                raise BenchmarkError(f"{self._name} did not come up. The end of its log:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it and all it started: politely, then not."""
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for process in family:  # those that had left the group
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=_GRACE_S)

    def _signal(self, number: signal.Signals) -> None:
        # The session's leader gave its group its number, and while the group has members
        # nobody else can get it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
