"""What runs when numba is there; importing this module loads it."""

from __future__ import annotations

import numpy as np

from lambdalab.sim import counting, kernel
from lambdalab.sim.arrays import ArrayPools
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.parts import Parts
from lambdalab.sim.tally import Tally
from lambdalab.sim.variates import Array

__all__ = ["ARRAYS", "CompiledTally"]


class CompiledTally(Tally):
    """Counts in one pass of the compiled loop."""

    def add(self, block: Block, indices: Indices, outcomes: Array) -> None:
        """Count a block of requests."""
        self._reach(float(block.times[-1]))
        size = len(block)
        waiting, rows, scratch = np.empty(size), np.empty(size, np.int64), np.empty(1)
        bits = np.ascontiguousarray(block.services).view(np.int64)
        for function in range(len(self.totals)):
            held_back = counting.count(
                function,
                block.times,
                block.functions,
                indices,
                block.services,
                block.inits,
                outcomes,
                self._timeouts,
                self.start,
                self.curves.width,
                self.curves.values[function],
                self.totals[function],
                self.latency.counts[function],
                self.latency.sums[function],
                bits,
                scratch,
                scratch.view(np.int64),
                waiting,
                rows,
            )
            self.curves.wait(function, rows[:held_back], waiting[:held_back])
        self._forgotten()


ARRAYS = Parts(ArrayPools, CompiledTally, kernel.running_sum)
