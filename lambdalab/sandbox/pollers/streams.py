"""The poller of a stream: Kinesis and DynamoDB Streams.

It reads each shard from its own position on, as soon as something enters the stream, and hands
batches over lane by lane. A batch that fails is tried again before anything behind it; other
lanes and other shards go on. How far each lane has come stands in the mapping's checkpoints.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from lambdalab.rules.batches import filters_take
from lambdalab.rules.mappings import access_problem
from lambdalab.sandbox import motostreams
from lambdalab.sandbox.events import RecordsFiltered, RecordsPolled
from lambdalab.sandbox.pollers.dynamodb import DynamoSource
from lambdalab.sandbox.pollers.handing_over import hand_over
from lambdalab.sandbox.pollers.kinesis import KinesisSource
from lambdalab.sandbox.pollers.lane import Batch, Lane, Settings, Wait, next_step
from lambdalab.sandbox.pollers.mapping import LabMapping, Parts, Poller
from lambdalab.sandbox.pollers.registry import register
from lambdalab.sandbox.pollers.shard import Shard
from lambdalab.sandbox.pollers.stream_context import Polled
from lambdalab.sandbox.pollers.stream_source import (
    ShardInfo,
    StreamGoneError,
    StreamRecord,
    StreamSource,
)
from lambdalab.sandbox.scheduler import Timer

__all__ = ["StreamPoller", "install"]

_READ_AT_ONCE = 10_000
"""Records of one GetRecords, and as many as are kept waiting in memory."""
_LOOK_AGAIN_S = 60.0
"""How often a stream is looked at that could not be read."""


class StreamPoller:
    """Polls one stream for one mapping: a :class:`~.mapping.Poller`.

    Parameters
    ----------
    mapping, parts
        What it polls for, and works with.
    source
        The stream.
    """

    def __init__(self, mapping: LabMapping, parts: Parts, source: StreamSource) -> None:
        self.polled = Polled(mapping, parts, source)
        self._mapping = mapping
        self._parts = parts
        self._source = source
        self._arn = str(mapping.event_source_arn).partition("/consumer/")[0]
        # Taken inside of the gate, and never held while something is waited for.
        self._lock = threading.RLock()
        self._asking = threading.Lock()
        self._asked = False
        self._stopped: Callable[[], None] | None = None
        self._shards: dict[str, Shard] = {}
        self._flying = 0
        self._later: Timer | None = None

    # -- what its mapping tells it --------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        motostreams.listen(self._arn, self._wake)
        self._wake()

    def update(self) -> None:
        """Go by the mapping's new values from the next batch on."""
        self._wake()

    def stop(self, stopped: Callable[[], None]) -> None:
        """Take nothing more; what failed and waits is read again after the next start."""
        motostreams.forget(self._arn, self._wake)
        with self._lock:
            self._stopped = stopped
            quiet = not self._flying
        if quiet:
            self._tell_stopped()

    def close(self) -> None:
        """Touch nothing more."""
        self.polled.closed = True
        motostreams.forget(self._arn, self._wake)

    def _tell_stopped(self) -> None:
        with self._lock:
            stopped, self._stopped = self._stopped, lambda: None
            if self._later is not None:
                self._later.cancel()
            for shard in self._shards.values():
                for lane in shard.lanes:
                    if lane.timer is not None:
                        lane.timer.cancel()
        if stopped is not None and not self.polled.closed:
            stopped()

    @property
    def _over(self) -> bool:
        return self.polled.closed or self._stopped is not None

    # -- reading --------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._asking:
            if self._asked or self._over:
                return
            self._asked = True
        self._parts.scheduler.soon(self._look, label=f"{self._mapping.function}: poll {self._arn}")

    def _look(self) -> None:
        with self._parts.gate.passing():
            with self._asking:
                self._asked = False
            with self._lock:
                if self._over:
                    return
                try:
                    self._poll()
                except StreamGoneError:
                    self._mapping.note(f"PROBLEM: Stream not found: {self._arn}")
                    self._shards.clear()
                    self._mapping.checkpoints.clear()

    def _poll(self) -> None:
        role_arn = self.polled.role_arn()
        if role_arn is None:
            self._mapping.note("PROBLEM: Function not found")
            return
        missing = self.polled.missing(role_arn)
        if missing:
            problem = access_problem(self._mapping.source, self._arn, missing)
            self._mapping.note(f"PROBLEM: {problem.text}")
            if self._later is not None:
                self._later.cancel()
            self._later = self._parts.scheduler.after(
                _LOOK_AGAIN_S, self._wake, label=f"poll {self._arn}", background=True
            )
            return
        settings = self.polled.settings
        infos = self._source.shards()
        begun = bool(self._mapping.checkpoints)
        for info in infos:
            if info.id not in self._shards:
                self._shards[info.id] = self._begin(info, settings, begun=begun)
        known = {info.id for info in infos}
        for info in infos:
            shard = self._shards[info.id]
            # A shard's records come after those of the shards it came out of.
            if all(self._shards[one].done for one in info.parents if one in known):
                self._go_on(shard, info, settings, role_arn)

    def _begin(self, info: ShardInfo, settings: Settings, *, begun: bool) -> Shard:
        kept = self._mapping.checkpoints.get(info.id)
        if kept is not None:
            return Shard.restored(info.id, kept, settings.factor)
        position, done = 0, False
        if not begun:
            where = self._mapping.starting_position
            if where == "LATEST":
                position, done = self._source.tip(info.id), not info.open
            elif where == "AT_TIMESTAMP":
                moment = float(self._mapping.starting_position_timestamp)
                position = self._source.before(info.id, moment)
        shard = Shard.at(info.id, position, settings.factor, done=done)
        self._mapping.checkpoints[info.id] = shard.checkpoint()
        return shard

    def _go_on(self, shard: Shard, info: ShardInfo, settings: Settings, role_arn: str) -> None:
        """Read on in a shard, and hand over what is ready."""
        if shard.done:
            return
        if len(shard.lanes) != settings.factor:
            if any(lane.busy for lane in shard.lanes):
                return  # the last one to end comes here again
            shard.relane(settings.factor)
        self._read(shard, info, settings, role_arn)
        for lane in shard.lanes:
            self._step(shard, lane, settings)
        self._keep(shard)

    def _read(self, shard: Shard, info: ShardInfo, settings: Settings, role_arn: str) -> None:
        if shard.buffered >= _READ_AT_ONCE:
            return
        now = self._parts.clock.now()
        records = self._source.read(
            shard.id, shard.read, now=now, limit=_READ_AT_ONCE, role_arn=role_arn
        )
        shard.ended = not info.open and len(records) < _READ_AT_ONCE
        if not records:
            return
        shard.read = records[-1].sequence
        fresh = shard.fresh(records)
        taken: list[StreamRecord] = []
        passed: list[StreamRecord] = []
        for one in fresh:
            (taken if self._takes(one, settings) else passed).append(one)
        for kind, those in ((RecordsPolled, fresh), (RecordsFiltered, passed)):
            if those:
                names = tuple(one.name for one in those)
                self._parts.events.record(kind(**self.polled.where(shard.id), records=names))
        shard.take(taken, now)

    def _takes(self, record: StreamRecord, settings: Settings) -> bool:
        if not settings.patterns:
            return True
        view, data = self._source.filtered(record)
        return filters_take(settings.patterns, view, data)

    def _keep(self, shard: Shard) -> None:
        if shard.ended and shard.idle and not shard.done:
            shard.done = True
            self._wake()  # for the shards that came out of it
        self._mapping.checkpoints[shard.id] = shard.checkpoint()

    # -- handing over ---------------------------------------------------------------------

    def _step(self, shard: Shard, lane: Lane, settings: Settings) -> None:
        if lane.busy or self._over:
            return
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if not settings.tumbling:
            lane.window = None
        found = next_step(lane, settings, now=self._parts.clock.now(), ended=shard.ended)
        scheduler, name = self._parts.scheduler, self._mapping.function
        if isinstance(found, Wait):
            if found.until is not None:
                why = "retry of a blocked shard" if found.blocked else "window ends"
                label = f"{name}: {why} ({shard.id})"
                lane.timer = scheduler.at(found.until, self._wake, label=label)
            return
        lane.busy = True
        self._flying += 1
        work = functools.partial(self._hand_over, shard, lane, found)
        scheduler.soon(work, label=f"{name}: batch ({shard.id})")

    def _hand_over(self, shard: Shard, lane: Lane, batch: Batch) -> None:
        try:
            hand_over(self.polled, shard, lane, batch)
        except StreamGoneError:
            lane.again.clear()
            lane.pending.clear()
        finally:
            self._release(shard, lane)

    def _release(self, shard: Shard, lane: Lane) -> None:
        with self._parts.gate.passing():
            with self._lock:
                lane.busy = False
                self._flying -= 1
                if self.polled.closed:
                    return
                if self._shards.get(shard.id) is shard:
                    self._mapping.checkpoints[shard.id] = shard.checkpoint()
                quiet = self._stopped is not None and not self._flying
            if quiet:
                self._tell_stopped()
            else:
                self._wake()


def _kinesis(mapping: LabMapping, parts: Parts) -> Poller:
    return StreamPoller(mapping, parts, KinesisSource(str(mapping.event_source_arn)))


def _dynamodb(mapping: LabMapping, parts: Parts) -> Poller:
    return StreamPoller(mapping, parts, DynamoSource(str(mapping.event_source_arn)))


def install() -> None:
    """Have streams polled, and moto's streams behave."""
    motostreams.install()
    register("kinesis", _kinesis)
    register("dynamodb", _dynamodb)
