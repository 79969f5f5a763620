"""The arrivals of all functions in one order, a stretch of time after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from lambdalab.sim.scenario import Function
from lambdalab.sim.variates import (
    AddUp,
    Array,
    Durations,
    Same,
    arrival_blocks,
    running_sum,
    stream,
)

__all__ = ["Block", "Indices", "merged"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Requests in the order they arrive; all arrays have one length.

    Attributes
    ----------
    times
        Seconds, ascending.
    functions
        Index of the function of each.
    services, inits
        Seconds the handler takes, and the init would.
    draws
        Uniform in [0, 1): which version of a weighted alias serves; 0 where none is weighted.
    """

    times: Array
    functions: Indices
    services: Array
    inits: Array
    draws: Array

    def __len__(self) -> int:
        return len(self.times)

    def part(self, chosen: slice | npt.NDArray[np.bool_] | Indices) -> Block:
        """Return some of its requests, in their order."""
        return Block(
            self.times[chosen],
            self.functions[chosen],
            self.services[chosen],
            self.inits[chosen],
            self.draws[chosen],
        )


class _Source:
    """One function's requests, drawn ahead and taken in stretches."""

    def __init__(self, index: int, function: Function, seed: int, add_up: AddUp) -> None:
        self._index = Same(index)
        arrivals = stream(seed, function.name, "arrivals")
        self._blocks = arrival_blocks(function.arrivals, arrivals, add_up)
        self._services = Durations(function.duration, stream(seed, function.name, "duration"))
        self._inits = Durations(function.init, stream(seed, function.name, "init"))
        weighted = function.alias(function.qualifier).weights
        self._versions = stream(seed, function.name, "version") if weighted else None
        self._none = Same(0.0)
        self._ready = np.empty(0)

    @property
    def until(self) -> float:
        """How far the arrivals in hand reach (s); ``inf`` when no more come."""
        if not len(self._ready):
            self._ready = next(self._blocks, np.empty(0))
        return float(self._ready[-1]) if len(self._ready) else inf

    def take(self, until: float) -> Block:
        """Return the requests in hand that arrive by then."""
        count = int(np.searchsorted(self._ready, until, side="right"))
        times, self._ready = self._ready[:count], self._ready[count:]
        return Block(
            times,
            self._index.take(count),
            self._services.draw(count),
            self._inits.draw(count),
            self._none.take(count) if self._versions is None else self._versions.random(count),
        )


def merged(
    functions: Sequence[Function], seed: int, add_up: AddUp = running_sum
) -> Iterator[Block]:
    """Yield the requests of all functions in the order they arrive.

    Ends only if all arrivals are traces.
    """
    sources = [_Source(index, function, seed, add_up) for index, function in enumerate(functions)]
    while True:
        until = min(source.until for source in sources)
        if until == inf:
            return
        parts = [source.take(until) for source in sources]
        if len(parts) == 1:
            yield parts[0]
            continue
        whole = Block(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("times", "functions", "services", "inits", "draws")
            )
        )
        order = np.argsort(whole.times, kind="stable")
        yield Block(
            whole.times[order],
            whole.functions[order],
            whole.services[order],
            whole.inits[order],
            whole.draws[order],
        )
