"""What outlives the process: each part that holds something says so here, and hands it over.

moto's state is written down as it is; everything of our own that must come back, the
asynchronous queue, the positions of pollers, the clock, is kept by its part and asked for by
name. A value is JSON, so that a file can hold nothing but data.

What may not be lost between two such moments is noted as a fact the moment it is true, and
replayed over the last dump by a sandbox that follows one that died.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lambdalab.i18n import message
from lambdalab.sandbox.registry import SandboxError

__all__ = ["Keepers", "Note", "Value"]

Value = Any
"""A JSON value: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or ``None``."""


Note = Callable[[Value], None]
"""Writes one fact down; returns when it is safe from the end of this process."""


@dataclass(frozen=True, slots=True)
class _Keeper:
    dump: Callable[[], Value]
    load: Callable[[Value], None]
    replay: Callable[[Value], None] | None


class Keepers:
    """The parts of one sandbox that hold something. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keepers: dict[str, _Keeper] = {}
        self._journal: Callable[[str, Value], None] | None = None

    def register(
        self,
        name: str,
        dump: Callable[[], Value],
        load: Callable[[Value], None],
        replay: Callable[[Value], None] | None = None,
    ) -> Note:
        """Have a part's own state saved and restored; return what notes a fact of it.

        Change what the part holds first, note the fact then, answer the caller last: a dump
        may fall between any two of them. So a fact must be one that can be replayed over a
        state that has it already ("event 7 is this", "event 7 is settled"), and one about
        what is not there (any more) must be passed over.

        Parameters
        ----------
        name
            What a file calls it; never another meaning for the same name.
        dump
            Returns what the part holds, as a JSON value other than ``None``. It is called
            while no request of moto runs, must be quick and must not wait for one.
        load
            Puts what ``dump`` returned, in this process or an earlier one, in the place of
            what the part holds. ``None``: hold nothing (a reset, or a file that has nothing of
            this part). moto's state is in place when it is called; parts are called in the
            order in which they registered.
        replay
            Takes one fact that was noted after the last dump, in the order in which they were
            noted, after ``load`` and before the scheduler runs: it does no work, starts no
            timer for the past and notes nothing. Without it nothing is ever noted.

        Raises
        ------
        ValueError
            The name is taken.
        """
        with self._lock:
            if name in self._keepers:
                raise ValueError(f"two parts are kept as {name!r}")
            self._keepers[name] = _Keeper(dump, load, replay)
        if replay is None:
            return lambda _fact: None

        def note(fact: Value) -> None:
            if self._journal is not None:
                self._journal(name, fact)

        return note

    def journal(self, write: Callable[[str, Value], None] | None) -> None:
        """From now on, write what is noted with ``write(name, fact)``; ``None``: nowhere."""
        self._journal = write

    def replay(self, name: str, fact: Value) -> bool:
        """Give a part one of its facts back; say whether there is such a part."""
        keeper = self._all().get(name)
        if keeper is None or keeper.replay is None:
            return False
        keeper.replay(fact)
        return True

    def dump(self) -> dict[str, Value]:
        """Return what every part holds, by name.

        Raises
        ------
        SandboxError
            A part's value is not JSON, or it cannot tell; it is named.
        """
        found: dict[str, Value] = {}
        for name, keeper in self._all().items():
            try:
                # Through its text: what is kept is a copy, and what could not be read is refused.
                found[name] = json.loads(json.dumps(keeper.dump(), allow_nan=False))
            except Exception as error:
                raise SandboxError(
                    message("sandbox.state.unsavable", service=name, reason=error)
                ) from error
        return found

    def load(self, values: Mapping[str, Value]) -> list[str]:
        """Give every part what a file has of it; return the names that no part here answers to.

        Raises
        ------
        SandboxError
            A part cannot take what the file has of it; it is named, and the others behind it
            were not asked.
        """
        keepers = self._all()
        for name, keeper in keepers.items():
            try:
                keeper.load(values.get(name))
            except Exception as error:
                raise SandboxError(
                    message("sandbox.state.unusable", part=name, reason=error)
                ) from error
        return sorted(values.keys() - keepers.keys())

    def clear(self) -> None:
        """Have every part hold nothing."""
        self.load({})

    def _all(self) -> dict[str, _Keeper]:
        with self._lock:
            return dict(self._keepers)
