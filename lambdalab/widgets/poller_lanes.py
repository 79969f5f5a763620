"""What a poller has in its hands: lanes, batches and records, as they are after each step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["FINAL", "Batch", "Lane", "Place", "Record"]

_KEPT = 5_000
"""Records of a lane that are kept; those that are done with go first."""


class Place(StrEnum):
    """Where a record is."""

    WAITING = "waiting"
    """Read by the poller, behind others of its shard."""
    GATHERED = "gathered"
    """Received from a queue, for a batch that was not handed over yet."""
    FLIGHT = "flight"
    """With the function."""
    HELD = "held"
    """In a batch that failed or was refused, and is tried again before it is let go."""
    RETURNING = "returning"
    """Failed: the queue shows it again when its visibility timeout ends."""
    DONE = "done"
    FILTERED = "filtered"
    REDRIVEN = "redriven"
    """Moved to the queue's dead-letter queue."""
    DISCARDED = "discarded"
    """Given up by the mapping of a stream."""


FINAL = frozenset({Place.DONE, Place.FILTERED, Place.REDRIVEN, Place.DISCARDED})


@dataclass(slots=True)
class Record:
    """One record, numbered in the order in which the poller first saw it."""

    id: str
    number: int
    place: Place
    batch: str | None = None
    received: int = 0
    """How often it was received from its queue."""
    processed: int = 0
    """How often the function has succeeded with it; more than once: a duplicate."""


@dataclass(slots=True)
class Batch:
    """One batch. ``status``: ``running``, ``blocked``, or as ``BatchFinished`` has it."""

    id: str
    names: tuple[str, ...]
    status: str = "running"
    attempt: int = 1
    request_id: str = ""
    environment: str = ""
    due: float | None = None
    """Epoch second of its next attempt."""
    error_type: str | None = None
    gone: bool = False
    """It is shown once more, with how it ended, and then no longer."""


@dataclass(slots=True)
class Lane:
    """One queue, or one shard of a stream, as one mapping reads it."""

    id: str
    mapping: str
    function: str
    source_arn: str
    shard: str | None
    seen: int = 0
    """Records that the poller has received."""
    invoked: int = 0
    failed: int = 0
    throttled: int = 0
    cuts: int = 0
    """Batches that were cut in two."""
    duplicates: int = 0
    """Records that the function has succeeded with more than once."""
    behind: int = 0
    """Records behind a blocked batch, also those that no poller has read."""
    dlq: str = ""
    """ARN of the queue's dead-letter queue, once something was moved there."""
    destination: str = ""
    """ARN of the mapping's on-failure destination, once something was given up."""
    counts: Counter[Place] = field(default_factory=Counter)
    records: dict[str, Record] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    head: tuple[str, ...] = ()
    """After a cut: the records that come first."""

    def find(self, name: str, place: Place) -> Record:
        """Return a record; one that was not seen before is put at ``place``."""
        record = self.records.get(name)
        if record is None:
            self.seen += 1
            record = self.records[name] = Record(name, self.seen, place)
            self.counts[place] += 1
            self._trim()
        return record

    def move(self, name: str, place: Place, batch: str | None = None) -> Record:
        """Put a record somewhere."""
        record = self.find(name, place)
        self.counts[record.place] -= 1
        self.counts[place] += 1
        record.place, record.batch = place, batch
        return record

    def succeeded(self, record: Record) -> None:
        """Note that the function has processed a record once more."""
        record.processed += 1
        self.duplicates += record.processed == 2

    def members(self, batch: Batch) -> list[Record]:
        """Return the records that are in a batch now."""
        known = (self.records.get(name) for name in batch.names)
        return [one for one in known if one is not None and one.batch == batch.id]

    def _trim(self) -> None:
        if len(self.records) > _KEPT:
            old = next((name for name, one in self.records.items() if one.place in FINAL), None)
            if old is not None:
                del self.records[old]  # its place in the counters it keeps
