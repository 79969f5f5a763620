"""How much CPU comes with a function's memory."""

from __future__ import annotations

from lambdalab.rules import limits
from lambdalab.rules.source import Source

__all__ = ["SOURCE", "vcpus"]

SOURCE = Source("dg:configuration-memory")


def vcpus(memory_mb: int) -> float:
    """Return the vCPUs that a memory size buys.

    In proportion: :data:`lambdalab.rules.limits.VCPU_MEMORY` is one, and there are never
    more than :data:`lambdalab.rules.limits.VCPU_MAX` (:data:`SOURCE`).

    Parameters
    ----------
    memory_mb
        ``MemorySize`` of the function.

    Raises
    ------
    ValueError
        No function can have this memory.
    """
    if not limits.MEMORY_MIN.value <= memory_mb <= limits.MEMORY_MAX.value:
        raise ValueError(
            f"memory of {memory_mb} MB: functions have "
            f"{limits.MEMORY_MIN.value} to {limits.MEMORY_MAX.text()}"
        )
    return min(memory_mb / limits.VCPU_MEMORY.value, float(limits.VCPU_MAX.value))
