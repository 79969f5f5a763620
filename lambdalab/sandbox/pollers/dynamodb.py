"""A DynamoDB stream as its poller reads it. moto's have one shard each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from lambdalab.rules.shapes.dynamodb import dynamodb_record
from lambdalab.rules.streams import DYNAMODB_RETENTION
from lambdalab.sandbox.motostreams import changing, epoch, stream_arn
from lambdalab.sandbox.pollers.stream_source import ShardInfo, StreamGoneError, StreamRecord
from lambdalab.sandbox.untyped import Untyped

__all__ = ["DynamoSource"]


class DynamoSource:
    """The stream of one table, from when it was enabled to when it was enabled anew."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, arn: str) -> None:
        words = arn.split(":")
        self._region, self._account = words[3], words[4]
        self._table = words[5].split("/")[1]
        self._arn = arn

    def _shard(self) -> Untyped:
        table = dynamodb_backends[self._account][self._region].tables.get(self._table)
        if table is None or table.stream_shard is None or stream_arn(table) != self._arn:
            raise StreamGoneError(self._arn)
        return table.stream_shard

    def shards(self) -> list[ShardInfo]:
        """Return the one shard."""
        shard = self._shard()
        return [ShardInfo(shard.id, (), bool(shard.table.stream_specification["StreamEnabled"]))]

    def retention(self) -> float:
        """Return how long records are kept, in seconds."""
        return float(DYNAMODB_RETENTION.value)

    def read(
        self, shard: str, after: int, *, now: float, limit: int, role_arn: str
    ) -> list[StreamRecord]:
        """Return the records behind a position that are still kept, oldest first."""
        oldest = now - self.retention()
        with changing:
            found = [one.record for one in self._behind(after)]
        records = (self._record(one) for one in found)
        return [one for one in records if one.arrived >= oldest][:limit]

    def _behind(self, after: int) -> list[Untyped]:
        shard = self._shard()
        found: list[Untyped] = shard.items[max(0, after + 1 - shard.starting_sequence_number) :]
        return found

    def _record(self, one: dict[str, Any]) -> StreamRecord:
        shown = one["dynamodb"]
        created = epoch(shown["ApproximateCreationDateTime"])
        event = dynamodb_record(
            event_id=one["eventID"],
            name=one["eventName"],
            keys=shown["Keys"],
            old=shown.get("OldImage"),
            new=shown.get("NewImage"),
            view=shown["StreamViewType"],
            sequence=shown["SequenceNumber"],
            created=created,
            stream_arn=self._arn,
            user_identity=one.get("userIdentity"),
        )
        return StreamRecord(
            int(shown["SequenceNumber"]),
            json.dumps(shown["Keys"], sort_keys=True),
            created,
            event,
            json.dumps(event, separators=(",", ":")),
        )

    def behind(self, shard: str, after: int) -> int:
        """Count the records behind a position."""
        with changing:
            return len(self._behind(after))

    def tip(self, shard: str) -> int:
        """Return the position behind all records."""
        with changing:
            found = self._shard()
            return int(found.starting_sequence_number) + len(found.items) - 1

    def before(self, shard: str, time: float) -> int:
        """Return the position before the first record that arrived at a time or later."""
        with changing:
            found = self._shard()
            for place, one in enumerate(found.items):
                if epoch(one.record["dynamodb"]["ApproximateCreationDateTime"]) >= time:
                    return int(found.starting_sequence_number) + place - 1
        return self.tip(shard)

    def filtered(self, record: StreamRecord) -> tuple[Mapping[str, Any], str | None]:
        """Return what filters look at: all of the record."""
        return record.event, None
