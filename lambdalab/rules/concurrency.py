"""Who may run at once: admission by counters, as the service decides it."""

from __future__ import annotations

from dataclasses import dataclass

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
    "provisioned_problem",
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


@dataclass(frozen=True, slots=True)
class Demand:
    """What is running when a request arrives; all in concurrent requests.

    Attributes
    ----------
    function
        Of the function itself.
    unreserved
        Of all functions without reserved concurrency.
    reserved
        Reserved concurrency of the function; ``None`` if it has none.
    reserved_total
        Reserved concurrency of all functions together.
    account
        The account's limit.
    """

    function: int
    unreserved: int
    reserved: int | None
    reserved_total: int
    account: int


def throttle_reason(demand: Demand) -> ThrottleReason | None:
    """Return why one more request is refused, or ``None`` when it is admitted.

    Reserved concurrency is a guarantee and a cap: such a function never draws on the
    unreserved pool, and the others never on its share (:data:`SOURCE`).
    """
    if demand.reserved is not None:
        if demand.function >= demand.reserved:
            return ThrottleReason.RESERVED_CONCURRENT
        return None
    if demand.unreserved >= demand.account - demand.reserved_total:
        return ThrottleReason.CONCURRENT
    return None


def scaling_allowance(left: float, elapsed: float) -> float:
    """Return how many new environments a function may start now.

    The allowance refills continuously and is never more than :data:`SCALING_BURST`
    (:data:`_SCALING`).

    Parameters
    ----------
    left
        What was left of it when it was last looked at.
    elapsed
        Seconds since then.
    """
    return min(_BURST, left + elapsed * _BURST / _WINDOW)


def requests_per_second(concurrency: int) -> int:
    """Return the requests-per-second quota that goes with a concurrency (synchronous calls)."""
    return RATE_PER_CONCURRENCY.value * concurrency


def reserved_problem(reserved: int, *, account: int, others: int) -> str | None:
    """Say why so much cannot be reserved, in the API's words; ``None`` if it can.

    Parameters
    ----------
    reserved
        What is asked for.
    account
        The account's limit.
    others
        Reserved concurrency of all other functions.
    """
    if reserved < 0:
        return (
            f"1 validation error detected: Value '{reserved}' at "
            "'reservedConcurrentExecutions' failed to satisfy constraint: Member must have "
            "value greater than or equal to 0"
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
