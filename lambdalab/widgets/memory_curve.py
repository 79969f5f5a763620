"""From measured durations to what every memory size costs: all numbers, nothing drawn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from statistics import median
from typing import Any, get_args

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.rules import limits
from lambdalab.rules.lifecycle import billed_ms
from lambdalab.rules.pricing import Architecture, Usage, bill, gb_seconds

__all__ = [
    "ARCHITECTURES",
    "Curve",
    "MeasurementError",
    "Measurements",
    "Point",
    "curve",
    "curves",
    "price",
    "vcpus",
]

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
Measured = Sequence[tuple[int, float]]
Measurements = Measured | Mapping[str, Measured]

_STEPS = 160
"""Memory sizes between which the point moves, over the whole range; measured ones besides."""


class MeasurementError(LambdalabError):
    """Measurements that cannot be."""


@dataclass(frozen=True, slots=True)
class Point:
    """One memory size.

    Attributes
    ----------
    memory
        MB.
    duration
        ms; between two measured sizes it lies on the straight line that joins them when
        both axes are logarithmic.
    measured
        Whether it was measured and not put in between.
    billed
        ms.
    gb_s
        GB-seconds that are billed.
    usd
        US dollars for one invocation, its request included, by architecture; without the
        free tier.
    """

    memory: int
    duration: float
    measured: bool
    billed: int
    gb_s: float
    usd: Mapping[Architecture, float]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "memory": self.memory,
            "duration": self.duration,
            "measured": self.measured,
            "billed": self.billed,
            "gb_s": self.gb_s,
            "usd": dict(self.usd),
        }


@dataclass(frozen=True, slots=True)
class Curve:
    """One handler over the memory sizes from the least to the most that was measured."""

    name: str
    points: tuple[Point, ...]

    @property
    def measured(self) -> tuple[Point, ...]:
        """The points that were measured."""
        return tuple(point for point in self.points if point.measured)

    def cheapest(self, architecture: Architecture) -> Point:
        """Return the measured point that costs least; of equal ones the fastest."""
        return min(self.measured, key=lambda point: (point.usd[architecture], point.duration))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "name": self.name,
            "points": [point.to_json() for point in self.points],
            "cheapest": {one: self.cheapest(one).memory for one in ARCHITECTURES},
        }


def vcpus(memory: float) -> float:
    """Return the share of CPU that comes with a memory size (MB), in vCPU.

    >>> vcpus(1769)
    1.0
    """
    return memory / limits.VCPU_MEMORY.value


def price(memory: int, duration_ms: float) -> tuple[int, float, dict[Architecture, float]]:
    """Return what one invocation of that duration costs.

    Returns
    -------
    billed, gb_s, usd
        ms; GB-seconds; US dollars by architecture, at the price of the first tier.
    """
    billed = billed_ms(duration_ms)
    compute = gb_seconds(memory, billed / 1000)
    usd = {
        one: bill(Usage(requests=1, compute=compute, architecture=one)).total
        for one in ARCHITECTURES
    }
    return billed, compute, usd


def _point(memory: int, duration: float, *, measured: bool) -> Point:
    return Point(memory, duration, measured, *price(memory, duration))


def curve(name: str, measurements: Iterable[tuple[int, float]]) -> Curve:
    """Return the curve of one handler.

    Parameters
    ----------
    measurements
        (memory in MB, duration in ms); of several with one memory the median counts.

    Raises
    ------
    MeasurementError
        There are none, a memory is outside of AWS's bounds, or a duration is no positive number.
    """
    by_memory: dict[int, list[float]] = {}
    for one in measurements:
        memory, duration = _checked(name, one)
        by_memory.setdefault(memory, []).append(duration)
    if not by_memory:
        raise MeasurementError(message("memory.problem.none", name=name))
    known = {memory: float(median(values)) for memory, values in sorted(by_memory.items())}
    sizes = sorted({*known, *_between(min(known), max(known))})
    return Curve(
        name,
        tuple(
            _point(size, known.get(size) or _joined(known, size), measured=size in known)
            for size in sizes
        ),
    )


def _checked(name: str, one: object) -> tuple[int, float]:
    if not isinstance(one, tuple | list) or len(one) != 2:
        raise MeasurementError(message("memory.problem.pair", name=name, value=repr(one)))
    memory, duration = one
    low, high = limits.MEMORY_MIN, limits.MEMORY_MAX
    whole = isinstance(memory, int) and not isinstance(memory, bool)
    if not whole or not low.value <= memory <= high.value:
        raise MeasurementError(
            message(
                "memory.problem.memory",
                name=name,
                value=repr(memory),
                low=low.value,
                high=high.text(),
            )
        )
    number = isinstance(duration, int | float) and not isinstance(duration, bool)
    if not number or not isfinite(duration) or duration <= 0:
        raise MeasurementError(
            message("memory.problem.duration", name=name, memory=memory, value=repr(duration))
        )
    return memory, float(duration)


def _between(low: int, high: int) -> Iterable[int]:
    """Yield sizes (MB) that lie evenly on a logarithmic axis."""
    first, last = log(limits.MEMORY_MIN.value), log(limits.MEMORY_MAX.value)
    for step in range(_STEPS + 1):
        size = round(exp(first + (last - first) * step / _STEPS))
        if low < size < high:
            yield size


def _joined(known: Mapping[int, float], size: int) -> float:
    """Return the duration (ms) on the line between the two measured neighbours."""
    sizes = list(known)
    place = bisect_left(sizes, size)
    left, right = sizes[place - 1], sizes[place]
    share = (log(size) - log(left)) / (log(right) - log(left))
    return exp(log(known[left]) * (1 - share) + log(known[right]) * share)


def curves(measurements: Measurements) -> tuple[Curve, ...]:
    """Return the curves of one handler, or of several by name.

    Raises
    ------
    MeasurementError
        As :func:`curve`.
    """
    if isinstance(measurements, Mapping):
        if not measurements:
            raise MeasurementError(message("memory.problem.nothing"))
        return tuple(curve(str(name), values) for name, values in measurements.items())
    return (curve("handler", measurements),)
