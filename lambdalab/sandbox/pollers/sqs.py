"""Polls a queue for a function: when messages are taken, how many batches run, what comes back.

Nothing polls for the sake of polling: a message that is sent, a clock that has come to the
moment at which one comes back into sight, a batch that has ended, each has the poller look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lambdalab.rules import batches as rules
from lambdalab.rules.mappings import PARTIAL
from lambdalab.sandbox import motosqs
from lambdalab.sandbox.events import RecordsFiltered, RecordsPolled
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.event_sources import missing_permissions, role_of
from lambdalab.sandbox.motosqs import LabMessage, LabQueue
from lambdalab.sandbox.pollers.mapping import OK, LabMapping, Parts
from lambdalab.sandbox.pollers.sqs_batch import Batch, Outcome, attempt, record_of, where

if TYPE_CHECKING:
    from lambdalab.sandbox.scheduler import Timer

__all__ = ["SqsPoller"]

_RECEIVE_MAX = 10
"""Messages of one ReceiveMessage (SQS API)."""
_LOOK_AGAIN_S = 60.0
"""Service time until a poller that cannot read looks whether it may, or there is a queue."""


class SqsPoller(motosqs.QueueListener):
    """Polls one queue for one mapping.

    Parameters
    ----------
    mapping
        What it polls for.
    parts
        What it works with.
    """

    def __init__(self, mapping: LabMapping, parts: Parts) -> None:
        self._mapping = mapping
        self._parts = parts
        self._source = str(mapping.event_source_arn)
        self._lock = threading.RLock()
        """Held while messages are taken, never while the function runs."""
        self._asking = threading.Lock()
        """Held to ask for a look, by whoever changes a queue: never while another is taken."""
        self._active = False
        self._closed = False
        self._asked = False
        self._flights = 0
        self._gathering: Batch | None = None
        self._allowed = rules.scaling_start(self._maximum)
        self._full_since: float | None = None
        self._timers: list[Timer] = []
        self._stopped: Callable[[], None] | None = None
        self._patterns = rules.filter_patterns(mapping.filter_criteria)

    @property
    def _maximum(self) -> int | None:
        found: int | None = (self._mapping.scaling_config or {}).get("MaximumConcurrency")
        return found

    # -- its life -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._active = True
        motosqs.listen(self)
        self._look()

    def update(self) -> None:
        """Go by new values, and look whether what was in the way is gone."""
        with self._lock:
            self._patterns = rules.filter_patterns(self._mapping.filter_criteria)
            self._allowed = min(self._allowed, float(self._maximum or self._allowed))
        self._look()

    def stop(self, stopped: Callable[[], None]) -> None:
        """Take nothing more; what is being gathered still goes to the function."""
        motosqs.unlisten(self)
        with self._lock:
            self._active = False
            self._drop_timers()
            self._stopped = stopped
            if self._gathering is not None:
                self._send()
            if not self._flights:
                self._tell_stopped()

    def close(self) -> None:
        """Touch nothing more."""
        motosqs.unlisten(self)
        self._closed = True
        self._active = False
        self._stopped = None

    def _tell_stopped(self) -> None:
        stopped, self._stopped = self._stopped, None
        if stopped is not None:
            stopped()

    # -- what makes it look ---------------------------------------------------------------

    def added(self, queue: LabQueue, message: LabMessage) -> None:
        """Look: a message came."""
        if queue.queue_arn == self._source:
            self._look()

    def changed(self, queue: LabQueue) -> None:
        """Look: more can be received, or the queue has come."""
        if queue.queue_arn == self._source:
            self._look()

    def _look(self) -> None:
        """Have the scheduler's threads poll once; asked again meanwhile, once is enough."""
        with self._asking:
            if not self._active or self._asked:
                return
            self._asked = True
        self._parts.scheduler.soon(self._poll, label=f"{self._mapping.function}: poll")

    def _at(self, name: str, due: float, *, background: bool = False) -> None:
        label = f"{self._mapping.function}: {name}"
        timer = self._parts.scheduler.at(due, self._look, label=label, background=background)
        self._timers.append(timer)

    def _drop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # -- polling --------------------------------------------------------------------------

    def _poll(self) -> None:
        with self._asking:
            self._asked = False
        with self._parts.gate.passing(), self._lock:
            if not self._active:
                return
            self._drop_timers()
            queue = self._readable()
            if queue is None:
                self._at("look again", self._parts.clock.now() + _LOOK_AGAIN_S, background=True)
                return
            while self._free:
                self._send_due()
                if not self._free or not self._take(queue):
                    break
            if not self._free and queue.has_ready():
                self._grow()
            else:
                self._wait(queue)

    @property
    def _free(self) -> bool:
        return self._flights < int(self._allowed)

    def _readable(self) -> LabQueue | None:
        """Return the queue, if it is there and may be read, and the function is there, too."""
        mapping = self._mapping
        queue = motosqs.queue_of(self._source)
        if queue is None:
            mapping.note("PROBLEM: The queue does not exist")
            return None
        try:
            role = role_of(mapping)
        except ApiError:
            mapping.note("PROBLEM: Function not found")
            return None
        missing = missing_permissions("sqs", self._source, role)
        if missing:
            mapping.note(
                f"PROBLEM: Lambda does not have permission to call {', '.join(missing)} on the "
                "queue: check the execution role"
            )
            return None
        return queue

    def _take(self, queue: LabQueue) -> bool:
        """Receive once; say whether there was anything."""
        mapping, parts = self._mapping, self._parts
        gathering = self._gathering
        room = mapping.batch_size - (len(gathering.records) if gathering else 0)
        visibility = int(queue.visibility_timeout)
        now = parts.clock.now()
        messages = queue.receive(min(room, _RECEIVE_MAX), visibility)
        if not messages:
            return False
        said = where(mapping)
        parts.events.record(RecordsPolled(**said, records=tuple(one.id for one in messages)))
        records = [record_of(one, self._source) for one in messages]
        passed = [
            one for one in records if not rules.filters_take(self._patterns, one.data, "body")
        ]
        if passed:
            names = tuple(one.message.id for one in passed)
            parts.events.record(RecordsFiltered(**said, records=names))
            queue.delete_received({str(one.message.receipt_handle): one.message for one in passed})
            records = [one for one in records if one not in passed]
        for record in records:
            if self._gathering is not None and not self._gathering.fits(record):
                self._send()
            if self._gathering is None:
                self._gathering = Batch(now, now + visibility)
            self._gathering.take(record)
        return True

    def _send_due(self) -> None:
        """Hand over what is gathered, if it is full or its window has passed."""
        batch, mapping = self._gathering, self._mapping
        if batch is None:
            return
        end = batch.began + (mapping.max_batch_window or 0)
        if len(batch.records) >= mapping.batch_size or self._parts.clock.now() >= end:
            self._send()
        else:
            self._at("batching window", end)

    def _send(self) -> None:
        batch, self._gathering = self._gathering, None
        if batch is not None:
            self._flights += 1
            self._parts.scheduler.soon(
                lambda: self._attempt(batch), label=f"{self._mapping.function}: batch"
            )

    def _grow(self) -> None:
        """Allow more batches as time passes with all of them busy and messages left."""
        now, most = self._parts.clock.now(), self._maximum
        if self._full_since is not None:
            self._allowed = rules.scaled(self._allowed, now - self._full_since, most)
        self._full_since = now
        more = rules.next_scaling(self._allowed, most)
        if more is not None:
            self._at("scaling", now + more, background=True)

    def _wait(self, queue: LabQueue) -> None:
        """Wait for the moment at which something can be received again."""
        self._full_since = None
        if not self._flights and self._gathering is None:
            self._allowed = rules.scaling_start(self._maximum)
        ready = queue.next_ready()
        if ready is not None:
            self._at("message visible again", ready)

    # -- batches --------------------------------------------------------------------------

    def _attempt(self, batch: Batch) -> None:
        if self._closed:
            return
        outcome: Outcome | None = None
        try:
            outcome = attempt(self._parts, self._mapping, batch)
        finally:
            if outcome is None or not self._again(batch, outcome):
                self._end(batch, outcome)

    def _again(self, batch: Batch, outcome: Outcome) -> bool:
        """Have a throttled batch tried again while its messages are out of sight."""
        due = self._parts.clock.now() + rules.retry_delay(batch.attempt)
        if outcome.status != "throttled" or not self._active or due >= batch.visible:
            return False
        with self._lock:
            self._back_off()
        self._mapping.note("PROBLEM: Function call was throttled")
        label = f"{self._mapping.function}: throttled batch"
        self._parts.scheduler.at(due, lambda: self._attempt(batch), label=label)
        return True

    def _end(self, batch: Batch, outcome: Outcome | None) -> None:
        with self._parts.gate.passing(), self._lock:
            if self._closed:
                return
            if outcome is not None:
                self._settle(batch, outcome)
            self._flights -= 1
            if not self._flights:
                self._tell_stopped()
        self._look()

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        """Delete what went well; what did not comes back when its visibility timeout ends."""
        queue = motosqs.queue_of(self._source)
        if queue is not None:
            queue.delete_received(
                {
                    str(one.data["receiptHandle"]): one.message
                    for one in batch.records
                    if one.message.id not in outcome.failed
                }
            )
        if outcome.status in ("success", "partial"):
            self._mapping.note(OK)
        elif outcome.status == "throttled":
            self._mapping.note("PROBLEM: Function call was throttled")
        else:
            self._mapping.note("PROBLEM: Function call failed")
        partial = PARTIAL in (self._mapping.function_response_types or [])
        if outcome.status == "throttled" or (outcome.status == "error" and not partial):
            self._back_off()

    def _back_off(self) -> None:
        self._allowed = rules.backed_off(self._allowed)
        self._full_since = None
