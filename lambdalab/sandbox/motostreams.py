"""What moto's streams lack to be read as AWS's are, and word to whoever waits for a record.

moto moves a closed shard's records to its children, numbers records 1, 2, 3 in every shard,
writes a new item to a table's stream twice when an update creates it, and knows no end of
retention. A poller sees all of that; so it is put right here, in one place.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models import table as tables
from moto.kinesis import models as kinesis
from moto.kinesis.utils import decompose_shard_iterator

from lambdalab.rules.shapes import dynamodb as shape
from lambdalab.rules.streams import DYNAMODB_RETENTION, kinesis_sequence
from lambdalab.sandbox.untyped import Untyped

__all__ = ["Heard", "changing", "forget", "install", "listen"]

Heard = Callable[[], None]
"""Called when a stream has got something; it must return at once."""

changing = threading.RLock()
"""Held while a stream changes, for the whole of a transaction; hold it to read one."""

_listeners: dict[str, list[Heard]] = {}
_listening = threading.Lock()
_update = threading.local()


def listen(stream_arn: str, heard: Heard) -> None:
    """Have ``heard`` called after each change of a stream: a record, shards, a setting."""
    with _listening:
        _listeners.setdefault(stream_arn, []).append(heard)


def forget(stream_arn: str, heard: Heard) -> None:
    """Call it no more."""
    with _listening, contextlib.suppress(KeyError, ValueError):
        _listeners[stream_arn].remove(heard)
        if not _listeners[stream_arn]:
            del _listeners[stream_arn]


def _tell(stream_arn: str) -> None:
    with _listening:
        hearing = list(_listeners.get(stream_arn, ()))
    for heard in hearing:
        heard()


def epoch(moment: datetime) -> float:
    """Return moto's time, UTC without saying so, in epoch seconds."""
    return moment.replace(tzinfo=UTC).timestamp()


# -- Kinesis ------------------------------------------------------------------------------


def _put_in_shard(shard: Untyped, partition_key: str, data: str, explicit_hash_key: str) -> str:
    record = kinesis.Record(partition_key, data, 0, explicit_hash_key)
    record.sequence_number = kinesis_sequence(
        record.created_at, shard._shard_id, shard.get_max_sequence_number()
    )
    shard.records[record.sequence_number] = record
    return str(record.sequence_number)


def _put_record(
    stream: Untyped, partition_key: str, explicit_hash_key: str, data: str
) -> tuple[str, str]:
    with changing:
        shard = stream.get_shard_for_key(partition_key, explicit_hash_key)
        sequence = shard.put_record(partition_key, data, explicit_hash_key)
        oldest = shard.records[int(sequence)].created_at - stream.retention_period_hours * 3600
        while next(iter(shard.records.values())).created_at < oldest:
            shard.records.popitem(last=False)
    _tell(stream.arn)
    return sequence, shard.shard_id


def _shard_for_key(
    stream: Untyped, partition_key: str, explicit_hash_key: str, *, original: Untyped
) -> Untyped:
    """Let moto check and hash, but choose among the open shards, the last key of each included."""
    ranges = {name: _Range(one) for name, one in stream.shards.items() if one.is_open}
    return original(SimpleNamespace(shards=ranges), partition_key, explicit_hash_key).shard


class _Range:
    """An open shard, its range written as moto compares: without the end."""

    def __init__(self, shard: Untyped) -> None:
        self.shard = shard
        self.starting_hash = shard.starting_hash
        self.ending_hash = shard.ending_hash + 1


@contextlib.contextmanager
def _resharding(stream: Untyped, *names: str) -> Iterator[None]:
    """Keep records in the shards that close: they are read there, before the new ones."""
    with changing:
        shards = [stream.shards[name] for name in names]
        kept = [shard.records for shard in shards]
        for shard in shards:
            shard.records = OrderedDict()
        try:
            yield
        finally:
            for shard, records in zip(shards, kept, strict=True):
                shard.records = records
        stream.shard_count = sum(one.is_open for one in stream.shards.values())
    _tell(stream.arn)


