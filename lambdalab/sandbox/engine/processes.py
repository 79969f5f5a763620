"""The sandbox's side of the zygote: ask for processes, stop, continue and end them."""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

from lambdalab.errors import LambdalabError
from lambdalab.sandbox.engine.reaper import Reaper
from lambdalab.sandbox.engine.spec import ProcessSpec

__all__ = ["EnvironmentProcess", "ZygoteClient", "ZygoteError"]

_CREDENTIALS = struct.Struct("3i")


class ZygoteError(LambdalabError):
    """No process could be made."""


class EnvironmentProcess:
    """One process of an environment, as the sandbox holds it.

    Attributes
    ----------
    pid
        Its process id as this process sees it; 0 until it is up.
    exit_code, signal_name
        How it ended; both ``None`` while it runs.
    peak_mb
        The most memory it had resident, in MB, known once it has ended.
    """

    def __init__(self, status: socket.socket, reaper: Reaper | None = None) -> None:
        self._reaper = reaper
        self.pid = 0
        self.exit_code: int | None = None
        self.signal_name: str | None = None
        self.failure: str | None = None
        self.peak_mb = 0.0
        self.ended = False
        self._status = status
        self._text = b""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the process comes up or ends."""
        return self._status.fileno()

    def read(self) -> None:
        """Take in what is known of the process; call when :meth:`fileno` is readable."""
        size = socket.CMSG_SPACE(_CREDENTIALS.size)
        try:
            data, ancillary, _, _ = self._status.recvmsg(4096, size)
        except BlockingIOError:
            return
        if not data and not self.ended:
            # The zygote went without a word. Where no death signal exists, its children live on.
            self.ended = True
            self._kill_group()
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == getattr(socket, "SCM_CREDENTIALS", None):
                # The kernel translates the sender's pid into our namespace.
                pid = _CREDENTIALS.unpack(payload[: _CREDENTIALS.size])[0]
                if not self.pid and data.startswith(b"up"):
                    self.pid = pid
        self._text += data
        while b"\n" in self._text:
            line, _, self._text = self._text.partition(b"\n")
            self._hear(line.decode())
        if self.ended and self._reaper is not None and self.pid:
            self._reaper.forget(self.pid)
            self._reaper = None

    def _hear(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "up" and not self.pid:
            self.pid = int(rest)
            if self._reaper is not None:
                self._reaper.watch(self.pid)
        elif word in ("exit", "signal"):
            number, peak = rest.split()
            self.peak_mb, self.ended = float(peak), True
            if word == "exit":
                self.exit_code = int(number)
            else:
                self.signal_name = _go_name(int(number))
        elif word == "failed":
            self.failure, self.ended = rest, True

    def _kill_group(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process's whole group; nothing if it is gone."""
        if self.pid and not self.ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        """Give back the descriptor."""
        self._status.close()


def _go_name(number: int) -> str:
    """Name a signal as the service words it: ``killed``, ``segmentation fault``."""
    return {
        signal.SIGKILL: "killed",
        signal.SIGSEGV: "segmentation fault",
        signal.SIGABRT: "aborted",
        signal.SIGTERM: "terminated",
        signal.SIGFPE: "floating point exception",
        signal.SIGILL: "illegal instruction",
        signal.SIGBUS: "bus error",
    }.get(signal.Signals(number), f"signal {number}")


class ZygoteClient:
    """Starts the zygote and gives it orders. Thread-safe.

    Parameters
    ----------
    folder
        Folder of the sandbox for the zygote's own files.
    isolate
        Use Linux namespaces if the kernel allows.
    """

    def __init__(self, folder: Path, *, isolate: bool = True) -> None:
        self._folder = folder
        self._isolate = isolate
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._isolated = False
        self._closed = False
        self._reaper: Reaper | None = None

    def start(self) -> None:
        """Start the zygote; returns before it is ready."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # else handlers would be shown the current folder: the sandbox's own
                    "-m",
                    "lambdalab.sandbox.engine.zygote",
                    f"--control={theirs.fileno()}",
                    f"--folder={self._folder}",
                    f"--isolate={'yes' if self._isolate else 'no'}",
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = ours

    def wait_ready(self) -> None:
        """Return when the zygote takes orders.

        Raises
        ------
        ZygoteError
            It ended before that.
        """
        if self._ready.is_set():
            return
        with self._lock:
            if self._ready.is_set():
                return
            assert self._control is not None  # noqa: S101 - start() was called
            words = b""
            while not words.endswith(b"ready\n"):
                data = self._control.recv(256)
                if not data:
                    raise ZygoteError(
                        "the process that makes execution environments ended at its start; "
                        "the sandbox's log says why (lambdalab sandbox status names it)"
                    )
                words += data
            self._isolated = words.startswith(b"isolated")
            if not self._isolated and self._reaper is None:
                self._reaper = Reaper(self._folder)
            self._ready.set()

    def _replace(self, control: socket.socket | None) -> None:
        """Start another zygote in the place of the one behind ``control``, which is gone."""
        with self._lock:
            if self._control is not control or self._closed:
                return
            self._ready.clear()
            if control is not None:
                control.close()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            if self._reaper is not None:
                self._reaper.kill_all()
            self._start()

    @property
    def isolated(self) -> bool:
        """Whether each environment has its own ``/tmp``, ``/var/task`` and ``/opt``."""
        self.wait_ready()
        return self._isolated

    def spawn(self, spec: ProcessSpec, log: int) -> EnvironmentProcess:
        """Ask for a process; ``log`` is the descriptor its output goes to."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        if hasattr(socket, "SO_PASSCRED"):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            order = json.dumps({"op": "spawn", "spec": json.loads(spec.dumps())})
            try:
                self._order(order, [log, theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        return EnvironmentProcess(ours, self._reaper)

    def sweep(self, environment: str, *, destroy: bool) -> None:
        """Kill all processes of an environment; with ``destroy``, drop its ``/tmp`` too."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                op = "destroy" if destroy else "sweep"
                order = json.dumps({"op": op, "environment": environment})
                control = self._control
                try:
                    self._send(order, [theirs.fileno()])
                except (OSError, ZygoteError):
                    # The zygote is gone, and all its processes with it: see to that.
                    if self._reaper is not None and self._control is control:
                        self._reaper.kill_all()
                    return
            ours.settimeout(5)
            with contextlib.suppress(TimeoutError):
                ours.recv(16)

    def _order(self, order: str, descriptors: list[int]) -> None:
        """Send an order, to a new zygote if somebody killed the one that was there."""
        self.wait_ready()
        control = self._control
        try:
            self._send(order, descriptors)
        except ZygoteError:
            self._replace(control)
            self.wait_ready()
            self._send(order, descriptors)

    def _send(self, order: str, descriptors: list[int]) -> None:
        data = order.encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with self._lock:
            assert self._control is not None  # noqa: S101 - start() was called
            try:
                sent = self._control.sendmsg([data], rights)
                self._control.sendall(data[sent:])
            except (BrokenPipeError, ConnectionResetError) as error:
                raise ZygoteError(
                    "the process that makes execution environments is gone; "
                    "run `lambdalab sandbox stop` and start again (saved state stays)"
                ) from error

    def close(self) -> None:
        """End the zygote and with it every environment."""
        self._closed = True
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._reaper is not None:
            self._reaper.close()
