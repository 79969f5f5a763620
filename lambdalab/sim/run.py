"""Runs a scenario: draws requests, sends them through the pools, keeps what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, get_args

from lambdalab.i18n import message
from lambdalab.sim.arrivals import merged
from lambdalab.sim.parts import NEWEST, PYTHON, Parts
from lambdalab.sim.report import report
from lambdalab.sim.result import Result
from lambdalab.sim.scenario import Scenario, ScenarioError
from lambdalab.sim.tally import Tally
from lambdalab.sim.topology import Topology
from lambdalab.sim.tracing import Trace

__all__ = ["Engine", "Progress", "simulate"]

Progress = Callable[[int, int], None]
Engine = Literal["auto", "python", "numba"]

_WORTH_COMPILING = 2_000_000
"""Requests from which on loading the compiled loops, a second or so, is soon made up for."""


def _parts(scenario: Scenario, engine: Engine) -> Parts:
    if engine not in get_args(Engine):
        choices = ", ".join(get_args(Engine))
        raise ScenarioError(message("sim.problem.engine", engine=engine, choices=choices))
    there = find_spec("numba") is not None
    if engine == "numba" and not there:
        raise ScenarioError(message("sim.problem.no_numba"))
    if engine == "numba" and scenario.routing == "newest":
        raise ScenarioError(message("sim.problem.newest_is_python"))
    if scenario.routing == "newest":
        return NEWEST
    if engine == "python" or not there:
        return PYTHON
    if engine == "auto" and scenario.requests < _WORTH_COMPILING:
        return PYTHON
    from lambdalab.sim.fast import ARRAYS  # takes a moment

    return ARRAYS


def simulate(
    scenario: Scenario,
    *,
    trace: int = 0,
    progress: Progress | None = None,
    engine: Engine = "auto",
) -> Result:
    """Run a scenario and return what came of it.

    Parameters
    ----------
    trace
        How many of the counted requests to keep one by one, for drawing; the first ones.
    progress
        Called now and then with the requests done and the requests in all.
    engine
        ``python``; ``numba``: the compiled loops of the extra ``lambdalab[fast]``; ``auto``:
        those, if they are there and the run is long. Every request fares the same in both.

    Raises
    ------
    ScenarioError
        A parameter makes no sense, or the engine is not there.
    """
    scenario.check()
    return run(scenario, _parts(scenario, engine), trace=trace, progress=progress)


def run(
    scenario: Scenario, parts: Parts, *, trace: int = 0, progress: Progress | None = None
) -> Result:
    """Run a scenario that has been checked."""
    topology = Topology(scenario)
    state = parts.state(topology.layout)
    tally: Tally | None = None
    traced = Trace(topology, trace)
    done, now = 0, 0.0
    for drawn in merged(scenario.functions, scenario.seed, parts.add_up):
        block = drawn.part(slice(0, scenario.requests - done))
        cut = min(max(scenario.warmup - done, 0), len(block))
        for part in (block.part(slice(0, cut)), block.part(slice(cut, None))):
            if tally is None and done == scenario.warmup:
                state.settle(now)
                tally = parts.tally(state, now)
            if not len(part):
                continue
            indices = topology.pool_of(part)
            outcomes = state.run(part, indices)
            now = float(part.times[-1])
            done += len(part)
            if tally is not None:
                tally.add(part, indices, outcomes)
                traced.add(part, indices, outcomes, tally.start)
        if progress is not None:
            progress(done, scenario.requests)
        if done >= scenario.requests:
            break
    state.settle(now)
    if tally is None:  # the traces ended within the warm-up
        tally = parts.tally(state, now)
    tally.finish(now)
    return report(scenario, topology, tally, now, traced.requests)
