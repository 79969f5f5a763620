"""From functions to pools: who shares which cap with whom."""

from __future__ import annotations

import numpy as np

from lambdalab.rules.concurrency import requests_per_second
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.pools import Layout, Pool
from lambdalab.sim.scenario import Alias, Scenario
from lambdalab.sim.variates import Same

__all__ = ["Topology"]


class Topology:
    """Pools and caps of a scenario.

    A function with reserved concurrency has a group of its own: what it reserved, less
    what of it is provisioned. All others share the unreserved group: the account's limit,
    less all that is reserved, and less what they have provisioned.

    Attributes
    ----------
    keys
        (index of the function, version) of each pool.
    primary
        Pool of each function's requests; shape ``(functions,)``.
    weighted
        Functions whose requests go to two versions.
    reserved
        Which functions have reserved concurrency; shape ``(functions,)``.
    layout
        The pools, in the order of ``keys``, and what limits them.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.functions = scenario.functions
        self.keys: list[tuple[int, str]] = []
        self.provisioned: dict[tuple[int, str], int] = {}
        self.weighted: dict[int, Alias] = {}
        self.reserved = np.array([one.reserved is not None for one in scenario.functions])
        shared = scenario.account.limit
        caps: list[int] = []
        unreserved = scenario.account.limit - sum(one.reserved or 0 for one in self.functions)
        quotas = [requests_per_second(unreserved)]
        for index, function in enumerate(scenario.functions):
            alias = function.alias(function.qualifier)
            for version in (alias.version, *alias.weights):
                self.keys.append((index, version))
            if alias.weights:
                self.weighted[index] = alias
            for qualifier, count in function.provisioned.items():
                key = (index, function.alias(qualifier).version)
                self.provisioned[key] = count
                if key not in self.keys:
                    self.keys.append(key)
            held = sum(function.provisioned.values())
            if function.reserved is None:
                shared -= held
            else:
                shared -= function.reserved
                caps.append(function.reserved - held)
                quotas.append(requests_per_second(function.reserved))
        self._first = Same(0)
        self._places = {key: place for place, key in enumerate(self.keys)}
        self.primary: Indices = np.array(
            [
                self._places[index, function.alias(function.qualifier).version]
                for index, function in enumerate(scenario.functions)
            ]
        )
        own = np.cumsum(self.reserved).tolist()
        self.layout = Layout(
            pools=[
                Pool(
                    function=index,
                    group=own[index] if self.reserved[index] else 0,
                    idle_timeout=self.functions[index].idle_timeout,
                    provisioned=self.provisioned.get((index, version), 0),
                )
                for index, version in self.keys
            ],
            caps=[shared, *caps],
            quotas=quotas,
        )

    def pool(self, function: int, version: str) -> int:
        """Return the place of a version's pool."""
        return self._places[function, version]

    def pool_of(self, block: Block) -> Indices:
        """Return the pool each request is meant for; shape ``(n,)``."""
        if len(self.keys) == 1:
            return self._first.take(len(block))
        indices: Indices = self.primary[block.functions]
        for function, alias in self.weighted.items():
            mine = block.functions == function
            # choose_version for many draws at once: an alias weighs one version besides its own.
            for version, weight in alias.weights.items():
                indices[mine & (block.draws < weight)] = self.pool(function, version)
        return indices

    def held(self, function: int) -> int:
        """Return how many provisioned environments a function has."""
        return sum(count for (owner, _), count in self.provisioned.items() if owner == function)
