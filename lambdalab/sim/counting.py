"""The loop that counts what became of requests, over arrays only, for numba to compile.

What it does is said in :mod:`lambdalab.sim.tally`; the counts come out the same.
"""
# numba infers the types; what each array holds is said where its owner makes it.
# ruff: noqa: ANN001, ANN201, ANN202, PLR0915, PLR0917
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False

from __future__ import annotations

from math import ceil, inf

from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.sim.compiling import compiled
from lambdalab.sim.outcomes import PROVISIONED
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

__all__ = ["count"]

_STEP = BILLING_STEP.value / 1000.0
_STEPS = 1000.0 / BILLING_STEP.value
_HALF = 0.0005 / 1000.0 * _STEPS
"""Half of the last digit that durations are rounded to before they are billed, in steps."""


@compiled
def _mark(counts, sums, since, width, scale):
    """Count the beginning or end of an interval in its bin, ``since`` the first one began (s)."""
    place = min(int(since * scale), len(counts) - 1)
    counts[place] += 1.0
    sums[place] += since - place * width


@compiled
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
    bits,
    scratch,
    scratch_bits,
    waiting,
    waiting_rows,
):
    """Count the requests of a function; return how many ends lie beyond the last bin: they wait.

    ``bits`` are ``services`` seen as whole numbers, ``scratch_bits`` the one number of
    ``scratch``: a compiled loop can look at a number's digits in no other way.
    """
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
        digits = bits[place]
        if duration != services[place]:
            scratch[0] = duration
            digits = scratch_bits[0]
        slot = min(max((digits >> HISTOGRAM_SHIFT) - HISTOGRAM_BASE, 0), HISTOGRAM_BINS - 1)
        histogram[slot] += 1
        histogram_sums[slot] += duration
        served += 1
    total[REQUESTS] += requests
    total[SERVED] += served
    total[PROVISIONED_COUNT] += provisioned
    total[BUSY] += busy
    total[BUSY_PROVISIONED] += busy_provisioned
    total[IDLE_TIME] += idle_time
    total[BILLED] += billed * _STEP
    total[BILLED_PROVISIONED] += billed_provisioned * _STEP
    return held_back
