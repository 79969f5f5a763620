"""The loop that runs requests through pools, over arrays only, for numba to compile.

What it does is said in :mod:`lambdalab.sim.pools`; every number comes out the same.
"""
# numba infers the types; what each array holds is said where its owner makes it.
# ruff: noqa: ANN001, ANN201, ANN202, D103, PLR0915, PLR0917
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

from math import inf

from lambdalab.rules.concurrency import rate_step as _rate_step
from lambdalab.rules.concurrency import scaling_allowance as _allowance
from lambdalab.sim.compiling import compiled
from lambdalab.sim.outcomes import (
    PROVISIONED,
    RATE_LIMITED,
    SCALING_LIMITED,
    THROTTLED,
)

__all__ = ["run", "run_one", "running_sum", "settle"]

scaling_allowance = compiled(_allowance)
rate_step = compiled(_rate_step)


@compiled
def running_sum(values, before):
    """Do what :func:`lambdalab.sim.variates.running_sum` does, in one pass."""
    total = 0.0
    for place in range(len(values)):
        total += values[place]
        values[place] = total + before


@compiled
def _push(heap, size, value):
    """Add a value to a heap of ``size`` numbers; the caller counts."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if heap[parent] <= value:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = value


@compiled
def _pop(heap, size):
    """Take the least off a heap of ``size`` numbers; the caller counts."""
    least = heap[0]
    _replace(heap, size - 1, heap[size - 1])
    return least


@compiled
def _replace(heap, size, value):
    """Put a value in the place of the least of a heap of ``size`` numbers."""
    place = 0
    child = 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = value


@compiled
def settle(index, group, now, heaps, sizes, last, loads):
    heap = heaps[index]
    while sizes[index] > 0 and heap[0] <= now:
        time = _pop(heap, sizes[index])
        sizes[index] -= 1
        last[index, sizes[index]] = time
        loads[group] -= 1


@compiled
def run(
    times,
    services,
    inits,
    indices,
    functions,
    groups,
    timeouts,
    held,
    caps,
    quotas,
    heaps,
    sizes,
    last,
    seen,
    readies,
    ready_sizes,
    loads,
    left,
    looked,
    seconds,
    counts,
    outcomes,
):
    for place in range(len(times)):
        now = times[place]
        index = indices[place]
        group = groups[index]
        if quotas[group] > 0:
            second, arrived, above = rate_step(seconds[group], counts[group], now, quotas[group])
            seconds[group] = second
            counts[group] = arrived
            if above:
                outcomes[place] = RATE_LIMITED
                continue
        if held[index] > 0:
            ready = readies[index]
            while ready_sizes[index] > 0 and ready[0] <= now:
                _pop(ready, ready_sizes[index])
                ready_sizes[index] -= 1
            if ready_sizes[index] < held[index]:
                _push(ready, ready_sizes[index], now + services[place])
                ready_sizes[index] += 1
                outcomes[place] = PROVISIONED
                continue
        settle(index, group, now, heaps, sizes, last, loads)
        if loads[group] >= caps[group]:
            for other in range(len(groups)):
                if groups[other] == group:
                    settle(other, group, now, heaps, sizes, last, loads)
            if loads[group] >= caps[group]:
                outcomes[place] = THROTTLED
                continue
        size = sizes[index]
        if size == seen[index]:
            last[index, size] = -inf
            seen[index] += 1
        gap = now - last[index, size]
        end = now + services[place]
        if gap >= timeouts[index]:
            function = functions[index]
            allowance = scaling_allowance(left[function], now - looked[function])
            looked[function] = now
            if allowance < 1.0:
                left[function] = allowance
                outcomes[place] = SCALING_LIMITED
                continue
            left[function] = allowance - 1.0
            end = end + inits[place]
        _push(heaps[index], size, end)
        sizes[index] = size + 1
        loads[group] += 1
        outcomes[place] = gap


@compiled
def run_one(
    times,
    services,
    inits,
    timeout,
    cap,
    quota,
    heap,
    sizes,
    last,
    seen,
    left,
    looked,
    seconds,
    counts,
    outcomes,
):
    """Do what ``run`` does for a single pool without provisioned environments."""
    size, known = sizes[0], seen[0]
    second, arrived = seconds[0], counts[0]
    allowance, seen_at = left[0], looked[0]
    for place in range(len(times)):
        now = times[place]
        if quota > 0:
            second, arrived, above = rate_step(second, arrived, now, quota)
            if above:
                outcomes[place] = RATE_LIMITED
                continue
        # The last to depart stays on top of the heap, for the one that arrives to replace.
        gone = False
        while size > 0 and heap[0] <= now:
            size -= 1
            last[size] = heap[0]
            gone = True
            if size == 0:
                break
            least = heap[1]
            if size > 1 and heap[2] < least:
                least = heap[2]
            if least > now:
                break
            _replace(heap, size, heap[size])
            gone = False
        if size >= cap:
            outcomes[place] = THROTTLED
            continue
        if size == known:
            last[size] = -inf
            known += 1
        gap = now - last[size]
        end = now + services[place]
        outcome = gap
        if gap >= timeout:
            allowance = scaling_allowance(allowance, now - seen_at)
            seen_at = now
            if allowance < 1.0:
                outcome = SCALING_LIMITED
            else:
                allowance -= 1.0
                end = end + inits[place]
        outcomes[place] = outcome
        if outcome < 0.0:
            if gone:
                _replace(heap, size, heap[size])
            continue
        if gone:
            _replace(heap, size + 1, end)
        else:
            _push(heap, size, end)
        size += 1
    sizes[0], seen[0] = size, known
    seconds[0], counts[0] = second, arrived
    left[0], looked[0] = allowance, seen_at
