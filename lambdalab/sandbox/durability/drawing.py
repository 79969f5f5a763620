"""moto's random numbers, drawn again the same way when a request is replayed.

Message ids, access keys, version ids: moto draws them all from one generator. While a request
that is journaled runs, its thread draws from a generator of its own, whose seed is in the
journal.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom

__all__ = ["drawn_from", "install"]


class _Threads(threading.local):
    generator: random.Random | None = None


_threads = _Threads()


class _Seeded(MotoRandom):  # type: ignore[misc]
    """moto's generator, unless the thread has one of its own."""

    def random(self) -> float:
        own = _threads.generator
        return float(super().random() if own is None else own.random())

    def getrandbits(self, k: int, /) -> int:
        own = _threads.generator
        return int(super().getrandbits(k) if own is None else own.getrandbits(k))


def install() -> None:
    """Let moto draw by thread. Its modules hold the one generator there is: it changes class."""
    mock_random.__class__ = _Seeded


@contextlib.contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Have this thread draw what ``seed`` gives."""
    before = _threads.generator
    _threads.generator = random.Random(seed)  # noqa: S311 - names, no secrets
    try:
        yield
    finally:
        _threads.generator = before
