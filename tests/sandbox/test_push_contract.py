"""What the pushing services take for granted of moto: the places they stand in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from moto.events import models as events
from moto.events import responses as events_responses
from moto.logs import models as logs
from moto.s3 import models as s3
from moto.s3 import notifications
from moto.s3 import responses as s3_responses
from moto.scheduler import models as scheduler
from moto.sns import models as sns

from lambdalab.sandbox.push import (
    eventbridge,
    rule_schedules,
    s3_configuration,
    scheduler_api,
)
from lambdalab.sandbox.push import (
    logs as our_logs,
)
from lambdalab.sandbox.push import (
    s3 as our_s3,
)
from lambdalab.sandbox.push import (
    sns as our_sns,
)

_ANY = Callable[..., Any]


def names(function: _ANY) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (notifications.send_event, our_s3._send),
        (s3.S3Backend.delete_object, our_s3._delete_object),
        (s3.FakeBucket.set_notification_configuration, s3_configuration._set),
        (s3_responses.S3Response.get_bucket_notification, s3_configuration._get),
        (s3_responses.S3Response._notification_config_from_body, s3_configuration._read),
        (sns.Subscription.publish, our_sns._publish),
        (sns.SNSBackend.subscribe, our_sns._subscribe),
        (events.Rule.send_to_targets, eventbridge._send_to_targets),
        (events.EventsBackend.put_targets, eventbridge._put_targets),
        (events.EventsBackend.enable_rule, rule_schedules._enable),
        (events.EventsBackend.disable_rule, rule_schedules._disable),
        (events.EventsBackend.delete_rule, rule_schedules._delete),
        (events_responses.EventsHandler.test_event_pattern, eventbridge._test_event_pattern),
        (logs.LogStream._send_log_events, our_logs._send),
        (scheduler.EventBridgeSchedulerBackend.delete_schedule, scheduler_api._delete),
        (scheduler.EventBridgeSchedulerBackend.delete_schedule_group, scheduler_api._delete_group),
    ],
)
def test_we_take_what_moto_takes(theirs: _ANY, ours: _ANY) -> None:
    assert names(theirs) == names(ours)


def test_what_we_read_is_there() -> None:
    source = inspect.getsource
    for text, words in (
        (source(s3.NotificationConfiguration), ("cloud_function", "queue", "topic")),
        (source(s3.Notification), ("self.id", "self.arn", "self.events", "self.filters")),
        (source(s3.S3Backend), ("notifications.send_event", "events_send_notification")),
        (source(sns.Subscription), ("_filter_policy_matcher", "get_post_data", "confirmed")),
        (source(events.Rule), ("scheduled_expression", "_send_to_events_archive")),
        (source(events.EventsBackend), ("rule.send_to_targets", "_normalize_event_bus_arn")),
        (source(events.EventsBackend), ('"archive-arn"', "archive.uuid")),
        (source(scheduler.Schedule), ("start_date", "end_date", "creation_date")),
        (source(logs.LogStream), ("self._send_log_events", "subscription_filters")),
    ):
        assert [word for word in words if word not in text] == []
