"""CloudWatch Logs: functions that subscribe to a log group get what matches their filter."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from moto.logs import models
from moto.logs.exceptions import InvalidParameterException, LimitExceededException

from lambdalab.rules import log_filter
from lambdalab.rules.limits import RECURSION
from lambdalab.rules.routing import LATEST
from lambdalab.rules.shapes import logs as shape
from lambdalab.sandbox.events import RecursionDetected
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.push.delivery import FunctionArn, Sender, forbidden, to_function
from lambdalab.sandbox.push.hub import hub
from lambdalab.sandbox.untyped import Untyped

__all__ = ["forget", "install"]

_FILTERS = 2
"""Subscription filters of one log group."""
_QUIET_S = 60.0
"""Seconds of the machine's time after which a function's own log lines are no loop any more."""
_plain_put = models.LogsBackend.put_subscription_filter
_plain_send = models.LogStream._send_log_events


def install() -> None:
    """Put ourselves in moto's place."""
    models.LogsBackend.put_subscription_filter = _put
    models.LogStream._send_log_events = _send


def forget() -> None:
    """Forget all loops."""
    _loops.clear()


def _group_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:logs:{region}:{account}:log-group:{name}:*"


def _sender(account: str, region: str, group: str) -> Sender:
    principal = f"logs.{region}.amazonaws.com"
    return Sender("logs", principal, _group_arn(account, region, group), account)


def _put(
    self: Untyped,
    log_group_name: str,
    filter_name: str,
    filter_pattern: str,
    *destination: str,
) -> None:
    """Take a filter whose pattern can be read and whose function may be invoked."""
    problem = log_filter.pattern_problem(filter_pattern or "")
    if problem is not None:
        raise InvalidParameterException(problem)
    group = self.groups.get(log_group_name)
    if group is not None:
        names = group.subscription_filters.keys()
        if len(names) >= _FILTERS and filter_name not in names:
            raise LimitExceededException
        if ":function:" in destination[0]:
            _check(self, log_group_name, destination[0])
    old = group.subscription_filters.pop(filter_name, None) if group is not None else None
    try:
        _plain_put(self, log_group_name, filter_name, filter_pattern, *destination)
    except Exception:
        if old is not None:
            group.subscription_filters[filter_name] = old
        raise
    _loops.forget(_group_arn(self.account_id, self.region_name, log_group_name))


def _check(backend: Untyped, group: str, destination: str) -> None:
    sender = _sender(backend.account_id, backend.region_name, group)
    if forbidden(destination, sender) is not None:
        raise InvalidParameterException(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
            "permission to execute your function."
        )


def _send(
    self: Untyped,
    service: str,
    destination_arn: str,
    filter_name: str,
    log_events: list[dict[str, Any]],
) -> None:
    """Send on what matches the filter."""
    one = self.log_group.subscription_filters.get(filter_name)
    pattern = (one.filter_pattern if one is not None else "") or ""
    matching = [event for event in log_events if log_filter.matches(pattern, event["message"])]
    if not matching:
        return
    if service != "lambda":
        _plain_send(
            self,
            service=service,
            destination_arn=destination_arn,
            filter_name=filter_name,
            log_events=matching,
        )
        return
    sender = _sender(self.account_id, self.region, self.log_group.name)
    if _loops.runs(sender.arn, destination_arn, self.log_group.name):
        return
    event = shape.subscription_event(
        owner=self.account_id,
        group=self.log_group.name,
        stream=self.log_stream_name,
        filter_name=filter_name,
        events=[
            shape.LogEvent(int(event["id"]), int(event["timestamp"]), str(event["message"]))
            for event in matching
        ],
    )
    to_function(destination_arn, json.dumps(event).encode(), sender)


class _Loops:
    """Stops functions that get their own log lines, and so write more of them.

    AWS lets that go on, and bills for it; here it would take the whole machine.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}

    def runs(self, source: str, destination: str, group: str) -> bool:
        """Count a function's own lines on their way to it; say whether they stop here."""
        function = FunctionArn.parse(destination)
        if function is None or not _writes_to(function, group):
            return False
        now = time.monotonic()
        with self._lock:
            count, before = self._counts.get((source, destination), (0, now))
            count = 0 if now - before > _QUIET_S else count
            self._counts[source, destination] = (count + 1, now)
        if count == RECURSION.value:
            hub().events.record(
                RecursionDetected(
                    function=function.name,
                    qualifier=function.qualifier or LATEST,
                    request_id="",
                    count=count,
                )
            )
        return count >= RECURSION.value

    def forget(self, source: str) -> None:
        """Let a log group's lines pass again."""
        with self._lock:
            for key in [one for one in self._counts if one[0] == source]:
                del self._counts[key]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._counts.clear()


_loops = _Loops()


def _writes_to(function: FunctionArn, group: str) -> bool:
    try:
        target = hub().service.target(
            function.account, function.region, function.name, function.qualifier
        )
    except ApiError:
        return False
    return any(str(one.logging.log_group) == group for one in target.versions.values())
