"""Who may run at once: admission by counters, as the service decides it."""

from __future__ import annotations

from dataclasses import dataclass

from lambdalab.rules.errors import ThrottleReason
from lambdalab.rules.source import Source

__all__ = ["SOURCE", "Demand", "throttle_reason"]

SOURCE = Source("dg:lambda-concurrency")


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
