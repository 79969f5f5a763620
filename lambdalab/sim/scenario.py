"""What is simulated: functions that share an account, their arrivals and durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lambdalab.rules import concurrency, limits, routing
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.rules.pricing import Architecture
from lambdalab.rules.routing import LATEST
from lambdalab.sim.checks import (
    ScenarioError,
    between,
    check,
    number,
    one_of,
    refuse,
    whole,
)
from lambdalab.sim.draws import Arrivals, Duration

__all__ = ["Account", "Alias", "Arrivals", "Duration", "Function", "Scenario", "ScenarioError"]


Routing = Literal["recent", "newest"]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that leads to a version, and to a second one by weight."""

    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    """``AdditionalVersionWeights``: at most one version, 0.0-1.0."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the account.

    Attributes
    ----------
    arrivals, duration, init
        When requests come, how long the handler and the init phase take.
    memory
        MB; costs follow it, durations do not.
    idle_timeout
        Idle lifetime of an environment, in seconds; AWS publishes none.
    reserved
        Reserved concurrency; ``None``: the function draws on the unreserved pool.
    provisioned
        Provisioned concurrency by version or alias.
    aliases
        By name. An alias of ``provisioned`` that is not here leads to a version of its own.
    target
        Version or alias that requests go to. Left out: the only one with provisioned
        concurrency, else ``$LATEST``.
    ephemeral
        MB of ``/tmp``.
    """

    name: str
    arrivals: Arrivals = field(default_factory=Arrivals)
    duration: Duration = field(default_factory=lambda: Duration("exponential", mean=1.0))
    init: Duration = field(default_factory=Duration)
    memory: int = 1769
    idle_timeout: float = float(IDLE_LIFETIME.value)
    reserved: int | None = None
    provisioned: Mapping[str, int] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    target: str | None = None
    architecture: Architecture = "x86_64"
    ephemeral: int = limits.EPHEMERAL_MIN.value

    @property
    def qualifier(self) -> str:
        """What requests go to."""
        if self.target is not None:
            return self.target
        return next(iter(self.provisioned)) if len(self.provisioned) == 1 else LATEST

    @property
    def taken(self) -> int:
        """What it takes from the account for itself: reserved, or provisioned without that."""
        return sum(self.provisioned.values()) if self.reserved is None else self.reserved

    def alias(self, qualifier: str) -> Alias:
        """Return the alias of that name; a version stands for itself."""
        return self.aliases.get(qualifier) or Alias(qualifier)

    def check(self, account: Account, others: Sequence[Function]) -> None:
        """Raise :class:`ScenarioError` if AWS would not have this function.

        Parameters
        ----------
        others
            The account's other functions.
        """
        check(isinstance(self.name, str) and bool(self.name), "function.name", "no_name")
        place = f"function.{self.name}"
        self.arrivals.check(f"{place}.arrivals")
        self.duration.check(f"{place}.duration")
        self.init.check(f"{place}.init")
        number(self.idle_timeout, f"{place}.idle_timeout", above=True)
        between(self.memory, limits.MEMORY_MIN, limits.MEMORY_MAX, f"{place}.memory")
        between(self.ephemeral, limits.EPHEMERAL_MIN, limits.EPHEMERAL_MAX, f"{place}.ephemeral")
        one_of(self.architecture, get_args(Architecture), f"{place}.architecture")
        for name, alias in self.aliases.items():
            for version, weight in alias.weights.items():
                number(weight, f"{place}.aliases.{name}.weights.{version}")
            refuse(
                routing.routing_problem(alias.version, alias.weights),
                f"{place}.aliases.{name}",
                "alias",
            )
        if self.reserved is not None:
            whole(self.reserved, f"{place}.reserved", least=None)
            others_reserved = sum(other.taken for other in others)
            refuse(
                concurrency.reserved_problem(
                    self.reserved, account=account.limit, others=others_reserved
                ),
                f"{place}.reserved",
                "negative" if self.reserved < 0 else "reserved",
                account=account.limit,
                others=others_reserved,
                minimum=limits.UNRESERVED_MIN.value,
                most=max(account.limit - others_reserved - limits.UNRESERVED_MIN.value, 0),
            )
        self._check_provisioned(place, account, others)
        known = {LATEST, *self.aliases, *self.provisioned}
        check(
            self.qualifier in known or self.qualifier.isdigit(),
            f"{place}.target",
            "target",
            target=self.qualifier,
            known=", ".join(sorted(known)),
        )

    def _check_provisioned(self, place: str, account: Account, others: Sequence[Function]) -> None:
        taken = sum(other.taken for other in others)
        sofar = 0
        versions: dict[str, str] = {}
        for qualifier, count in self.provisioned.items():
            where = f"{place}.provisioned.{qualifier}"
            whole(count, where, least=None)
            alias = self.alias(qualifier)
            available = account.limit - taken - sofar - limits.UNRESERVED_MIN.value
            refuse(
                concurrency.provisioned_problem(
                    count,
                    LATEST if alias.version == LATEST else qualifier,
                    reserved=self.reserved,
                    others=sofar,
                    available=available,
                    weighted=bool(alias.weights),
                ),
                where,
                _why_not_provisioned(count, alias, reserved=self.reserved),
                reserved=self.reserved,
                others=sofar,
                available=max(available, 0),
                minimum=limits.UNRESERVED_MIN.value,
            )
            twin = versions.setdefault(alias.version, qualifier)
            check(twin == qualifier, where, "provisioned_twice", version=alias.version, other=twin)
            sofar += count


