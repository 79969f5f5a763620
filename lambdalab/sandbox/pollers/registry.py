"""The living pollers, and the states a mapping goes through."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lambdalab.sandbox.pollers.mapping import LabMapping, Parts, Poller

__all__ = ["Pollers", "register"]

_factories: dict[str, Callable[[LabMapping, Parts], Poller]] = {}
_attached: list[Pollers] = []


def register(source: str, factory: Callable[[LabMapping, Parts], Poller]) -> None:
    """Have mappings of a kind of source (``sqs``, ``kinesis``, ``dynamodb``) polled."""
    _factories[source] = factory


class Pollers:
    """Makes, tells and ends pollers as mappings change. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._lock = threading.RLock()
        self._living: dict[str, Poller] = {}
        _attached[:] = [self]

    def get(self, uuid: str) -> Poller | None:
        """Return the living poller of a mapping."""
        return self._living.get(uuid)
