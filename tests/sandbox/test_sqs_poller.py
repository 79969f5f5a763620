"""Polling queues: batches, windows, failures, order, throttles, filters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.polling import BAD, READ, Queues, arn_of

PARTIAL = """
import json
def handler(event, context):
    print("got", json.dumps([record["body"] for record in event["Records"]]))
    return {"batchItemFailures": [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"] if record["body"].startswith("bad")
    ]}
"""
REPORT = ["ReportBatchItemFailures"]


@pytest.fixture
def queues(sandbox: Sandbox, clients: Callable[..., Any], functions: Functions) -> Queues:
    return Queues(sandbox, clients, functions)


def test_a_message_is_processed_and_deleted(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    assert queues.result(uuid) == "No records processed"
    (sent,) = queues.send(url, "hello")
    queues.quiet()
    assert queues.batches() == [["hello"]]
    assert queues.count(url) == 0
    assert queues.result(uuid) == "OK"
    kinds = ("RecordsPolled", "BatchStarted", "InvokeReceived", "BatchFinished")
    polled, started, received, finished = queues.events(*kinds)
    assert polled.records == started.records == (sent,)
    assert started.mapping == finished.mapping == uuid
    assert started.receive_counts == (1,)
    assert received.source == "sqs"
    assert received.request_id == started.request_id == finished.request_id
    assert (finished.status, finished.failed) == ("success", ())


def test_the_event_is_what_lambda_sends(queues: Queues) -> None:
    queues.functions.create(
        code="import json\ndef handler(event, context):\n    print('event', json.dumps(event))\n"
    )
    url = queues.queue()
    queues.map()
    queues.send(
        url,
        "hello",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    queues.quiet()
    (line,) = [one.line for one in queues.events("LogLine") if one.line.startswith("event ")]
    (record,) = json.loads(line.removeprefix("event "))["Records"]
    assert record["body"] == "hello"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == arn_of("q")
    assert record["awsRegion"] == "us-east-1"
    assert set(record["attributes"]) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert record["messageAttributes"] == {
        "text": {
            "stringValue": "x",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "bytes": {
            "binaryValue": "AAE=",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
    }


def test_a_failed_message_comes_back_after_its_visibility_timeout(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue(dead_after=3, VisibilityTimeout=40)
    uuid = queues.map()
    start = queues.box.clock.now()
    (sent,) = queues.send(url, "bad")
    queues.quiet()
    assert queues.result(uuid).startswith("PROBLEM")
    queues.box.clock.advance(39)
    assert len(queues.batches()) == 1
    for _ in range(3):
        queues.box.clock.jump()
    started = queues.events("BatchStarted")
    assert [round(one.time - start) for one in started] == [0, 40, 80]
    assert [one.receive_counts for one in started] == [(1,), (2,), (3,)]
    (redriven,) = queues.events("MessageRedriven")
    assert (redriven.message, redriven.receive_count) == (sent, 3)
    assert round(redriven.time - start) == 120
    assert queues.count(url) == 0
    dead = queues.sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    (message,) = queues.receive(dead)
    assert message["MessageId"] == sent
    assert queues.box.clock.next() is None


def test_a_batch_fails_as_a_whole(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    queues.map()
    queues.box.clock.jump()
    queues.send_batch(url, "one", "bad", "three")
    queues.quiet()
    assert queues.count(url) >= 1
    queues.box.clock.jump()
    bodies = [set(batch) for batch in queues.batches()]
    assert sum("bad" in batch for batch in bodies) == 2


def test_only_reported_messages_come_back(queues: Queues) -> None:
    queues.functions.create(code=PARTIAL)
    url = queues.queue(dead_after=2)
    uuid = queues.map(FunctionResponseTypes=REPORT, Enabled=False)
    queues.send_batch(url, "one", "bad 2", "three", "bad 4")
    _enable(queues, uuid)
    assert queues.batches() == [["one", "bad 2", "three", "bad 4"]]
    (finished,) = queues.events("BatchFinished")
    assert finished.status == "partial"
    assert len(finished.failed) == 2
    assert queues.count(url) == 2
    queues.box.clock.jump()
    assert queues.batches()[1] == ["bad 2", "bad 4"]
    queues.box.clock.jump()
    assert [one.receive_count for one in queues.events("MessageRedriven")] == [2, 2]


def test_an_answer_that_names_no_message_fails_the_batch(queues: Queues) -> None:
    queues.functions.create(
        code="def handler(event, context):\n"
        "    return {'batchItemFailures': [{'itemIdentifier': 'none of them'}]}\n"
    )
    url = queues.queue()
    queues.map(FunctionResponseTypes=REPORT)
    queues.send(url, "one", "two")
    queues.quiet()
    assert queues.count(url) == 2
    assert {one.status for one in queues.events("BatchFinished")} == {"error"}


def test_without_the_setting_the_same_answer_is_a_success(queues: Queues) -> None:
    queues.functions.create(code=PARTIAL)
    url = queues.queue()
    queues.map()
    queues.send(url, "bad")
    queues.quiet()
    assert queues.count(url) == 0


def test_batch_size(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map(BatchSize=4, Enabled=False)
    queues.send_batch(url, *"0123456789")
    _enable(queues, uuid)
    assert sorted(len(batch) for batch in queues.batches()) == [2, 4, 4]
    assert sorted(body for batch in queues.batches() for body in batch) == list("0123456789")


def test_window_gathers_until_it_has_passed(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue(VisibilityTimeout=60)
    queues.map(BatchSize=100, MaximumBatchingWindowInSeconds=20)
    start = queues.box.clock.now()
    queues.send(url, "first")
    queues.box.clock.advance(15)
    queues.send(url, "second")
    queues.box.clock.advance(4)
    assert queues.batches() == []
    due = queues.box.clock.jump()
    assert due is not None
    assert due.label == "f: batching window"
    assert queues.batches() == [["first", "second"]]
    (started,) = queues.events("BatchStarted")
    assert started.time - start == pytest.approx(20, abs=0.01)


def test_window_ends_when_the_batch_is_full(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    queues.map(BatchSize=12, MaximumBatchingWindowInSeconds=300)
    queues.send_batch(url, *"0123456789")
    queues.quiet()
    assert queues.batches() == []
    queues.send(url, "a", "b")
    queues.quiet()
    assert [len(batch) for batch in queues.batches()] == [12]


def test_batch_is_no_larger_than_a_payload(queues: Queues) -> None:
    queues.functions.create(
        code="def handler(event, context):\n    print('count', len(event['Records']))\n"
    )
    url = queues.queue()
    uuid = queues.map(BatchSize=100, MaximumBatchingWindowInSeconds=1, Enabled=False)
    for _ in range(30):
        queues.send(url, "x" * 250_000)
    _enable(queues, uuid)
    queues.box.clock.jump()
    lines = [one.line for one in queues.events("LogLine")]
    counts = [int(line.split()[1]) for line in lines if line.startswith("count ")]
    assert sum(counts) == 30
    assert max(counts) == 25  # 6 MB


def test_delayed_message_is_taken_when_its_delay_has_passed(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue(DelaySeconds=90)
    queues.map()
    queues.send(url, "late")
    queues.box.clock.advance(89)
    assert queues.batches() == []
    assert queues.box.clock.jump() is not None
    assert queues.batches() == [["late"]]


def test_filters_delete_what_does_not_match(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    pattern = json.dumps({"body": {"total": [{"numeric": [">=", 100]}]}})
    queues.map(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    queues.send(url, '{"total": 99}', '{"total": 100}', "no JSON")
    queues.quiet()
    assert queues.batches() == [['{"total": 100}']]
    assert queues.count(url) == 0
    passed = [name for one in queues.events("RecordsFiltered") for name in one.records]
    assert len(passed) == 2
    assert len(queues.events("InvokeReceived")) == 1


# -- FIFO ---------------------------------------------------------------------------------


def _fifo(queues: Queues, url: str, group: str, *bodies: str) -> None:
    for body in bodies:
        queues.send(url, body, MessageGroupId=group, MessageDeduplicationId=f"{group}-{body}")


def test_a_group_keeps_its_order(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue("q.fifo")
    uuid = queues.map("q.fifo", BatchSize=3, Enabled=False)
    for number in range(5):
        for group in "ab":
            _fifo(queues, url, group, f"{group}{number}")
    _enable(queues, uuid)
    seen = [body for batch in queues.batches() for body in batch]
    for group in "ab":
        mine = [body for body in seen if body.startswith(group)]
        assert mine == [f"{group}{number}" for number in range(5)]
    assert queues.count(url) == 0


def test_a_failed_message_blocks_its_group_alone(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue("q.fifo", dead_after=2)
    queues.map("q.fifo", BatchSize=1)
    _fifo(queues, url, "a", "bad a1", "a2")
    _fifo(queues, url, "b", "b1", "b2")
    queues.quiet()
    assert ["a2"] not in queues.batches()
    assert [one for one in queues.batches() if one[0].startswith("b")] == [
        ["bad a1"],
        ["b1"],
        ["b2"],
    ]
    queues.box.clock.jump()
    assert ["a2"] not in queues.batches()
    queues.box.clock.jump()
    assert queues.batches()[-1] == ["a2"]
    assert len(queues.events("MessageRedriven")) == 1
    dead = queues.sqs.get_queue_url(QueueName="dead.fifo")["QueueUrl"]
    assert [one["Body"] for one in queues.receive(dead)] == ["bad a1"]


def test_fifo_records_say_their_group_and_place(queues: Queues) -> None:
    queues.functions.create(
        code="import json\ndef handler(event, context):\n"
        "    for one in event['Records']: print('attributes', json.dumps(one['attributes']))\n"
    )
    url = queues.queue("q.fifo", ContentBasedDeduplication="true")
    queues.map("q.fifo")
    queues.send(url, "one", "two", "one", MessageGroupId="g")
    queues.quiet()
    lines = [one.line for one in queues.events("LogLine") if one.line.startswith("attributes ")]
    first, second = [json.loads(line.removeprefix("attributes ")) for line in lines]
    assert first["MessageGroupId"] == second["MessageGroupId"] == "g"
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 20
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


# -- concurrency and throttles ------------------------------------------------------------

SLOW = "import time\ndef handler(event, context):\n    time.sleep(0.15)\n"


def _most_at_once(queues: Queues) -> int:
    most = now = 0
    for one in queues.events("BatchStarted", "BatchFinished"):
        now += 1 if one.type == "BatchStarted" else -1
        most = max(most, now)
    return most


def test_five_batches_at_first(queues: Queues) -> None:
    queues.functions.create(code=SLOW)
    url = queues.queue()
    uuid = queues.map(BatchSize=1, Enabled=False)
    queues.send_batch(url, *"0123456789")
    _enable(queues, uuid)
    assert queues.count(url) == 0
    assert _most_at_once(queues) == 5  # the clock stands still: nothing is added to them


def test_more_batches_as_time_passes(queues: Queues) -> None:
    queues.functions.create(code=SLOW)
    url = queues.queue(VisibilityTimeout=900)
    uuid = queues.map(BatchSize=1, Enabled=False)
    for _ in range(4):
        queues.send_batch(url, *"0123456789")
    _enable(queues, uuid, wait=False)
    queues.box.settings(time_scale=20)
    queues.box.clock.resume()
    for _ in queues.box.follow():
        if queues.count(url) == 0:
            break
    assert 5 < _most_at_once(queues) <= 40


def test_maximum_concurrency(queues: Queues) -> None:
    queues.functions.create(code=SLOW)
    url = queues.queue()
    uuid = queues.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}, Enabled=False)
    queues.send_batch(url, *"01234567")
    _enable(queues, uuid)
    assert queues.count(url) == 0
    assert _most_at_once(queues) == 2
    assert not queues.events("Throttled")


def test_a_throttled_batch_is_tried_again_without_another_receive(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    queues.lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    url = queues.queue()
    uuid = queues.map()
    start = queues.box.clock.now()
    queues.send(url, "hello")
    queues.box.clock.advance(10)
    started = queues.events("BatchStarted")
    assert [round(one.time - start) for one in started] == [0, 1, 3, 7]
    assert [one.attempt for one in started] == [1, 2, 3, 4]
    assert {one.receive_counts for one in started} == {(1,)}
    assert len({one.batch for one in started}) == 1
    assert "throttled" in queues.result(uuid)
    queues.lam.delete_function_concurrency(FunctionName="f")
    queues.box.clock.advance(10)
    assert queues.batches() == [["hello"]]
    assert queues.count(url) == 0


def test_a_batch_throttled_for_too_long_goes_back_to_the_queue(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    queues.lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    url = queues.queue(dead_after=1, VisibilityTimeout=10)
    queues.map()
    queues.send(url, "hello")
    queues.box.clock.advance(11)
    assert queues.count(url) == 0
    assert len(queues.events("MessageRedriven")) == 1
    assert queues.batches() == []


# -- many messages, many failures ---------------------------------------------------------

UNLUCKY = """
import zlib
def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    count = event["Records"][0]["attributes"]["ApproximateReceiveCount"]
    if zlib.crc32((bodies[0] + count).encode()) % 3 == 0:
        raise ValueError("unlucky")
    print("done", " ".join(bodies))
