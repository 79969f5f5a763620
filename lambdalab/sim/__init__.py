"""The simulator: the rulebook at millions of requests a second.

>>> from lambdalab.sim import Function, Scenario, simulate
>>> result = simulate(Scenario([Function("api")], requests=20_000, warmup=2_000))
>>> result.functions["api"].requests
18000
"""

from __future__ import annotations

from lambdalab.sim.picture import Plot, plot
from lambdalab.sim.result import AccountResult, FunctionResult, Result
from lambdalab.sim.run import simulate
from lambdalab.sim.scenario import (
    Account,
    Alias,
    Arrivals,
    Duration,
    Function,
    Scenario,
    ScenarioError,
)

__all__ = [
    "Account",
    "AccountResult",
    "Alias",
    "Arrivals",
    "Duration",
    "Function",
    "FunctionResult",
    "Plot",
    "Result",
    "Scenario",
    "ScenarioError",
    "plot",
    "simulate",
]
