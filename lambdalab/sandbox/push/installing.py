"""Puts all pushing services in place, once in a process."""

from __future__ import annotations

from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.gate import Gate
from lambdalab.sandbox.keepers import Keepers, Value
from lambdalab.sandbox.lambda_service.service import LambdaService
from lambdalab.sandbox.push import (
    eventbridge,
    logs,
    rule_schedules,
    s3,
    scheduler_api,
    scheduler_runs,
    sns,
)
from lambdalab.sandbox.push.hub import Hub, attach
from lambdalab.sandbox.scheduler import Scheduler

__all__ = ["install"]


def install(
    service: LambdaService, events: EventLog, scheduler: Scheduler, gate: Gate, keepers: Keepers
) -> None:
    """Have moto's services push through this sandbox.

    Parameters
    ----------
    service, events, scheduler, gate
        The sandbox's.
    keepers
        Is told what must come back: the numbers that order events. Schedules are read from
        moto's state.
    """
    hub = Hub(service, events, scheduler, gate)
    attach(hub)
    for source in (s3, sns, eventbridge, rule_schedules, scheduler_api, logs):
        source.install()

    def load(value: Value) -> None:
        hub.numbers.load(value and int(value["number"]))
        logs.forget()
        rule_schedules.resume()
        scheduler_runs.resume()

    keepers.register("push", lambda: {"number": hub.numbers.dump()}, load)
