"""Turns the event log into what pollers did, step by step. Pure: no clock, no I/O, no widget.

A step is one event of the log with all that it changes: which records moved where, and what
became of their batch. The browser plays steps forth and back; it decides nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event
from lambdalab.widgets.poller_lanes import FINAL, Batch, Lane, Place, Record

__all__ = ["LIMIT", "Step", "Steps"]

LIMIT = 3_000
"""Steps that are kept; of older ones only the counters are."""
_MOMENT_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One event, and copies of what it changed, as it was afterwards."""

    seq: int
    time: float
    kind: str
    """What its sentence is: a key of ``[step]`` in ``locale/*/poller_view.toml``."""
    mapping: str
    lane: str
    """Id of the lane; empty: it is about the mapping as a whole."""
    values: dict[str, object]
    """What the sentence tells."""
    bad: bool = False
    records: tuple[Record, ...] = ()
    batches: tuple[Batch, ...] = ()
    counters: dict[str, object] = field(default_factory=dict)


class Steps:
    """What pollers did, growing with the event log.

    Parameters
    ----------
    only
        UUIDs of mappings, or names of functions; ``None`` for all.
    limit
        Keep at most so many steps.
    """

    def __init__(self, only: Collection[str] | None = None, limit: int = LIMIT) -> None:
        self._only = None if only is None else frozenset(only)
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.lanes: dict[str, Lane] = {}
        self.states: dict[str, str] = {}
        """State of each mapping, as GetEventSourceMapping shows it."""
        self.steps: list[Step] = []
        self.dropped = 0
        """How many older steps are not kept."""
        self._flights: dict[str, Batch] = {}
        """Batches that are with the function, by request id."""

    def feed(self, events: Iterable[Event]) -> tuple[list[Step], bool]:
        """Take events in; return the new steps, and whether old ones are gone."""
        fresh: list[Step] = []
        gone = False
        for event in events:
            if isinstance(event, ev.SandboxReset):
                self.clear()
                fresh, gone = [], True
                continue
            step = self._take(event)
            if step is None:
                continue
            if fresh and (both := _together(fresh[-1], step)) is not None:
                self.steps[-1] = fresh[-1] = both
                continue
            self.steps.append(step)
            fresh.append(step)
        over = len(self.steps) - self._limit
        if over > 0:
            over += self._limit // 5  # seldom: the browser then gets all that is left anew
            del self.steps[:over]
            self.dropped += over
            gone = True
        return fresh, gone

    # -- one event ------------------------------------------------------------------------

    def _take(self, event: Event) -> Step | None:
        if isinstance(event, ev.MessageRedriven):
            return self._redriven(event)
        if isinstance(event, ev.InvokeStarted):
            if event.request_id in self._flights:
                self._flights[event.request_id].environment = event.environment
            return None
        if not isinstance(event, ev.MappingEvent) or not self._wanted(event):
            return None
        if isinstance(event, ev.MappingStateChanged):
            return self._changed(event)
        lane = self._lane(event)
        match event:
            case ev.RecordsPolled():
                return self._polled(event, lane)
            case ev.RecordsFiltered():
                passed = [lane.move(name, Place.FILTERED) for name in event.records]
                return self._step(event, lane, "filtered", passed)
            case ev.BatchStarted():
                return self._started(event, lane)
            case ev.BatchFinished():
                return self._finished(event, lane)
            case ev.BatchSplit():
                return self._split(event, lane)
            case ev.ShardBlocked():
                return self._blocked(event, lane)
            case ev.RecordsDiscarded():
                return self._discarded(event, lane)
        return None

    def _wanted(self, event: ev.MappingEvent) -> bool:
        return self._only is None or not self._only.isdisjoint((event.mapping, event.function))

    def _lane(self, event: ev.MappingEvent) -> Lane:
        name = f"{event.mapping}/{event.shard or ''}"
        if name not in self.lanes:
            self.lanes[name] = Lane(
                name, event.mapping, event.function, event.source_arn, event.shard
            )
        return self.lanes[name]

    def _changed(self, event: ev.MappingStateChanged) -> Step:
        self.states[event.mapping] = event.state
        queue = ":sqs:" in event.source_arn  # of a stream, the shards are not known yet
        lane = self._lane(event).id if queue else ""
        values: dict[str, object] = {"state": event.state}
        return Step(event.seq, event.time, "state", event.mapping, lane, values)

    def _polled(self, event: ev.RecordsPolled, lane: Lane) -> Step:
        queue = event.shard is None
        left: list[Batch] = []
        records = []
        for name in event.records:
            before = lane.records.get(name)
            if before is not None and before.place in FINAL and not queue:
                continue  # a mapping that began anew reads some of them again
            batch = lane.batches.get(before.batch or "") if before is not None else None
            record = lane.move(name, Place.GATHERED if queue else Place.WAITING)
            record.received += 1
            records.append(record)
            if batch is not None and batch.status != "running" and not lane.members(batch):
                batch.gone = True
                left.append(batch)
        return self._step(event, lane, f"polled_{_kind(lane)}", records, left)

    def _started(self, event: ev.BatchStarted, lane: Lane) -> Step:
        batch = lane.batches.get(event.batch) or Batch(event.batch, event.records)
        lane.batches[batch.id] = self._flights[event.request_id] = batch
        batch.names, batch.status, batch.attempt = event.records, "running", event.attempt
        batch.request_id, batch.environment = event.request_id, ""
        batch.due = batch.error_type = None
        records = [lane.move(name, Place.FLIGHT, batch.id) for name in event.records]
        for record, count in zip(records, event.receive_counts, strict=False):
            record.received = count
        values: dict[str, object] = {"attempt": event.attempt}
        most = max(event.receive_counts, default=1)
        kind = "started" if most == 1 else "started_again"
        return self._step(event, lane, kind, records, [batch], values={**values, "received": most})

    def _finished(self, event: ev.BatchFinished, lane: Lane) -> Step | None:
        self._flights.pop(event.request_id, None)
        batch = lane.batches.get(event.batch)
        if batch is None:
            return None  # it was handed over before the log begins
        queue = lane.shard is None
        batch.status, batch.error_type = event.status, event.error_type
        lane.invoked += event.status != "throttled"
        lane.throttled += event.status == "throttled"
        lane.failed += event.status == "error"
        failed = set(event.failed)
        back = Place.RETURNING if queue and event.status != "throttled" else Place.HELD
        touched = []
        for name in batch.names:
            record = lane.find(name, Place.FLIGHT)
            mine = record.batch == batch.id
            if name not in failed:
                lane.succeeded(record)
                if mine or record.place is not Place.FLIGHT:
                    lane.move(name, Place.DONE)
            elif mine:
                lane.move(name, back, None if back is Place.RETURNING else batch.id)
            touched.append(record)
        batch.gone = event.status == "success" or back is Place.RETURNING
        if batch.gone and not queue:
            lane.behind = 0
        again = [one.number for one in touched if one.id in failed]
        values: dict[str, object] = {
            "error": event.error_type or "",
            "failed": len(failed),
            "again": again,
        }
        # A function that names all of its records has not raised anything.
        status = "reported" if event.status == "error" and not event.error_type else event.status
        kind = f"{status}_{_kind(lane)}"
        bad = event.status != "success"
        return self._step(event, lane, kind, touched, [batch], values=values, bad=bad)

    def _split(self, event: ev.BatchSplit, lane: Lane) -> Step | None:
        batch = lane.batches.get(event.batch)
        if batch is None:
            return None
        rest = lane.members(batch)
        first = event.parts[0] if len(rest) == sum(event.parts) else len(rest)
        lane.head = tuple(one.id for one in rest[:first])
        for one in rest[first:]:
            lane.move(one.id, Place.WAITING)
        batch.gone = True
        lane.cuts += 1
        values: dict[str, object] = {"first": event.parts[0], "second": event.parts[1]}
        return self._step(event, lane, "split", rest, [batch], values=values, bad=True)

    def _blocked(self, event: ev.ShardBlocked, lane: Lane) -> Step:
        batch = lane.batches.get(event.batch)
        if batch is None:
            batch = lane.batches[event.batch] = Batch(event.batch, lane.head)
            for name in lane.head:
                lane.move(name, Place.HELD, batch.id)
            lane.head = ()
        batch.names = tuple(one.id for one in lane.members(batch))
        batch.status, batch.due, batch.attempt = "blocked", event.due, event.attempt
        lane.behind = event.waiting
        values: dict[str, object] = {
            "attempt": event.attempt,
            "delay": max(0.0, event.due - event.time),
            "waiting": event.waiting,
        }
        records = lane.members(batch)
        return self._step(event, lane, "blocked", records, [batch], values=values, bad=True)

    def _discarded(self, event: ev.RecordsDiscarded, lane: Lane) -> Step:
        records = [lane.move(name, Place.DISCARDED) for name in event.records]
        batch = lane.batches.get(event.batch)
        ended = []
        if batch is not None and not lane.members(batch):
            batch.gone = True
            lane.behind = 0
            ended.append(batch)
        lane.destination = event.destination or ""
        kind = "discarded_sent" if event.destination else "discarded"
        values: dict[str, object] = {"condition": event.condition, "to": event.destination or ""}
        return self._step(event, lane, kind, records, ended, values=values, bad=True)

    def _redriven(self, event: ev.MessageRedriven) -> Step | None:
        for lane in self.lanes.values():
            if lane.source_arn == event.queue_arn and lane.shard is None:
                lane.dlq = event.dead_letter_arn
                record = lane.move(event.message, Place.REDRIVEN)
                values: dict[str, object] = {
                    "received": event.receive_count,
                    "to": event.dead_letter_arn,
                }
                return self._step(event, lane, "redriven", [record], (), values=values, bad=True)
        return None

    # -- what a step holds ----------------------------------------------------------------

    def _step(
        self,
        event: Event,
        lane: Lane,
        kind: str,
        records: Sequence[Record],
        batches: Sequence[Batch] = (),
        *,
        values: dict[str, object] | None = None,
        bad: bool = False,
    ) -> Step:
        told = {
            "count": len(records),
            "which": [one.number for one in records],
            **(values or {}),
        }
        step = Step(
            event.seq,
            event.time,
            kind,
            lane.mapping,
            lane.id,
            told,
            bad,
            tuple(dataclasses.replace(one) for one in records),
            tuple(dataclasses.replace(one) for one in batches),
            {
                "seen": lane.seen,
                "invoked": lane.invoked,
                "failed": lane.failed,
                "throttled": lane.throttled,
                "cuts": lane.cuts,
                "duplicates": lane.duplicates,
                "behind": lane.behind,
                "dlq": lane.dlq,
                "destination": lane.destination,
                **{place.value: lane.counts[place] for place in FINAL},
            },
        )
        lane.batches = {name: one for name, one in lane.batches.items() if not one.gone}
        return step


def _kind(lane: Lane) -> str:
    return "queue" if lane.shard is None else "shard"


def _together(one: Step, other: Step) -> Step | None:
    """Return two steps as one, if they are messages that a queue gives up at the same moment."""
    same = ("redriven", one.lane, one.values.get("received"))
    if same != (other.kind, other.lane, other.values.get("received")) or one.kind != other.kind:
        return None
    if other.time - one.time > _MOMENT_S:
        return None
    records = one.records + other.records
    which = [record.number for record in records]
    return dataclasses.replace(
        other,
        seq=one.seq,
        values={**other.values, "count": len(records), "which": which},
        records=records,
    )
