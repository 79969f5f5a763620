"""EventBridge Scheduler: runs schedules, each for its target by the target's execution role."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends
from moto.moto_api._internal import mock_random
from moto.scheduler import models

from lambdalab.rules import schedules
from lambdalab.rules.shapes import eventbridge
from lambdalab.rules.shapes import scheduler as shape
from lambdalab.sandbox import permissions
from lambdalab.sandbox.push.delivery import (
    Failure,
    FunctionArn,
    Sender,
    invoke,
    missing,
    refused,
    to_queue,
)
from lambdalab.sandbox.push.eventbridge import put_event
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.push.planner import Planner
from lambdalab.sandbox.push.redelivery import Delivery, Exhausted, RetryPolicy, deliver
from lambdalab.sandbox.push.targets import to_target
from lambdalab.sandbox.push.universal_targets import resolved
from lambdalab.sandbox.untyped import Untyped

__all__ = ["PRINCIPAL", "drop", "plan", "resume"]

PRINCIPAL = "scheduler.amazonaws.com"
_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}
_planner = Planner()


def resume() -> None:
    """Plan what moto's state asks for, and nothing else."""
    _planner.clear()
    for regions in list(models.scheduler_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.schedule_groups.values()):
                for schedule in list(group.schedules.values()):
                    plan(backend, schedule, hub().clock.now())


def drop(schedule: Untyped) -> None:
    """Run a schedule no more."""
    _planner.drop(schedule.arn)


def plan(backend: Untyped, schedule: Untyped, after: float = 0.0) -> bool:
    """Plan a schedule's next run; say whether there is one.

    ``after``: runs that were due before this service time, but the first, are not made up for.
    """
    _planner.drop(schedule.arn)
    due = _due(schedule, after)
    if due is None:
        return False
    if schedule.state != "DISABLED":
        _planner.plan(
            schedule.arn,
            due + _within_window(schedule, due),
            lambda: _run(backend, schedule, due),
            label=f"EventBridge Scheduler {schedule.name}",
        )
    return True


def _due(schedule: Untyped, after: float) -> float | None:
    """Return when a schedule is to run next, epoch seconds."""
    zone = schedule.schedule_expression_timezone
    start = None if schedule.start_date is None else float(schedule.start_date)
    # moto keeps neither; a state file may be older than we are.
    since = float(getattr(schedule, "lab_since", schedule.creation_date))
    last: float | None = getattr(schedule, "lab_last", None)
    expression = schedule.schedule_expression
    if last is None:
        due = schedules.first_time(expression, since, zone, scheduler=True, start=start)
    else:
        due = schedules.next_time(expression, max(last, after), zone, anchor=last)
    if due is None or (schedule.end_date is not None and due > float(schedule.end_date)):
        return None
    return due


def _within_window(schedule: Untyped, due: float) -> float:
    """Return how long after its time a run with a flexible window comes, the same every time."""
    window = schedule.flexible_time_window or {}
    if window.get("Mode") != "FLEXIBLE":
        return 0.0
    draw = random.Random(f"{schedule.arn} {due}").random()  # noqa: S311 - nothing to guess
    return draw * 60.0 * int(window["MaximumWindowInMinutes"])


def _run(backend: Untyped, schedule: Untyped, due: float) -> None:
    group = backend.schedule_groups.get(schedule.group_name)
    if group is None or group.schedules.get(schedule.name) is not schedule:
        return
    schedule.lab_last = due
    if not plan(backend, schedule) and schedule.action_after_completion == "DELETE":
        group.delete_schedule(schedule.name)
    deliver(_delivery(backend, schedule.arn, schedule.name, dict(schedule.target), due))


# -- to the target ------------------------------------------------------------------------


def _delivery(
    backend: Untyped, schedule_arn: str, name: str, target: Mapping[str, Any], due: float
) -> Delivery:
    arn, role = str(target["Arn"]), str(target["RoleArn"])
    execution = mock_random.get_random_hex(16)
    account, region = backend.account_id, backend.region_name
    sender = Sender("scheduler", PRINCIPAL, schedule_arn, account)
    default = shape.default_event(
        event_id=str(mock_random.uuid4()),
        schedule_arn=schedule_arn,
        account=account,
        time=due,
        region=region,
    )
    given = target.get("Input") or json.dumps(default)

    def text(attempt: int) -> str:
        return shape.filled(
            given,
            schedule_arn=schedule_arn,
            scheduled=due,
            execution_id=execution,
            attempt=attempt,
        )

    def to_function(function: str, payload: bytes) -> Failure | None:
        parsed = FunctionArn.parse(function)
        if parsed is None:
            return Failure("INVALID_PARAMETER", f"{function} is no function's ARN")
        return missing(parsed) or invoke(parsed, payload, sender)

    def to_bus(bus: str, detail: str) -> Failure | None:
        return _put_event(bus, detail, target.get("EventBridgeParameters") or {})

    def reach(attempt: int) -> Failure | None:
        found = resolved(arn, text(attempt), account=account, region=region)
        if isinstance(found, Failure):
            return found
        resource, given_there = found
        return _forbidden(role, resource) or to_target(
            resource,
            given_there,
            invoke=to_function,
            to_bus=to_bus,
            group_id=(target.get("SqsParameters") or {}).get("MessageGroupId"),
        )

    def send(attempt: int) -> Failure | None:
        failure = reach(attempt)
        if failure is not None:
            function = FunctionArn.parse(arn)
            refused(arn if function is None else function.name, sender, failure)
        return failure

    def give_up(end: Exhausted) -> None:
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = shape.dead_letter_attributes(
            schedule_arn=schedule_arn,
            target_arn=arn,
            scheduled=due,
            execution_id=execution,
            error_code=end.failure.code,
            error_message=end.failure.message,
            attempts=end.retries,
            exhausted=end.condition,
        )
        lost = _forbidden(role, queue) or to_queue(
            queue, text(end.retries + 1), attributes=attributes
        )
        if lost is not None:
            refused(queue, sender, lost)

    policy = RetryPolicy.of(target.get("RetryPolicy"))
    label = f"EventBridge Scheduler {name}"
    return Delivery(label, policy, hub().clock.now(), send, give_up)


def _forbidden(role: str, target: str) -> Failure | None:
    """Say if the execution role may not do what the target needs."""
    action = _ACTIONS.get(target.split(":")[2])
    if action is None:
        return None  # no such target is reached: that is said in its place
    trust = permissions.trusts(role, PRINCIPAL)
    decision = trust and permissions.role_may(role, action, target)
    if decision:
        return None
    return Failure("NO_PERMISSIONS", permissions.denied_text(role, action, target, decision))


def _put_event(bus: str, detail: str, parameters: Mapping[str, Any]) -> Failure | None:
    """Put an event onto a bus: its ``detail`` is the target's input."""
    _, _, _, region, account, resource = bus.split(":", 5)
    there = events_backends[account][region].event_buses.get(resource.partition("/")[2])
    if there is None:
        return Failure("RESOURCE_NOT_FOUND", f"{bus} does not exist")
    try:
        value = json.loads(detail)
    except ValueError as error:
        return Failure("MALFORMED_DETAIL", f"the detail is no JSON: {error}")
    put_event(
        there,
        eventbridge.envelope(
            event_id=str(mock_random.uuid4()),
            detail_type=str(parameters.get("DetailType") or ""),
            source=str(parameters.get("Source") or ""),
            account=account,
            time=hub().clock.now(),
            region=region,
            detail=value,
        ),
    )
    return None
