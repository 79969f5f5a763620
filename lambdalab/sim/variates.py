"""Random numbers, drawn in blocks: one stream for each function and purpose."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from math import log, sqrt
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from lambdalab.sim.scenario import Arrivals, Duration

__all__ = [
    "BLOCK",
    "AddUp",
    "Array",
    "Durations",
    "Same",
    "arrival_blocks",
    "running_sum",
    "stream",
]

Array: TypeAlias = npt.NDArray[np.float64]

N = TypeVar("N", int, float)

AddUp: TypeAlias = Callable[[Array, float], None]

BLOCK = 3 << 12
"""Numbers drawn at once, once a run turns out to be long (their arrays fit a cache),"""
_FIRST = 1 << 11
"""and at first: a short run is not kept waiting for numbers it will not use."""


def stream(seed: int, function: str, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose of one function.

    It depends on nothing else, so that changing one parameter leaves all other draws as
    they were (common random numbers).
    """
    return np.random.default_rng(
        [seed, zlib.crc32(function.encode()), zlib.crc32(purpose.encode())]
    )


class Same(Generic[N]):
    """Gives out arrays of one and the same number, without writing it every time."""

    def __init__(self, value: N) -> None:
        self._array: npt.NDArray[Any] = np.full(1, value)

    def take(self, count: int) -> npt.NDArray[Any]:
        """Return that number ``count`` times, in an array to be read only."""
        if len(self._array) < count:
            self._array = np.full(count, self._array[0])
        return self._array[:count]


class Durations:
    """Draws durations of one kind, in seconds."""

    def __init__(self, duration: Duration, random: np.random.Generator) -> None:
        self._duration = duration
        self._random = random
        self._constant = Same(float(duration.value))
        self._values = np.asarray(duration.values, dtype=float)

    def draw(self, count: int) -> Array:
        """Return ``count`` durations; shape ``(count,)``, to be read only."""
        duration = self._duration
        if duration.kind == "constant":
            constant: Array = self._constant.take(count)
            return constant
        if duration.kind == "exponential":
            times = self._random.standard_exponential(count)
            times *= duration.mean
            return times
        if duration.kind == "lognormal":
            variance = log(1.0 + duration.cv**2)
            return self._random.lognormal(
                log(duration.mean) - variance / 2.0, sqrt(variance), count
            )
        return self._values[self._random.integers(0, len(self._values), count)]


def _sizes() -> Iterator[int]:
    size = _FIRST
    while True:
        yield size
        size = min(2 * size, BLOCK)


def running_sum(values: Array, before: float) -> None:
    """Put in the place of each value the sum of all up to it, and of what was before."""
    np.cumsum(values, out=values)
    values += before


def arrival_blocks(
    arrivals: Arrivals, random: np.random.Generator, add_up: AddUp = running_sum
) -> Iterator[Array]:
    """Yield arrival times in ascending blocks, in seconds; without end but for a trace.

    Parameters
    ----------
    add_up
        :func:`running_sum`, or what does the same.
    """
    if arrivals.kind == "trace":
        times = np.asarray(arrivals.times, dtype=float)
        for start in range(0, len(times), BLOCK):
            yield times[start : start + BLOCK]
    elif arrivals.kind == "constant":
        # Multiplied, not added up: the millionth arrival is still on time.
        start = 1
        for size in _sizes():
            yield np.arange(start, start + size) / arrivals.rate
            start += size
    elif arrivals.kind == "burst":
        yield from _bursts(arrivals, random)
    else:
        now = 0.0
        for size in _sizes():
            times = random.standard_exponential(size)
            add_up(times, now)
            now = float(times[-1])
            yield times / arrivals.rate if arrivals.kind == "poisson" else _ramp(arrivals, times)


def _ramp(arrivals: Arrivals, units: Array) -> Array:
    """Return when a ramp has brought that many requests (the inverse of its mean count)."""
    low, high, over = arrivals.rate, arrivals.to, arrivals.over
    during = (low + high) / 2.0 * over
    slope = (high - low) / over
    steady = over + (units - during) / high
    if slope == 0.0:
        return steady
    under = np.maximum(low**2 + 2.0 * slope * np.minimum(units, during), 0.0)
    return np.where(units < during, (np.sqrt(under) - low) / slope, steady)


def _bursts(arrivals: Arrivals, random: np.random.Generator) -> Iterator[Array]:
    """Merge a Poisson background with bursts, a stretch of time after the other."""
    per_burst = arrivals.size + arrivals.rate * arrivals.every
    first, background = 1, 0.0
    waiting = np.empty(0)
    for size in _sizes():
        step = max(1, int(size / per_burst))
        moments = np.arange(first, first + step) * arrivals.every
        first += step
        end = float(moments[-1])
        parts = [waiting]
        while arrivals.rate > 0 and background < end:
            times = background + np.cumsum(random.standard_exponential(1024)) / arrivals.rate
            background = float(times[-1])
            parts.append(times)
        steady = np.concatenate(parts)
        here = np.concatenate([steady[steady <= end], np.repeat(moments, arrivals.size)])
        waiting = steady[steady > end]
        here.sort()
        yield here
