"""The same rules the long way: environments in a list, looked through at every arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal

import numpy as np

from lambdalab.rules.concurrency import SCALING_BURST, scaling_allowance
from lambdalab.sim.arrivals import Block, Indices
from lambdalab.sim.outcomes import PROVISIONED, RATE_LIMITED, SCALING_LIMITED, THROTTLED
from lambdalab.sim.pools import Layout


@dataclass(frozen=True)
class Request:
    """One request, meant for the pool of that index; seconds."""

    time: float
    pool: int
    service: float
    init: float = 0.0


@dataclass
class Environment:
    """One environment: busy until a moment, and idle from then on."""

    pool: int
    number: int
    until: float
    provisioned: bool = False

    def busy(self, now: float) -> bool:
        return self.until > now


@dataclass
class Naive:
    """Runs requests one by one; keeps every environment that ever was."""

    layout: Layout
    routing: Literal["recent", "newest"] = "recent"
    environments: list[Environment] = field(default_factory=list)
    alive: list[int] = field(default_factory=list)
    """On-demand environments alive after each request: busy, or idle for less than T."""

    def __post_init__(self) -> None:
        for index, pool in enumerate(self.layout.pools):
            self.environments += [
                Environment(index, -1 - n, -inf, provisioned=True) for n in range(pool.provisioned)
            ]
        self._second: dict[int, list[int]] = {}
        self._left = [float(SCALING_BURST.value)] * self.layout.functions
        self._looked = [0.0] * self.layout.functions

    def run(self, requests: Sequence[Request]) -> list[float]:
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> float:
        outcome = self._outcome(request)
        self.alive.append(
            sum(
                1
                for one in self.environments
                if not one.provisioned
                and request.time - one.until < self.layout.pools[one.pool].idle_timeout
            )
        )
        return outcome

    def _outcome(self, request: Request) -> float:
        now, pool = request.time, self.layout.pools[request.pool]
        arrived = self._second.setdefault(pool.group, [])
        arrived.append(int(now))
        quota = self.layout.quotas[pool.group]
        if quota and arrived.count(int(now)) > quota:
            return RATE_LIMITED
        mine = [one for one in self.environments if one.pool == request.pool]
        for one in mine:
            if one.provisioned and not one.busy(now):
                one.until = now + request.service
                return PROVISIONED
        running = sum(
            1
            for one in self.environments
            if self.layout.pools[one.pool].group == pool.group
            and not one.provisioned
            and one.busy(now)
        )
        if running >= self.layout.caps[pool.group]:
            return THROTTLED
        idle = [
            one
            for one in mine
            if not one.provisioned and not one.busy(now) and now - one.until < pool.idle_timeout
        ]
        if idle:
            if self.routing == "recent":
                chosen = max(idle, key=lambda one: one.until)
            else:
                chosen = max(idle, key=lambda one: one.number)
            gap = now - chosen.until
            chosen.until = now + request.service
            return gap
        function = pool.function
        left = scaling_allowance(self._left[function], now - self._looked[function])
        self._looked[function] = now
        self._left[function] = left - 1.0 if left >= 1.0 else left
        if left < 1.0:
            return SCALING_LIMITED
        until = now + request.service + request.init
        self.environments.append(Environment(request.pool, len(self.environments), until))
        return inf


def block_of(layout: Layout, requests: Sequence[Request]) -> tuple[Block, Indices]:
    """Return requests as the simulator's pools take them."""
    indices = np.array([one.pool for one in requests], dtype=np.int64)
    functions = np.array([layout.pools[one.pool].function for one in requests], dtype=np.int64)
    block = Block(
        times=np.array([one.time for one in requests]),
        functions=functions,
        services=np.array([one.service for one in requests]),
        inits=np.array([one.init for one in requests]),
        draws=np.zeros(len(requests)),
    )
    return block, indices


def fate(outcome: float, timeout: float) -> str:
    """Name what became of a request: ``cold``, ``warm``, or why not."""
    names = {
        THROTTLED: "throttled",
        SCALING_LIMITED: "scaling",
        RATE_LIMITED: "rate",
        PROVISIONED: "provisioned",
    }
    return names.get(outcome) or ("cold" if outcome >= timeout else "warm")
