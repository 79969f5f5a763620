"""Takes log lines to the sandbox's CloudWatch Logs, in batches and beside the invocations."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

__all__ = ["CloudWatchSink", "LogGroupName"]

_Lines = Sequence[tuple[int, str]]
_PAUSE_S = 0.02


class LogGroupName(str):
    """A log group's name that knows whose it is: the engine hands it on as it came."""

    __slots__ = ("account", "region")
    account: str
    region: str

    def __new__(cls, name: str, account: str, region: str) -> Self:
        """Name a group of an account in a Region."""
        made = super().__new__(cls, name)
        made.account = account
        made.region = region
        return made

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        """Let copies know it, too."""
        return (str(self), self.account, self.region)


class CloudWatchSink:
    """A :class:`lambdalab.sandbox.model.LogSink` over moto's logs backends.

    Parameters
    ----------
    backends
        Returns moto's ``logs_backends`` (asked when lines arrive first: importing it is slow).
    """

    def __init__(self, backends: Callable[[], Any]) -> None:
        self._backends = backends
        self._waiting: list[tuple[str, str, _Lines]] = []
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, group: str, stream: str, lines: _Lines) -> None:
        """Take lines; they can be read back as soon as :meth:`drain` returned."""
        with self._changed:
            self._waiting.append((group, stream, lines))
            if len(self._waiting) == 1:
                self._changed.notify()

    def drain(self) -> None:
        """Return when all lines taken so far can be read."""
        if self._waiting or self._writing.locked():
            with self._writing:
                self._flush()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Have all lines taken so far readable, and write none meanwhile."""
        with self._writing:
            self._flush()
            yield

    def clear(self) -> None:
        """Forget lines not written yet."""
        with self._writing, self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Stop writing."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                # A moment's pause gathers the lines of a whole invocation.
                self._changed.wait_for(lambda: self._closed, timeout=_PAUSE_S)
            with self._writing:
                self._flush()

    def _flush(self) -> None:
        with self._changed:
            taken, self._waiting = self._waiting, []
        streams: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        groups: dict[tuple[str, str], str] = {}
        for group, stream, lines in taken:
            streams[group, stream].extend(lines)
            groups[group, stream] = group
        for key, lines in streams.items():
            self._put(groups[key], key[1], lines)

    def _put(self, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
        if not isinstance(group, LogGroupName):
            raise TypeError(f"log group {group!r} belongs to no account")
        backend = self._backends()[group.account][group.region]
        name = str(group)
        backend.ensure_log_group(name)
        backend.ensure_log_stream(name, stream)
        events = [{"timestamp": when, "message": text} for when, text in sorted_lines(lines)]
        # A group deleted between two steps loses these lines, as on AWS.
        with contextlib.suppress(Exception):
            backend.put_log_events(name, stream, events)


def sorted_lines(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return lines by time, those of one millisecond in the order they came."""
    return sorted(lines, key=lambda line: line[0])
