"""The event log's records: everything that happens to an invocation or an environment.

One frozen dataclass per kind of event. Widgets draw them, lessons ask questions of
them, the grader reads them. Times are seconds since the epoch on the sandbox's
clock; durations are milliseconds, as in Lambda's own log lines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "EVENT_TYPES",
    "AttemptFinished",
    "AttemptStarted",
    "BatchFinished",
    "BatchSplit",
    "BatchStarted",
    "ClockChanged",
    "DestinationDelivered",
    "EnvironmentCreated",
    "EnvironmentEvent",
    "EnvironmentFrozen",
    "EnvironmentTerminated",
    "Event",
    "EventDropped",
    "EventDuplicated",
    "EventQueued",
    "ExtensionRegistered",
    "InitFinished",
    "InitStarted",
    "InvocationEvent",
    "InvokeFinished",
    "InvokeReceived",
    "InvokeStarted",
    "LogLine",
    "MappingEvent",
    "MappingStateChanged",
    "MessageRedriven",
    "Notice",
    "PushRefused",
    "RecordsDiscarded",
    "RecordsFiltered",
    "RecordsPolled",
    "RecursionDetected",
    "RetryScheduled",
    "SandboxReset",
    "ShardBlocked",
    "ShutdownStarted",
    "Throttled",
    "event_from_json",
    "event_to_json",
]

EVENT_TYPES: dict[str, type[Event]] = {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every record has: ``seq`` counts from 1, ``time`` is in epoch seconds."""

    seq: int = 0
    time: float = 0.0

    type: ClassVar[str] = "Event"


