"""What a timeline shows, as records: lanes, bars, points, and what changed of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdalab.rules.lifecycle import State

__all__ = ["Bar", "Delta", "Lane", "Mark", "Phase", "Picture", "Point"]


class Phase(StrEnum):
    """What a bar shows."""

    INIT = State.INIT.value
    INVOKE = State.INVOKE.value
    FROZEN = State.FROZEN.value
    SHUTDOWN = State.SHUTDOWN.value
    RESET = "reset"
    """No process: a timeout or a crash ended it, and init will run again in the next invoke."""


class Mark(StrEnum):
    """What went wrong, as a sign on a bar or a point."""

    ERROR = "error"
    """The handler raised; the environment lives on."""
    TIMEOUT = "timeout"
    CRASH = "crash"
    """A process ended, or init failed."""
    THROTTLE = "throttle"


@dataclass(frozen=True, slots=True)
class Lane:
    """One execution environment. Times are epoch seconds."""

    id: str
    function: str
    version: str
    created: float
    ended: float | None = None
    memory_mb: int | None = None
    log_stream: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase of one environment.

    ``end`` is ``None`` while it lasts. Times are epoch seconds, durations ms as the
    log reports them.
    """

    id: str
    lane: str
    phase: Phase
    start: float
    end: float | None = None
    mark: Mark | None = None
    suppressed: bool = False
    """An init that lies inside the invoke that waits for it."""
    status: str | None = None
    error_type: str | None = None
    duration_ms: float | None = None
    request_id: str | None = None
    qualifier: str | None = None
    cold: bool | None = None
    init_ms: float | None = None
    billed_ms: int | None = None
    max_memory_mb: int | None = None
    reason: str | None = None
    cause: str | None = None
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A request that was refused, at an epoch second."""

    id: str
    time: float
    function: str
    qualifier: str
    request_id: str
    reason: str
    mark: Mark = Mark.THROTTLE


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw: lanes by creation, items by the event that began them."""

    lanes: tuple[Lane, ...] = ()
    items: tuple[Bar | Point, ...] = ()
    start: float | None = None
    """Epoch second of the first event, ``None`` if there was none."""
    end: float | None = None
    """Epoch second of the newest event."""
    dropped: int = 0
    """How many older items were left out."""

    def bars(self, lane: str) -> list[Bar]:
        """Return the bars of one lane, suppressed inits included."""
        return [item for item in self.items if isinstance(item, Bar) and item.lane == lane]

    def points(self) -> list[Point]:
        """Return the refused requests."""
        return [item for item in self.items if isinstance(item, Point)]


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed since the last one. Applied in this order: cleared, removed, the rest."""

    cleared: bool
    removed: tuple[str, ...]
    removed_lanes: tuple[str, ...]
    lanes: tuple[Lane, ...]
    items: tuple[Bar | Point, ...]
    start: float | None
    end: float | None
    dropped: int

    def __bool__(self) -> bool:
        return bool(self.cleared or self.removed or self.removed_lanes or self.lanes or self.items)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data, without what is not known."""
        return {
            "cleared": self.cleared,
            "removed": list(self.removed),
            "removed_lanes": list(self.removed_lanes),
            "lanes": [_known(lane) for lane in self.lanes],
            "items": [_known(item) for item in self.items],
            "start": self.start,
            "end": self.end,
            "dropped": self.dropped,
        }


def _known(record: Lane | Bar | Point) -> dict[str, Any]:
    """Return a record's fields but for the empty ones."""
    fields: Mapping[str, Any] = dataclasses.asdict(record)
    return {name: value for name, value in fields.items() if value is not None and value != ()}
