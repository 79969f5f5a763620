"""Keeps some requests one by one, for drawing."""

from __future__ import annotations

from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.outcomes import CAUSES, PROVISIONED, reason
from lambdalab.sim.result import TracedRequest
from lambdalab.sim.topology import Topology
from lambdalab.sim.variates import Array

__all__ = ["Trace"]


class Trace:
    """The first requests that are counted.

    Parameters
    ----------
    most
        How many to keep.
    """

    def __init__(self, topology: Topology, most: int) -> None:
        self._topology = topology
        self._left = most
        self._requests: list[TracedRequest] = []

    @property
    def requests(self) -> tuple[TracedRequest, ...]:
        """What was kept, in the order of arrival."""
        return tuple(self._requests)

    def add(self, block: Block, indices: Indices, outcomes: Array, start: float) -> None:
        """Keep requests of a block, as long as there is room; ``start`` (s) counts as zero."""
        count = min(self._left, len(block))
        self._left -= count
        for place in range(count):
            pool = int(indices[place])
            outcome = float(outcomes[place])
            index, version = self._topology.keys[pool]
            refused = outcome < 0.0 and outcome != PROVISIONED
            cause = CAUSES[-1 - int(outcome)] if refused else None
            cold = outcome >= self._topology.layout.pools[pool].idle_timeout
            self._requests.append(
                TracedRequest(
                    time=float(block.times[place]) - start,
                    function=self._topology.functions[index].name,
                    version=version,
                    duration=0.0 if refused else float(block.services[place]),
                    init=float(block.inits[place]) if cold else None,
                    provisioned=outcome == PROVISIONED,
                    throttle_reason=None
                    if cause is None
                    else reason(cause, reserved=bool(self._topology.reserved[index])).value,
                    cause=None if cause is None else cause.value,
                )
            )