"""


def _done(queues: Queues) -> list[str]:
    lines = [one.line.split() for one in queues.events("LogLine")]
    return [body for words in lines if words[:1] == ["done"] for body in words[1:]]


def _until_empty(queues: Queues, url: str) -> None:
    for _ in range(40):
        if queues.count(url) == 0:
            return
        queues.box.clock.jump()
    raise AssertionError(f"{queues.count(url)} messages are left")


def test_every_message_is_done_once_however_often_batches_fail(queues: Queues) -> None:
    queues.functions.create(code=UNLUCKY)
    url = queues.queue()
    queues.map()
    bodies = [f"m{number}" for number in range(300)]
    for start in range(0, 300, 10):
        queues.send_batch(url, *bodies[start : start + 10])
    _until_empty(queues, url)
    assert any(one.status == "error" for one in queues.events("BatchFinished"))
    assert sorted(_done(queues)) == sorted(bodies)


def test_groups_keep_their_order_however_often_batches_fail(queues: Queues) -> None:
    queues.functions.create(code=UNLUCKY)
    url = queues.queue("q.fifo")
    queues.map("q.fifo", BatchSize=4)
    for number in range(8):
        for group in "abcd":
            _fifo(queues, url, group, f"{group}{number}")
    _until_empty(queues, url)
    assert any(one.status == "error" for one in queues.events("BatchFinished"))
    for group in "abcd":
        mine = [body for body in _done(queues) if body.startswith(group)]
        assert mine == [f"{group}{number}" for number in range(8)]


# -- what can be missing ------------------------------------------------------------------


def test_permission_lost_and_found(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.iam.detach_role_policy(RoleName="lambda", PolicyArn=READ)
    queues.send(url, "hello")
    queues.quiet()
    assert queues.batches() == []
    assert queues.count(url) == 1
    problem = queues.result(uuid)
    assert problem.startswith("PROBLEM")
    assert "sqs:ReceiveMessage" in problem
    queues.iam.attach_role_policy(RoleName="lambda", PolicyArn=READ)
    queues.box.clock.advance(minutes=1)
    assert queues.batches() == [["hello"]]
    assert queues.result(uuid) == "OK"


def test_queue_deleted_and_made_again(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.sqs.delete_queue(QueueUrl=url)
    queues.quiet()
    assert "queue does not exist" in queues.result(uuid)
    url = queues.queue()
    queues.send(url, "hello")
    queues.quiet()
    assert queues.batches() == [["hello"]]


def test_function_deleted_and_made_again(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.lam.delete_function(FunctionName="f")
    queues.send(url, "hello")
    queues.quiet()
    assert queues.result(uuid) == "PROBLEM: Function not found"
    assert queues.count(url) == 1  # not received in vain: its receive count stays 0
    queues.functions.create(code=BAD)
    queues.quiet()
    assert queues.batches() == [["hello"]]


def test_an_alias_is_resolved_at_each_batch(queues: Queues) -> None:
    code = "def handler(event, context):\n    print('version', context.function_version)\n"
    queues.functions.create(code=code, Publish=True)
    queues.lam.update_function_configuration(FunctionName="f", Description="2")
    queues.lam.publish_version(FunctionName="f")
    queues.lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    url = queues.queue()
    queues.map(function="f:live")
    queues.send(url, "one")
    queues.quiet()
    queues.lam.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    queues.send(url, "two")
    queues.quiet()
    lines = [one.line for one in queues.events("LogLine") if one.line.startswith("version ")]
    assert lines == ["version 1", "version 2"]


def test_two_functions_share_a_queue(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    queues.functions.create("g", code=BAD)
    url = queues.queue()
    queues.map()
    queues.map(function="g")
    for _ in range(5):
        queues.send_batch(url, *"0123456789")
    queues.quiet()
    assert sum(len(batch) for batch in queues.batches()) == 50  # each message to one of them
    assert queues.count(url) == 0


def test_a_crash_gives_the_batch_back(queues: Queues) -> None:
    queues.functions.create(
        code="import os\ndef handler(event, context):\n"
        "    if event['Records'][0]['attributes']['ApproximateReceiveCount'] == '1':\n"
        "        os._exit(1)\n    print('got', '[]')\n"
    )
    url = queues.queue()
    queues.map()
    queues.send(url, "hello")
    queues.quiet()
    assert [one.error_type for one in queues.events("BatchFinished")] == ["Runtime.ExitError"]
    queues.box.clock.jump()
    assert queues.batches() == [[]]
    assert queues.count(url) == 0


def test_a_saved_mapping_polls_again(queues: Queues, tmp_path: Any) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.send(url, "bad")
    queues.quiet()
    queues.box.save(tmp_path / "state.lab")
    queues.box.reset()
    queues.box.load(tmp_path / "state.lab")
    assert queues.state(uuid) == "Enabled"
    assert queues.count(url) == 1
    queues.box.clock.pause()
    queues.box.clock.advance(60)
    assert {one.receive_counts for one in queues.events("BatchStarted")} == {(2,), (3,)}


def _enable(queues: Queues, uuid: str, *, wait: bool = True) -> None:
    queues.lam.update_event_source_mapping(UUID=uuid, Enabled=True)
    if wait:
        queues.settle()