def _record(cls: type[Event]) -> type[Event]:
    cls.type = cls.__name__
    EVENT_TYPES[cls.__name__] = cls
    return cls


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvocationEvent(Event):
    """Something about one request to one function."""

    function: str
    """Name of the function."""
    qualifier: str
    """What the caller asked for: ``$LATEST``, a version or an alias."""
    request_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentEvent(Event):
    """Something about one execution environment."""

    environment: str
    """Id of the environment: the 32 hex digits that also end its log stream's name."""
    function: str
    version: str
    """The version it runs: ``$LATEST`` or a number."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvokeReceived(InvocationEvent):
    """A request arrived at the service."""

    invocation_type: str
    """``RequestResponse``, ``Event`` or ``DryRun``."""
    source: str = "api"


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(InvocationEvent):
    """A request was refused with 429."""

    reason: str
    """One of :class:`lambdalab.rules.errors.ThrottleReason`."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCreated(EnvironmentEvent):
    """An environment was made: no idle one was there, or it is provisioned ahead.

    ``initialization_type``: one of :class:`lambdalab.rules.lifecycle.Initialization`.
    """

    memory_mb: int
    log_stream: str
    initialization_type: str = "on-demand"


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InitStarted(EnvironmentEvent):
    """The init phase began. ``suppressed``: it re-runs inside an invoke."""

    suppressed: bool = False


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRegistered(EnvironmentEvent):
    """An extension registered for events through the Extensions API."""

    extension: str
    events: tuple[str, ...]
    internal: bool


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InitFinished(EnvironmentEvent):
    """The init phase ended. ``status`` is ``success``, ``error`` or ``timeout``."""

    duration_ms: float
    status: str
    error_type: str | None = None
    suppressed: bool = False


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvokeStarted(EnvironmentEvent):
    """An environment took a request (thawed first, if it was frozen).

    ``cold``: this request had to wait for the environment's init. ``pool``: whose
    concurrency it draws on, one of :class:`lambdalab.rules.concurrency.PoolKind`.
    """

    request_id: str
    cold: bool
    pool: str = "unreserved"


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvokeFinished(EnvironmentEvent):
    """The invoke phase ended. ``status``: ``success``, ``error`` or ``timeout``."""

    request_id: str
    status: str
    duration_ms: float
    billed_ms: int
    max_memory_mb: int
    init_ms: float | None = None
    """Init Duration as REPORT shows it: only on the first, cold invoke."""
    error_type: str | None = None


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFrozen(EnvironmentEvent):
    """The environment was frozen; it stays so until the next invoke or shutdown."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownStarted(EnvironmentEvent):
    """The shutdown phase began. ``reason``: ``spindown``, ``timeout`` or ``failure``.

    ``cause`` says more for a person: ``idle``, ``update``, ``delete``, ``reset``,
    ``stop``, ``timeout``, ``crash``.
    """

    reason: str
    cause: str


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentTerminated(EnvironmentEvent):
    """The processes are gone. After ``restarts=True`` the environment inits again.

    A timeout or a crash resets an environment: its processes end, its ``/tmp`` and
    its log stream stay, and init re-runs inside the next invoke.
    """

    restarts: bool = False


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLine(EnvironmentEvent):
    """One line of the function's log, as CloudWatch Logs gets it."""

    request_id: str | None
    line: str


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventQueued(InvocationEvent):
    """An asynchronous event was accepted: it is in Lambda's internal queue."""

    source: str
    payload_bytes: int
    max_retries: int
    """Retries after function errors."""
    max_age_s: float
    """How long it may wait in the queue, seconds of service time."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventDuplicated(InvocationEvent):
    """The queue hands an event out once more than it was put in."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(InvocationEvent):
    """The queue handed an event to the function. ``attempt`` counts from 1."""

    attempt: int


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished(InvocationEvent):
    """How that went. ``status``: ``success``, ``error``, ``throttled`` or ``system``."""

    attempt: int
    status: str
    error_type: str | None = None
    """The function's error type, or the reason of a throttle."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(InvocationEvent):
    """The event waits in the queue for its next attempt.

    ``cause``: ``function-error``, ``throttle`` or ``system-error``.
    """

    attempt: int
    """Number of the attempt that comes."""
    delay_s: float
    due: float
    """Service time of the attempt, epoch seconds."""
    cause: str


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventDropped(InvocationEvent):
    """The queue gave an event up: only a destination or a dead-letter queue can still have it.

    ``condition``: as in a destination's record.
    """

    condition: str
    attempts: int


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DestinationDelivered(InvocationEvent):
    """A record, or a dead letter, was sent on, or could not be.

    ``kind``: ``on-success``, ``on-failure`` or ``dead-letter``.
    """

    kind: str
    destination: str
    """ARN of the target."""
    condition: str
    body: str
    """What was sent, as JSON text."""
    error: str | None = None
    """Why it could not be sent."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecursionDetected(InvocationEvent):
    """Lambda stopped a loop: this event had passed through the function ``count`` times."""

    count: int


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PushRefused(Event):
    """A service could not invoke a function it was told to."""

    source: str
    """The service, such as ``s3``."""
    source_arn: str
    function: str
    reason: str
    """The error it got."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MappingEvent(Event):
    """Something about one event source mapping."""

    mapping: str
    """UUID of the mapping."""
    function: str
    source_arn: str
    shard: str | None = None
    """Shard of a stream; ``None`` for a queue."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MappingStateChanged(MappingEvent):
    """A mapping went into another ``state``, as GetEventSourceMapping shows it."""

    state: str
    reason: str = ""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordsPolled(MappingEvent):
    """A poller got records; a poll that finds nothing is not recorded."""

    records: tuple[str, ...]
    """Message ids or sequence numbers."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordsFiltered(MappingEvent):
    """Records that match no filter were passed over: no invocation, no charge."""

    records: tuple[str, ...]


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BatchStarted(MappingEvent):
    """A batch was handed to the function. ``attempt`` counts from 1 for this batch."""

    batch: str
    """Id of the batch, the same over its attempts."""
    request_id: str
    records: tuple[str, ...]
    attempt: int = 1
    receive_counts: tuple[int, ...] = ()
    """SQS: how often each record was received so far."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BatchFinished(MappingEvent):
    """How that went. ``status``: ``success``, ``partial``, ``error`` or ``throttled``."""

    batch: str
    request_id: str
    status: str
    failed: tuple[str, ...] = ()
    """Records that will come again."""
    error_type: str | None = None


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BatchSplit(MappingEvent):
    """A failed batch of a stream was cut in two."""

    batch: str
    parts: tuple[int, int]
    """How many records each part has."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShardBlocked(MappingEvent):
    """A failed batch is tried again before anything behind it in its shard."""

    batch: str
    attempt: int
    """Number of the attempt that comes."""
    due: float
    """Service time of the attempt, epoch seconds."""
    waiting: int
    """Records behind it."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordsDiscarded(MappingEvent):
    """A stream's records were given up; the shard goes on behind them."""

    batch: str
    records: tuple[str, ...]
    condition: str
    """``RetryAttemptsExhausted`` or ``RecordAgeExceeded``."""
    destination: str | None = None
    """Where the on-failure record went."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageRedriven(Event):
    """SQS moved a message to the queue's dead-letter queue: it was received too often."""

    queue_arn: str
    dead_letter_arn: str
    message: str
    receive_count: int


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClockChanged(Event):
    """Service time runs at another pace, stands still, or was put forward."""

    scale: float
    """Seconds of service time in a second of the machine's."""
    paused: bool
    skipped_s: float = 0.0
    """How far it was put forward at this moment."""


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something the learner should know, such as a runtime that differs from the host's."""

    key: str
    """A message key of ``locale/<language>/sandbox.toml``."""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)


@_record
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReset(Event):
    """Everything in the sandbox was put back to empty."""


def event_to_json(event: Event) -> dict[str, Any]:
    """Return the event as JSON-ready data, its kind under ``type``."""
    return {"type": event.type, **dataclasses.asdict(event)}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """Return the event that ``data`` describes.

    Raises
    ------
    ValueError
        The kind is unknown: the log was written by another version.
    """
    values = dict(data)
    kind = values.pop("type", None)
    try:
        cls = EVENT_TYPES[kind]
    except KeyError:
        raise ValueError(f"unknown event type {kind!r}: written by another version?") from None
    known = {field.name for field in dataclasses.fields(cls)}
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in known
    }
    return cls(**given)
