"""The loops over requests, over arrays only: numba compiles them if it is installed.

They are ordinary Python as well, and the tests run them as such. What they do is said in
:mod:`lambdalab.sim.pools` and :mod:`lambdalab.sim.tally`; the numbers come out the same.
"""
# ruff: noqa: ANN001, ANN201, D103 - numba knows types by itself; the arrays are their owners'

from __future__ import annotations

import importlib
from math import ceil, inf
from typing import Any

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

__all__ = ["count", "run", "settle"]

_STEP = BILLING_STEP.value / 1000.0
_HALF = 0.0005 / 1000.0 / _STEP
"""Half of the last digit that durations are rounded to before they are billed, in steps."""


def _jit(function: Any) -> Any:  # noqa: ANN401 - numba's own type, or the function itself
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return function
    return numba.njit(cache=True)(function)


scaling_allowance = _jit(_allowance)


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
    size -= 1
    value = heap[size]
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
    return least


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
            second = int(now)
            if second != seconds[group]:
                seconds[group] = second
                counts[group] = 0
            counts[group] += 1
            if counts[group] > quotas[group]:
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
def _mark(curve, row, moment, start, width):
    """Count the beginning or end of an interval in its bin."""
    since = max(moment - start, 0.0)
    place = min(int(since / width), curve.shape[1] - 1)
    curve[row, place] += 1.0
    curve[row + 1, place] += since - place * width


@_jit
def count(
    times,
    functions,
    indices,
    services,
    inits,
    outcomes,
    timeouts,
    start,
    width,
    curves,
    totals,
    histogram,
    histogram_sums,
    durations,
    bits,
    waiting,
    waiting_rows,
    waiting_functions,
):
    """Count a block; return how many ends lie beyond the last bin: they wait."""
    horizon = start + width * curves.shape[2]
    held_back = 0
    for place in range(len(times)):
        now = times[place]
        function = functions[place]
        outcome = outcomes[place]
        curve = curves[function]
        total = totals[function]
        total[REQUESTS] += 1.0
        if outcome < 0.0 and outcome != PROVISIONED:
            bin_ = min(int((now - start) / width), curve.shape[1] - 1)
            curve[LIMITED - 1 - int(outcome), bin_] += 1.0
            durations[place] = -1.0
            continue
        total[SERVED] += 1.0
        duration = services[place]
        end = now + duration
        row = RUNNING
        timeout = timeouts[indices[place]]
        if outcome == PROVISIONED:
            row = PROVISIONED_RUNNING
            total[PROVISIONED_COUNT] += 1.0
        elif outcome >= timeout:
            bin_ = min(int((now - start) / width), curve.shape[1] - 1)
            curve[COLD, bin_] += 1.0
            end = end + inits[place]
            duration = duration + inits[place]
        steps = max(float(ceil(duration / _STEP - _HALF)), 1.0)
        total[BUSY] += duration
        if row == RUNNING:
            total[BILLED] += steps * _STEP
            if outcome < inf:
                idle = min(outcome, timeout)
                since = now - outcome
                total[IDLE_TIME] += idle
                _mark(curve, IDLE, since, start, width)
                _mark(curve, IDLE + 2, since + idle, start, width)
        else:
            total[BUSY_PROVISIONED] += duration
            total[BILLED_PROVISIONED] += steps * _STEP
        _mark(curve, row, now, start, width)
        if end < horizon:
            _mark(curve, row + 2, end, start, width)
        else:
            waiting[held_back] = end
            waiting_rows[held_back] = row + 2
            waiting_functions[held_back] = function
            held_back += 1
        durations[place] = duration
    for place in range(len(times)):
        if durations[place] >= 0.0:
            bin_ = (bits[place] >> HISTOGRAM_SHIFT) - HISTOGRAM_BASE
            bin_ = min(max(bin_, 0), HISTOGRAM_BINS - 1)
            function = functions[place]
            histogram[function, bin_] += 1
            histogram_sums[function, bin_] += durations[place]
    return held_back
