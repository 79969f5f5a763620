"""What a simulation found, as small typed records."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lambdalab.i18n import message
from lambdalab.rules.pricing import Bill, Usage, bill
from lambdalab.sim.variates import Array

if TYPE_CHECKING:
    from lambdalab.sim.scenario import Scenario

__all__ = ["AccountResult", "FunctionResult", "Result", "TracedRequest"]

Counts: TypeAlias = npt.NDArray[np.int64]
_MONTH_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One request, kept for drawing.

    Attributes
    ----------
    time
        Seconds since the end of the warm-up.
    duration
        Of the handler (s); 0 if it was refused.
    init
        Seconds, if it was cold.
    throttle_reason
        AWS's name, if it was refused.
    cause
        ``concurrency``, ``scaling`` or ``rate``: what refused it, where AWS's name leaves it open.
    """

    time: float
    function: str
    version: str
    duration: float
    init: float | None
    provisioned: bool
    throttle_reason: str | None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """One function after the warm-up.

    Attributes
    ----------
    requests, served, cold, provisioned, throttled
        Counts; ``served + throttled == requests``. ``cold`` and ``provisioned`` are parts
        of ``served``.
    throttle_reasons
        Counts by AWS's own names.
    throttle_causes
        The same by ``concurrency``, ``scaling`` and ``rate``.
    mean_concurrency, mean_environments
        Over time. Provisioned environments count whether they are busy or not.
    latency
        ``p50``, ``p90``, ``p99`` of served requests, init included (s, to within 1 %).
    usage
        What is billed.
    times
        Beginning of each bin of the curves (s since the warm-up); shape ``(bins,)``.
    running, provisioned_running, idle
        Mean number of environments in each bin that are busy (on demand; provisioned)
        or idle (on demand).
    cold_starts
        How many there were in each bin.
    throttles
        How many requests were refused in each bin, by AWS's name of the reason.

    A bin that is not over when the run ends is left out of all curves.
    """

    requests: int
    served: int
    cold: int
    provisioned: int
    throttled: int
    throttle_reasons: Mapping[str, int]
    throttle_causes: Mapping[str, int]
    mean_concurrency: float
    mean_environments: float
    latency: Mapping[str, float | None]
    usage: Usage
    times: Array = field(repr=False)
    running: Array = field(repr=False)
    provisioned_running: Array = field(repr=False)
    idle: Array = field(repr=False)
    cold_starts: Counts = field(repr=False)
    throttles: Mapping[str, Counts] = field(repr=False)

    @property
    def bill(self) -> Bill:
        """Its cost, without the free tier, which an account has once."""
        return bill(self.usage)

    @property
    def cost_usd(self) -> float:
        """US dollars for the counted requests."""
        return self.bill.total

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, without the curves."""
        return {
            "requests": self.requests,
            "served": self.served,
            "cold": self.cold,
            "provisioned": self.provisioned,
            "throttled": self.throttled,
            "throttle_reasons": dict(self.throttle_reasons),
            "throttle_causes": dict(self.throttle_causes),
            "mean_concurrency": self.mean_concurrency,
            "mean_environments": self.mean_environments,
            "latency": dict(self.latency),
            "cost_usd": self.cost_usd,
            "usage": dataclasses.asdict(self.usage),
        }


@dataclass(frozen=True, slots=True)
class AccountResult:
    """All functions together; as :class:`FunctionResult`."""

    requests: int
    served: int
    cold: int
    provisioned: int
    throttled: int
    mean_concurrency: float
    mean_environments: float
    cost_usd: float

    @classmethod
    def of(cls, functions: Iterable[FunctionResult]) -> AccountResult:
        """Add functions up."""
        every = list(functions)
        names = [one.name for one in dataclasses.fields(cls)]
        return cls(**{name: sum(getattr(one, name) for one in every) for name in names})


@dataclass(frozen=True, slots=True)
class Result:
    """A simulation's outcome.

    Attributes
    ----------
    seconds
        Simulated time after the warm-up.
    functions
        By name.
    account
        All together.
    trace
        The first counted requests, as many as were asked for.
    """

    scenario: Scenario
    seconds: float
    functions: Mapping[str, FunctionResult]
    account: AccountResult
    trace: tuple[TracedRequest, ...] = field(default=(), repr=False)

    def monthly(self, *, free_tier: bool = True) -> Bill:
        """Return what 30 days like this would cost the account.

        The free tier, and the tiers of the price, count all functions of an architecture
        together.
        """
        scale = _MONTH_S / self.seconds if self.seconds > 0 else 0.0
        total = Bill(0.0, 0.0, 0.0, 0.0)
        for architecture in ("x86_64", "arm64"):
            usages = [
                one.usage
                for one in self.functions.values()
                if one.usage.architecture == architecture
            ]
            if not usages:
                continue
            # An account has one free tier: the first architecture takes it.
            part = bill(_month(usages, scale), free_tier=free_tier)
            free_tier = False
            total = Bill(
                *(
                    getattr(total, one.name) + getattr(part, one.name)
                    for one in dataclasses.fields(Bill)
                )
            )
        return total

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready data."""
        return {
            "seconds": self.seconds,
            "functions": {name: one.to_json() for name, one in self.functions.items()},
            "account": dataclasses.asdict(self.account),
        }

    def to_dataframe(self) -> Any:  # noqa: ANN401 - pandas is not a requirement
        """Return one row per function.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = importlib.import_module("pandas")

        rows = {}
        for name, one in self.functions.items():
            flat = one.to_json()
            latency, reasons = flat.pop("latency"), flat.pop("throttle_reasons")
            del flat["usage"], flat["throttle_causes"]
            rows[name] = (
                flat | {f"latency_{key}": value for key, value in latency.items()} | reasons
            )
        return pandas.DataFrame.from_dict(rows, orient="index")

    def _repr_html_(self) -> str:
        columns = ("requests", "served", "cold", "throttled", "mean_concurrency", "p99", "cost_usd")
        head = "".join(f"<th scope='col'>{escape(message(f'sim.{one}'))}</th>" for one in columns)
        body = "".join(
            f"<tr><th scope='row'>{escape(name)}</th>{_cells(one, columns)}</tr>"
            for name, one in self.functions.items()
        )
        first = escape(message("sim.function"))
        return (
            f"<table><thead><tr><th scope='col'>{first}</th>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def _cells(one: FunctionResult, columns: Iterable[str]) -> str:
    shown = []
    for name in columns:
        value = one.latency["p99"] if name == "p99" else getattr(one, name)
        if value is None:
            shown.append("–")
        else:
            shown.append(f"{value:,}" if isinstance(value, int) else f"{value:,.4g}")
    return "".join(f"<td>{text}</td>" for text in shown)


def _month(usages: Iterable[Usage], scale: float) -> Usage:
    every = list(usages)
    amounts = {
        one.name: sum(getattr(usage, one.name) for usage in every) * scale
        for one in dataclasses.fields(Usage)
        if one.name != "architecture"
    }
    return Usage(
        requests=int(np.rint(amounts.pop("requests"))),
        architecture=every[0].architecture,
        **amounts,
    )