def _wrap_kinesis() -> None:
    split, merge = kinesis.Stream.split_shard, kinesis.Stream.merge_shards
    for_key = kinesis.Stream.get_shard_for_key
    delete, get = kinesis.KinesisBackend.delete_stream, kinesis.KinesisBackend.get_records

    def split_shard(self: Untyped, shard_to_split: str, new_starting_hash_key: str) -> None:
        with _resharding(self, shard_to_split):
            split(self, shard_to_split, new_starting_hash_key)

    def merge_shards(self: Untyped, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        with _resharding(self, shard_to_merge, adjacent_shard_to_merge):
            merge(self, shard_to_merge, adjacent_shard_to_merge)

    def get_shard_for_key(self: Untyped, partition_key: str, explicit_hash_key: str) -> Untyped:
        return _shard_for_key(self, partition_key, explicit_hash_key, original=for_key)

    def delete_stream(self: Untyped, *args: Untyped, **kwargs: Untyped) -> Untyped:
        stream = delete(self, *args, **kwargs)
        _tell(stream.arn)
        return stream

    def get_records(
        self: Untyped, stream_arn: str | None, shard_iterator: str, limit: int | None
    ) -> tuple[str | None, list[Untyped], int]:
        """Read as moto does; behind the last record of a closed shard there is no next."""
        following, records, behind = get(self, stream_arn, shard_iterator, limit)
        name, shard_id, position = decompose_shard_iterator(following)
        stream = self.describe_stream(stream_arn=stream_arn, stream_name=name)
        shard = stream.get_shard(shard_id)
        done = not shard.is_open and int(position) >= shard.get_max_sequence_number()
        return None if done else following, records, behind

    kinesis.Shard.put_record = _put_in_shard
    kinesis.Stream.put_record = _put_record
    kinesis.Stream.split_shard = split_shard
    kinesis.Stream.merge_shards = merge_shards
    kinesis.Stream.get_shard_for_key = get_shard_for_key
    kinesis.KinesisBackend.delete_stream = delete_stream
    kinesis.KinesisBackend.get_records = get_records


# -- DynamoDB -----------------------------------------------------------------------------


def stream_arn(table: Untyped) -> str:
    """Return the ARN of a table's stream."""
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def _add(shard: Untyped, old: Untyped, new: Untyped) -> None:
    pending = getattr(_update, "pending", None)
    if pending is not None:
        pending.append((shard, old, new))
        return
    table = shard.table
    if not (table.stream_specification or {}).get("StreamEnabled"):
        return
    if old is not None and new is not None and old.attrs == new.attrs:
        return  # nothing changed: no record
    view = table.stream_specification["StreamViewType"]
    with changing:
        sequence = len(shard.items) + shard.starting_sequence_number
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        one = tables.StreamRecord(table, view, name, old, new, sequence)
        # The images are the table's own lists and sets, which later updates change in place.
        one.record = copy.deepcopy(one.record)
        shown = one.record["dynamodb"]
        one.record |= {"awsRegion": table.region_name, "eventVersion": shape.EVENT_VERSION}
        shown["SizeBytes"] = shape.record_bytes(shown)
        shard.items.append(one)
        _trim(shard, shown["ApproximateCreationDateTime"])
    _tell(stream_arn(table))


def _trim(shard: Untyped, now: datetime) -> None:
    expired = 0
    for one in shard.items:
        if (
            now - one.record["dynamodb"]["ApproximateCreationDateTime"]
        ).total_seconds() <= DYNAMODB_RETENTION.value:
            break
        expired += 1
    if expired:
        del shard.items[:expired]
        shard.starting_sequence_number += expired


def _wrap_dynamodb() -> None:
    update, transact = DynamoDBBackend.update_item, DynamoDBBackend.transact_write_items
    streams, delete = DynamoDBBackend.update_table_streams, DynamoDBBackend.delete_table

    def update_item(self: Untyped, *args: Untyped, **kwargs: Untyped) -> Untyped:
        """Write one record of one update: moto puts an item that is new, and then updates it."""
        _update.pending = []
        try:
            item = update(self, *args, **kwargs)
        finally:
            written, _update.pending = _update.pending, None
        if written:
            shard, first, _ = written[0]
            _add(shard, first, written[-1][2])
        return item

    def transact_write_items(self: Untyped, *args: Untyped, **kwargs: Untyped) -> Untyped:
        with changing:  # what is taken back must not be read
            return transact(self, *args, **kwargs)

    def update_table_streams(self: Untyped, table: Untyped, stream_specification: Untyped) -> None:
        before = stream_arn(table)
        if not (table.stream_specification or {}).get("StreamEnabled"):
            table.latest_stream_label = None  # moto would refuse to enable it a second time
        streams(self, table, stream_specification)
        _tell(before)

    def delete_table(self: Untyped, *args: Untyped, **kwargs: Untyped) -> Untyped:
        table = delete(self, *args, **kwargs)
        _tell(stream_arn(table))
        return table

    tables.StreamShard.add = _add
    tables.StreamShard.get = _get
    DynamoDBBackend.update_item = update_item
    DynamoDBBackend.transact_write_items = transact_write_items
    DynamoDBBackend.update_table_streams = update_table_streams
    DynamoDBBackend.delete_table = delete_table


def _get(shard: Untyped, start: int, quantity: int) -> list[Untyped]:
    first = max(0, start - shard.starting_sequence_number)
    return [one.to_json() for one in shard.items[first : first + quantity]]


def _unnoted(cls: type, *_args: Untyped, **_options: Untyped) -> Untyped:
    """Make a record of which moto keeps no note: it would keep all that ever were."""
    return object.__new__(cls)


def install() -> None:
    """Put moto's streams right, once in a process."""
    if kinesis.Shard.put_record is not _put_in_shard:
        for record in (kinesis.Record, tables.StreamRecord):
            record.__new__ = staticmethod(_unnoted)
        _wrap_kinesis()
        _wrap_dynamodb()
