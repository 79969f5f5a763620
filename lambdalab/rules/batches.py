"""Batches of an event source mapping: what gets in, what failed of one, how many at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lambdalab.rules.event_pattern import matches
from lambdalab.rules.mappings import (
    CONCURRENCY_MIN,
    SCALING_LIMIT,
    SCALING_PER_MINUTE,
    SCALING_START,
)
from lambdalab.rules.source import Source

__all__ = [
    "FILTERING",
    "backed_off",
    "filter_patterns",
    "filters_take",
    "next_scaling",
    "parse_batch_item_failures",
    "retry_delay",
    "scaled",
    "scaling_start",
]

FILTERING = Source("dg:invocation-eventfiltering")
_LEAST_S = 0.001
_RETRY_FIRST_S = 1.0
_RETRY_LIMIT_S = 60.0


# -- filters ------------------------------------------------------------------------------


def filter_patterns(criteria: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the patterns of ``FilterCriteria``; none: everything is taken."""
    return [json.loads(one["Pattern"]) for one in (criteria or {}).get("Filters") or []]


def filters_take(
    patterns: Sequence[Mapping[str, Any]], record: Mapping[str, Any], data: str | None = None
) -> bool:
    """Tell whether a record passes: any of the patterns matches, or there is none.

    Parameters
    ----------
    record
        The record as the function would get it.
    data
        The member that holds text: ``body`` of a message. A pattern that looks into it drops
        text that is no JSON; one that compares it as a whole drops text that is JSON
        (:data:`FILTERING`).
    """
    if not patterns:
        return True
    return any(_takes(pattern, record, data) for pattern in patterns)


def _takes(pattern: Mapping[str, Any], record: Mapping[str, Any], data: str | None) -> bool:
    if data is None or data not in pattern:
        return matches(pattern, record)
    parsed = _json_of(record.get(data))
    looks_inside = isinstance(pattern[data], Mapping)
    if looks_inside != (parsed is not None):
        return False
    return matches(pattern, {**record, data: parsed} if looks_inside else record)


def _json_of(text: object) -> object | None:
    try:
        found: object = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


# -- what the function answered -----------------------------------------------------------


def parse_batch_item_failures(payload: bytes, ids: Collection[str]) -> frozenset[str]:
    """Return which records of a batch failed, by what the function returned.

    An empty answer, and an empty or missing list, are a success. An answer that is no JSON
    object, or a list with an empty, unknown or misnamed ``itemIdentifier``, fails the whole
    batch (:data:`lambdalab.rules.mappings.ERRORS`).

    Parameters
    ----------
    payload
        The function's answer, JSON text.
    ids
        Message ids or sequence numbers of the batch.
    """
    everything = frozenset(ids)
    try:
        answer = json.loads(payload) if payload.strip() else None
    except ValueError:
        return everything
    if answer in (None, "", [], {}):
        return frozenset()
    if not isinstance(answer, dict):
        return everything
    reported = answer.get("batchItemFailures")
    if reported is None:
        return frozenset()
    if not isinstance(reported, list):
        return everything
    failed = set()
    for one in reported:
        name = one.get("itemIdentifier") if isinstance(one, dict) else None
        if not isinstance(name, str) or name not in everything:
            return everything
        failed.add(name)
    return frozenset(failed)


# -- how many batches at a time -----------------------------------------------------------


def scaling_start(maximum: int | None = None) -> float:
    """Return how many batches may run at a time when messages come in first.

    ``maximum``: the mapping's ``MaximumConcurrency``.
    """
    return float(min(SCALING_START.value, maximum or SCALING_START.value))


def scaled(allowed: float, elapsed_s: float, maximum: int | None = None) -> float:
    """Return how many batches may run at a time, some seconds later, while messages remain.

    So many more per minute, up to a limit or the mapping's own ``MaximumConcurrency``
    (:data:`lambdalab.rules.mappings.SCALING`); spread evenly over the minute, which AWS does
    not say.
    """
    grown = allowed + elapsed_s * SCALING_PER_MINUTE.value / 60.0
    return min(grown, float(maximum or SCALING_LIMIT.value))


def next_scaling(allowed: float, maximum: int | None = None) -> float | None:
    """Return in how many seconds one more batch may run; ``None``: never."""
    if allowed >= float(maximum or SCALING_LIMIT.value):
        return None
    # At least a step that a clock of epoch seconds can tell: a hair below a whole number would
    # otherwise be due at once, over and over, at the same time.
    return max(_LEAST_S, (int(allowed) + 1 - allowed) * 60.0 / SCALING_PER_MINUTE.value)


def backed_off(allowed: float) -> float:
    """Return how many batches may run at a time after one failed or was throttled.

    AWS says that Lambda "gradually backs off" (:data:`lambdalab.rules.mappings.ERRORS`); that
    it takes away a quarter, and leaves two, is this course's assumption.
    """
    return max(float(CONCURRENCY_MIN.value), allowed * 0.75)


def retry_delay(attempt: int) -> float:
    """Return how long a throttled batch waits for its next attempt, in seconds.

    Lambda tries it again until the visibility timeout has passed
    (:data:`lambdalab.rules.mappings.ERRORS`). The wait itself is not published: that it is 1 s
    and doubles up to a minute is an assumption.
    """
    grown = _RETRY_FIRST_S * 2.0 ** min(attempt - 1, 30)
    return float(min(_RETRY_LIMIT_S, grown))
