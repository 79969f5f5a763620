"""Keeps a running sandbox: journals what changes, and takes snapshots behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import sys
import threading
import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdalab.errors import LambdalabError
from lambdalab.sandbox import state
from lambdalab.sandbox.durability import requests
from lambdalab.sandbox.durability.drawing import drawn_from
from lambdalab.sandbox.durability.files import Files
from lambdalab.sandbox.durability.journal import FACT, REQUEST, Journal
from lambdalab.sandbox.durability.requests import Change
from lambdalab.sandbox.events import Notice
from lambdalab.sandbox.keepers import Value
from lambdalab.sandbox.lambda_service.http_invoke import Answer

if TYPE_CHECKING:
    from lambdalab.sandbox.core import Core

__all__ = ["SETTINGS", "Keeping"]

SETTINGS = "settings"
"""What snapshots and journals call the settings: a file that somebody loads has none."""

_QUIET_S = 0.2
"""A snapshot waits until this long nothing changed."""
_LONGEST_S = 2.0
"""But not longer than this."""
_SHARE = 20
"""A snapshot that took a second is followed by another after this many, at the earliest."""
_AGAIN_S = 10.0
"""How long after one that failed the next is tried."""
_PATIENCE_S = 2.0
"""How long it waits for requests to end; whoever wants to empty all state waits for it."""
_REQUESTS = 500
_BYTES = 16 * 1024 * 1024
"""Changes of data alone make a snapshot when so much is in the journal: it is read back fast."""


class Keeping:
    """Journals changes before they are answered. Thread-safe.

    Parameters
    ----------
    core
        The sandbox.
    folder
        Where journal and snapshots go; ``None``: nothing is kept.
    """

    def __init__(self, core: Core, folder: Path | None) -> None:
        self._core = core
        self._files = None if folder is None else Files(folder)
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._orders: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._number = 0
        self._proved: set[str] = set()
        self._told = False
        self._changed = threading.Condition()
        self._first: float | None = None
        self._last = 0.0
        self._requests = 0
        self._earliest = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    @property
    def keeps(self) -> bool:
        """Whether what is accepted now would outlive this process."""
        return self._journal is not None

    # -- writing ----------------------------------------------------------------------------

    def answer(self, service: str, environ: dict[str, Any], body: bytes) -> Answer:
        """Have moto answer a request; what it changes is in the journal before the caller knows."""
        app = self._core.moto
        if self._files is None:
            return requests.run(app, environ, body)
        change = requests.change_of(service, environ, body)
        if change is Change.NOTHING:
            return requests.run(app, environ, body)
        seed = secrets.randbits(62)
        head = requests.pack(environ, seed)
        # Data of one service is changed in the order in which the journal has it.
        order = self._orders[service] if change is Change.DATA else contextlib.nullcontext()
        with order, drawn_from(seed):
            begun = self._core.clock.now()
            answer = requests.run(app, environ, body)
            if answer.status < 400:
                self._write(REQUEST, begun, head, body)
        if answer.status < 400:
            self._request(change)
        return answer

    def settings(self, values: dict[str, Any]) -> None:
        """Note the settings; no part holds them."""
        self._fact(SETTINGS, values)

    def _fact(self, name: str, fact: Value) -> None:
        self._write(FACT, self._core.clock.now(), json.dumps([name, fact]).encode())

    def _write(self, kind: int, when: float, *content: bytes) -> None:
        with self._lock:
            journal = self._journal
            if journal is None:
                return
            try:
                journal.write(kind, when, *content)
            except OSError as error:
                # One that has a gap is worse than one that ends: nothing more goes into it.
                self._journal = None
                self._closed_journal(journal)
                reason: object = error.strerror or error
            else:
                if journal.size > _BYTES:
                    self.ask()
                return
        self._fail(reason)

    def _fail(self, reason: object) -> None:
        """Say once that nothing can be promised any more; a snapshot that succeeds mends it."""
        with self._changed:
            told, self._told = self._told, True
            self._earliest = time.monotonic() + _AGAIN_S
        self.ask()
        if told:
            return
        with contextlib.suppress(OSError):
            print(f"nothing is kept any more: {reason}", file=sys.stderr)
        self._core.events.record(Notice(key="notice.not_kept", values={"reason": str(reason)}))

    @staticmethod
    def _closed_journal(journal: Journal) -> None:
        with contextlib.suppress(OSError):
            journal.close()

    # -- snapshots --------------------------------------------------------------------------

    def start(self, *, restored: bool) -> None:
        """Begin.

        ``restored``: there is something already; write that down first.

        Raises
        ------
        OSError
            Nothing can be kept where it should be.
        """
        if self._files is None:
            return
        self._core.keepers.journal(self._fact)
        self._core.clock.listen(self.ask)
        if restored:
            self.snapshot()
        else:
            self._cut()
        self._thread.start()

    def close(self) -> None:
        """Take no more snapshots, and write nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._core.keepers.journal(None)
        with self._lock:
            journal, self._journal = self._journal, None
        if journal is not None:
            self._closed_journal(journal)

    def ask(self) -> None:
        """Have a snapshot taken soon: something changed that no request says."""
        with self._changed:
            self._last = time.monotonic()
            if self._first is None:
                self._first = self._last
                self._changed.notify_all()

    def _request(self, change: Change) -> None:
        with self._changed:
            self._requests += 1
        if change is Change.CONTROL or self._requests >= _REQUESTS:
            self.ask()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (left := self._left()) != 0.0:
                    self._changed.wait(left)
                if self._closed:
                    return
            try:
                with self._core.alone_with_state():
                    self.snapshot()
            except Exception:  # noqa: BLE001 - the journal goes on, and the next may do
                traceback.print_exc(file=sys.stderr)

    def _left(self) -> float | None:
        if self._first is None:
            return None
        now = time.monotonic()
        due = max(min(self._last + _QUIET_S, self._first + _LONGEST_S), self._earliest)
        return max(0.0, due - now)

    def snapshot(self) -> bool:
        """Write down all there is, and begin a new journal; say whether that is done.

        What was journaled until now is in the snapshot. If it cannot be written, the old one
        and its journal stay, and the new journal goes on from there.
        """
        if self._files is None:
            return False
        with self._changed:
            self._first, self._requests = None, 0
        unbroken = self.keeps
        try:
            with self._core.gate.alone(_PATIENCE_S), self._core.sink.still():
                begun = time.monotonic()
                number = self._cut()
                data = self._dump()
            self._files.write_state(number, data)
        except (OSError, LambdalabError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if unbroken:
                self._later(reason)
            else:
                # The journal before has a gap; one behind it must not look as if it had none.
                self._end()
                self._fail(reason)
            return False
        took = time.monotonic() - begun
        self._files.forget_before(number)
        with self._changed:
            self._earliest = time.monotonic() + took * _SHARE
            told, self._told = self._told, not self.keeps
        if told and self.keeps:
            self._core.events.record(Notice(key="notice.kept_again"))
        return True

    def _end(self) -> None:
        with self._lock:
            journal, self._journal = self._journal, None
        if journal is not None:
            self._closed_journal(journal)
            with contextlib.suppress(OSError):
                journal.path.unlink()

    def _later(self, reason: str) -> None:
        """Try again what failed; all that changes is in the journals meanwhile."""
        with contextlib.suppress(OSError):
            print(f"no snapshot: {reason}", file=sys.stderr)
        with self._changed:
            self._earliest = time.monotonic() + _AGAIN_S
        self.ask()

    def _cut(self) -> int:
        """Begin a new journal; return its number."""
        assert self._files is not None  # noqa: S101 - for the type checker
        with self._lock:
            fresh = Journal(self._files.journal(self._number + 1))
            old, self._journal = self._journal, fresh
            self._number += 1
        if old is not None:
            self._closed_journal(old)
        return self._number

    def _dump(self) -> bytes:
        kept = self._core.keepers.dump()
        kept[SETTINGS] = dataclasses.asdict(self._core.executor.settings)
        places = state.places()
        # Whether it can be read back is tried when a service is new in it, not every time.
        data = state.dump(kept, proved=not places <= self._proved, level=0, lean=True)
        self._proved |= places
        return data
