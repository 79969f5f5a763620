"""EventBridge Scheduler's API: moto stores schedules; here they are checked, and they run."""

from __future__ import annotations

from typing import Any

from moto.scheduler import models
from moto.scheduler.exceptions import ValidationException

from lambdalab.rules import schedules
from lambdalab.sandbox import permissions
from lambdalab.sandbox.push import scheduler_runs
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install"]

_WINDOW_MAX_MINUTES = 1440
_Backend = models.EventBridgeSchedulerBackend
_plain_create = _Backend.create_schedule
_plain_update = _Backend.update_schedule
_plain_delete = _Backend.delete_schedule
_plain_delete_group = _Backend.delete_schedule_group


def install() -> None:
    """Put ourselves in moto's place."""
    _Backend.create_schedule = _create
    _Backend.update_schedule = _update
    _Backend.delete_schedule = _delete
    _Backend.delete_schedule_group = _delete_group


def _create(self: Untyped, **options: Untyped) -> Untyped:
    self.get_schedule_group(options["group_name"])
    _check(options)
    schedule = _plain_create(self, **options)
    schedule.lab_since = hub().clock.now()
    schedule.lab_last = None
    scheduler_runs.plan(self, schedule)
    return schedule


def _update(self: Untyped, **options: Untyped) -> Untyped:
    """Change a schedule; what is left out goes back to its default, as on AWS."""
    _check(options)
    schedule = self.get_schedule(options["group_name"], options["name"])
    before = (schedule.schedule_expression, schedule.start_date)
    disabled = schedule.state == "DISABLED"
    _plain_update(self, **options)
    schedule.state = options["state"] or "ENABLED"
    schedule.action_after_completion = _asked("ActionAfterCompletion")
    now = hub().clock.now()
    if before != (schedule.schedule_expression, schedule.start_date):
        schedule.lab_since, schedule.lab_last = now, None
    elif disabled:
        schedule.lab_since = now  # what was missed meanwhile is not made up for
    scheduler_runs.plan(self, schedule, now)
    return schedule


def _delete(self: Untyped, group_name: str | None, name: str) -> None:
    schedule = self.get_schedule(group_name, name)
    _plain_delete(self, group_name, name)
    scheduler_runs.drop(schedule)


def _delete_group(self: Untyped, name: str | None) -> None:
    """Delete a group with the schedules in it."""
    if (name or "default") == "default":
        raise ValidationException("Cannot delete the default schedule group.")
    group = self.get_schedule_group(name)
    _plain_delete_group(self, name)
    for schedule in list(group.schedules.values()):
        scheduler_runs.drop(schedule)


def _asked(name: str) -> str | None:
    """Return a member of the request that moto does not read."""
    from flask import has_request_context, request

    if not has_request_context():
        return None
    body = request.get_json(force=True, silent=True)
    return body.get(name) if isinstance(body, dict) else None


# -- checks -------------------------------------------------------------------------------


def _check(options: dict[str, Any]) -> None:
    problem = (
        schedules.schedule_problem(options["schedule_expression"] or "", scheduler=True)
        or schedules.timezone_problem(options["schedule_expression_timezone"] or "UTC")
        or _window_problem(options["flexible_time_window"] or {})
        or _dates_problem(options["start_date"], options["end_date"])
        or _target_problem(options["target"] or {})
    )
    if problem is not None:
        raise ValidationException(problem)


def _window_problem(window: dict[str, Any]) -> str | None:
    mode, minutes = window.get("Mode"), window.get("MaximumWindowInMinutes")
    if mode == "OFF" and minutes is None:
        return None
    if mode == "FLEXIBLE" and minutes is not None and 1 <= int(minutes) <= _WINDOW_MAX_MINUTES:
        return None
    return (
        "Invalid FlexibleTimeWindow. OFF has no MaximumWindowInMinutes; FLEXIBLE has one, from 1 "
        f"to {_WINDOW_MAX_MINUTES}."
    )


def _dates_problem(start: float | None, end: float | None) -> str | None:
    if end is not None and float(end) <= hub().clock.now():
        return "The EndDate you specify cannot be in the past."
    if start is not None and end is not None and float(start) >= float(end):
        return "The StartDate you specify must come before the EndDate."
    return None


def _target_problem(target: dict[str, Any]) -> str | None:
    role = str(target.get("RoleArn") or "")
    if not permissions.trusts(role, scheduler_runs.PRINCIPAL):
        return (
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            "role."
        )
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and queue.endswith(".fifo"):
        return "The dead-letter queue must be a standard SQS queue."
    return None
