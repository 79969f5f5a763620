"""Lets requests pass together, and a change of all state alone."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from lambdalab.i18n import message
from lambdalab.sandbox.registry import SandboxError

__all__ = ["Gate"]


class Gate:
    """Many may pass at once; one who needs everything still waits until none is inside.

    New ones are let in while somebody waits: a request inside may itself depend on
    another one (a rotation runs a function that calls back).
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._mine = threading.local()
        self._closed = False

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Be one of many."""
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._inside += 1
        self._mine.depth = getattr(self._mine, "depth", 0) + 1
        try:
            yield
        finally:
            self._mine.depth -= 1
            with self._changed:
                self._inside -= 1
                if not self._inside:
                    self._changed.notify_all()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Step out while waiting for something: the state is whole until it came.

        A long poll must not keep a snapshot waiting. Outside of the gate this does nothing.
        """
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            self._inside -= depth
            if not self._inside:
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                while depth and self._closed:
                    self._changed.wait()
                self._inside += depth

    @contextlib.contextmanager
    def alone(self, patience_s: float = 20.0) -> Iterator[None]:
        """Be the only one.

        Raises
        ------
        SandboxError
            Some never left.
        """
        deadline = time.monotonic() + patience_s
        with self._changed:
            while self._inside or self._closed:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise SandboxError(message("sandbox.state.busy"))
            self._closed = True
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
