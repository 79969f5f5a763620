"""Sends on what became of an event: a record to a destination, the event to a DLQ."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from lambdalab.rules import destinations as rules
from lambdalab.rules import recursion
from lambdalab.rules.destinations import TargetKind
from lambdalab.rules.retries import Condition
from lambdalab.sandbox.asynchronous import targets
from lambdalab.sandbox.asynchronous.configuration import Configuration
from lambdalab.sandbox.asynchronous.event import QueuedEvent
from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import DestinationDelivered
from lambdalab.sandbox.lambda_service.call import Call

__all__ = ["Delivery"]


class Delivery:
    """Delivers for the queue. What cannot be sent is said in the event log, and not tried again.

    Parameters
    ----------
    events, clock
        What the sandbox's parts share.
    passing
        Entered while moto's state is touched.
    invoke
        The way into a function that is a destination.
    """

    def __init__(
        self,
        events: EventLog,
        clock: Clock,
        passing: Callable[[], AbstractContextManager[None]],
        invoke: Callable[[Call], object],
    ) -> None:
        self._events = events
        self._clock = clock
        self._passing = passing
        self._invoke = invoke

    def send(
        self,
        event: QueuedEvent,
        condition: Condition,
        configuration: Configuration,
    ) -> None:
        """Send on what became of an event that leaves the queue."""
        if condition is Condition.SUCCESS:
            self._record(event, condition, configuration.on_success, "on-success", configuration)
            return
        self._record(event, condition, configuration.on_failure, "on-failure", configuration)
        arn = configuration.dead_letter
        if arn is not None:
            body = event.call.payload.decode("utf-8", "replace")
            attributes = rules.dead_letter_attributes(
                event.request_id, event.response, event.refused
            )
            error = self._try(
                configuration.role, arn, event, lambda: self._bury(arn, body, event, attributes)
            )
            self._tell(
                event,
                kind="dead-letter",
                arn=arn,
                condition=condition,
                body=body,
                error=error,
            )

    def _record(
        self,
        event: QueuedEvent,
        condition: Condition,
        arn: str | None,
        kind: str,
        configuration: Configuration,
    ) -> None:
        if arn is None:
            return
        target = rules.kind_of(arn)
        if target is None:
            return
        now = self._clock.now()
        function_arn = f"{event.function_arn}:{event.qualifier}"
        record = rules.record(
            request_id=event.request_id,
            function_arn=function_arn,
            condition=condition,
            invoke_count=event.runs,
            payload=event.call.payload,
            response=event.response,
            time=now,
        )
        text, error = rules.fitted(record, target)

        def work() -> None:
            if target is TargetKind.SQS:
                targets.send_to_queue(arn, text, trace=_trace(event))
            elif target is TargetKind.SNS:
                targets.send_to_topic(arn, text)
            elif target is TargetKind.EVENTS:
                targets.put_event(arn, text, condition, function_arn)
            elif target is TargetKind.S3:
                key = rules.object_key(event.call.name, now, str(uuid.uuid4()))
                targets.put_object(arn, key, text, account=event.call.account)
            else:
                self._hand_on(arn, text, event)

        if error is None:
            error = self._try(configuration.role, arn, event, work)
        self._tell(event, kind=kind, arn=arn, condition=condition, body=text, error=error)

    def _hand_on(self, arn: str, text: str, event: QueuedEvent) -> None:
        words = arn.split(":")
        self._invoke(
            Call(
                name=words[6],
                payload=text.encode(),
                qualifier=words[7] if len(words) > 7 else None,
                account=words[4],
                region=words[3],
                invocation_type="Event",
                trace_id=_trace(event),
                source="destination",
            )
        )

    def _bury(
        self, arn: str, body: str, event: QueuedEvent, attributes: targets.Attributes
    ) -> None:
        if rules.kind_of(arn) is TargetKind.SNS:
            targets.send_to_topic(arn, body, attributes=attributes)
        else:
            targets.send_to_queue(arn, body, trace=_trace(event), attributes=attributes)

    def _try(self, role: str, arn: str, event: QueuedEvent, work: Callable[[], None]) -> str | None:
        """Send, if the role may; return why that did not work."""
        account = event.call.account
        return targets.tried(
            work, lambda: targets.refusal(arn, account=account, role=role), self._passing
        )

    def _tell(
        self,
        event: QueuedEvent,
        *,
        kind: str,
        arn: str,
        condition: Condition,
        body: str,
        error: str | None,
    ) -> None:
        self._events.record(
            DestinationDelivered(
                function=event.call.name,
                qualifier=event.qualifier,
                request_id=event.request_id,
                kind=kind,
                destination=arn,
                condition=condition.value,
                body=body,
                error=error,
            )
        )


def _trace(event: QueuedEvent) -> str:
    """Return the trace header that the function had: a loop goes through its destination, too."""
    return recursion.enter(event.call.trace_id or "", event.function_arn).header
