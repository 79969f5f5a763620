"""What is drawn: when requests come, and how long things take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from lambdalab.sim.checks import ascending, check, number, one_of, whole

__all__ = ["ArrivalKind", "Arrivals", "Duration", "DurationKind"]

ArrivalKind = Literal["poisson", "constant", "burst", "ramp", "trace"]
DurationKind = Literal["constant", "exponential", "lognormal", "empirical"]


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
    times: Sequence[float] | npt.NDArray[np.float64] = ()

    def check(self, place: str) -> None:
        """Raise :class:`ScenarioError` if these arrivals make no sense."""
        one_of(self.kind, get_args(ArrivalKind), f"{place}.kind")
        if self.kind == "trace":
            check(len(self.times) > 0, f"{place}.times", "empty_trace")
            ascending(self.times, f"{place}.times")
            return
        number(self.rate, f"{place}.rate", above=self.kind in ("poisson", "constant"))
        if self.kind == "burst":
            number(self.every, f"{place}.every", above=True)
            whole(self.size, f"{place}.size", least=1)
        if self.kind == "ramp":
            number(self.to, f"{place}.to", above=True)
            number(self.over, f"{place}.over", above=True)


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
        one_of(self.kind, get_args(DurationKind), f"{place}.kind")
        if self.kind == "constant":
            number(self.value, f"{place}.value")
        elif self.kind == "empirical":
            check(len(self.values) > 0, f"{place}.values", "empty_values")
            for value in self.values:
                number(value, f"{place}.values")
        else:
            number(self.mean, f"{place}.mean", above=True)
            number(self.cv, f"{place}.cv", above=True)

    @property
    def expected(self) -> float:
        """Its mean, in seconds."""
        if self.kind == "constant":
            return self.value
        if self.kind == "empirical":
            return sum(self.values) / len(self.values)
        return self.mean
