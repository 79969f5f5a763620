"""What SNS hands to a function that subscribes to a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.rules.shapes.timestamps import to_milliseconds
from lambdalab.rules.source import Source

__all__ = ["SOURCE", "notification"]

SOURCE = Source("dg:with-sns")


def notification(
    *,
    topic_arn: str,
    subscription_arn: str,
    message_id: str,
    message: str,
    time: float,
    subject: str | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    signature_version: str = "1",
) -> dict[str, Any]:
    """Return the event (:data:`SOURCE`); SNS hands over one message at a time.

    Parameters
    ----------
    topic_arn, subscription_arn
        Where it was published, and for whom it is.
    message_id, message, subject
        What was published; without a subject, ``Subject`` is ``None``.
    time
        When, epoch seconds.
    attributes
        Name to ``{"Type", "Value"}``; a binary value is base64 text.
    signature_version
        ``1`` or ``2``, as the topic's attribute says.

    Notes
    -----
    ``Signature`` is no signature: its certificate would have to come from AWS.
    ``RawMessageDelivery`` has no effect on functions.
    """
    region = topic_arn.split(":")[3]
    host = f"https://sns.{region}.amazonaws.com/"
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription_arn,
                "EventSource": "aws:sns",
                "Sns": {
                    "SignatureVersion": signature_version,
                    "Timestamp": to_milliseconds(time),
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": f"{host}SimpleNotificationService-EXAMPLE.pem",
                    "MessageId": message_id,
                    "Message": message,
                    "MessageAttributes": {
                        name: {"Type": value["Type"], "Value": value["Value"]}
                        for name, value in (attributes or {}).items()
                    },
                    "Type": "Notification",
                    "UnsubscribeUrl": (
                        f"{host}?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
                    ),
                    "TopicArn": topic_arn,
                    "Subject": subject,
                },
            }
        ]
    }
