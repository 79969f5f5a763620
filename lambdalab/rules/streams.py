"""Streams that Lambda reads: what makes a batch, and what becomes of one that fails.

Kinesis Data Streams and DynamoDB Streams alike. A stream's records stay where they are, so
there is nothing to give back: Lambda moves its own position in a shard, and a batch that fails
is in the way of everything behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lambdalab.rules import limits
from lambdalab.rules.batches import parse_batch_item_failures
from lambdalab.rules.source import Fact, Source

__all__ = [
    "BACKOFF_FIRST",
    "BACKOFF_LIMIT",
    "DYNAMODB_RETENTION",
    "ERRORS",
    "FOREVER",
    "PARTIAL",
    "Cut",
    "Fate",
    "Verdict",
    "after_error",
    "age_limit",
    "backoff",
    "bisect",
    "cut",
    "expired",
    "failed_from",
    "kinesis_sequence",
    "lane_of",
]

ERRORS = Source("dg:kinesis-on-failure-destination")
PARTIAL = Source("dg:services-kinesis-batchfailurereporting")

FOREVER = -1
"""``MaximumRetryAttempts`` and ``MaximumRecordAgeInSeconds``: until the record expires."""

BACKOFF_FIRST: Fact[float] = Fact(
    1.0,
    "s",
    {
        "zh-TW": "分片受阻時第一次重試前的等待（假設）",
        "en": "first wait of a blocked shard (assumed)",
    },
    None,
)
BACKOFF_LIMIT: Fact[float] = Fact(
    60.0,
    "s",
    {
        "zh-TW": "分片受阻時兩次嘗試之間的最長等待（假設）",
        "en": "longest wait of a blocked shard (assumed)",
    },
    None,
)
DYNAMODB_RETENTION: Fact[int] = Fact(
    24 * 3600,
    "s",
    {"zh-TW": "DynamoDB Streams 的保留期間", "en": "retention of DynamoDB Streams"},
    Source("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"),
)
_ENVELOPE = 1024
"""Room for what stands around the records of an event, in bytes."""


class Fate(StrEnum):
    """What becomes of a batch whose invocation failed."""

    RETRY = "retry"
    SPLIT = "split"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Cut:
    """How many records to take now; if none, ``due`` says when to look again.

    ``due`` is in epoch seconds; ``None``: not before another record comes.
    """

    count: int
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a batch, and, if it is split, how many records its first part has."""

    fate: Fate
    at: int = 0


# -- making a batch -----------------------------------------------------------------------


def lane_of(partition_key: str, factor: int) -> int:
    """Return in which of ``ParallelizationFactor`` lanes a shard's record is processed.

    AWS promises that records of one partition key stay in order
    (dg:services-kinesis-create); by which hash is not published, and ours.
    """
    if factor <= 1:
        return 0
    return (
        int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()) % factor
    )


def cut(
    sizes: Sequence[int],
    *,
    first: float,
    now: float,
    batch_size: int,
    window: float = 0.0,
    closed: bool = False,
    limit: int = limits.PAYLOAD_SYNC.value,
) -> Cut:
    """Return how many of a lane's records make the next batch.

    Lambda invokes when the batch is full, when its payload would pass 6 MB, or when the batching
    window has passed (dg:invocation-eventsourcemapping).

    Parameters
    ----------
    sizes
        Bytes of each record in the event, oldest first.
    first
        When the oldest of them was read, in epoch seconds.
    now
        The time, in epoch seconds.
    batch_size
        ``BatchSize``.
    window
        ``MaximumBatchingWindowInSeconds``.
    closed
        Nothing more can join them: their shard, or their tumbling window, has ended.
    limit
        Most bytes of an event.
    """
    if not sizes:
        return Cut(0)
    count, total = 0, _ENVELOPE
    for size in sizes[:batch_size]:
        total += size + 1
        # A record that is too large by itself still has to go, or the shard would stand still.
        if total > limit and count:
            return Cut(count)
        count += 1
    if closed or count >= batch_size or now >= first + window:
        return Cut(count)
    return Cut(0, first + window)


def kinesis_sequence(arrived: float, shard: int, last: int) -> int:
    """Return the sequence number of a record that enters a Kinesis shard.

    As in AWS it has 56 digits and grows within its shard, with time and with jumps; how
    Kinesis makes it up is not published, and ours.

    Parameters
    ----------
    arrived
        Epoch seconds.
    shard
        Number of the shard.
    last
        Sequence number of the shard's newest record; 0 if it has none.
    """
    by_time = (1 << 185) + (int(arrived * 1000) << 138) + (shard << 100)
    return max(by_time, last + (1 << 64) + 2)


# -- what the function answered -----------------------------------------------------------


def failed_from(sequences: Sequence[str], payload: bytes) -> int:
    """Return from which record on a batch has to come again; its length if it succeeded.

    With ``ReportBatchItemFailures``, the lowest of the sequence numbers that the function
    reports is the checkpoint: that record and all behind it come again (:data:`PARTIAL`).

    Parameters
    ----------
    sequences
        Sequence numbers of the batch, in order.
    payload
        What the function answered, JSON text.
    """
    failed = parse_batch_item_failures(payload, sequences)
    return next(
        (place for place, sequence in enumerate(sequences) if sequence in failed), len(sequences)
    )


# -- after a failure ----------------------------------------------------------------------


def after_error(
    count: int, retries: int, *, failed: int = 0, bisect_on_error: bool, max_retries: int
) -> Verdict:
    """Return what becomes of a batch that failed, or failed from a record on.

    Splitting takes nothing from the quota of retries (:data:`ERRORS`). A partial failure is
    split where it was reported (:data:`PARTIAL`), and counts as a retry if batches are not
    split at all.

    Parameters
    ----------
    count
        Records in the batch.
    retries
        Retries it has had.
    failed
        Place of the first record that failed.
    bisect_on_error
        ``BisectBatchOnFunctionError``.
    max_retries
        ``MaximumRetryAttempts``, or :data:`FOREVER`.
    """
    if bisect_on_error and count > 1:
        return Verdict(Fate.SPLIT, failed or bisect(count))
    if max_retries != FOREVER and retries >= max_retries:
        return Verdict(Fate.DISCARD)
    return Verdict(Fate.RETRY)


def bisect(count: int) -> int:
    """Return how many records the first half of a batch has; the other half has the rest."""
    return count // 2


def age_limit(max_age: float, retention: float) -> float:
    """Return the age at which a record is given up, in seconds: never more than the retention."""
    return retention if max_age == FOREVER else min(max_age, retention)


def expired(arrived: float, now: float, limit: float) -> bool:
    """Tell whether a record that arrived then is too old now; all in (epoch) seconds."""
    return now - arrived > limit


def backoff(failures: int) -> float:
    """Return how long a blocked shard waits after so many failures in a row, in seconds.

    AWS does not publish this: that it grows, and how far, is this course's assumption.
    """
    grown = BACKOFF_FIRST.value * 2.0 ** min(max(failures, 1) - 1, 30)
    return min(BACKOFF_LIMIT.value, grown)
