"""A Kinesis data stream as its poller reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from moto.kinesis import models

from lambdalab.rules.shapes.kinesis import filtered_view, kinesis_record
from lambdalab.sandbox.motostreams import changing
from lambdalab.sandbox.pollers.stream_source import ShardInfo, StreamGoneError, StreamRecord
from lambdalab.sandbox.untyped import Untyped

__all__ = ["KinesisSource"]


class KinesisSource:
    """One stream.

    Parameters
    ----------
    arn
        The stream, or a consumer of it (``…/consumer/…``).
    """

    batch_info = "KinesisBatchInfo"

    def __init__(self, arn: str) -> None:
        words = arn.split(":")
        self._region, self._account = words[3], words[4]
        self._arn = arn.partition("/consumer/")[0]

    def _stream(self) -> Untyped:
        backend = models.kinesis_backends[self._account][self._region]
        for stream in list(backend.streams.values()):
            if stream.arn == self._arn:
                return stream
        raise StreamGoneError(self._arn)

    def shards(self) -> list[ShardInfo]:
        """Return all shards."""
        with changing:
            return [
                ShardInfo(
                    one.shard_id,
                    tuple(parent for parent in (one.parent, one.adjacent_parent) if parent),
                    bool(one.is_open),
                )
                for one in self._stream().shards.values()
            ]

    def retention(self) -> float:
        """Return how long records are kept, in seconds."""
        return float(self._stream().retention_period_hours) * 3600

    def read(
        self, shard: str, after: int, *, now: float, limit: int, role_arn: str
    ) -> list[StreamRecord]:
        """Return the records behind a position that are still kept, oldest first."""
        oldest = now - self.retention()
        with changing:
            found = [one for one in self._behind(shard, after) if one.created_at >= oldest]
        found.reverse()
        return [self._record(shard, one, role_arn) for one in found[:limit]]

    def _behind(self, shard: str, after: int) -> list[Untyped]:
        """Return moto's records behind a position, newest first: most often they are few."""
        records = self._stream().get_shard(shard).records
        return [
            records[sequence]
            for sequence in takewhile(lambda sequence: sequence > after, reversed(records))
        ]

    def _record(self, shard: str, one: Untyped, role_arn: str) -> StreamRecord:
        event = kinesis_record(
            shard=shard,
            sequence=str(one.sequence_number),
            partition_key=one.partition_key,
            data=one.data,
            arrived=one.created_at,
            stream_arn=self._arn,
            role_arn=role_arn,
        )
        return StreamRecord(
            one.sequence_number,
            one.partition_key,
            one.created_at,
            event,
            json.dumps(event, separators=(",", ":")),
        )

    def behind(self, shard: str, after: int) -> int:
        """Count the records behind a position."""
        with changing:
            return len(self._behind(shard, after))

    def tip(self, shard: str) -> int:
        """Return the position behind all records."""
        with changing:
            return int(self._stream().get_shard(shard).get_max_sequence_number())

    def before(self, shard: str, time: float) -> int:
        """Return the position before the first record that arrived at a time or later."""
        with changing:
            records = list(self._stream().get_shard(shard).records.values())
        earlier = [one.sequence_number for one in records if one.created_at < time]
        return int(earlier[-1]) if earlier else 0

    def filtered(self, record: StreamRecord) -> tuple[Mapping[str, Any], str | None]:
        """Return what filters look at: the ``kinesis`` part; its ``data`` is the producer's."""
        return filtered_view(record.event), "data"
