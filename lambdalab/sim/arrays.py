"""The pools as arrays, run by the compiled loop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lambdalab.rules.concurrency import SCALING_BURST
from lambdalab.sim import kernel
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.pools import Layout
from lambdalab.sim.variates import Array

__all__ = ["ArrayPools"]


class ArrayPools:
    """Pools whose every number lies in an array; otherwise as :class:`~lambdalab.sim.pools.Pools`.

    Memory is taken for each pool up to its cap, and used only as far as it is reached.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        pools = layout.pools
        count, functions, groups = len(pools), layout.functions, len(layout.caps)
        room = max((layout.caps[pool.group] for pool in pools), default=0) + 1
        held = max((pool.provisioned for pool in pools), default=0) + 1
        self._functions = np.array([pool.function for pool in pools])
        self._groups = np.array([pool.group for pool in pools])
        self._timeouts = np.array([pool.idle_timeout for pool in pools], dtype=float)
        self._held = np.array([pool.provisioned for pool in pools])
        self._caps, self._quotas = np.array(layout.caps), np.array(layout.quotas)
        self._heaps, self._last = np.empty((count, room)), np.empty((count, room))
        self._sizes, self._seen = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._readies, self._ready_sizes = np.empty((count, held)), np.zeros(count, np.int64)
        self._loads = np.zeros(groups, np.int64)
        self._left = np.full(functions, float(SCALING_BURST.value))
        self._looked = np.zeros(functions)
        self._seconds, self._counts = np.full(groups, -1), np.zeros(groups, np.int64)

    def run(self, block: Block, indices: Indices) -> Array:
        """Run a block of requests."""
        outcomes = np.empty(len(block))
        if len(self.layout.pools) == 1 and not self.layout.pools[0].provisioned:
            self._run_one(block, outcomes)
            return outcomes
        kernel.run(
            block.times,
            block.services,
            block.inits,
            indices,
            self._functions,
            self._groups,
            self._timeouts,
            self._held,
            self._caps,
            self._quotas,
            self._heaps,
            self._sizes,
            self._last,
            self._seen,
            self._readies,
            self._ready_sizes,
            self._loads,
            self._left,
            self._looked,
            self._seconds,
            self._counts,
            outcomes,
        )
        return outcomes

    def _run_one(self, block: Block, outcomes: Array) -> None:
        pool = self.layout.pools[0]
        kernel.run_one(
            block.times,
            block.services,
            block.inits,
            float(pool.idle_timeout),
            self.layout.caps[pool.group],
            self.layout.quotas[pool.group],
            self._heaps[0],
            self._sizes,
            self._last[0],
            self._seen,
            self._left[pool.function :],
            self._looked[pool.function :],
            self._seconds[pool.group :],
            self._counts[pool.group :],
            outcomes,
        )
        self._loads[pool.group] = self._sizes[0]

    def settle(self, now: float) -> None:
        """Let everything depart that is due by ``now`` (s)."""
        for index, group in enumerate(self._groups.tolist()):
            kernel.settle(index, group, now, self._heaps, self._sizes, self._last, self._loads)
            ready = self._readies[index, : self._ready_sizes[index]]
            left = np.sort(ready[ready > now])  # sorted, and thus a heap
            self._readies[index, : len(left)] = left
            self._ready_sizes[index] = len(left)

    def in_flight(self) -> Iterator[tuple[int, bool, Array]]:
        """Yield pool, whether provisioned, and when each of its requests will depart (s)."""
        for kind, heaps, sizes in (
            (False, self._heaps, self._sizes),
            (True, self._readies, self._ready_sizes),
        ):
            for index, size in enumerate(sizes.tolist()):
                yield index, kind, heaps[index, :size].copy()

    def idle(self) -> Iterator[tuple[int, Array]]:
        """Yield pool, and since when each environment is idle (s); some may have expired."""
        for index, last in enumerate(self._last):
            yield index, last[self._sizes[index] : self._seen[index]].copy()

    def forgotten(self) -> Iterator[tuple[int, Array]]:
        """Yield nothing: an environment that expired stays in its place until it is replaced."""
        yield from ()
