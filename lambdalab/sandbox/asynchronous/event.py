"""One event in the asynchronous queue, and who keeps it until it has left."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lambdalab.rules.destinations import Response
from lambdalab.sandbox.lambda_service.call import Call

__all__ = ["EventStore", "Forgetful", "QueuedEvent"]


@dataclass(slots=True)
class QueuedEvent:
    """An event from its acceptance to the moment it leaves the queue.

    Attributes
    ----------
    call
        What was asked for; its ``trace_id`` is never ``None``.
    request_id
        The same over all attempts.
    accepted
        When, service time, epoch seconds.
    due
        When its next attempt comes.
    copy
        0, or 1 for the second hand-out of a duplicated event.
    attempts
        How often it was handed to the function, throttled ones included.
    runs
        How often the function ran with it.
    backoffs
        How often in a row it could not be given to the function.
    response
        What the function answered last.
    refused
        HTTP status and message of the last attempt, if the function did not get to run.
    """

    call: Call
    request_id: str
    accepted: float
    due: float
    copy: int = 0
    attempts: int = 0
    runs: int = 0
    backoffs: int = 0
    response: Response | None = None
    refused: tuple[int, str] | None = None

    @property
    def key(self) -> str:
        """Tells it from every other event, its duplicate included."""
        return f"{self.request_id}/{self.copy}"

    @property
    def qualifier(self) -> str:
        """What the caller asked for."""
        return self.call.qualifier or "$LATEST"

    @property
    def function_arn(self) -> str:
        """Unqualified ARN of the function."""
        call = self.call
        return f"arn:aws:lambda:{call.region}:{call.account}:function:{call.name}"

    @property
    def label(self) -> str:
        """Name its next attempt, for a person who waits for it."""
        return f"{self.call.name}: attempt {self.attempts + 1}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        found = dataclasses.asdict(self)
        found["call"]["payload"] = base64.b64encode(self.call.payload).decode()
        if self.response is not None:
            found["response"]["payload"] = base64.b64encode(self.response.payload).decode()
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> QueuedEvent:
        """Return the event that :meth:`to_json` described."""
        values = dict(value)
        call = dict(values["call"])
        call["payload"] = base64.b64decode(call["payload"])
        values["call"] = Call(**call)
        if values.get("response") is not None:
            response = dict(values["response"])
            response["payload"] = base64.b64decode(response["payload"])
            values["response"] = Response(**response)
        if values.get("refused") is not None:
            values["refused"] = tuple(values["refused"])
        return cls(**values)


class EventStore(Protocol):
    """Keeps the events of the queue where a crash of the sandbox cannot take them.

    It is called from many threads, and must not call back into the queue.
    """

    def put(self, event: QueuedEvent) -> None:
        """Keep an event as it is now: it was accepted, or waits for another attempt.

        The caller is told that its event was accepted only when this has returned. An exception
        refuses the event.
        """
        ...

    def settle(self, event: QueuedEvent) -> None:
        """Let go of an event: it has left the queue, and what had to be sent on was."""
        ...


class Forgetful:
    """Keeps nothing: the queue's memory is all there is."""

    def put(self, event: QueuedEvent) -> None:
        """Do nothing."""

    def settle(self, event: QueuedEvent) -> None:
        """Do nothing."""
