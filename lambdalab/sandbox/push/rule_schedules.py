"""Rules of EventBridge with a schedule: an event for their targets, time after time."""

from __future__ import annotations

from moto.events import models
from moto.events.exceptions import ValidationException
from moto.moto_api._internal import mock_random

from lambdalab.rules import schedules
from lambdalab.rules.shapes import eventbridge as shape
from lambdalab.sandbox.push import eventbridge
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.push.planner import Planner
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install", "resume"]

_enable_before = models.EventsBackend.enable_rule
_disable_before = models.EventsBackend.disable_rule
_delete_before = models.EventsBackend.delete_rule
_planner = Planner()


def install() -> None:
    """Put ourselves in moto's place."""
    models.EventsBackend.put_rule = _put
    models.EventsBackend.enable_rule = _enable
    models.EventsBackend.disable_rule = _disable
    models.EventsBackend.delete_rule = _delete


def resume() -> None:
    """Plan what moto's state asks for, and nothing else."""
    _planner.clear()
    for regions in list(models.events_backends.values()):
        for backend in list(regions.values()):
            for rule in list(backend.event_buses["default"].rules.values()):
                _plan(rule, hub().clock.now())


def _put(self: Untyped, name: str, *arguments: Untyped, **options: Untyped) -> Untyped:
    expression = options.get("scheduled_expression")
    if expression:
        problem = schedules.schedule_problem(expression)
        if problem is not None:
            raise ValidationException(problem)
    old = self.event_buses["default"].rules.get(name)
    rule = eventbridge.put_rule(self, name, *arguments, **options)
    if expression:
        now = hub().clock.now()
        same = old is not None and old.scheduled_expression == expression
        # moto keeps no time of creation; periods are counted from it, over saved state too.
        rule.lab_since = getattr(old, "lab_since", now) if same else now
        _plan(rule, now)
    elif old is not None and rule.arn == old.arn:
        _planner.drop(rule.arn)
    return rule


def _enable(self: Untyped, name: str, event_bus_arn: str | None) -> Untyped:
    done = _enable_before(self, name, event_bus_arn)
    _replan(self, name, event_bus_arn)
    return done


def _disable(self: Untyped, name: str, event_bus_arn: str | None) -> Untyped:
    done = _disable_before(self, name, event_bus_arn)
    _replan(self, name, event_bus_arn)
    return done


def _replan(backend: Untyped, name: str, bus: str | None) -> None:
    rule = backend.event_buses["default"].rules.get(name)
    if rule is not None and backend._normalize_event_bus_arn(bus) == "default":
        _plan(rule, hub().clock.now())


def _delete(self: Untyped, name: str, event_bus_arn: str | None) -> None:
    rule = self.event_buses["default"].rules.get(name)
    _delete_before(self, name, event_bus_arn)
    if rule is not None and self.event_buses["default"].rules.get(name) is not rule:
        _planner.drop(rule.arn)


def _plan(rule: Untyped, after: float) -> None:
    """Plan a rule's next event after a service time, if it has one."""
    _planner.drop(rule.arn)
    if not rule.scheduled_expression or rule.state == "DISABLED":
        return
    anchor = getattr(rule, "lab_since", after)
    due = schedules.next_time(rule.scheduled_expression, after, anchor=anchor)
    if due is not None:
        _planner.plan(rule.arn, due, lambda: _run(rule, due), label=f"EventBridge {rule.name}")


def _run(rule: Untyped, due: float) -> None:
    bus = models.events_backends[rule.account_id][rule.region_name].event_buses["default"]
    if bus.rules.get(rule.name) is not rule or rule.state == "DISABLED":
        return
    # Before the targets are: what they do to the rule is to be the last word.
    _plan(rule, due)
    event = shape.scheduled_event(
        event_id=str(mock_random.uuid4()),
        rule_arn=rule.arn,
        account=rule.account_id,
        time=due,
        region=rule.region_name,
    )
    eventbridge.send_to_targets(rule, event)
