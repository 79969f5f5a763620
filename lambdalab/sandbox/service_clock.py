"""The clock as notebooks and commands hold it: ``box.clock``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambdalab.sandbox.scheduler import Due

__all__ = ["ServiceClock"]

_WAIT_S = 5.0
"""One question for a stride that takes long; the next follows at once."""


class ServiceClock:
    """Service time of a running sandbox: what retries, schedules and timestamps go by.

    Handlers run in the machine's time. ``jump`` and ``advance`` let service time stand still
    while work runs, so nothing is late because a handler was slow.
    """

    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        self._call = call

    def now(self) -> float:
        """Return the service time, seconds since the epoch."""
        return float(self.look()["now"])

    @property
    def scale(self) -> float:
        """Seconds of service time in a second of the machine's; ``box.settings`` sets it."""
        return float(self.look()["scale"])

    @property
    def paused(self) -> bool:
        """Whether service time stands still."""
        return bool(self.look()["paused"])

    @property
    def busy(self) -> bool:
        """Whether work runs that had fallen due, such as an attempt of an event."""
        return bool(self.look()["busy"])

    def pause(self) -> None:
        """Let service time stand still."""
        self._call("POST", "clock", {"paused": True})

    def resume(self) -> None:
        """Let service time go on."""
        self._call("POST", "clock", {"paused": False})

    def next(self) -> Due | None:
        """Return what comes next, and when; ``None``: nothing waits."""
        return _due(self.look()["next"])

    def jump(self) -> Due | None:
        """Put the clock forward to what comes next, and wait until it is done.

        First, what runs already comes to its end: it may be what decides what comes next.
        """
        return _due(self._stride({"jump": True})["due"])

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0) -> float:
        """Put the clock forward; return the new time.

        On the way everything that falls due is done in order, with all that follows from it,
        and each step waits until that is finished. An interrupt ends it where it is.
        """
        forward = seconds + 60.0 * minutes + 3600.0 * hours
        return float(self._stride({"advance": forward})["now"])

    def look(self) -> dict[str, Any]:
        """Return all of it at one moment: ``now``, ``scale``, ``paused``, ``next``, ``busy``."""
        return self._call("GET", "clock")

    def _stride(self, asked: dict[str, Any]) -> dict[str, Any]:
        number: int | None = None
        try:
            answer = self._call("POST", "clock", asked)
            number = answer["stride"]
            while not answer["done"]:
                answer = self._call("GET", f"clock?stride={number}&wait={_WAIT_S}")
        except KeyboardInterrupt:
            # Before the first answer its number is not known: then no stride goes on.
            self._call("POST", "clock", {"halt": number})
            raise
        return answer

    def __repr__(self) -> str:
        look = self.look()
        pace = "paused" if look["paused"] else f"scale={look['scale']:g}"
        return f"<ServiceClock: {look['now']:.3f}, {pace}>"


def _due(told: dict[str, Any] | None) -> Due | None:
    return None if told is None else Due(told["time"], told["label"])
