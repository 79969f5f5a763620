"""What was accepted outlives the handler, the server and the client, however they end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox, registry
from tests.conftest import TRUST, Clients, Functions
from tests.sandbox.conftest import Place, until
from tests.sandbox.storm import storm

_Kill = Callable[[Sandbox], Sandbox]
WAITS = "import time\ndef handler(event, context):\n    time.sleep(20)\n"
EVENTS = 5_000
MESSAGES = 5_000
SERVER_KILLS = 3


def _functions(box: Sandbox, clients: Clients) -> Functions:
    role = clients(box, "iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=TRUST)
    return Functions(clients(box, "lambda"), role["Role"]["Arn"])


def test_ten_thousand_events_and_random_kills_lose_nothing(
    place: Place, all_clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with storm(place, all_clients, seed=20_150_331) as it:
        it.send(EVENTS, MESSAGES)
        for kill in range(SERVER_KILLS):
            # In the middle of it, each time: so much is handled, and so much more accepted.
            goal = (EVENTS + MESSAGES) * (kill + 1) // (SERVER_KILLS + 2)
            while len(it.handled()) < goal and it.sending:
                time.sleep(it.random.uniform(0.05, 0.3))
                it.kill_handler()
            it.kill_server()
        while it.sending:
            time.sleep(it.random.uniform(0.05, 0.3))
            it.kill_handler()
        it.join()
        handled, given_up = it.wait()
        missing = it.accepted - handled.keys() - given_up
        again = sum(count > 1 for count in handled.values())
        with capsys.disabled():
            print(
                f"\n{len(it.accepted)} accepted in {time.monotonic() - begun:.1f} s, "
                f"{it.killed_servers} servers and {it.killed_handlers} handlers killed: "
                f"{len(missing)} lost, {len(given_up)} given up to their destination, "
                f"{again} handled more than once"
            )
        assert len(it.accepted) == EVENTS + MESSAGES
        assert it.killed_servers == SERVER_KILLS and it.killed_handlers > SERVER_KILLS
        assert missing == set()


# -- one by one --------------------------------------------------------------------------------


@pytest.fixture
def kill(place: Place) -> Callable[[Sandbox], Sandbox]:
    """Kill a sandbox's server, and start the workspace's sandbox again."""

    def again(box: Sandbox, **options: Any) -> Sandbox:
        os.kill(box.pid, signal.SIGKILL)
        assert until(lambda: not box.alive)
        return place.start(quiet=True, **options)

    return again


def test_all_comes_back_under_the_same_names_and_at_the_same_port(
    place: Place, all_clients: Clients, kill: _Kill
) -> None:
    box = place.start()
    functions = _functions(box, all_clients)
    functions.create("f", WAITS, Publish=True, Timeout=30)
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    sqs, s3, table = (all_clients(box, name) for name in ("sqs", "s3", "dynamodb"))
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    attributes = {"bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = [
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)["MessageId"]
        for body in ("deleted", "in flight", "waits")
    ]
    first, second = (sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2))
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="bucket", Key="k", Body=b"object")["VersionId"]
    table.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for _ in range(3):
        table.update_item(
            TableName="t",
            Key={"id": {"S": "1"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    key = all_clients(box, "iam").create_user(UserName="u") and all_clients(
        box, "iam"
    ).create_access_key(UserName="u")
    box.settings(time_scale=7)
    box.clock.advance(hours=2)
    now = box.clock.now()
    functions.client.invoke(FunctionName="f", Qualifier="live", InvocationType="Event")
    assert until(lambda: "AttemptStarted" in [event.type for event in box.events()])
    revision = functions.client.get_function_configuration(FunctionName="f")["RevisionId"]

    again = kill(box)
    assert again.port == box.port, "clients of before go on"
    assert "1 functions, 1 asynchronous events, 2 messages" in again.news
    config = functions.client.get_function_configuration(FunctionName="f", Qualifier="live")
    assert config["Version"] == "1"
    assert functions.client.get_function_configuration(FunctionName="f")["RevisionId"] == revision
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    (left,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (left["MessageId"], left["MessageAttributes"]) == (sent[2], attributes)
    got = s3.get_object(Bucket="bucket", Key="k", VersionId=version)
    assert got["Body"].read() == b"object"
    item = table.get_item(TableName="t", Key={"id": {"S": "1"}})["Item"]
    assert item["n"] == {"N": "3"}
    (known,) = all_clients(box, "iam").list_access_keys(UserName="u")["AccessKeyMetadata"]
    assert known["AccessKeyId"] == key["AccessKey"]["AccessKeyId"]
    assert again.status()["settings"]["time_scale"] == 7
    assert now <= again.clock.now() < now + 3600, "service time goes on where it was"
    events = [event.type for event in again.events()]
    assert "Notice" in events
    assert until(lambda: "AttemptStarted" in [event.type for event in again.events()])


def test_a_snapshot_names_the_policies_of_aws(
    place: Place, all_clients: Clients, kill: _Kill
) -> None:
    box = place.start()
    iam = all_clients(box, "iam")
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="r", PolicyArn=policy)
    before = iam.get_policy(PolicyArn=policy)["Policy"]
    assert before["AttachmentCount"] == 1
    kept = box.folder / "kept"
    assert until(lambda: list(kept.glob("state-*")))
    (newest,) = kept.glob("state-*")
    assert newest.stat().st_size < 1_000_000, "all of them are 4 MB"
    again = kill(box)
    assert "0 functions" in again.news
    assert iam.get_policy(PolicyArn=policy)["Policy"] == before
    iam.detach_role_policy(RoleName="r", PolicyArn=policy)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 0


def test_a_record_that_went_to_s3_is_there(place: Place, all_clients: Clients, kill: _Kill) -> None:
    box = place.start()
    functions = _functions(box, all_clients)
    all_clients(box, "iam").attach_role_policy(
        RoleName="lambda", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"
    )
    functions.create("f", "def handler(event, context):\n    raise ValueError(event)\n")
    s3 = all_clients(box, "s3")
    s3.create_bucket(Bucket="bucket")
    functions.client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::bucket"}},
    )
    functions.client.invoke(FunctionName="f", InvocationType="Event", Payload="1")
    assert until(lambda: "DestinationDelivered" in [event.type for event in box.events()])
    (there,) = s3.list_objects_v2(Bucket="bucket")["Contents"]
    again = kill(box)
    assert "0 asynchronous events" in again.news
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [there["Key"]]


def test_a_reset_is_not_undone(place: Place, all_clients: Clients, kill: _Kill) -> None:
    box = place.start()
    all_clients(box, "sqs").create_queue(QueueName="q")
    box.reset()
    again = kill(box)
    assert all_clients(again, "sqs").list_queues().get("QueueUrls", []) == []


def test_it_survives_twice(place: Place, all_clients: Clients, kill: _Kill) -> None:
    box = place.start()
    sqs = all_clients(box, "sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def send(name: str) -> str:
        sent = sqs.send_message(
            QueueUrl=url, MessageBody=name, MessageGroupId="g", MessageDeduplicationId=name
        )
        return str(sent["SequenceNumber"])

    numbers = [send("a")]
    box = kill(box)
    numbers.append(send("b"))
    box = kill(box)
    numbers += [send("c"), send("a")]
    assert numbers[0] < numbers[1] < numbers[2], "numbers go on growing"
    assert numbers[3] == numbers[0], "and a deduplication id is remembered"
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in got] == ["a", "b", "c"]


def test_what_was_stopped_leaves_nothing_and_says_nothing(
    place: Place, all_clients: Clients
) -> None:
    box = place.start()
    all_clients(box, "sqs").create_queue(QueueName="q")
    box.stop()
    assert not any(place.root.iterdir())
    again = place.start()
    assert again.news == ""
    assert all_clients(again, "sqs").list_queues().get("QueueUrls", []) == []


def test_what_keeps_nothing_begins_with_nothing(
    place: Place, all_clients: Clients, kill: _Kill
) -> None:
    box = place.start(durable=False)
    assert box.status()["durable"] is False and not (box.folder / "kept").exists()
    all_clients(box, "sqs").create_queue(QueueName="q")
    again = kill(box)
    assert again.news == "" and again.status()["durable"] is True
    assert all_clients(again, "sqs").list_queues().get("QueueUrls", []) == []


def test_the_death_of_a_client_changes_nothing(place: Place) -> None:
    client = place.python(
        "import time, boto3; from lambdalab.sandbox import Sandbox;"
        "box = Sandbox.start(owner='none'); sqs = boto3.client('sqs');"
        "url = sqs.create_queue(QueueName='q')['QueueUrl'];"
        "sqs.send_message(QueueUrl=url, MessageBody='kept');"
        "print(box.pid, flush=True); time.sleep(60)"
    )
    with client:
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        client.kill()
        client.communicate()
    box = place.start()
    assert box.pid == pid and box.news == ""
    out, _ = place.run(
        "import boto3; from lambdalab.sandbox import Sandbox; Sandbox.connect();"
        "sqs = boto3.client('sqs'); url = sqs.get_queue_url(QueueName='q')['QueueUrl'];"
        "print(sqs.receive_message(QueueUrl=url)['Messages'][0]['Body'])"
    )
    assert out == "kept\n"


def test_what_cannot_be_restored_is_put_aside_once(
    place: Place, all_clients: Clients, kill: _Kill
) -> None:
    box = place.start()
    all_clients(box, "sqs").create_queue(QueueName="q")
    kept = box.folder / "kept"
    assert until(lambda: list(kept.glob("state-*")))
    (newest,) = kept.glob("state-*")
    os.kill(box.pid, signal.SIGKILL)
    assert until(lambda: not box.alive)
    newest.write_bytes(newest.read_bytes()[:-10])
    again = place.start(quiet=True)
    (aside,) = again.folder.parent.glob("unrecovered-*")
    assert str(aside) in again.news and "damaged" in again.news
    assert (aside / newest.name).exists(), "nothing is lost without a word"
    third = kill(again)
    assert str(aside) not in third.news


def test_two_attempts_that_died_are_enough(place: Place, all_clients: Clients) -> None:
    box = place.start()
    all_clients(box, "sqs").create_queue(QueueName="q")
    os.kill(box.pid, signal.SIGKILL)
    assert until(lambda: not box.alive)
    folder = box.folder.parent
    with registry.lock(folder):
        left = registry.salvage(folder)
        assert left is not None
        assert [left.begin(), left.begin(), left.begin()] == [True, True, False]
    again = place.start(quiet=True)
    assert "two attempts ended" in again.news and again.status()["functions"] == 0


def test_another_workspace_finds_its_own_a_week_long(
    place: Place, all_clients: Clients, tmp_path: Path
) -> None:
    box = place.start()
    all_clients(box, "sqs").create_queue(QueueName="q")
    os.kill(box.pid, signal.SIGKILL)
    assert until(lambda: not box.alive)
    other = place.start(workspace=tmp_path)  # it sweeps
    left = box.folder.parent / "left"
    assert left.is_dir() and not box.folder.exists()
    other.stop()
    week = 7 * 86_400 + 60
    os.utime(left, (time.time() - week, time.time() - week))
    place.start(workspace=tmp_path).stop()
    assert not box.folder.parent.exists()
