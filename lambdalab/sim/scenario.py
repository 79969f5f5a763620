"""What is simulated: functions that share an account, their arrivals and durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, get_args

from lambdalab.errors import LambdalabError
from lambdalab.rules import concurrency, limits, routing
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.rules.pricing import Architecture
from lambdalab.rules.routing import LATEST

__all__ = ["Account", "Alias", "Arrivals", "Duration", "Function", "Scenario", "ScenarioError"]

ArrivalKind = Literal["poisson", "constant", "burst", "ramp", "trace"]
DurationKind = Literal["constant", "exponential", "lognormal", "empirical"]


Routing = Literal["recent", "newest"]


class ScenarioError(LambdalabError):
    """A parameter makes no sense; the message is AWS's own where AWS has one."""


def _check(condition: bool, place: str, problem: str) -> None:
    if not condition:
        raise ScenarioError(f"{place}: {problem}")


def _number(value: float, place: str, *, least: float = 0.0, above: bool = False) -> None:
    fine = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and isfinite(value)
        and (value > least if above else value >= least)
    )
    bound = f"above {least:g}" if above else f"{least:g} or more"
    _check(fine, place, f"{value!r} must be a number, {bound}")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When requests come.

    Attributes
    ----------
    kind
        ``poisson``: independent, ``rate`` per second. ``constant``: every 1/``rate``
        seconds. ``burst``: Poisson at ``rate``, with ``size`` requests at once every
        ``every`` seconds. ``ramp``: Poisson, from ``rate`` to ``to`` over ``over``
        seconds, then steady. ``trace``: at ``times``.
    rate, to
        Requests per second.
    every, over
        Seconds.
    size
        Requests of one burst.
    times
        Seconds from the start, ascending.
    """

    kind: ArrivalKind = "poisson"
    rate: float = 1.0
    to: float = 0.0
    over: float = 0.0
    every: float = 0.0
    size: int = 0
    times: Sequence[float] = ()

    def check(self, place: str) -> None:
        """Raise :class:`ScenarioError` if these arrivals make no sense."""
        kinds = get_args(ArrivalKind)
        _check(self.kind in kinds, place, f"kind {self.kind!r} is none of {', '.join(kinds)}")
        if self.kind == "trace":
            _check(len(self.times) > 0, place, "a trace needs times")
            last = -0.0
            for time in self.times:
                _number(time, f"{place}.times")
                _check(time >= last, f"{place}.times", f"{time:g} comes after {last:g}")
                last = time
            return
        _number(self.rate, f"{place}.rate", above=self.kind in ("poisson", "constant"))
        if self.kind == "burst":
            _number(self.every, f"{place}.every", above=True)
            _number(self.size, f"{place}.size", least=1)
        if self.kind == "ramp":
            _number(self.to, f"{place}.to")
            _number(self.over, f"{place}.over", above=True)
            _check(self.to > 0, f"{place}.to", "the rate a ramp ends at must be above 0")


@dataclass(frozen=True, slots=True)
class Duration:
    """How long something takes, in seconds.

    Attributes
    ----------
    kind
        ``constant``: always ``value``. ``exponential``: with that ``mean``. ``lognormal``:
        with that ``mean``, and ``cv`` (standard deviation over mean). ``empirical``: drawn
        from ``values``.
    """

    kind: DurationKind = "constant"
    value: float = 0.0
    mean: float = 0.0
    cv: float = 1.0
    values: Sequence[float] = ()

    def check(self, place: str) -> None:
        """Raise :class:`ScenarioError` if this duration makes no sense."""
        kinds = get_args(DurationKind)
        _check(self.kind in kinds, place, f"kind {self.kind!r} is none of {', '.join(kinds)}")
        if self.kind == "constant":
            _number(self.value, f"{place}.value")
        elif self.kind == "empirical":
            _check(len(self.values) > 0, place, "empirical durations need values")
            for value in self.values:
                _number(value, f"{place}.values")
        else:
            _number(self.mean, f"{place}.mean", above=True)
            _number(self.cv, f"{place}.cv", above=True)

    @property
    def expected(self) -> float:
        """Its mean, in seconds."""
        if self.kind == "constant":
            return self.value
        if self.kind == "empirical":
            return sum(self.values) / len(self.values)
        return self.mean


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
        place = f"function {self.name!r}"
        _check(bool(self.name), "function", "a function needs a name")
        self.arrivals.check(f"{place}.arrivals")
        self.duration.check(f"{place}.duration")
        self.init.check(f"{place}.init")
        _number(self.idle_timeout, f"{place}.idle_timeout", above=True)
        for name, value, low, high in (
            ("memory", self.memory, limits.MEMORY_MIN, limits.MEMORY_MAX),
            ("ephemeral", self.ephemeral, limits.EPHEMERAL_MIN, limits.EPHEMERAL_MAX),
        ):
            _check(
                isinstance(value, int) and low.value <= value <= high.value,
                f"{place}.{name}",
                f"{value!r} must be a whole number from {low.value} to {high.value} ({low.unit})",
            )
        kinds = get_args(Architecture)
        _check(self.architecture in kinds, f"{place}.architecture", f"none of {', '.join(kinds)}")
        for name, alias in self.aliases.items():
            problem = routing.routing_problem(alias.version, alias.weights)
            _check(problem is None, f"{place}.aliases.{name}", problem or "")
        if self.reserved is not None:
            problem = concurrency.reserved_problem(
                self.reserved,
                account=account.limit,
                others=sum(other.reserved or 0 for other in others),
            )
            _check(problem is None, f"{place}.reserved", problem or "")
        self._check_provisioned(place, account, others)

    def _check_provisioned(self, place: str, account: Account, others: Sequence[Function]) -> None:
        taken = sum(
            other.reserved if other.reserved is not None else sum(other.provisioned.values())
            for other in others
        )
        sofar = 0
        versions: dict[str, str] = {}
        for qualifier, count in self.provisioned.items():
            alias = self.alias(qualifier)
            problem = concurrency.provisioned_problem(
                count,
                LATEST if alias.version == LATEST else qualifier,
                reserved=self.reserved,
                others=sofar,
                available=account.limit - taken - sofar - limits.UNRESERVED_MIN.value,
                weighted=bool(alias.weights),
            )
            _check(problem is None, f"{place}.provisioned.{qualifier}", problem or "")
            twin = versions.setdefault(alias.version, qualifier)
            _check(
                twin == qualifier,
                f"{place}.provisioned.{qualifier}",
                f"Alias already has a provisioned concurrency config on function version "
                f"{alias.version} ({twin})",
            )
            sofar += count


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

    def check(self) -> None:
        """Raise :class:`ScenarioError` if something makes no sense."""
        _check(len(self.functions) > 0, "scenario", "there is no function")
        _number(self.requests, "requests", least=1)
        _number(self.warmup, "warmup")
        _number(self.seed, "seed")
        _check(
            self.warmup < self.requests,
            "warmup",
            f"{self.warmup} of {self.requests} requests would leave nothing to count",
        )
        _number(self.account.limit, "account.limit", least=1)
        names = [function.name for function in self.functions]
        for function in self.functions:
            _check(names.count(function.name) == 1, "function", f"two are named {function.name!r}")
            function.check(
                self.account, [other for other in self.functions if other is not function]
            )
