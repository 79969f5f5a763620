"""Lambda's internal queue: accepts events, hands them to functions, and tries again."""

from __future__ import annotations

import json
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lambdalab.rules import recursion
from lambdalab.rules.destinations import REFUSED, Response
from lambdalab.rules.retries import (
    Cause,
    Condition,
    GiveUp,
    Outcome,
    Policy,
    Retry,
    after_attempt,
    before_attempt,
    throttle_delay,
)
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.asynchronous import configuration
from lambdalab.sandbox.asynchronous.configuration import Configuration
from lambdalab.sandbox.asynchronous.delivery import Delivery
from lambdalab.sandbox.asynchronous.event import EventStore, Forgetful, QueuedEvent
from lambdalab.sandbox.asynchronous.readers import Readers
from lambdalab.sandbox.engine.settings import Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.lambda_service.call import Call
from lambdalab.sandbox.lambda_service.errors import RECURSIVE, ApiError
from lambdalab.sandbox.model import InvokeResult
from lambdalab.sandbox.scheduler import Scheduler, Timer

__all__ = ["AsyncQueue", "Service"]

_SERVICE = "ServiceException"


class Service(Protocol):
    """What the queue needs of the Lambda service."""

    def attempt(self, call: Call, request_id: str) -> InvokeResult:
        """Run an event once."""
        ...

    def invoke(self, call: Call) -> object:
        """Take a record for a function that is a destination."""
        ...


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How an attempt went; ``stop``: there is no other, whatever is set."""

    outcome: Outcome
    error_type: str | None = None
    stop: Condition | None = None


class AsyncQueue:
    """The asynchronous queue of all functions. Thread-safe.

    An event is in it from :meth:`accept` until its function has processed it, or it is given
    up, and what became of it has been sent on. ``store`` hears of each of these moments.

    Parameters
    ----------
    service
        Runs events.
    scheduler, events
        What the sandbox's parts share.
    settings
        Returns the sandbox's settings.
    passing
        Entered while moto's state is touched.
    """

    def __init__(
        self,
        service: Service,
        scheduler: Scheduler,
        events: EventLog,
        settings: Callable[[], Settings],
        passing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.store: EventStore = Forgetful()
        self._service = service
        self._scheduler = scheduler
        self._clock = scheduler.clock
        self._events = events
        self._settings = settings
        self._delivery = Delivery(events, self._clock, passing, service.invoke)
        self._lock = threading.Lock()
        self._held: dict[str, QueuedEvent] = {}
        self._timers: dict[str, Timer] = {}
        self._readers = Readers(scheduler, self._take)

    # -- in and out -----------------------------------------------------------------------

    def accept(self, call: Call, request_id: str) -> None:
        """Take an event: from the return of this on, it is not lost."""
        now = self._clock.now()
        if not call.trace_id:
            call = replace(call, trace_id=recursion.root(now, uuid.uuid4().hex[:24]))
        event = QueuedEvent(call, request_id, accepted=now, due=now)
        self.store.put(event)
        found = configuration.look(call, 0.0)
        policy = found.policy if found is not None else Policy()
        self._record(
            event,
            ev.EventQueued,
            source=call.source,
            payload_bytes=len(call.payload),
            max_retries=policy.max_retries,
            max_age_s=policy.max_age_s,
        )
        self._put(event)

    def dump(self) -> list[dict[str, Any]]:
        """Return all events that are in the queue, as a JSON value."""
        with self._lock:
            return [event.to_json() for event in self._held.values()]

    def load(self, values: list[dict[str, Any]] | None) -> None:
        """Have the events that :meth:`dump` returned instead of those that are in the queue."""
        self.clear()
        for value in values or ():
            self._put(QueuedEvent.from_json(value))

    def waiting(self) -> int:
        """Return how many events are in the queue, those that run just now included."""
        return len(self._held)

    def clear(self) -> None:
        """Forget all events; what runs already ends by itself."""
        with self._lock:
            self._held.clear()
            timers = list(self._timers.values())
            self._timers.clear()
        self._readers.clear()
        for timer in timers:
            timer.cancel()

    def close(self) -> None:
        """Hand out no more events; the store keeps what is in the queue."""
        self.clear()

    # -- waiting --------------------------------------------------------------------------

    def _put(self, event: QueuedEvent) -> None:
        """Let an event wait until it is due."""
        with self._lock:
            self._held[event.key] = event
        if event.due <= self._clock.now():
            self._come(event)
            return
        timer = self._scheduler.at(
            event.due, lambda: self._come(event, here=True), label=event.label
        )
        with self._lock:
            if self._held.get(event.key) is event:
                self._timers[event.key] = timer

    def _come(self, event: QueuedEvent, *, here: bool = False) -> None:
        """Give a due event to a reader. ``here``: this thread can be one."""
        with self._lock:
            if self._held.get(event.key) is not event:
                return
            self._timers.pop(event.key, None)
        self._readers.give(event, here=here)

    def _take(self, event: QueuedEvent) -> None:
        try:
            self._hand_out(event)
        except Exception:  # noqa: BLE001 - the event must not be lost with it
            traceback.print_exc(file=sys.stderr)
            event.backoffs += 1
            self._again(event, Retry(throttle_delay(event.backoffs), Cause.SYSTEM_ERROR))

    # -- an attempt -----------------------------------------------------------------------

    def _hand_out(self, event: QueuedEvent) -> None:
        found = configuration.look(event.call, self._settings().retry_lag)
        if found is not None:
            age = self._clock.now() - event.accepted
            given_up = before_attempt(age, found.policy, reserved=found.reserved)
            if given_up is not None:
                if given_up.condition is Condition.ZERO_RESERVED:
                    event.refused = REFUSED
                self._leave(event, given_up.condition, found)
                return
        event.attempts += 1
        number = event.attempts
        self._record(event, ev.AttemptStarted, attempt=number)
        attempt = self._attempt(event)
        if not self._holds(event):
            return
        self._record(
            event,
            ev.AttemptFinished,
            attempt=number,
            status=attempt.outcome.value,
            error_type=attempt.error_type,
        )
        if number == 1 and event.copy == 0 and self._settings().duplicate_events:
            self._duplicate(event)
        # What is set may have changed while the function ran.
        self._after(event, attempt, configuration.look(event.call, self._settings().retry_lag))

    def _attempt(self, event: QueuedEvent) -> _Attempt:
        try:
            result = self._service.attempt(event.call, event.request_id)
        except ApiError as error:
            event.backoffs += 1
            event.refused = (error.code, error.text)
            if error.error_type == RECURSIVE:
                return _Attempt(Outcome.SYSTEM, RECURSIVE, Condition.RECURSION)
            if error.code == 429:
                return _Attempt(Outcome.THROTTLED, str(error.fields.get("Reason", "")))
            return _Attempt(Outcome.SYSTEM, error.error_type)
        except Exception as error:  # noqa: BLE001 - whatever broke, it was not the function
            traceback.print_exc(file=sys.stderr)
            event.backoffs += 1
            event.refused = (500, str(error))
            return _Attempt(Outcome.SYSTEM, _SERVICE)
        event.runs += 1
        event.backoffs, event.refused = 0, None
        event.response = Response(result.executed_version, result.payload, result.function_error)
        if result.function_error is None:
            return _Attempt(Outcome.SUCCESS)
        return _Attempt(Outcome.ERROR, _error_type(result.payload))

    def _after(self, event: QueuedEvent, attempt: _Attempt, found: Configuration | None) -> None:
        policy = found.policy if found is not None else Policy()
        age = self._clock.now() - event.accepted
        decision = after_attempt(
            attempt.outcome,
            runs=event.runs,
            backoffs=max(event.backoffs, 1),
            age_s=age,
            policy=policy,
        )
        if attempt.stop is not None:
            decision = GiveUp(attempt.stop)
        elif found is None and attempt.outcome is not Outcome.SUCCESS and self._gone(event):
            decision = GiveUp(Condition.RETRIES_EXHAUSTED)
        if isinstance(decision, Retry):
            self._again(event, decision)
            return
        self._leave(event, decision.condition, found)

    def _gone(self, event: QueuedEvent) -> bool:
        return configuration.look(event.call, 0.0) is None

    def _again(self, event: QueuedEvent, retry: Retry) -> None:
        event.due = self._clock.now() + retry.delay_s
        self._record(
            event,
            ev.RetryScheduled,
            attempt=event.attempts + 1,
            delay_s=retry.delay_s,
            due=event.due,
            cause=retry.cause.value,
        )
        try:
            self.store.put(event)
        except Exception:  # noqa: BLE001 - it is still kept as it was when it was accepted
            traceback.print_exc(file=sys.stderr)
        if self._holds(event):
            self._put(event)

    def _duplicate(self, event: QueuedEvent) -> None:
        """Hand an event out once more: the queue did not notice that it had done so."""
        copy = QueuedEvent(
            event.call, event.request_id, event.accepted, due=self._clock.now(), copy=1
        )
        self.store.put(copy)
        self._record(copy, ev.EventDuplicated)
        self._put(copy)

    def _leave(self, event: QueuedEvent, condition: Condition, found: Configuration | None) -> None:
        if condition is not Condition.SUCCESS:
            self._record(event, ev.EventDropped, condition=condition.value, attempts=event.attempts)
        if found is not None:
            self._delivery.send(event, condition, found)
        self.store.settle(event)
        with self._lock:
            if self._held.get(event.key) is event:
                del self._held[event.key]
                self._timers.pop(event.key, None)

    def _holds(self, event: QueuedEvent) -> bool:
        with self._lock:
            return self._held.get(event.key) is event

    def _record(self, event: QueuedEvent, kind: type[ev.InvocationEvent], **values: object) -> None:
        self._events.record(
            kind(
                function=event.call.name,
                qualifier=event.qualifier,
                request_id=event.request_id,
                **values,  # type: ignore[arg-type]
            )
        )


def _error_type(payload: bytes) -> str | None:
    try:
        said = json.loads(payload)
    except ValueError:
        return None
    return str(said["errorType"]) if isinstance(said, dict) and said.get("errorType") else None
