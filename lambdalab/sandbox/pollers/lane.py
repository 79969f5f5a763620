"""One lane of a shard: records that are processed in order, one batch at a time.

Only data and the choice of what comes next; :mod:`.streams` does it.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from lambdalab.rules import tumbling
from lambdalab.rules.batches import filter_patterns
from lambdalab.rules.discards import Response
from lambdalab.rules.mappings import PARTIAL
from lambdalab.rules.streams import cut
from lambdalab.sandbox.pollers.mapping import LabMapping
from lambdalab.sandbox.pollers.stream_source import StreamRecord
from lambdalab.sandbox.scheduler import Timer

__all__ = ["Batch", "Lane", "Settings", "Wait", "Window", "next_step"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a mapping asks for, read anew for each batch."""

    batch_size: int
    window: float
    factor: int
    tumbling: int
    bisect: bool
    max_retries: int
    max_age: float
    partial: bool
    destination: str | None
    patterns: list[dict[str, Any]]

    @classmethod
    def of(cls, mapping: LabMapping) -> Settings:
        """Read them."""
        on_failure = (mapping.destination_config or {}).get("OnFailure") or {}
        return cls(
            batch_size=int(mapping.batch_size),
            window=float(mapping.max_batch_window or 0),
            factor=int(mapping.parallelization_factor or 1),
            tumbling=int(mapping.tumbling_window or 0),
            bisect=bool(mapping.bisect_on_error),
            max_retries=-1 if mapping.max_retry_attempts is None else mapping.max_retry_attempts,
            max_age=-1 if mapping.max_record_age is None else mapping.max_record_age,
            partial=PARTIAL in (mapping.function_response_types or ()),
            destination=on_failure.get("Destination") or None,
            patterns=filter_patterns(mapping.filter_criteria),
        )


@dataclass(slots=True)
class Window:
    """The tumbling window a lane is in. Times in epoch seconds."""

    start: float
    end: float
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Records that go to the function together, over all attempts."""

    records: list[StreamRecord]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 0
    """Number of its last attempt; 0 before the first."""
    failures: int = 0
    """Attempts that came to nothing in a row, refused ones too: how long to wait."""
    retries: int = 0
    """What it has used of ``MaximumRetryAttempts``."""
    invoked: int = 0
    """How often the function ran with its records, also before they were split."""
    due: float = 0.0
    final: bool = False
    """The last of its tumbling window: it has no records."""
    early: bool = False
    request_id: str = ""
    """Of the last invocation."""
    response: Response | None = None
    """Of the last invocation that ran."""

    @property
    def names(self) -> tuple[str, ...]:
        """Sequence numbers of its records."""
        return tuple(one.name for one in self.records)

    def part(self, records: list[StreamRecord]) -> Batch:
        """Return a batch of some of its records; it shares what was used of the quota."""
        return Batch(
            records,
            retries=self.retries,
            invoked=self.invoked,
            request_id=self.request_id,
            response=self.response,
        )


@dataclass(slots=True)
class Lane:
    """One lane of a shard."""

    position: int
    """Everything up to here is done."""
    pending: deque[tuple[float, StreamRecord]] = field(default_factory=deque)
    """Records that were read and wait, each with when it was read."""
    again: deque[Batch] = field(default_factory=deque)
    """Batches that failed, or parts of one: they come before what waits."""
    window: Window | None = None
    busy: bool = False
    timer: Timer | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do in it."""
        return not (self.busy or self.again or self.pending)

    @property
    def waiting(self) -> int:
        """Count the records that wait behind the first batch in trouble."""
        return sum(len(one.records) for one in list(self.again)[1:]) + len(self.pending)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before a time (epoch seconds), or before more comes (``None``)."""

    until: float | None = None
    blocked: bool = False
    """A batch waits for its next attempt."""


def next_step(lane: Lane, settings: Settings, *, now: float, ended: bool) -> Batch | Wait:
    """Take the next batch out of a lane that is not busy, or say how long to wait.

    ``ended``: no record will enter the lane any more.
    """
    if lane.again:
        if lane.again[0].due > now:
            return Wait(lane.again[0].due, blocked=True)
        return lane.again.popleft()
    if settings.tumbling:
        return _next_in_window(lane, settings, now=now, ended=ended)
    return _take(lane, len(lane.pending), settings, now=now, closed=ended)


def _next_in_window(lane: Lane, settings: Settings, *, now: float, ended: bool) -> Batch | Wait:
    if lane.window is None:
        if not lane.pending:
            return Wait()
        lane.window = Window(*tumbling.window_of(lane.pending[0][1].arrived, settings.tumbling))
    inside = tumbling.within([one.arrived for _, one in lane.pending], lane.window.end)
    over = ended or now >= lane.window.end or inside < len(lane.pending)
    if inside:
        found = _take(lane, inside, settings, now=now, closed=over)
        if isinstance(found, Batch):
            return found
        return Wait(min(lane.window.end, found.until or lane.window.end))
    return Batch([], final=True) if over else Wait(lane.window.end)


def _take(lane: Lane, most: int, settings: Settings, *, now: float, closed: bool) -> Batch | Wait:
    if not most:
        return Wait()
    sizes = [len(lane.pending[place][1].text) for place in range(min(most, settings.batch_size))]
    found = cut(
        sizes,
        first=lane.pending[0][0],
        now=now,
        batch_size=settings.batch_size,
        window=settings.window,
        closed=closed,
    )
    if not found.count:
        return Wait(found.due)
    return Batch([lane.pending.popleft()[1] for _ in range(found.count)])
