"""What Lambda costs: us-east-1, US dollars, on-demand, as of the day each price was read.

Prices change and differ by Region: print them with :attr:`Source.read`, never without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from lambdalab.rules.source import Fact, Source

__all__ = [
    "COMPUTE",
    "EPHEMERAL",
    "FREE_COMPUTE",
    "FREE_REQUESTS",
    "PROVISIONED_HELD",
    "PROVISIONED_USED",
    "REQUESTS",
    "Architecture",
    "Bill",
    "Tier",
    "Usage",
    "bill",
    "gb_seconds",
]

Architecture = Literal["x86_64", "arm64"]
_PAGE = Source("https://aws.amazon.com/lambda/pricing/")
_MB_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Tier:
    """A price that holds for a month's usage up to a bound.

    Attributes
    ----------
    up_to
        GB-seconds of the month, all functions of the account together.
    usd
        US dollars for one GB-second.
    """

    up_to: float
    usd: float


COMPUTE: Mapping[Architecture, tuple[Tier, ...]] = {
    "x86_64": (Tier(6e9, 0.0000166667), Tier(15e9, 0.000015), Tier(inf, 0.0000133334)),
    "arm64": (Tier(7.5e9, 0.0000133334), Tier(18.75e9, 0.0000120001), Tier(inf, 0.0000106667)),
}
"""On-demand duration."""


def _price(value: float, unit: str, zh: str, en: str) -> Fact[float]:
    return Fact(value, unit, {"zh-TW": zh, "en": en}, _PAGE)


REQUESTS = _price(0.20, "USD / 1,000,000", "請求單價", "price of requests")
PROVISIONED_HELD: Mapping[Architecture, Fact[float]] = {
    "x86_64": _price(
        0.0000041667, "USD / GB-s", "佈建並行，持有（x86）", "provisioned, held (x86)"
    ),
    "arm64": _price(0.0000033334, "USD / GB-s", "佈建並行，持有（Arm）", "provisioned, held (Arm)"),
}
PROVISIONED_USED: Mapping[Architecture, Fact[float]] = {
    "x86_64": _price(
        0.0000097222, "USD / GB-s", "佈建並行，使用（x86）", "provisioned, used (x86)"
    ),
    "arm64": _price(0.0000077778, "USD / GB-s", "佈建並行，使用（Arm）", "provisioned, used (Arm)"),
}
EPHEMERAL = _price(
    0.0000000309, "USD / GB-s", "超過 512 MB 的暫時性儲存", "ephemeral storage above 512 MB"
)
FREE_REQUESTS = Fact(1_000_000, "", {"zh-TW": "每月免費請求", "en": "free requests a month"}, _PAGE)
FREE_COMPUTE = Fact(400_000, "GB-s", {"zh-TW": "每月免費運算", "en": "free compute a month"}, _PAGE)


def gb_seconds(memory_mb: float, seconds: float) -> float:
    """Return GB-seconds: configured memory (MB) times time (s)."""
    return memory_mb / _MB_PER_GB * seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """What is billed of one function in one month.

    Attributes
    ----------
    requests
        Served requests; throttled ones cost nothing.
    compute
        GB-seconds of on-demand duration, init included.
    provisioned_held, provisioned_used
        GB-seconds of provisioned environments: allocated, and running a request.
    ephemeral
        GB-seconds of ``/tmp`` above the free 512 MB.
    """

    requests: int
    compute: float
    provisioned_held: float = 0.0
    provisioned_used: float = 0.0
    ephemeral: float = 0.0
    architecture: Architecture = "x86_64"


@dataclass(frozen=True, slots=True)
class Bill:
    """US dollars, by what they are for."""

    requests: float
    compute: float
    provisioned: float
    ephemeral: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.requests + self.compute + self.provisioned + self.ephemeral


def bill(usage: Usage, *, free_tier: bool = False) -> Bill:
    """Return what a month's usage costs.

    Parameters
    ----------
    free_tier
        Take off the free million requests and 400,000 GB-seconds of on-demand duration
        (provisioned concurrency has no free tier).

    Examples
    --------
    >>> round(bill(Usage(requests=1_000_000, compute=0.0)).total, 2)
    0.2
    """
    requests = max(usage.requests - (FREE_REQUESTS.value if free_tier else 0), 0)
    compute = max(usage.compute - (FREE_COMPUTE.value if free_tier else 0), 0.0)
    return Bill(
        requests=requests / 1e6 * REQUESTS.value,
        compute=_tiered(compute, COMPUTE[usage.architecture]),
        provisioned=usage.provisioned_held * PROVISIONED_HELD[usage.architecture].value
        + usage.provisioned_used * PROVISIONED_USED[usage.architecture].value,
        ephemeral=usage.ephemeral * EPHEMERAL.value,
    )


def _tiered(amount: float, tiers: tuple[Tier, ...]) -> float:
    total, below = 0.0, 0.0
    for tier in tiers:
        total += max(min(amount, tier.up_to) - below, 0.0) * tier.usd
        below = tier.up_to
    return total
