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
    "EnvironmentCreated",
    "EnvironmentEvent",
    "EnvironmentFrozen",
    "EnvironmentTerminated",
    "Event",
    "ExtensionRegistered",
    "InitFinished",
    "InitStarted",
    "InvocationEvent",
    "InvokeFinished",
    "InvokeReceived",
    "InvokeStarted",
    "LogLine",
    "Notice",
    "SandboxReset",
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
    if "events" in values:
        values["events"] = tuple(values["events"])
    return cls(**{name: value for name, value in values.items() if name in known})
