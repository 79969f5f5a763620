"""Does work at service times: retries, polls, schedules, visibility that ends.

Nothing in the sandbox sleeps on its own: it asks the scheduler, so that time can run fast,
stand still or be put forward without anything being late, early or lost.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lambdalab.sandbox.clock import VirtualClock

__all__ = ["Due", "Scheduler", "Timer"]

_WORKERS = 1_500
"""Threads are made when they are needed; a mapping alone may have over a thousand batches."""
_LOOK_S = 3600.0
"""The longest wait in one piece, of the machine's time: a condition takes no infinite one."""


@dataclass(frozen=True, slots=True)
class Due:
    """What comes next: when (service time, epoch seconds), and what, for a person."""

    time: float
    label: str


class Timer:
    """One piece of work that waits for its time. Made by a :class:`Scheduler`.

    Attributes
    ----------
    due
        Service time, epoch seconds.
    label
        What it is, for a person who waits for it.
    background
        Housekeeping: it is nothing to jump to.
    """

    __slots__ = ("_cancel", "_generation", "_work", "background", "due", "label")

    def __init__(
        self,
        due: float,
        work: Callable[[], None] | None,
        label: str,
        cancel: Callable[[Timer], bool],
        *,
        background: bool,
        generation: int,
    ) -> None:
        self.due = due
        self.label = label
        self.background = background
        self._work = work
        self._cancel = cancel
        self._generation = generation

    @property
    def waiting(self) -> bool:
        """Whether its time has not come, and nobody took it back."""
        return self._work is not None

    def cancel(self) -> bool:
        """Take it back; say whether it was still waiting: then it never runs."""
        return self._cancel(self)


