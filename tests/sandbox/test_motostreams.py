"""moto's streams as their own readers see them, and what we take for granted of moto."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.sandbox.streaming import Streams, streams

__all__ = ["streams"]

ROOT = Path(__file__).parents[2]
REPLACED = {
    "moto.kinesis.models": {
        "Shard": ["put_record", "get_max_sequence_number"],
        "Stream": ["put_record", "split_shard", "merge_shards", "get_shard_for_key"],
        "KinesisBackend": ["delete_stream", "get_records"],
    },
    "moto.dynamodb.models.table": {"StreamShard": ["add", "get"], "StreamRecord": ["to_json"]},
    "moto.dynamodb.models": {
        "DynamoDBBackend": [
            "update_item",
            "transact_write_items",
            "update_table_streams",
            "delete_table",
        ]
    },
}
PROBE = """
import importlib, inspect, json
before, after = {}, {}
wanted = json.loads(WANTED)
def look(into):
    for module, classes in wanted.items():
        for name, methods in classes.items():
            cls = getattr(importlib.import_module(module), name)
            for method in methods:
                into[f"{name}.{method}"] = [
                    one for one in inspect.signature(getattr(cls, method)).parameters]
look(before)
from lambdalab.sandbox import motostreams
motostreams.install()
motostreams.install()
look(after)
print(json.dumps([before, after]))
"""


def test_every_method_we_replace_exists_and_takes_what_we_take() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"WANTED = {json.dumps(REPLACED)!r}\n{PROBE}"],
        cwd=ROOT,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    before, after = json.loads(ended.stdout)
    for name, parameters in after.items():
        if parameters[-2:] != ["args", "kwargs"]:
            assert parameters[1:] == before[name][1:], name


def read(streams: Streams, shard: str) -> tuple[list[str], bool]:
    """Return what a consumer of its own reads of a shard, and whether it comes to an end."""
    iterator = streams.kinesis.get_shard_iterator(
        StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    answer = streams.kinesis.get_records(ShardIterator=iterator)
    texts = [one["Data"].decode() for one in answer["Records"]]
    return texts, answer.get("NextShardIterator") is None


def test_a_closed_shard_keeps_its_records_and_comes_to_an_end(streams: Streams) -> None:
    streams.create()
    first = streams.put("a", "b")
    streams.kinesis.split_shard(
        StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    later = streams.put("c")
    assert read(streams, "shardId-000000000000") == (["a", "b"], True)
    halves = [read(streams, f"shardId-00000000000{number}") for number in (1, 2)]
    assert sorted(halves) == [([], False), (["c"], False)]
    assert [int(one) for one in first + later] == sorted(int(one) for one in first + later)
    assert (
        streams.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"][
            "OpenShardCount"
        ]
        == 2
    )
    streams.kinesis.merge_shards(
        StreamName="s",
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    streams.put("d")
    assert read(streams, "shardId-000000000003") == (["d"], False)


def test_the_very_last_hash_key_has_a_shard_too(streams: Streams) -> None:
    streams.create(shards=3)
    answer = streams.kinesis.put_record(
        StreamName="s", PartitionKey="k", Data=b"edge", ExplicitHashKey=str(2**128 - 1)
    )
    assert answer["ShardId"] == "shardId-000000000002"
    assert len(answer["SequenceNumber"]) == 56


def test_an_iterator_of_what_is_kept_no_longer_reads_on(streams: Streams) -> None:
    api, dynamodb = streams.clients("dynamodbstreams"), streams.clients("dynamodb")
    made = dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    (shard,) = api.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = api.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    dynamodb.put_item(TableName="t", Item={"Id": {"S": "old"}})
    streams.advance(25 * 3600)
    dynamodb.put_item(TableName="t", Item={"Id": {"S": "new"}})
    records: list[Any] = api.get_records(ShardIterator=iterator)["Records"]
    assert [one["dynamodb"]["Keys"] for one in records] == [{"Id": {"S": "new"}}]
    assert records[0]["eventVersion"] == "1.1"
    assert records[0]["dynamodb"]["SizeBytes"] == 5
