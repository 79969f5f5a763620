"""EventBridge: rules hand matching events to their targets, functions included.

moto raises an error for a function and forgets the event; it also sends to rules that are
disabled, and everything to rules with a schedule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from moto.events import models, responses
from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.moto_api._internal import mock_random
from moto.s3 import models as s3_models

from lambdalab.rules import event_pattern
from lambdalab.rules.input_transformer import target_input
from lambdalab.rules.shapes import eventbridge as shape
from lambdalab.rules.shapes.timestamps import to_seconds
from lambdalab.sandbox.push.delivery import Failure, Sender, refused, to_function, to_queue
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.push.redelivery import Delivery, Exhausted, RetryPolicy, deliver
from lambdalab.sandbox.push.target_checks import targets_problem
from lambdalab.sandbox.push.targets import to_target
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install", "put_event", "put_rule", "put_service_event", "send_to_targets"]

PRINCIPAL = "events.amazonaws.com"
_ARCHIVE = re.compile(r'"archive-arn"\s*:\s*"[^"]*:archive/([^"]+)"')
_plain_put_rule = models.EventsBackend.put_rule
_plain_put_targets = models.EventsBackend.put_targets


def install() -> None:
    """Put ourselves in moto's place."""
    models.Rule.send_to_targets = _send_to_targets
    models.EventsBackend.put_targets = _put_targets
    responses.EventsHandler.test_event_pattern = _test_event_pattern
    # A bucket's creation is CloudTrail's to tell, and in another shape.
    s3_models.events_send_notification = _nothing


def _nothing(*_arguments: Untyped, **_options: Untyped) -> None:
    pass


def put_rule(self: Untyped, name: str, *arguments: Untyped, **options: Untyped) -> Untyped:
    """Take a rule whose pattern can be read; ``self`` is moto's backend."""
    pattern = options.get("event_pattern")
    if pattern:
        _pattern(pattern)
    return _plain_put_rule(self, name, *arguments, **options)


def _pattern(text: str) -> dict[str, Any]:
    pattern = _object(text)
    problem = event_pattern.pattern_problem(pattern)
    if problem is not None:
        raise InvalidEventPatternException(reason=problem)
    return pattern


def _put_targets(
    self: Untyped, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]
) -> None:
    bus = self.event_buses.get(self._normalize_event_bus_arn(event_bus_arn))
    rule = bus.rules.get(name) if bus is not None else None
    there = [one["Id"] for one in rule.targets] if rule is not None else []
    problem = targets_problem(targets, there)
    if problem is not None:
        raise ValidationException(problem)
    _plain_put_targets(self, name, event_bus_arn, targets)


def _test_event_pattern(self: Untyped) -> str:
    """Answer ``TestEventPattern``, which moto does not."""
    pattern = _pattern(self._get_param("EventPattern"))
    try:
        event = json.loads(self._get_param("Event"))
    except ValueError as error:
        raise ValidationException("Parameter Event is not valid.") from error
    return json.dumps({"Result": event_pattern.matches(pattern, event)})


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidEventPatternException(reason="Invalid JSON") from error
    if not isinstance(found, dict):
        raise InvalidEventPatternException(reason="Filter is not an object")
    return found


# -- onto a bus -------------------------------------------------------------------------------


def put_service_event(
    *,
    account: str,
    region: str,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str],
    time: float,
) -> None:
    """Put an event of an AWS service onto the default bus."""
    event = shape.envelope(
        event_id=str(mock_random.uuid4()),
        detail_type=detail_type,
        source=source,
        account=account,
        time=time,
        region=region,
        resources=resources,
        detail=detail,
    )
    put_event(models.events_backends[account][region].event_buses["default"], event)


def _to_bus(arn: str, text: str) -> Failure | None:
    """Put a rule's event onto another bus, as it is."""
    _, _, _, region, account, resource = arn.split(":", 5)
    bus = models.events_backends[account][region].event_buses.get(resource.partition("/")[2])
    if bus is None:
        return Failure("RESOURCE_NOT_FOUND", f"{arn} does not exist")
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "detail-type" not in event:
        return Failure("INVALID_PARAMETER", "an event bus takes whole events only")
    put_event(bus, event)
    return None


def put_event(bus: Untyped, event: Mapping[str, Any]) -> None:
    """Put an event, as AWS has it, onto a bus of moto's."""
    for rule in list(bus.rules.values()):
        rule.send_to_targets(dict(event))


def _send_to_targets(
    self: Untyped, original_event: Mapping[str, Any], transform_input: bool = True
) -> None:
    """Hand an event to all targets of a rule, if the rule wants it."""
    pattern = self.event_pattern.get_pattern()
    if self.state == "DISABLED" or not pattern:
        return
    event = _event(original_event)
    if event_pattern.matches(pattern, event):
        send_to_targets(self, event)


def _event(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as AWS has it: moto's has its time as a number, and more fields."""
    event = {name: value for name, value in given.items() if name != "ingestion-time"}
    if not isinstance(event["time"], str):
        event["time"] = to_seconds(float(event["time"]))
    return event


# -- to targets -------------------------------------------------------------------------------


def send_to_targets(rule: Untyped, event: Mapping[str, Any]) -> None:
    """Hand an event to all targets of a rule."""
    now = hub().clock.now()
    for target in list(rule.targets):
        if _is_archive(target["Arn"]):
            _to_archive(rule, target, event)
            continue
        text = target_input(
            target, event, rule_arn=rule.arn, rule_name=rule.name, ingested=to_seconds(now)
        )
        deliver(_delivery(rule, target, event, text, now))


def _delivery(
    rule: Untyped, target: Mapping[str, Any], event: Mapping[str, Any], text: str, now: float
) -> Delivery:
    arn = str(target["Arn"])
    sender = Sender("events", PRINCIPAL, rule.arn, rule.account_id)

    def send(_attempt: int) -> Failure | None:
        failure = to_target(
            arn,
            text,
            invoke=lambda function, payload: to_function(function, payload, sender),
            to_bus=_to_bus,
            group_id=(target.get("SqsParameters") or {}).get("MessageGroupId"),
        )
        if failure is not None and ":function:" not in arn:
            refused(arn, sender, failure)
        return failure

    def give_up(end: Exhausted) -> None:
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            attributes = shape.dead_letter_attributes(
                rule_arn=rule.arn,
                target_arn=arn,
                error_code=end.failure.code,
                error_message=end.failure.message,
                attempts=end.retries,
                exhausted=end.condition,
            )
            to_queue(queue, json.dumps(event), attributes=attributes)

    label = f"EventBridge {rule.name}"
    return Delivery(label, RetryPolicy.of(target.get("RetryPolicy")), now, send, give_up)


def _is_archive(arn: str) -> bool:
    parts = arn.split(":", 5)
    return parts[2] == "events" and not parts[5].strip(":")


def _to_archive(rule: Untyped, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Keep an event in the archive that made this rule: its template names it."""
    template = (target.get("InputTransformer") or {}).get("InputTemplate") or ""
    found = _ARCHIVE.search(template)
    if found is not None:
        rule._send_to_events_archive(found[1], dict(event))
