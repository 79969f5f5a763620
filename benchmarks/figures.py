"""From samples to figures: medians, spreads, ratios."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "percentile", "ratio", "summary"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A median and how far the samples lay from it."""

    median: float
    low: float
    high: float


def summary(samples: Sequence[float]) -> Figure:
    """Return median, least and greatest of at least one sample."""
    return Figure(statistics.median(samples), min(samples), max(samples))


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the smallest sample that ``percent`` of all do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(peer: Sequence[Sequence[float]], ours: Sequence[Sequence[float]]) -> Figure:
    """Return how many times faster we are: over rounds, of the medians of each round.

    Rounds are compared with themselves because a busy machine slows both sides of one
    round alike.

    Parameters
    ----------
    peer, ours
        One list of durations for each round, the same rounds in the same order.
    """
    return summary(
        [
            statistics.median(theirs) / statistics.median(own)
            for theirs, own in zip(peer, ours, strict=True)
        ]
    )
