"""What every pushing service needs of the sandbox, and where moto's classes find it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.gate import Gate
from lambdalab.sandbox.lambda_service.service import LambdaService
from lambdalab.sandbox.scheduler import Scheduler, Timer
from lambdalab.sandbox.untyped import Untyped

__all__ = ["Hub", "Numbers", "after_request", "attach", "hub", "trace_of_request"]


class Numbers:
    """Gives numbers that grow with service time and are never the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self.generation = 0
        """Counts how often all state was replaced."""

    def dump(self) -> int:
        """Return the last number."""
        return self._last

    def load(self, last: int | None) -> None:
        """Begin again behind a number, with new state."""
        with self._lock:
            self._last = last or 0
            self.generation += 1

    def after(self, time: float) -> int:
        """Return a number for a time (epoch seconds), above all before it."""
        with self._lock:
            self._last = max(self._last + 1, int(time * 2**32))
            return self._last


@dataclass(frozen=True, slots=True)
class Hub:
    """The parts of the sandbox that pushing services use."""

    service: LambdaService
    events: EventLog
    scheduler: Scheduler
    gate: Gate
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def clock(self) -> VirtualClock:
        """Service time."""
        return self.scheduler.clock

    def at(self, due: float, work: Callable[[], None], *, label: str) -> Timer:
        """Do ``work`` at a service time, as a request among requests: state is whole.

        After a reset or a restored state it is not done.
        """

        def inside() -> None:
            with self.gate.passing():
                if began == self.numbers.generation:
                    work()

        began = self.numbers.generation
        return self.scheduler.at(due, inside, label=label)


_attached: list[Hub] = []


def attach(running: Hub) -> None:
    """Make ``running`` what moto's classes push through."""
    _attached[:] = [running]


def hub() -> Hub:
    """Return what is attached."""
    return _attached[0]


def trace_of_request() -> str | None:
    """Return the trace header of the request that is being answered.

    boto3 in a handler sends it, lineage included, so that a loop can be found.
    """
    from flask import has_request_context, request

    return request.headers.get("X-Amzn-Trace-Id") if has_request_context() else None


def after_request(work: Callable[[], None]) -> None:
    """Do ``work`` when the request that is being answered has changed all it changes.

    Still before the caller has the answer: what was answered has been sent on. Outside of a
    request, at once.
    """
    from flask import after_this_request, has_request_context

    if not has_request_context():
        work()
        return

    def then(response: Untyped) -> Untyped:
        work()
        return response

    after_this_request(then)
