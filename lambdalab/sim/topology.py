"""From functions to pools: who shares which cap with whom."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lambdalab.rules.errors import ThrottleReason
from lambdalab.sim.arrivals import Indices
from lambdalab.sim.pools import Group, Pool, Pools
from lambdalab.sim.scenario import Alias, Scenario

__all__ = ["Topology"]

_REASONS = list(ThrottleReason)


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
    rate_caps
        Concurrency of each function that its requests-per-second quota follows.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.functions = scenario.functions
        self.keys: list[tuple[int, str]] = []
        self.provisioned: dict[tuple[int, str], int] = {}
        self.weighted: dict[int, Alias] = {}
        self.reserved = np.array([one.reserved is not None for one in scenario.functions])
        shared = scenario.account.limit
        self._caps: list[int] = []
        self.rate_caps: list[int] = []
        unreserved = scenario.account.limit - sum(one.reserved or 0 for one in self.functions)
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
                self.rate_caps.append(unreserved)
            else:
                shared -= function.reserved
                self._caps.append(function.reserved - held)
                self.rate_caps.append(function.reserved)
        self._shared = shared
        self._places = {key: place for place, key in enumerate(self.keys)}
        self.primary: Indices = np.array(
            [
                self._places[index, function.alias(function.qualifier).version]
                for index, function in enumerate(scenario.functions)
            ]
        )

    def pool(self, function: int, version: str) -> int:
        """Return the place of a version's pool."""
        return self._places[function, version]

    def pools(self) -> Pools:
        """Return all pools, empty, with nothing in flight."""
        groups = [Group(self._shared), *(Group(cap) for cap in self._caps)]
        own = np.cumsum(self.reserved)
        return Pools(
            [
                Pool(
                    function=index,
                    group=int(own[index]) if self.reserved[index] else 0,
                    idle_timeout=self.functions[index].idle_timeout,
                    provisioned=self.provisioned.get((index, version), 0),
                )
                for index, version in self.keys
            ],
            groups,
        )

    @staticmethod
    def reason(reason: ThrottleReason) -> int:
        """Return the number that stands for a reason in arrays."""
        return _REASONS.index(reason)

    @staticmethod
    def reasons(counts: Mapping[int, int]) -> dict[str, int]:
        """Return counts by the reasons' names; zeros are left out."""
        return {_REASONS[number].value: count for number, count in counts.items() if count}
