"""Records of a Kinesis data stream as a function gets them (dg:with-kinesis)."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Mapping
from typing import Any

from lambdalab.rules.source import Source

__all__ = ["FILTERING", "SOURCE", "filtered_view", "kinesis_record"]

SOURCE = Source("dg:with-kinesis")
FILTERING = Source("dg:with-kinesis-filtering")


def kinesis_record(
    *,
    shard: str,
    sequence: str,
    partition_key: str,
    data: str,
    arrived: float,
    stream_arn: str,
    role_arn: str,
) -> dict[str, Any]:
    """Return one element of ``Records``.

    Parameters
    ----------
    shard, sequence
        Where it is in the stream: ``shardId-…`` and its sequence number.
    partition_key
        What the producer gave.
    data
        The data, base64.
    arrived
        When it entered the stream, in epoch seconds.
    stream_arn
        The stream.
    role_arn
        Execution role of the function: who reads.
    """
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": partition_key,
            "sequenceNumber": sequence,
            "data": data,
            "approximateArrivalTimestamp": round(arrived, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role_arn,
        "awsRegion": stream_arn.split(":")[3],
        "eventSourceARN": stream_arn,
    }


def filtered_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a filter is matched against: the ``kinesis`` part, its ``data`` decoded.

    Data that is no text is seen as the base64 it came in (:data:`FILTERING`).
    """
    view = dict(record["kinesis"])
    with contextlib.suppress(binascii.Error, UnicodeDecodeError):
        view["data"] = base64.b64decode(view["data"]).decode()
    return view
