"""Tumbling windows: a state over batches, the end of a window, and what goes wrong in one."""

from __future__ import annotations

from typing import Any

from lambdalab.sandbox.events import BatchFinished
from tests.sandbox.streaming import PRINTS, Streams, streams, structure

__all__ = ["streams"]

COUNTS = (
    PRINTS
    + """
    state = event["state"]
    for text in texts(event):
        state[text] = state.get(text, 0) + 1
    return {"state": state}
"""
)
GROWS = """
import json
def handler(event, context):
    event["state"] = {name: len(held) for name, held in event["state"].items()}
    print("got", json.dumps(event))
    return {"state": {"x": "x" * 1_100_000}}
"""


def begin_at_a_window(streams: Streams, length: int) -> None:
    """Put the clock to where a window begins."""
    streams.advance(length - streams.box.clock.now() % length + 0.5)


def seen(event: Any) -> tuple[dict[str, int], bool, bool, int]:
    return (
        event["state"],
        event["isFinalInvokeForWindow"],
        event["isWindowTerminatedEarly"],
        len(event["Records"]),
    )


def test_a_state_is_carried_to_the_end_of_its_window(streams: Streams) -> None:
    streams.functions.create(code=COUNTS)
    arn = streams.create()
    streams.map(arn, TumblingWindowInSeconds=60, BatchSize=2)
    begin_at_a_window(streams, 60)
    streams.put("a", "b", "a")
    streams.advance(10)
    streams.put("b")
    streams.advance(60)
    assert [seen(event) for event in streams.got()] == [
        ({}, False, False, 2),
        ({"a": 1, "b": 1}, False, False, 1),
        ({"a": 2, "b": 1}, False, False, 1),
        ({"a": 2, "b": 2}, True, False, 0),
    ]
    streams.put("c")
    streams.advance()
    last = streams.got()[-1]
    assert seen(last) == ({}, False, False, 1)
    assert structure(last) == structure(
        {
            "Records": streams.got()[0]["Records"][:1],
            "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
            "state": {},
            "shardId": "shardId-000000000006",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }
    ) | {"Records": structure(last["Records"])}
    assert (last["shardId"], last["eventSourceARN"]) == ("shardId-000000000000", arn)
    assert last["window"]["start"] == streams.got()[0]["window"]["end"]


def test_records_of_two_windows_never_share_a_batch(streams: Streams) -> None:
    streams.functions.create(code=COUNTS)
    arn = streams.create()
    begin_at_a_window(streams, 30)
    streams.put("early", "early")
    streams.advance(30)
    streams.put("late")
    streams.map(arn, TumblingWindowInSeconds=30)
    assert [seen(event)[0] | {"n": seen(event)[3]} for event in streams.got()] == [
        {"n": 2},
        {"early": 2, "n": 0},
        {"n": 1},
    ]


def test_an_answer_without_state_is_a_failure(streams: Streams) -> None:
    streams.functions.create(code=PRINTS)
    streams.map(streams.create(), TumblingWindowInSeconds=60, MaximumRetryAttempts=1)
    begin_at_a_window(streams, 60)
    streams.put("a")
    streams.advance(5)
    assert [one.status for one in streams.events(BatchFinished)] == ["error", "error"]


def test_a_state_that_grows_too_large_ends_its_window_early(streams: Streams) -> None:
    streams.functions.create(code=GROWS, MemorySize=512, Timeout=10)
    streams.map(streams.create(), TumblingWindowInSeconds=60, BatchSize=1)
    begin_at_a_window(streams, 60)
    streams.put("a")
    streams.advance()
    assert [seen(event) for event in streams.got()] == [
        ({}, False, False, 1),
        ({"x": 1_100_000}, True, True, 0),
    ]
    streams.put("b")
    streams.advance()
    assert seen(streams.got()[2]) == ({}, False, False, 1)
    assert streams.got()[2]["window"] == streams.got()[0]["window"]


def test_a_window_outlives_a_restart(streams: Streams, tmp_path: Any) -> None:
    streams.functions.create(code=COUNTS)
    streams.map(streams.create(), TumblingWindowInSeconds=60)
    begin_at_a_window(streams, 60)
    streams.put("a")
    streams.advance()
    streams.box.save(tmp_path / "state")
    streams.box.load(tmp_path / "state")
    streams.box.clock.pause()
    streams.put("a")
    streams.advance(60)
    assert [seen(event) for event in streams.got()] == [
        ({"a": 1}, False, False, 1),
        ({"a": 2}, True, False, 0),
    ]
