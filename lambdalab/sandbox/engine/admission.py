"""Who may run now: counters of what runs, and the rulebook's decisions over them."""

from __future__ import annotations

import time
from collections import defaultdict

from lambdalab.rules import concurrency
from lambdalab.rules.concurrency import Demand, PoolKind
from lambdalab.rules.errors import ThrottleReason
from lambdalab.sandbox.engine.settings import Settings
from lambdalab.sandbox.model import FunctionVersion, InvokeRequest

__all__ = ["Admission"]


class Admission:
    """Concurrency, request rate and scaling rate of all functions. The caller holds a lock."""

    def __init__(self) -> None:
        self._running: dict[str, int] = defaultdict(int)
        """Concurrent requests by function ARN, outside of provisioned environments."""
        self._unreserved = 0
        self._rates: dict[str, tuple[int, int]] = {}
        """By function ARN, and for all without reserved concurrency together: second, count."""
        self._allowances: dict[str, tuple[float, float]] = {}
        """By function ARN: new environments allowed, and when that was looked at."""

    def above_rate(self, function: FunctionVersion, request: InvokeRequest, account: int) -> bool:
        """Count a request, and say whether it is above the requests-per-second quota."""
        if request.invocation_type != "RequestResponse":
            return False
        if request.reserved is None:
            group, concurrent = "", account - request.reserved_total
        else:
            group, concurrent = function.arn, request.reserved
        second, count = self._rates.get(group, (-1, 0))
        second, count, above = concurrency.rate_step(
            second, count, time.monotonic(), concurrency.requests_per_second(concurrent)
        )
        self._rates[group] = (second, count)
        return above

    def pool(
        self, function: FunctionVersion, request: InvokeRequest, settings: Settings, *, ready: bool
    ) -> PoolKind | ThrottleReason:
        """Return whose concurrency a request draws on, or why it is refused.

        ``ready``: there is a provisioned environment for it.
        """
        demand = Demand(
            function=self._running.get(function.arn, 0),
            unreserved=self._unreserved,
            reserved=request.reserved,
            reserved_total=request.reserved_total,
            account=settings.account_concurrency,
            provisioned=request.provisioned,
            provisioned_unreserved=request.provisioned_unreserved,
            ready=int(ready),
        )
        return concurrency.throttle_reason(demand) or concurrency.pool_of(demand)

    def may_start(self, function: FunctionVersion, settings: Settings) -> bool:
        """Take one new environment from the function's scaling rate, if there is one."""
        now, burst = time.monotonic(), float(settings.scaling_burst)
        left, looked = self._allowances.get(function.arn, (burst, now))
        left = concurrency.scaling_allowance(left, now - looked, burst)
        allowed = left >= 1.0
        self._allowances[function.arn] = (left - 1.0 if allowed else left, now)
        return allowed

    def enter(self, function: FunctionVersion, pool: PoolKind) -> None:
        """Count a request that runs from now on."""
        if pool is not PoolKind.PROVISIONED:
            self._running[function.arn] += 1
            self._unreserved += pool is PoolKind.UNRESERVED

    def leave(self, function: FunctionVersion, pool: PoolKind) -> None:
        """Count out a request that entered."""
        if pool is PoolKind.PROVISIONED:
            return
        self._running[function.arn] -= 1
        if not self._running[function.arn]:
            del self._running[function.arn]
        self._unreserved -= pool is PoolKind.UNRESERVED

    def clear(self) -> None:
        """Forget rates; what runs is still counted."""
        self._rates.clear()
        self._allowances.clear()
