"""Who may run at once: admission by counters, as the service decides it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lambdalab.rules import limits
from lambdalab.rules.errors import ThrottleReason
from lambdalab.rules.routing import LATEST
from lambdalab.rules.source import Fact, Source

__all__ = [
    "RATE_PER_CONCURRENCY",
    "SCALING_BURST",
    "SCALING_WINDOW",
    "SOURCE",
    "Demand",
    "PoolKind",
    "pool_of",
    "provisioned_problem",
    "provisioned_twice",
    "rate_step",
    "rate_throttle_reason",
    "requests_per_second",
    "reserved_problem",
    "scaling_allowance",
    "throttle_reason",
]

SOURCE = Source("dg:lambda-concurrency")
_SCALING = Source("dg:scaling-behavior")

SCALING_BURST: Fact[int] = Fact(
    1000,
    "environments",
    {"zh-TW": "每個函數每 10 秒可新增的執行環境", "en": "new environments per 10 s, each function"},
    _SCALING,
)
SCALING_WINDOW: Fact[int] = Fact(
    10, "s", {"zh-TW": "擴展速率的時間窗", "en": "window of the scaling rate"}, _SCALING
)
# As plain floats, so that a compiler can take the rule below as it stands.
_BURST = float(SCALING_BURST.value)
_WINDOW = float(SCALING_WINDOW.value)
RATE_PER_CONCURRENCY: Fact[int] = Fact(
    10,
    "requests/s",
    {"zh-TW": "每單位並行的每秒請求數", "en": "requests per second per unit of concurrency"},
    SOURCE,
)


class PoolKind(StrEnum):
    """Which concurrency a request draws on."""

    PROVISIONED = "provisioned"
    RESERVED = "reserved"
    UNRESERVED = "unreserved"


@dataclass(frozen=True, slots=True)
class Demand:
    """What is running when a request arrives; all in concurrent requests.

    Attributes
    ----------
    function
        Of the function itself, outside of provisioned environments.
    unreserved
        Of all functions without reserved concurrency, outside of provisioned environments.
    reserved
        Reserved concurrency of the function; ``None`` if it has none.
    reserved_total
        Reserved concurrency of all functions together.
    account
        The account's limit.
    provisioned
        Provisioned concurrency of the function, on all its versions: taken out of what it
        has reserved.
    provisioned_unreserved
        Provisioned concurrency of all functions without reserved concurrency: taken out of
        the unreserved pool.
    ready
        Provisioned environments of the version that wait for a request.
    """

    function: int
    unreserved: int
    reserved: int | None
    reserved_total: int
    account: int
    provisioned: int = 0
    provisioned_unreserved: int = 0
    ready: int = 0


def throttle_reason(demand: Demand) -> ThrottleReason | None:
    """Return why one more request is refused, or ``None`` when it is admitted.

    A provisioned environment that is ready serves it. Else reserved concurrency is a
    guarantee and a cap: such a function never draws on the unreserved pool, and the others
    never on its share. What is provisioned is taken out of the pool it would spill over to
    (:data:`SOURCE`).
    """
    if demand.ready:
        return None
    if demand.reserved is not None:
        if demand.function >= demand.reserved - demand.provisioned:
            return ThrottleReason.RESERVED_CONCURRENT
        return None
    shared = demand.account - demand.reserved_total - demand.provisioned_unreserved
    if demand.unreserved >= shared:
        return ThrottleReason.CONCURRENT
    return None


def pool_of(demand: Demand) -> PoolKind:
    """Return what serves a request that is admitted: provisioned, then reserved or unreserved."""
    if demand.ready:
        return PoolKind.PROVISIONED
    return PoolKind.UNRESERVED if demand.reserved is None else PoolKind.RESERVED


def scaling_allowance(left: float, elapsed: float, burst: float = _BURST) -> float:
    """Return how many new environments a function may start now.

    The allowance refills continuously and is never more than ``burst``
    (:data:`_SCALING`).

    Parameters
    ----------
    left
        What was left of it when it was last looked at.
    elapsed
        Seconds since then.
    burst
        New environments in :data:`SCALING_WINDOW`.
    """
    return min(burst, left + elapsed * burst / _WINDOW)


def requests_per_second(concurrency: int) -> int:
    """Return the requests-per-second quota that goes with a concurrency (synchronous calls)."""
    return RATE_PER_CONCURRENCY.value * concurrency


def rate_step(second: int, count: int, now: float, quota: int) -> tuple[int, int, bool]:
    """Count one request against a requests-per-second quota.

    Requests are counted by the whole second, refused ones included. AWS publishes the
    quota and not how it is counted: that is this course's assumption. A quota of 0 goes
    with a concurrency of 0, which refuses everything before the quota can.

    Parameters
    ----------
    second, count
        What this function returned for the request before; ``(-1, 0)`` at first.
    now
        When the request arrives, in seconds.
    quota
        Requests per second.

    Returns
    -------
    tuple
        The second it falls in, the requests counted in that second, and whether this one
        is above the quota.
    """
    current = int(now)
    count = count + 1 if current == second else 1
    return current, count, 0 < quota < count


def rate_throttle_reason(*, reserved: bool) -> ThrottleReason:
    """Return the reason of a request above the quota. ``reserved``: the function has some."""
    return ThrottleReason.RESERVED_RATE if reserved else ThrottleReason.RATE


def reserved_problem(
    reserved: int, *, account: int, others: int, provisioned: int = 0
) -> str | None:
    """Say why so much cannot be reserved, in the API's words; ``None`` if it can.

    Parameters
    ----------
    reserved
        What is asked for.
    account
        The account's limit.
    others
        Concurrency that all other functions have reserved, or provisioned without.
    provisioned
        Provisioned concurrency of the function, on all its versions.
    """
    if reserved < 0:
        return (
            f"1 validation error detected: Value '{reserved}' at "
            "'reservedConcurrentExecutions' failed to satisfy constraint: Member must have "
            "value greater than or equal to 0"
        )
    if reserved < provisioned:
        return (
            f"ReservedConcurrentExecutions {reserved} should not be lower than function's total "
            f"provisioned concurrency [{provisioned}]."
        )
    # Reserving nothing turns a function off, and is always allowed.
    if reserved and account - others - reserved < limits.UNRESERVED_MIN.value:
        return (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of "
            f"[{limits.UNRESERVED_MIN.value}]."
        )
    return None


def provisioned_problem(
    provisioned: int,
    qualifier: str,
    *,
    reserved: int | None,
    others: int,
    available: int,
    weighted: bool = False,
) -> str | None:
    """Say why so much cannot be provisioned, in the API's words; ``None`` if it can.

    Parameters
    ----------
    provisioned, qualifier
        What is asked for, and on which version or alias.
    reserved
        Reserved concurrency of the function; ``None`` if it has none.
    others
        Provisioned already on other versions and aliases of the function.
    available
        Unreserved concurrency of the account that may be taken.
    weighted
        The qualifier is an alias that routes to two versions.
    """
    if provisioned < 1:
        return (
            f"1 validation error detected: Value '{provisioned}' at "
            "'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1"
        )
    if qualifier == LATEST:
        return "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    if weighted:
        return "Alias with weights can not be used with Provisioned Concurrency"
    if reserved is not None:
        if others + provisioned > reserved:
            return (
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        return None
    if provisioned > available:
        return (
            f"Specified ConcurrentExecutions for function is greater than account's unreserved "
            f"concurrency [{available}]."
        )
    return None


def provisioned_twice(*, alias: bool) -> str:
    """Return what the API says when a version would be provisioned a second time.

    Parameters
    ----------
    alias
        What is asked for is on an alias of the version; else on the version itself.
    """
    if alias:
        return (
            "Alias can't be used for Provisioned Concurrency configuration on an already "
            "Provisioned version"
        )
    return "Version is pointed to by a Provisioned Concurrency alias"
