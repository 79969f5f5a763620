"""What can be changed while the sandbox runs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lambdalab.errors import LambdalabError
from lambdalab.rules import limits
from lambdalab.rules.concurrency import SCALING_BURST
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.rules.retries import LAG

__all__ = ["TIME_SCALE_MAX", "Settings"]

TIME_SCALE_MAX = 100_000
"""A day in less than a second; faster, a thread's turn would be minutes of service time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be changed while the sandbox runs.

    Attributes
    ----------
    idle_lifetime
        Seconds an idle environment is kept; AWS publishes no number.
    account_concurrency
        Concurrent requests of the whole account.
    scaling_burst
        New environments of each function in 10 s.
    cpu_share
        Hold environments to the CPU share that comes with their memory, in cores of this
        machine. Off at first: everything is as fast as the machine.
    time_scale
        Seconds of service time in a second of the machine's.
    duplicate_events
        The asynchronous queue hands every event out twice, as it may at any time.
    retry_lag
        How late the asynchronous queue is, as a part of each delay; AWS publishes no number.
    """

    idle_lifetime: float = float(IDLE_LIFETIME.value)
    account_concurrency: int = limits.CONCURRENCY.value
    scaling_burst: int = SCALING_BURST.value
    cpu_share: bool = False
    time_scale: float = 1.0
    duplicate_events: bool = False
    retry_lag: float = LAG.value

    def __post_init__(self) -> None:
        if self.idle_lifetime <= 0:
            raise LambdalabError("idle_lifetime must be above 0 seconds")
        if self.account_concurrency < 1:
            raise LambdalabError("account_concurrency must be at least 1")
        if self.scaling_burst < 1:
            raise LambdalabError("scaling_burst must be at least 1")
        if not 0 < self.time_scale <= TIME_SCALE_MAX:
            raise LambdalabError(f"time_scale must be above 0 and at most {TIME_SCALE_MAX:,}")
        if not 0 <= self.retry_lag <= 1:
            raise LambdalabError("retry_lag must be from 0 to 1")

    def changed(self, **values: object) -> Settings:
        """Return these settings with some changed.

        Raises
        ------
        LambdalabError
            A name is unknown or a value makes no sense.
        """
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in known:
                listed = ", ".join(sorted(known))
                raise LambdalabError(f"no setting {name!r}: there are {listed}")
            if isinstance(known[name], bool):
                if not isinstance(value, bool):
                    raise LambdalabError(f"setting {name} must be true or false, not {value!r}")
            elif isinstance(value, bool) or not isinstance(value, int | float):
                raise LambdalabError(f"setting {name} must be a number, not {value!r}")
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]
