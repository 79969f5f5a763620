"""The loops over requests, over arrays only: numba compiles them if it is installed.

They are ordinary Python as well, and the tests run them as such. What they do is said in
:mod:`lambdalab.sim.pools` and :mod:`lambdalab.sim.tally`; the numbers come out the same.
"""
# numba infers the types; what each array holds is said where its owner makes it.
# ruff: noqa: ANN001, ANN201, ANN202, D103, PLR0915, PLR0917
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

import importlib
from math import ceil, inf
from typing import Any

from lambdalab.rules.concurrency import rate_step as _rate_step
from lambdalab.rules.concurrency import scaling_allowance as _allowance
from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.sim.outcomes import (
    PROVISIONED,
    RATE_LIMITED,
    SCALING_LIMITED,
    THROTTLED,
)
from lambdalab.sim.series import (
    BILLED,
    BILLED_PROVISIONED,
    BUSY,
    BUSY_PROVISIONED,
    COLD,
    HISTOGRAM_BASE,
    HISTOGRAM_BINS,
    HISTOGRAM_SHIFT,
    IDLE,
    IDLE_TIME,
    LIMITED,
    PROVISIONED_COUNT,
    PROVISIONED_RUNNING,
    REQUESTS,
    RUNNING,
    SERVED,
)

__all__ = ["count", "run", "run_one", "running_sum", "settle"]

_STEP = BILLING_STEP.value / 1000.0
_STEPS = 1000.0 / BILLING_STEP.value
_HALF = 0.0005 / 1000.0 * _STEPS
"""Half of the last digit that durations are rounded to before they are billed, in steps."""


def _jit(function: Any) -> Any:  # noqa: ANN401 - numba's own type, or the function itself
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return function
    return numba.njit(cache=True)(function)


scaling_allowance = _jit(_allowance)
rate_step = _jit(_rate_step)


@_jit
def running_sum(values, before):
    """Do what :func:`lambdalab.sim.variates.running_sum` does, in one pass."""
    total = 0.0
    for place in range(len(values)):
        total += values[place]
        values[place] = total + before


@_jit
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


@_jit
def _pop(heap, size):
    """Take the least off a heap of ``size`` numbers; the caller counts."""
    least = heap[0]
    _replace(heap, size - 1, heap[size - 1])
    return least


@_jit
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


@_jit
def settle(index, group, now, heaps, sizes, last, loads):
    heap = heaps[index]
    while sizes[index] > 0 and heap[0] <= now:
        time = _pop(heap, sizes[index])
        sizes[index] -= 1
        last[index, sizes[index]] = time
        loads[group] -= 1


@_jit
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


@_jit
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


@_jit
def _mark(counts, sums, since, width, scale):
    """Count the beginning or end of an interval in its bin, ``since`` the first one began (s)."""
    place = min(int(since * scale), len(counts) - 1)
    counts[place] += 1.0
    sums[place] += since - place * width


@_jit
def count(
    function,
    times,
    functions,
    indices,
    services,
    inits,
    outcomes,
    timeouts,
    start,
    width,
    curve,
    total,
    histogram,
    histogram_sums,
    durations,
    bits,
    waiting,
    waiting_rows,
):
    """Count the requests of a function; return how many ends lie beyond the last bin: they wait."""
    bins = curve.shape[1]
    scale = 1.0 / width
    reach = width * bins
    running_ends, running_sums = curve[RUNNING + 2], curve[RUNNING + 3]
    held_ends, held_sums = curve[PROVISIONED_RUNNING + 2], curve[PROVISIONED_RUNNING + 3]
    idle_starts, idle_start_sums = curve[IDLE], curve[IDLE + 1]
    idle_ends, idle_end_sums = curve[IDLE + 2], curve[IDLE + 3]
    requests = served = provisioned = 0
    busy = busy_provisioned = idle_time = billed = billed_provisioned = 0.0
    held_back = 0
    for place in range(len(times)):
        if functions[place] != function:
            continue
        requests += 1
        outcome = outcomes[place]
        since = times[place] - start
        bin_ = min(int(since * scale), bins - 1)
        if outcome < 0.0 and outcome != PROVISIONED:
            curve[LIMITED - 1 - int(outcome), bin_] += 1.0
            continue
        timeout = timeouts[indices[place]]
        duration = services[place]
        end = times[place] + duration
        if outcome >= timeout:
            curve[COLD, bin_] += 1.0
            duration = duration + inits[place]
            end = end + inits[place]
        steps = max(float(ceil(duration * _STEPS - _HALF)), 1.0)
        busy += duration
        row = RUNNING
        if outcome == PROVISIONED:
            row = PROVISIONED_RUNNING
            provisioned += 1
            busy_provisioned += duration
            billed_provisioned += steps
        else:
            billed += steps
            if outcome < inf:
                idle = min(outcome, timeout)
                idle_time += idle
                began = since - outcome
                _mark(idle_starts, idle_start_sums, max(began, 0.0), width, scale)
                if outcome < timeout:
                    idle_ends[bin_] += 1.0
                    idle_end_sums[bin_] += since - bin_ * width
                else:
                    _mark(idle_ends, idle_end_sums, max(began + idle, 0.0), width, scale)
        curve[row, bin_] += 1.0
        curve[row + 1, bin_] += since - bin_ * width
        if end - start >= reach:
            waiting[held_back] = end
            waiting_rows[held_back] = row + 2
            held_back += 1
        elif row == RUNNING:
            _mark(running_ends, running_sums, end - start, width, scale)
        else:
            _mark(held_ends, held_sums, end - start, width, scale)
        durations[served] = duration
        served += 1
    for place in range(served):
        bin_ = (bits[place] >> HISTOGRAM_SHIFT) - HISTOGRAM_BASE
        bin_ = min(max(bin_, 0), HISTOGRAM_BINS - 1)
        histogram[bin_] += 1
        histogram_sums[bin_] += durations[place]
    total[REQUESTS] += requests
    total[SERVED] += served
    total[PROVISIONED_COUNT] += provisioned
    total[BUSY] += busy
    total[BUSY_PROVISIONED] += busy_provisioned
    total[IDLE_TIME] += idle_time
    total[BILLED] += billed * _STEP
    total[BILLED_PROVISIONED] += billed_provisioned * _STEP
    return held_back
