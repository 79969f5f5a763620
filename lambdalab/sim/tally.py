"""Counts what comes of requests, block by block, in memory that does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.sim import series
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.outcomes import CAUSES, PROVISIONED
from lambdalab.sim.series import Curves, Histogram
from lambdalab.sim.variates import Array

if TYPE_CHECKING:
    from lambdalab.sim.pools import State

__all__ = ["Tally", "billed"]

_STEP = BILLING_STEP.value / 1000.0
_STEPS = 1000.0 / BILLING_STEP.value


def billed(durations: Array) -> Array:
    """Return what is billed of durations (s): :func:`lambdalab.rules.lifecycle.billed_ms` of many.

    Seconds, init included.
    """
    steps = durations * _STEPS
    # Half of the last digit that the rule rounds to.
    steps -= 0.0005 / 1000.0 * _STEPS
    np.ceil(steps, out=steps)
    np.maximum(steps, 1.0, out=steps)
    steps *= _STEP
    return steps


class Tally:
    """Begins when the warm-up ends.

    Parameters
    ----------
    state
        The pools at that moment: what is in flight and idle is counted from here on.
    start
        That moment (s); the pools must be settled to it.

    Attributes
    ----------
    totals
        Counts and seconds of each function; columns as in :mod:`lambdalab.sim.series`.
    """

    def __init__(self, state: State, start: float) -> None:
        self.start = start
        self._state = state
        self._owners = [pool.function for pool in state.layout.pools]
        self._timeouts = np.array([pool.idle_timeout for pool in state.layout.pools], dtype=float)
        functions = state.layout.functions
        self.totals = np.zeros((functions, series.COLUMNS))
        self.latency = Histogram(functions)
        self.curves = Curves(functions, start)
        self._provisions = [False] * functions
        for pool in state.layout.pools:
            self._provisions[pool.function] |= pool.provisioned > 0
        self._early: list[tuple[int, int, Array]] = []
        for _ in state.forgotten():
            pass  # before our time
        for index, provisioned, ends in state.in_flight():
            row = series.PROVISIONED_RUNNING if provisioned else series.RUNNING
            self._early.append((self._owners[index], row, ends))
        self._overhang(1.0, start)
        self._idle(-1.0, start)

    def add(self, block: Block, indices: Indices, outcomes: Array) -> None:
        """Count a block of requests.

        Parameters
        ----------
        indices
            The pool of each.
        outcomes
            As :meth:`State.run` says them.
        """
        self._reach(float(block.times[-1]))
        if len(self.totals) == 1:
            self._count(0, block, indices, outcomes)
        else:
            for function in range(len(self.totals)):
                mine = np.flatnonzero(block.functions == function)
                if len(mine):
                    self._count(function, block.part(mine), indices[mine], outcomes[mine])
        self._forgotten()

    def _reach(self, now: float) -> None:
        self.curves.reach(now)
        for function, row, ends in self._early:
            self.curves.intervals(function, row, np.full(len(ends), self.start), ends)
        self._early = []

    def _count(self, function: int, block: Block, indices: Indices, outcomes: Array) -> None:
        totals = self.totals[function]
        totals[series.REQUESTS] += len(block)
        refused = (outcomes < 0.0) & (outcomes != PROVISIONED)
        if refused.any():
            for number in range(len(CAUSES)):
                times = block.times[outcomes == -1.0 - number]
                self.curves.moments(function, series.LIMITED + number, times)
            served = ~refused
            block, indices, outcomes = block.part(served), indices[served], outcomes[served]
        totals[series.SERVED] += len(block)
        if self._provisions[function]:
            provisioned = outcomes == PROVISIONED
            part = block.part(provisioned)
            totals[series.PROVISIONED_COUNT] += len(part)
            totals[series.BUSY] += float(part.services.sum())
            totals[series.BUSY_PROVISIONED] += float(part.services.sum())
            totals[series.BILLED_PROVISIONED] += float(billed(part.services).sum())
            self.latency.add(function, part.services)
            self.curves.intervals(
                function, series.PROVISIONED_RUNNING, part.times, part.times + part.services
            )
            rest = ~provisioned
            block, indices, outcomes = block.part(rest), indices[rest], outcomes[rest]
        self._on_demand(function, block, indices, outcomes)

    def _on_demand(self, function: int, block: Block, indices: Indices, outcomes: Array) -> None:
        totals = self.totals[function]
        timeouts = self._timeouts[indices]
        cold = np.flatnonzero(outcomes >= timeouts)
        self.curves.moments(function, series.COLD, block.times[cold])
        durations, ends = block.services, block.times + block.services
        if len(cold):
            durations = durations.copy()
            durations[cold] += block.inits[cold]
            ends[cold] += block.inits[cold]
        totals[series.BUSY] += float(durations.sum())
        totals[series.BILLED] += float(billed(durations).sum())
        self.latency.add(function, durations)
        self.curves.ascending(function, series.RUNNING, block.times)
        self.curves.ends(function, series.RUNNING + 2, ends)
        self._rested(function, block.times, outcomes, timeouts, cold)

    def _rested(
        self, function: int, times: Array, gaps: Array, timeouts: Array, cold: Indices
    ) -> None:
        """Count how long the environments that served had been idle."""
        since = times - gaps
        if len(cold):
            # An environment that was new had not been idle, one that expired not until now.
            warm = np.ones(len(times), dtype=bool)
            warm[cold] = False
            expired = since[cold][np.isfinite(since[cold])]
            lasted = timeouts[cold][np.isfinite(since[cold])]
            self.totals[function, series.IDLE_TIME] += float(lasted.sum())
            self.curves.intervals(function, series.IDLE, expired, expired + lasted)
            times, gaps, since = times[warm], gaps[warm], since[warm]
        self.totals[function, series.IDLE_TIME] += float(gaps.sum())
        self.curves.starts(function, series.IDLE, since)
        self.curves.ascending(function, series.IDLE + 2, times)

    def _forgotten(self) -> None:
        for index, since in self._state.forgotten():
            function, timeout = self._owners[index], float(self._timeouts[index])
            self.totals[function, series.IDLE_TIME] += timeout * len(since)
            self.curves.intervals(function, series.IDLE, since, since + timeout)

    def _overhang(self, sign: float, now: float) -> None:
        """Add or take off what requests in flight still have to run."""
        for index, provisioned, ends in self._state.in_flight():
            seconds = sign * float((ends - now).sum())
            totals = self.totals[self._owners[index]]
            totals[series.BUSY] += seconds
            totals[series.BUSY_PROVISIONED] += seconds if provisioned else 0.0

    def _idle(self, sign: float, now: float) -> None:
        """Add or take off the time that environments idle now have been idle."""
        for index, since in self._state.idle():
            known = np.minimum(now - since[np.isfinite(since)], self._timeouts[index])
            self.totals[self._owners[index], series.IDLE_TIME] += sign * float(known.sum())

    def finish(self, end: float) -> None:
        """Cut off what reaches beyond ``end`` (s); the pools must be settled to it."""
        self._reach(end)
        self._forgotten()
        self._overhang(-1.0, end)
        self._idle(1.0, end)
        for index, since in self._state.idle():
            known = since[np.isfinite(since)]
            until = np.minimum(end, known + self._timeouts[index])
            self.curves.intervals(self._owners[index], series.IDLE, known, until)