def _why_not_provisioned(count: int, alias: Alias, *, reserved: int | None) -> str:
    if count < 1:
        return "provisioned_least"
    if alias.version == LATEST:
        return "provisioned_latest"
    if alias.weights:
        return "provisioned_weighted"
    return "provisioned_account" if reserved is None else "provisioned_reserved"


@dataclass(frozen=True, slots=True)
class Account:
    """What the functions share."""

    limit: int = limits.CONCURRENCY.value
    """Concurrent executions of the Region."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    Attributes
    ----------
    functions
        One or more, by different names.
    requests
        Arrivals of all functions together, warm-up included. Traces may end sooner.
    warmup
        Arrivals at the beginning that are simulated and not counted: a pool that starts
        empty would bias everything.
    seed
        One random stream per function and purpose is derived from it, so that changing a
        parameter moves the result and not the noise.
    routing
        Which idle environment gets a request: ``recent``: the one used most recently;
        ``newest``: the one created last, slower. AWS does not publish it.
    """

    functions: Sequence[Function]
    account: Account = field(default_factory=Account)
    requests: int = 100_000
    warmup: int = 10_000
    seed: int = 1
    routing: Routing = "recent"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data, in the words of a scenario file; defaults left out."""
        from lambdalab.sim.spec import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Scenario:
        """Return the scenario that such data describes.

        Raises
        ------
        ScenarioError
            A key is unknown or a value of the wrong kind.
        """
        from lambdalab.sim.spec import from_json

        return from_json(data)

    def check(self) -> None:
        """Raise :class:`ScenarioError` if something makes no sense."""
        check(len(self.functions) > 0, "function", "no_function")
        whole(self.requests, "requests", least=1)
        whole(self.warmup, "warmup")
        whole(self.seed, "seed")
        one_of(self.routing, get_args(Routing), "routing")
        check(
            self.warmup < self.requests,
            "warmup",
            "warmup",
            warmup=self.warmup,
            requests=self.requests,
        )
        whole(self.account.limit, "account.limit", least=1)
        names = [function.name for function in self.functions]
        for function in self.functions:
            check(names.count(function.name) == 1, "function.name", "same_name", name=function.name)
            function.check(
                self.account, [other for other in self.functions if other is not function]
            )
