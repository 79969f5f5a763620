"""An event source mapping as moto keeps it, with what moto leaves out; and what polls for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from moto.awslambda import models

from lambdalab.sandbox import mototime
from lambdalab.sandbox.untyped import Untyped

if TYPE_CHECKING:
    from lambdalab.sandbox.clock import VirtualClock
    from lambdalab.sandbox.eventlog import EventLog
    from lambdalab.sandbox.gate import Gate
    from lambdalab.sandbox.lambda_service.service import LambdaService
    from lambdalab.sandbox.scheduler import Scheduler

__all__ = ["NOTHING_YET", "OK", "LabMapping", "Parts", "Poller", "State"]


class State(StrEnum):
    """``State`` of a mapping in the API."""

    CREATING = "Creating"
    ENABLING = "Enabling"
    ENABLED = "Enabled"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    UPDATING = "Updating"
    DELETING = "Deleting"


NOTHING_YET = "No records processed"
"""``LastProcessingResult`` before the first batch."""
OK = "OK"
"""``LastProcessingResult`` after a batch that went well."""


class LabMapping(models.EventSourceMapping):  # type: ignore[misc]
    """moto's mapping, pickled under moto's own name. Its attributes are moto's.

    ``checkpoints`` is a stream poller's own: plain JSON values by shard id, saved with all.
    """

    __module__ = models.__name__
    __qualname__ = "EventSourceMapping"

    state: str = State.ENABLED
    last_result: str = NOTHING_YET

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(spec)
        self.last_modified = mototime.now()
        self.checkpoints: dict[str, Any] = {}

    def __new__(cls, *_args: Untyped, **_options: Untyped) -> Self:
        """Make one of which moto keeps no note: it would keep deleted mappings."""
        return object.__new__(cls)

    @property
    def reason(self) -> str:
        """Cause of the last change of state, in the words of its kind of source."""
        return "USER_INITIATED" if self.source == "sqs" else "User action"

    @property
    def source(self) -> str:
        """What kind of source it polls: ``sqs``, ``kinesis`` or ``dynamodb``."""
        return str(self.event_source_arn).split(":")[2]

    @property
    def function(self) -> str:
        """Name of the function."""
        return str(self.function_arn).split(":")[6]

    @property
    def qualifier(self) -> str | None:
        """Version or alias it invokes; ``None`` for ``$LATEST``."""
        words = str(self.function_arn).split(":")
        return words[7] if len(words) > 7 else None

    def get_configuration(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        config: dict[str, Any] = super().get_configuration()
        config["State"] = str(self.state)
        config["StateTransitionReason"] = self.reason
        config["LastProcessingResult"] = self.last_result
        if not config["Tags"]:
            del config["Tags"]
        return config

    def note(self, result: str) -> None:
        """Say in ``LastProcessingResult`` how the last batch, or the last poll, went."""
        self.last_result = result


@dataclass(frozen=True, slots=True)
class Parts:
    """What a poller works with."""

    service: LambdaService
    events: EventLog
    scheduler: Scheduler
    gate: Gate
    """To be passed around every touch of moto's state, and never held during an invocation."""

    @property
    def clock(self) -> VirtualClock:
        """Service time."""
        return self.scheduler.clock


class Poller(Protocol):
    """Polls for one mapping, from its start to its stop. Each call returns at once.

    It is made when the mapping becomes ``Enabled`` and never used again after its stop: what
    must outlive it stands in ``mapping.checkpoints``. Time it waits for, it waits for with
    ``parts.scheduler``, and it invokes in the scheduler's threads: whoever puts the clock
    forward waits for both.
    """

    def start(self) -> None:
        """Begin."""
        ...

    def update(self) -> None:
        """Go by the mapping's new values from the next batch on; look again, if it cannot poll."""
        ...

    def stop(self, stopped: Callable[[], None]) -> None:
        """Take nothing more; call ``stopped`` once, when no batch is in flight any more."""
        ...

    def close(self) -> None:
        """Touch nothing more, tell nobody: the state is thrown away. May follow ``stop``."""
        ...
