"""SNS: what moto publishes to a function goes through Lambda's own way in, in its true shape."""

from __future__ import annotations

import json
from typing import Any

from moto.sns import models
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.utils import FilterPolicyMatcher

from lambdalab.rules import filter_policy
from lambdalab.rules.shapes import sns as shape
from lambdalab.sandbox.push.delivery import Sender, to_function, to_queue
from lambdalab.sandbox.push.hub import hub, trace_of_request
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install"]

_PRINCIPAL = "sns.amazonaws.com"
_plain_publish = models.Subscription.publish
_plain_subscribe = models.SNSBackend.subscribe


def install() -> None:
    """Put ourselves in moto's place."""
    models.Subscription.publish = _publish
    models.SNSBackend.subscribe = _subscribe
    models.SNSBackend._validate_filter_policy = _check_policy
    FilterPolicyMatcher.matches = _takes


def _subscribe(self: Untyped, topic_arn: str, endpoint: str, protocol: str) -> Untyped:
    """Refuse what AWS refuses: functions take messages of standard topics only."""
    if protocol == "lambda":
        if not endpoint.startswith("arn:") or ":function:" not in endpoint:
            raise SNSInvalidParameter("Invalid parameter: Lambda endpoint ARN")
        if self.get_topic(topic_arn).fifo_topic:
            raise SNSInvalidParameter(
                "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"
            )
    return _plain_subscribe(self, topic_arn, endpoint, protocol)


def _check_policy(_self: Untyped, value: Untyped, scope: str | None) -> None:
    """Refuse a filter policy that is none; moto knows half of the operators."""
    problem = filter_policy.policy_problem(value, scope or filter_policy.ATTRIBUTES)
    if problem is not None:
        raise SNSInvalidParameter(problem)


def _takes(self: Untyped, attributes: dict[str, Any] | None, message: str) -> bool:
    """Tell whether a filter policy takes a message, whatever the subscription's protocol."""
    return filter_policy.takes(
        self.filter_policy, scope=self.filter_policy_scope, attributes=attributes, body=message
    )


def _publish(
    self: Untyped,
    message: str,
    message_id: str,
    *,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> None:
    """Hand a message to one subscription, if its filter policy takes it."""
    _correct(self)
    if self.protocol != "lambda":
        _plain_publish(
            self,
            message,
            message_id,
            subject=subject,
            message_attributes=message_attributes,
            group_id=group_id,
            deduplication_id=deduplication_id,
            message_structure=message_structure,
        )
        return
    matcher = self._filter_policy_matcher
    if matcher is not None and not matcher.matches(message_attributes, message):
        return
    if message_structure == "json":
        message = self._parse_message_structure(message, self.protocol)
    event = shape.notification(
        topic_arn=self.topic.arn,
        subscription_arn=self.arn,
        message_id=message_id,
        message=message,
        time=hub().clock.now(),
        subject=subject,
        attributes=message_attributes,
    )
    failure = to_function(
        self.endpoint,
        json.dumps(event).encode(),
        Sender("sns", _PRINCIPAL, self.topic.arn, self.topic.account_id),
        trace_id=trace_of_request(),
    )
    if failure is not None:
        _dead_letter(self, message, message_id, subject, message_attributes)


def _correct(subscription: Untyped) -> None:
    """Take attributes as they are meant: moto reads "false" as true, and a later scope not."""
    attributes = subscription.attributes
    if attributes.get("RawMessageDelivery") == "false":
        attributes["RawMessageDelivery"] = False
    matcher = subscription._filter_policy_matcher
    scope = attributes.get("FilterPolicyScope") or "MessageAttributes"
    if matcher is not None and matcher.filter_policy_scope != scope:
        subscription._filter_policy_matcher = FilterPolicyMatcher(matcher.filter_policy, scope)


def _dead_letter(
    subscription: Untyped,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: dict[str, Any] | None,
) -> None:
    """Send what the function could not get to the subscription's dead-letter queue."""
    policy = subscription.attributes.get("RedrivePolicy")
    target = json.loads(policy).get("deadLetterTargetArn") if policy else None
    if target:
        text = subscription.get_post_data(message, message_id, subject, attributes)
        to_queue(target, json.dumps(text))
