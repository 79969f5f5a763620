"""What the sliders of the concurrency lab stand at, and the scenario that this is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.rules import limits
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.rules.pricing import Architecture
from lambdalab.sim import Account, Arrivals, Duration, Function, Scenario

__all__ = ["ALIAS", "MOST_REQUESTS", "LabError", "Setting"]

ALIAS = "live"
"""The alias that has the provisioned concurrency."""
MOST_REQUESTS = 100_000
"""So many are simulated anew within a tenth of a second while a slider moves."""
_NEVER = 1e-9
"""Requests per second of a function that reserves concurrency and is never called."""

ArrivalKind = Literal["poisson", "constant", "burst"]
DurationKind = Literal["constant", "exponential", "lognormal"]


class LabError(LambdalabError):
    """The lab has no slider for what was given."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One position of all sliders.

    Attributes
    ----------
    arrivals, rate, burst_size, burst_every
        As :class:`lambdalab.sim.Arrivals`: requests/s, requests, seconds.
    duration_kind, duration, duration_cv
        As :class:`lambdalab.sim.Duration`; ``duration`` is the mean in seconds.
    init
        Seconds of every init phase.
    idle
        Idle lifetime (s).
    reserved
        Reserved concurrency; ``None``: the function draws on the unreserved pool.
    provisioned
        Provisioned concurrency of the alias ``live``; 0: none.
    account
        The account's limit.
    other_rate, other_duration, other_reserved
        A second function: requests/s, mean seconds (exponential), reserved concurrency.
        With a rate of 0 and nothing reserved there is none.
    memory
        MB of the first function; prices it.
    requests, warmup, seed
        As :class:`lambdalab.sim.Scenario`.
    """

    rate: float = 100.0
    arrivals: ArrivalKind = "poisson"
    burst_size: int = 500
    burst_every: float = 60.0
    duration_kind: DurationKind = "exponential"
    duration: float = 1.0
    duration_cv: float = 1.0
    init: float = 0.5
    idle: float = float(IDLE_LIFETIME.value)
    reserved: int | None = None
    provisioned: int = 0
    account: int = limits.CONCURRENCY.value
    other_rate: float = 0.0
    other_duration: float = 1.0
    other_reserved: int | None = None
    memory: int = 1024
    architecture: Architecture = "x86_64"
    name: str = "api"
    other_name: str = "other"
    requests: int = MOST_REQUESTS
    warmup: int = MOST_REQUESTS // 10
    seed: int = 1

    @property
    def has_other(self) -> bool:
        """Whether there is a second function."""
        return self.other_rate > 0 or self.other_reserved is not None

    def scenario(self) -> Scenario:
        """Return it for the simulator; it is checked when it is run."""
        functions = [
            Function(
                self.name,
                arrivals=Arrivals(
                    self.arrivals, rate=self.rate, size=self.burst_size, every=self.burst_every
                ),
                duration=self._duration(),
                init=Duration("constant", value=self.init),
                memory=self.memory,
                idle_timeout=self.idle,
                reserved=self.reserved,
                provisioned={ALIAS: self.provisioned} if self.provisioned else {},
                architecture=self.architecture,
            )
        ]
        if self.has_other:
            functions.append(
                Function(
                    self.other_name,
                    arrivals=Arrivals("poisson", rate=self.other_rate or _NEVER),
                    duration=Duration("exponential", mean=self.other_duration),
                    init=Duration("constant", value=self.init),
                    idle_timeout=self.idle,
                    reserved=self.other_reserved,
                )
            )
        return Scenario(
            functions,
            account=Account(self.account),
            requests=self.requests,
            warmup=self.warmup,
            seed=self.seed,
        )

    def _duration(self) -> Duration:
        if self.duration_kind == "constant":
            return Duration("constant", value=self.duration)
        return Duration(self.duration_kind, mean=self.duration, cv=self.duration_cv)

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Return the setting that shows a scenario.

        Raises
        ------
        LabError
            The lab has no slider for something in it.
        """
        scenario.check()
        _need(len(scenario.functions) <= 2, "functions", count=len(scenario.functions))
        _need(scenario.requests <= MOST_REQUESTS, "requests", most=f"{MOST_REQUESTS:,}")
        _need(scenario.routing == "recent", "routing")
        first, *others = scenario.functions
        arrivals, duration = first.arrivals, first.duration
        _need(arrivals.kind in get_args(ArrivalKind), "kind", place="arrivals", kind=arrivals.kind)
        _need(duration.kind in get_args(DurationKind), "kind", place="duration", kind=duration.kind)
        for one in scenario.functions:
            _need(one.init.kind == "constant", "kind", place="init", kind=one.init.kind)
            _need(not one.alias(one.qualifier).weights, "weights", name=one.name)
            _need(one.ephemeral == limits.EPHEMERAL_MIN.value, "ephemeral", name=one.name)
            _need(len(one.provisioned) < 2, "provisioned", name=one.name)
            _need(
                not one.provisioned or one.qualifier in one.provisioned,
                "provisioned",
                name=one.name,
            )
        values: dict[str, Any] = {}
        for other in others:
            fits = (
                other.arrivals.kind == "poisson"
                and other.duration.kind == "exponential"
                and not other.provisioned
                and other.idle_timeout == first.idle_timeout
                and other.init == first.init
            )
            _need(fits, "other", name=other.name)
            values |= {
                "other_name": other.name,
                "other_rate": other.arrivals.rate,
                "other_duration": other.duration.mean,
                "other_reserved": other.reserved,
            }
        if arrivals.kind == "burst":
            values |= {"burst_size": arrivals.size, "burst_every": arrivals.every}
        return cls(
            name=first.name,
            rate=float(arrivals.rate),
            arrivals=arrivals.kind,  # type: ignore[arg-type]
            duration_kind=duration.kind,  # type: ignore[arg-type]
            duration=float(duration.expected),
            duration_cv=duration.cv,
            init=first.init.value,
            idle=first.idle_timeout,
            reserved=first.reserved,
            provisioned=sum(first.provisioned.values()),
            account=scenario.account.limit,
            memory=first.memory,
            architecture=first.architecture,
            requests=scenario.requests,
            warmup=scenario.warmup,
            seed=scenario.seed,
            **values,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the setting of such data; what is left out is at its default.

        Raises
        ------
        LabError
            A name is unknown.
        """
        known = {one.name for one in dataclasses.fields(cls)}
        for name in data:
            _need(name in known, "unknown", name=name, known=", ".join(sorted(known)))
        return cls(**data)


def _need(fine: bool, problem: str, **values: object) -> None:
    if not fine:
        raise LabError(message(f"concurrency.problem.{problem}", **values))
