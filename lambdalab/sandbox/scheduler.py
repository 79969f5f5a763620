"""Does work at service times: retries, polls, schedules, visibility that ends.

Nothing in the sandbox sleeps on its own: it asks the scheduler, so that time can run fast,
stand still or be put forward without anything being late, early or lost.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lambdalab.sandbox.clock import VirtualClock

__all__ = ["Due", "Scheduler", "Timer"]

_WORKERS = 256


@dataclass(frozen=True, slots=True)
class Due:
    """What comes next: when (service time, epoch seconds), and what, for a person."""

    time: float
    label: str


@dataclass(order=True, slots=True)
class Timer:
    """One piece of work that waits for its time."""

    due: float
    order: int
    label: str = field(compare=False)
    work: Callable[[], None] | None = field(compare=False)
    background: bool = field(compare=False, default=False)
    """Housekeeping: it is nothing to jump to, and never ends by itself."""

    def cancel(self) -> bool:
        """Take it back; say whether it was still waiting."""
        waiting, self.work = self.work is not None, None
        return waiting


class Scheduler:
    """Runs work in its own threads when its service time has come. Thread-safe.

    Parameters
    ----------
    clock
        Tells service time.
    workers
        How many pieces of work can run at once.
    """

    def __init__(self, clock: VirtualClock, workers: int = _WORKERS) -> None:
        self.clock = clock
        self._workers = workers
        self._changed = threading.Condition()
        self._heap: list[Timer] = []
        self._order = itertools.count()
        self._running = 0
        self._closed = False
        self._pool = self._new_pool()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        clock.listen(self._wake)

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, thread_name_prefix="scheduled")

    def start(self) -> None:
        """Begin to run what is due."""
        self._thread.start()

    # -- asking ---------------------------------------------------------------------------

    def at(
        self, due: float, work: Callable[[], None], *, label: str, background: bool = False
    ) -> Timer:
        """Do ``work`` at a service time (epoch seconds); at once if that has passed.

        ``label`` says what it is to a person who waits for it. ``background`` work is not
        what :meth:`next_due` finds.
        """
        timer = Timer(due, next(self._order), label, work, background)
        with self._changed:
            if not self._closed:
                heapq.heappush(self._heap, timer)
                self._changed.notify_all()
        return timer

    def after(
        self, delay: float, work: Callable[[], None], *, label: str, background: bool = False
    ) -> Timer:
        """Do ``work`` ``delay`` seconds of service time from now."""
        return self.at(self.clock.now() + delay, work, label=label, background=background)

    def soon(self, work: Callable[[], None], *, label: str) -> Timer:
        """Do ``work`` at once, in another thread."""
        return self.at(0.0, work, label=label)

    # -- looking --------------------------------------------------------------------------

    def next_due(self) -> Due | None:
        """Return what comes next, background work aside."""
        with self._changed:
            waiting = [one for one in self._heap if one.work is not None and not one.background]
            first = min(waiting, default=None)
            return None if first is None else Due(first.due, first.label)

    @property
    def busy(self) -> bool:
        """Whether work runs, or is due and has not begun."""
        with self._changed:
            return self._busy()

    def _busy(self) -> bool:
        if self._running:
            return True
        now = self.clock.now()
        return any(
            one.due <= now and one.work is not None and not one.background for one in self._heap
        )

    def wait_quiet(self, timeout: float) -> bool:
        """Wait until no work runs and none is overdue; ``timeout`` in the machine's seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy(), timeout)

    # -- running --------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                while self._heap and self._heap[0].work is None:
                    heapq.heappop(self._heap)
                left = self.clock.until(self._heap[0].due) if self._heap else None
                if left != 0.0:
                    self._changed.wait(left)
                    continue
                timer = heapq.heappop(self._heap)
                work, timer.work = timer.work, None
                if work is None:
                    continue
                self._running += 0 if timer.background else 1
                self._pool.submit(self._do, work, timer.background)

    def _do(self, work: Callable[[], None], background: bool) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - nobody waits for it: the server's log has it
            traceback.print_exc(file=sys.stderr)
        finally:
            with self._changed:
                self._running -= 0 if background else 1
                self._changed.notify_all()

    # -- ending ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget what waits; what runs already ends by itself and counts no more."""
        with self._changed:
            for timer in self._heap:
                timer.work = None
            self._heap.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Run nothing more."""
        self.clear()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
