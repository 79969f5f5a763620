"""Requests drawn the same everywhere: the standard library keeps its generator's promise."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

__all__ = ["CASES", "Case", "Draws"]


@dataclass(frozen=True, slots=True)
class Case:
    """Poisson arrivals with exponential durations, as SimFaaS has them.

    Attributes
    ----------
    rate
        Requests per second.
    warm, cold
        Mean duration of a request, without and with an init (s).
    idle
        Idle lifetime (s).
    cap
        Most requests at once.
    """

    name: str
    rate: float
    warm: float
    cold: float
    idle: float
    cap: int
    requests: int
    seed: int


CASES = (
    Case("the README's workload", 0.9, 1.991, 2.244, 600.0, 1000, 20_000, 1),
    Case("short idle lifetime", 5.0, 1.0, 1.5, 4.0, 1000, 20_000, 2),
    Case("at the limit", 20.0, 1.0, 1.2, 0.5, 22, 20_000, 3),
    Case("a thousand a second", 1000.0, 0.1, 0.4, 0.05, 1000, 20_000, 4),
)


class Draws:
    """The requests of a case: gaps between arrivals, durations, and what an init adds (s)."""

    def __init__(self, case: Case) -> None:
        random = Random(case.seed)
        self.gaps: list[float] = []
        self.services: list[float] = []
        self.inits: list[float] = []
        for _ in range(case.requests):
            self.gaps.append(random.expovariate(case.rate))
            unit = random.expovariate(1.0)
            self.services.append(unit * case.warm)
            self.inits.append(unit * (case.cold - case.warm))

    @property
    def times(self) -> list[float]:
        """When the requests arrive (s)."""
        now, times = 0.0, []
        for gap in self.gaps:
            now += gap
            times.append(now)
        return times
