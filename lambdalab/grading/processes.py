"""A child process of ours: a request in, bounded lines of JSON out, gone at the end with its own.

The request goes in on standard input, answers come out on standard output, and the last
of standard error is kept for whoever has to find out why it failed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

__all__ = ["Child", "Ending", "base_environment"]

Ending = Literal["finished", "timed out", "too much", "stopped"]

_CHUNK = 64 * 1024
_TAIL = 16 * 1024
_LINE_MAX = 16 * 1024 * 1024
_ALL_MAX = 64 * 1024 * 1024
_TICK_S = 0.1
_POLITE_S = 5.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "SYSTEMROOT")


def base_environment(**more: str) -> dict[str, str]:
    """Return the few variables a child needs, and ``more``: nothing of a real account."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONUTF8": "1"} | more


class Child:
    """A running ``python -I -m module``.

    Parameters
    ----------
    module
        What it runs.
    request
        Its standard input.
    environment, folder
        All its variables, and where it starts.
    seconds
        How long until :meth:`lines` gives up; change :attr:`deadline` to give it more.
    stop
        Once set, :meth:`lines` gives up at once.
    """

    def __init__(
        self,
        module: str,
        request: bytes,
        *,
        environment: Mapping[str, str],
        folder: Path | None = None,
        seconds: float,
        stop: threading.Event | None = None,
    ) -> None:
        self.deadline = time.monotonic() + seconds
        self.ending: Ending = "finished"
        self._request = memoryview(request)
        self._stop = stop or threading.Event()
        self._error = b""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def error_text(self) -> str:
        """The last of what it wrote to standard error."""
        return self._error.decode(errors="replace").strip()

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended: negative for a signal."""
        return self._process.poll()

    def lines(self) -> Iterator[bytes]:
        """Yield its answers until it ends, its time is up, or it says too much.

        :attr:`ending` tells which. It is still to be closed.
        """
        pending, total = b"", 0
        for data in self._read():
            total += len(data)
            *whole, pending = (pending + data).split(b"\n") if b"\n" in data else (pending + data,)
            yield from whole
            if total > _ALL_MAX or len(pending) > _LINE_MAX:
                self.ending = "too much"
                return

    def _read(self) -> Iterator[bytes]:
        process = self._process
        assert process.stdin and process.stdout and process.stderr  # noqa: S101 - all are pipes
        with selectors.DefaultSelector() as selector:
            for stream, interest in (
                (process.stdin, selectors.EVENT_WRITE),
                (process.stdout, selectors.EVENT_READ),
                (process.stderr, selectors.EVENT_READ),
            ):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, interest)
            while process.stdout.fileno() in selector.get_map():
                if self._stop.is_set():
                    self.ending = "stopped"
                    return
                left = self.deadline - time.monotonic()
                if left <= 0:
                    self.ending = "timed out"
                    return
                # A grandchild may hold the pipes open: the child's own end is what counts.
                ended = process.poll() is not None
                ready = selector.select(0 if ended else min(left, _TICK_S))
                for key, _ in ready:
                    data = self._handle(selector, key)
                    if data:
                        yield data
                if ended and not any(key.fileobj is process.stdout for key, _ in ready):
                    return

    def _handle(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bytes | None:
        process = self._process
        assert process.stdin  # noqa: S101 - a pipe
        if key.fileobj is process.stdin:
            with contextlib.suppress(BlockingIOError):
                try:
                    self._request = self._request[os.write(key.fd, self._request[:_CHUNK]) :]
                except BrokenPipeError:
                    self._request = self._request[:0]
            if not self._request:
                selector.unregister(process.stdin)
                process.stdin.close()
            return None
        try:
            data = os.read(key.fd, _CHUNK)
        except BlockingIOError:
            return None
        if not data:
            selector.unregister(key.fileobj)
        elif key.fileobj is process.stderr:
            self._error = (self._error + data)[-_TAIL:]
            return None
        return data

    def close(self) -> None:
        """End the process, politely first: a supervisor takes its own children along."""
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_POLITE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        # Whatever is left of its session; nothing is, after a supervisor.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
