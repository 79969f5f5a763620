"""SQS as a consumer sees it: visibility, receive counts, groups, redrives, handles."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.polling import Queues, arn_of


@pytest.fixture
def queues(sandbox: Sandbox, clients: Callable[..., Any], functions: Functions) -> Queues:
    return Queues(sandbox, clients, functions)


def _error(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def _delete(queues: Queues, url: str, message: dict[str, Any]) -> None:
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _count(message: dict[str, Any]) -> int:
    return int(message["Attributes"]["ApproximateReceiveCount"])


def test_received_message_is_hidden_for_the_visibility_timeout(queues: Queues) -> None:
    url = queues.queue(VisibilityTimeout=30)
    queues.send(url, "m")
    (first,) = queues.receive(url)
    assert queues.receive(url) == []
    queues.box.clock.advance(29.9)
    assert queues.receive(url) == []
    queues.box.clock.advance(0.1)
    (second,) = queues.receive(url)
    assert (_count(first), _count(second)) == (1, 2)
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    for name in ("ApproximateFirstReceiveTimestamp", "SentTimestamp"):
        assert first["Attributes"][name] == second["Attributes"][name]


def test_visibility_of_zero_leaves_it_in_sight(queues: Queues) -> None:
    url = queues.queue()
    queues.send(url, "m")
    assert [_count(queues.receive(url, VisibilityTimeout=0)[0]) for _ in range(3)] == [1, 2, 3]


def test_change_message_visibility(queues: Queues) -> None:
    url = queues.queue(VisibilityTimeout=30)
    queues.send(url, "m")
    (message,) = queues.receive(url)

    def change(seconds: int) -> None:
        queues.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    change(100)
    queues.box.clock.advance(99)
    assert queues.receive(url) == []
    change(0)
    (message,) = queues.receive(url)
    queues.box.clock.advance(30)
    assert _error(lambda: change(10)).endswith("MessageNotInflight")
    (message,) = queues.receive(url)
    queues.box.clock.advance(10)
    assert _error(lambda: change(43_200)) == "InvalidParameterValue"
    change(43_190)


def test_deletion_by_handle(queues: Queues) -> None:
    url = queues.queue(VisibilityTimeout=0)
    queues.send(url, "m")
    (message,) = queues.receive(url)
    queues.receive(url)
    _delete(queues, url, message)  # an older handle of the same message
    _delete(queues, url, message)  # once more is fine
    assert queues.count(url) == 0
    assert _error(lambda: _delete(queues, url, {"ReceiptHandle": "none"})) == (
        "ReceiptHandleIsInvalid"
    )


def test_redrive_keeps_the_message_and_counts_on(queues: Queues) -> None:
    url = queues.queue(dead_after=2, VisibilityTimeout=10)
    dead = queues.sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    (sent,) = queues.send(url, "m")
    (message,) = queues.receive(url)
    queues.box.clock.advance(10)
    queues.receive(url)
    queues.box.clock.advance(10)
    assert queues.receive(url) == []
    (moved,) = queues.receive(dead)
    assert (moved["MessageId"], _count(moved)) == (sent, 3)
    assert moved["Attributes"]["SentTimestamp"] == message["Attributes"]["SentTimestamp"]
    (event,) = queues.events("MessageRedriven")
    assert (event.queue_arn, event.dead_letter_arn) == (arn_of("q"), arn_of("dead"))
    assert (event.message, event.receive_count) == (sent, 2)


def test_nothing_is_given_up_to_a_queue_that_is_gone(queues: Queues) -> None:
    url = queues.queue(dead_after=1, VisibilityTimeout=10)
    dead = queues.sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    queues.sqs.delete_queue(QueueUrl=dead)
    queues.send(url, "m")
    for count in (1, 2, 3):
        (message,) = queues.receive(url)
        assert _count(message) == count
        queues.box.clock.advance(10)
    dead = queues.queue("dead")
    assert queues.receive(url) == []
    assert len(queues.receive(dead)) == 1


def test_messages_end_with_their_retention(queues: Queues) -> None:
    url = queues.queue(MessageRetentionPeriod=60)
    queues.send(url, "old")
    queues.box.clock.advance(59)
    queues.send(url, "new")
    queues.box.clock.advance(2)
    assert [one["Body"] for one in queues.receive(url)] == ["new"]
    assert queues.count(url) == 1


def test_fifo_group_waits_for_its_message_in_flight(queues: Queues) -> None:
    url = queues.queue("q.fifo", ContentBasedDeduplication="true", VisibilityTimeout=30)
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        queues.send(url, body, MessageGroupId=group)
    answer = queues.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
    (first,) = answer["Messages"]
    assert first["Body"] == "a1"
    assert [one["Body"] for one in queues.receive(url)] == ["b1"]
    assert queues.receive(url) == []
    _delete(queues, url, first)
    assert [one["Body"] for one in queues.receive(url)] == ["a2"]
    queues.box.clock.advance(30)
    again = queues.receive(url)
    assert [(one["Body"], _count(one)) for one in again] == [("b1", 2), ("a2", 2)]


def test_fifo_gives_as_many_of_a_group_as_there_are(queues: Queues) -> None:
    url = queues.queue("q.fifo", ContentBasedDeduplication="true")
    for number in range(3):
        for group in "ab":
            queues.send(url, f"{group}{number}", MessageGroupId=group)
    bodies = [one["Body"] for one in queues.receive(url)]
    assert bodies == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_fifo_handle_ends_with_the_visibility(queues: Queues) -> None:
    url = queues.queue("q.fifo", ContentBasedDeduplication="true", VisibilityTimeout=5)
    queues.send(url, "m", MessageGroupId="g")
    (message,) = queues.receive(url)
    queues.box.clock.advance(5)
    assert _error(lambda: _delete(queues, url, message)) == "InvalidParameterValue"
    assert queues.count(url) == 1


@pytest.mark.parametrize("deleted", [True, False])
def test_fifo_takes_a_deduplication_id_once_in_five_minutes(queues: Queues, deleted: bool) -> None:
    url = queues.queue("q.fifo")

    def send() -> dict[str, Any]:
        answer: dict[str, Any] = queues.sqs.send_message(
            QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId="same"
        )
        return answer

    first = send()
    if deleted:
        (message,) = queues.receive(url)
        _delete(queues, url, message)
    queues.box.clock.advance(299)
    second = send()
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert queues.count(url) == (0 if deleted else 1)
    queues.box.clock.advance(2)
    third = send()
    assert int(third["SequenceNumber"]) > int(first["SequenceNumber"])
    assert queues.count(url) == (1 if deleted else 2)


def test_no_message_goes_to_two_receivers(queues: Queues) -> None:
    url = queues.queue()
    for _ in range(20):
        queues.send_batch(url, *"0123456789")
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def work() -> None:
        while found := queues.receive(url):
            with lock:
                seen.update(one["MessageId"] for one in found)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 200
    assert set(seen.values()) == {1}


def test_a_long_poll_hears_of_a_message_and_ends_by_service_time(queues: Queues) -> None:
    url = queues.queue()
    found: list[list[dict[str, Any]]] = []

    def poll() -> None:
        found.append(queues.receive(url, WaitTimeSeconds=20))

    for step in (lambda: queues.send(url, "m"), lambda: queues.box.clock.advance(20)):
        thread = threading.Thread(target=poll)
        thread.start()
        time.sleep(0.1)
        assert thread.is_alive()
        step()
        thread.join(5)
        assert not thread.is_alive()
    assert [len(messages) for messages in found] == [1, 0]


def test_queues_that_give_up_to_each_other(queues: Queues) -> None:
    urls = [queues.queue(name, VisibilityTimeout=1) for name in ("q", "r")]
    for url, other in zip(urls, ("r", "q"), strict=True):
        redrive = {"deadLetterTargetArn": arn_of(other), "maxReceiveCount": 1}
        queues.sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)}
        )
        queues.send_batch(url, *"0123456789")
    threads = [
        threading.Thread(target=lambda url=url: [queues.receive(url) for _ in range(20)])
        for url in urls
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    queues.box.clock.advance(30)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert sum(queues.count(url) for url in urls) == 20


def test_sending_to_a_long_queue_stays_quick(queues: Queues) -> None:
    """moto counts a queue's messages several times for each that is sent."""
    url = queues.queue()

    def send() -> float:
        begun = time.perf_counter()
        queues.send_batch(url, *"0123456789")
        return time.perf_counter() - begun

    first = min(send() for _ in range(10))
    for _ in range(150):
        send()
    assert min(send() for _ in range(10)) < 5 * first + 0.02
