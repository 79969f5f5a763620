"""Gives records of a stream up: says so in the event log and to the on-failure destination."""

from __future__ import annotations

import json
import uuid

from lambdalab.rules import discards
from lambdalab.rules.destinations import TargetKind, kind_of
from lambdalab.rules.discards import BatchInfo, Condition
from lambdalab.rules.routing import LATEST
from lambdalab.sandbox.asynchronous import targets
from lambdalab.sandbox.events import DestinationDelivered, RecordsDiscarded
from lambdalab.sandbox.pollers.lane import Batch
from lambdalab.sandbox.pollers.stream_attempt import event_of
from lambdalab.sandbox.pollers.stream_context import Polled
from lambdalab.sandbox.pollers.stream_source import StreamRecord

__all__ = ["discard"]


def discard(
    polled: Polled, shard: str, batch: Batch, records: list[StreamRecord], condition: Condition
) -> None:
    """Give ``records`` of a batch up; the on-failure record says where they are."""
    parts, mapping = polled.parts, polled.mapping
    now = parts.clock.now()
    destination = polled.settings.destination
    parts.events.record(
        RecordsDiscarded(
            **polled.where(shard),
            batch=batch.id,
            records=tuple(one.name for one in records),
            condition=str(condition),
            destination=destination,
        )
    )
    kind = kind_of(destination) if destination else None
    if destination is None or kind is None:
        return
    given_up = batch.part(records)
    record = discards.discard_record(
        request_id=given_up.request_id or str(uuid.uuid4()),
        function_arn=polled.function_arn,
        condition=condition,
        invoke_count=given_up.invoked,
        response=given_up.response,
        now=now,
        batch=BatchInfo(
            field=polled.source.batch_info,
            shard=shard,
            stream_arn=polled.arn,
            first=records[0].name,
            last=records[-1].name,
            first_arrived=records[0].arrived,
            last_arrived=records[-1].arrived,
            size=len(records),
        ),
        payload=event_of(polled.arn, shard, given_up, None) if kind is TargetKind.S3 else None,
    )
    text = json.dumps(record, separators=(",", ":"))
    key = discards.object_key(mapping.uuid, shard, now, str(uuid.uuid4()))
    parts.events.record(
        DestinationDelivered(
            function=mapping.function,
            qualifier=mapping.qualifier or LATEST,
            request_id=record["requestContext"]["requestId"],
            kind="on-failure",
            destination=destination,
            condition=str(condition),
            body=text,
            error=_send(polled, destination, text, key),
        )
    )


def _send(polled: Polled, arn: str, text: str, key: str) -> str | None:
    """Send, if the role may; return why that did not work. ``key``: of the object, for S3."""
    kind = kind_of(arn)
    account = polled.function_arn.split(":")[4]

    def work() -> None:
        if kind is TargetKind.SQS:
            targets.send_to_queue(arn, text)
        elif kind is TargetKind.SNS:
            targets.send_to_topic(arn, text)
        else:
            targets.put_object(arn, key, text, account=account)

    return targets.tried(
        work,
        lambda: targets.refusal(arn, account=account, role=polled.role_arn() or "", key=key),
        polled.parts.gate.passing,
    )