class _Heap:
    """Timers by time, those of one time in the order they came; cancelled ones drop out late."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._cancelled = 0

    def push(self, timer: Timer) -> None:
        heapq.heappush(self._entries, (timer.due, next(self._order), timer))

    def first(self) -> Timer | None:
        entries = self._entries
        while entries and entries[0][2]._work is None:
            heapq.heappop(entries)
            self._cancelled -= 1
        return entries[0][2] if entries else None

    def pop(self) -> Timer:
        return heapq.heappop(self._entries)[2]

    def cancelled(self) -> None:
        """Count one more that waits in vain; once they are most, drop all of them."""
        self._cancelled += 1
        if self._cancelled * 2 > len(self._entries) + 64:
            self._entries = [entry for entry in self._entries if entry[2]._work is not None]
            heapq.heapify(self._entries)
            self._cancelled = 0

    def clear(self) -> None:
        for _, _, timer in self._entries:
            timer._work = None
        self._entries.clear()
        self._cancelled = 0


class Scheduler:
    """Runs work in its own threads when its service time has come. Thread-safe.

    Work should end by itself and never wait for service time: it asks for a later turn.

    Parameters
    ----------
    clock
        Tells service time.
    workers
        How many pieces of work can run at once.
    """

    def __init__(self, clock: VirtualClock, workers: int = _WORKERS) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._earlier = threading.Condition(self._lock)
        """Something is due before what the thread waits for."""
        self._quiet = threading.Condition(self._lock)
        self._main = _Heap()
        self._background = _Heap()
        self._running = 0
        self._generation = 0
        self._inside = threading.local()
        self._started = False
        self._closed = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scheduled")
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        clock.listen(self._wake)

    def start(self) -> None:
        """Begin to run what is due."""
        self._started = True
        self._thread.start()

    # -- asking ---------------------------------------------------------------------------

    def at(
        self, due: float, work: Callable[[], None], *, label: str, background: bool = False
    ) -> Timer:
        """Do ``work`` at a service time (epoch seconds); at once if that has passed.

        ``label`` says what it is to a person who waits for it. ``background`` work is not
        what :meth:`next_due` finds. Work from before :meth:`clear` can ask for nothing more.
        """
        with self._lock:
            generation = getattr(self._inside, "generation", self._generation)
            stale = self._closed or generation != self._generation
            timer = Timer(
                due,
                None if stale else work,
                label,
                self._cancel,
                background=background,
                generation=generation,
            )
            if stale:
                return timer
            if self._started and due <= self.clock.now():
                self._submit(timer)
                return timer
            heap = self._background if background else self._main
            heap.push(timer)
            if self._first() is timer:
                self._earlier.notify()
        return timer

    def after(
        self, delay: float, work: Callable[[], None], *, label: str, background: bool = False
    ) -> Timer:
        """Do ``work`` ``delay`` seconds of service time from now."""
        return self.at(self.clock.now() + delay, work, label=label, background=background)

    def soon(self, work: Callable[[], None], *, label: str) -> Timer:
        """Do ``work`` at once, in another thread."""
        return self.at(0.0, work, label=label)

    def _cancel(self, timer: Timer) -> bool:
        with self._lock:
            if timer._work is None:
                return False
            timer._work = None
            (self._background if timer.background else self._main).cancelled()
            self._tell_quiet()
            return True

    # -- looking --------------------------------------------------------------------------

    def next_due(self) -> Due | None:
        """Return what comes next, background work aside."""
        with self._lock:
            first = self._main.first()
            return None if first is None else Due(first.due, first.label)

    def next_step(self) -> float | None:
        """Return the service time at which anything is due next, background work too."""
        with self._lock:
            first = self._first()
            return None if first is None else first.due

    @property
    def busy(self) -> bool:
        """Whether work runs, or is due and has not begun; background work too."""
        with self._lock:
            return self._busy()

    def wait_quiet(self, timeout: float, unless: Callable[[], bool] = lambda: False) -> bool:
        """Wait until no work runs and none is overdue; say whether that came.

        ``timeout`` in the machine's seconds. ``unless``: what else ends the wait, looked at
        again after :meth:`rouse`.
        """
        with self._lock:
            self._quiet.wait_for(lambda: not self._busy() or unless(), timeout)
            return not self._busy()

    def rouse(self) -> None:
        """Let whoever waits for quiet look again at once."""
        with self._lock:
            self._quiet.notify_all()

    @contextlib.contextmanager
    def doing(self) -> Iterator[None]:
        """Count what happens inside as running work, though the thread is not ours."""
        with self._lock:
            generation = self._generation
            self._running += 1
        try:
            yield
        finally:
            self._done(generation)

    def _first(self) -> Timer | None:
        main, background = self._main.first(), self._background.first()
        if main is None or background is None:
            return main or background
        return background if background.due < main.due else main

    def _busy(self) -> bool:
        if self._running:
            return True
        first = self._first()
        return first is not None and first.due <= self.clock.now()

    # -- running --------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._lock:
            self._begin_due()
            first = self._first()
            # While time stands still, the thread has nothing to reckon with.
            if first is not None and self.clock.until(first.due) is not None:
                self._earlier.notify()

    def _run(self) -> None:
        with self._lock:
            while not self._closed:
                self._begin_due()
                first = self._first()
                left = self.clock.until(first.due) if first is not None else None
                self._earlier.wait(_LOOK_S if left is None else min(left, _LOOK_S))

    def _begin_due(self) -> None:
        """Hand over what is due to the threads, in order."""
        if not self._started or self._closed:
            return
        now = self.clock.now()
        while (first := self._first()) is not None and first.due <= now:
            self._submit((self._background if first.background else self._main).pop())

    def _submit(self, timer: Timer) -> None:
        work, timer._work = timer._work, None
        if work is not None:
            self._running += 1
            self._pool.submit(self._do, work, timer._generation)

    def _do(self, work: Callable[[], None], generation: int) -> None:
        try:
            if generation == self._generation:
                self._inside.generation = generation
                work()
        except Exception:  # noqa: BLE001 - nobody waits for it: the server's log has it
            traceback.print_exc(file=sys.stderr)
        finally:
            self._done(generation)

    def _done(self, generation: int) -> None:
        with self._lock:
            if generation == self._generation:
                self._running -= 1
                self._tell_quiet()

    def _tell_quiet(self) -> None:
        if not self._running:
            self._quiet.notify_all()

    # -- ending ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget what waits; what runs already ends by itself and counts no more."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._generation += 1
        self._running = 0
        self._main.clear()
        self._background.clear()
        self._quiet.notify_all()

    def close(self) -> None:
        """Run nothing more."""
        with self._lock:
            self._closed = True
            self._forget()
            self._earlier.notify()
        self._pool.shutdown(wait=False, cancel_futures=True)
