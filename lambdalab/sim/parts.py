"""The parts of a run of which there is more than one implementation, with the same outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lambdalab.sim.newest import NewestPools
from lambdalab.sim.pools import Layout, Pools, State
from lambdalab.sim.tally import Tally
from lambdalab.sim.variates import AddUp, running_sum

__all__ = ["NEWEST", "PYTHON", "Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """Which implementation of the same rules runs.

    Attributes
    ----------
    state
        Makes empty pools.
    tally
        Makes what counts, from settled pools and the moment (s).
    add_up
        Makes arrival times of the gaps between them.
    """

    state: Callable[[Layout], State]
    tally: Callable[[State, float], Tally]
    add_up: AddUp = running_sum


PYTHON = Parts(Pools, Tally)
NEWEST = Parts(NewestPools, Tally)
