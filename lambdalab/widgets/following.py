"""A thread that reads a sandbox's event log as it grows, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lambdalab.sandbox import NoSandboxError, SandboxError
from lambdalab.sandbox.events import Event

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["Follower"]

_WAIT_S = 1.0
"""How long one question waits for an event: also how long a stopped thread may linger."""
_REST_S = 0.05
"""Between two batches, so that a burst becomes a few messages and not thousands."""
_BATCH = 5_000


class Follower:
    """Follows one sandbox in a daemon thread.

    Parameters
    ----------
    box
        The sandbox.
    after
        Number of the last event that is already known.
    on_events
        Called in the thread with every batch, in order; an empty one about once a
        second while nothing happens.
    on_end
        Called once, in the thread, when the sandbox is gone. Not after :meth:`stop`.
    """

    def __init__(
        self,
        box: Sandbox,
        after: int,
        on_events: Callable[[Sequence[Event]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._box = box
        self._after = after
        self._on_events = on_events
        self._on_end = on_end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lambdalab-follower", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Tell it to stop; returns at once, and the thread ends within about a second."""
        self._stopped.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                batch = self._box.events(self._after, wait=_WAIT_S, limit=_BATCH)
            except NoSandboxError:
                break
            except SandboxError:  # too busy to answer: it may come back
                if not self._box.alive:
                    break
                self._stopped.wait(_WAIT_S)
                continue
            if self._stopped.is_set():
                return
            if batch:
                self._after = batch[-1].seq
            self._on_events(batch)
            self._stopped.wait(_REST_S)
        if not self._stopped.is_set():
            self._on_end()
