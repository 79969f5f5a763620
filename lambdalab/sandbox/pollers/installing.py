"""Sets event source mappings up in a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdalab.sandbox import motosqs
from lambdalab.sandbox.events import MessageRedriven
from lambdalab.sandbox.motosqs import LabMessage, LabQueue
from lambdalab.sandbox.pollers import registry, streams
from lambdalab.sandbox.pollers.mapping import Parts
from lambdalab.sandbox.pollers.sqs import SqsPoller

if TYPE_CHECKING:
    from lambdalab.sandbox.eventlog import EventLog
    from lambdalab.sandbox.gate import Gate
    from lambdalab.sandbox.lambda_service.service import LambdaService
    from lambdalab.sandbox.scheduler import Scheduler

__all__ = ["install"]


class _Redrives(motosqs.QueueListener):
    """Logs every message that a queue gives up, whoever received it."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def moved(self, source: LabQueue, target: LabQueue, message: LabMessage) -> None:
        """Log it."""
        self._events.record(
            MessageRedriven(
                queue_arn=source.queue_arn,
                dead_letter_arn=target.queue_arn,
                message=message.id,
                receive_count=message.approximate_receive_count,
            )
        )


def install(
    service: LambdaService, events: EventLog, scheduler: Scheduler, gate: Gate
) -> registry.Pollers:
    """Make the sandbox's pollers, one kind for each kind of source."""
    registry.register("sqs", SqsPoller)
    motosqs.listen(_Redrives(events))
    streams.install()
    made = registry.Pollers(Parts(service, events, scheduler, gate))
    service.listeners.append(made.rouse)
    return made
