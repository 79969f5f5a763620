"""What may become of a request, as one number for each."""

from __future__ import annotations

from enum import StrEnum

from lambdalab.rules.concurrency import rate_throttle_reason
from lambdalab.rules.errors import ThrottleReason

__all__ = [
    "CAUSES",
    "PROVISIONED",
    "RATE_LIMITED",
    "SCALING_LIMITED",
    "THROTTLED",
    "Cause",
    "reason",
]

THROTTLED = -1.0
"""It found no concurrency left,"""
SCALING_LIMITED = -2.0
"""it needed one environment more than the scaling rate allowed,"""
RATE_LIMITED = -3.0
"""it was above the requests-per-second quota,"""
PROVISIONED = -4.0
"""or a provisioned environment served it. Any other number says how long the environment that
served it had been idle (seconds; ``inf``: there was none)."""


class Cause(StrEnum):
    """What refused a request; finer than AWS's reasons."""

    CONCURRENCY = "concurrency"
    SCALING = "scaling"
    RATE = "rate"


CAUSES = (Cause.CONCURRENCY, Cause.SCALING, Cause.RATE)
"""The cause at ``n`` belongs to the outcome ``-1 - n``."""


def reason(cause: Cause, *, reserved: bool) -> ThrottleReason:
    """Return AWS's name for it.

    Parameters
    ----------
    reserved
        The function has reserved concurrency. Past the scaling rate the service names the
        account's reason all the same.
    """
    if cause is Cause.RATE:
        return rate_throttle_reason(reserved=reserved)
    if cause is Cause.CONCURRENCY and reserved:
        return ThrottleReason.RESERVED_CONCURRENT
    return ThrottleReason.CONCURRENT
