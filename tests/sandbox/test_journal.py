"""The journal up to a torn end, requests run again alike, and a disk that is full."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.durability import drawing, keeping, requests
from lambdalab.sandbox.durability.files import Files
from lambdalab.sandbox.durability.journal import FACT, REQUEST, Entry, Journal, entries
from lambdalab.sandbox.durability.keeping import Keeping
from lambdalab.sandbox.durability.requests import Change
from lambdalab.sandbox.engine.settings import Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.gate import Gate
from lambdalab.sandbox.keepers import Keepers
from lambdalab.sandbox.logsink import CloudWatchSink

_CONTENTS = st.lists(st.binary(max_size=200), max_size=6)


# -- frames ------------------------------------------------------------------------------------


@given(contents=_CONTENTS, cut=st.integers(min_value=0, max_value=40))
def test_a_torn_end_takes_only_what_it_tore(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path)
    ends = [0]
    for number, content in enumerate(contents):
        journal.write(FACT if number % 2 else REQUEST, float(number), content[:3], content[3:])
        ends.append(journal.size)
    journal.close()
    size = max(0, path.stat().st_size - cut)
    os.truncate(path, size)
    whole = sum(end <= size for end in ends) - 1
    assert [entry.content for entry in entries(path)] == contents[:whole]
    assert [entry.time for entry in entries(path)] == [float(one) for one in range(whole)]


@given(contents=_CONTENTS, at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_ends_it_there(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], at: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal(path)
    for content in contents:
        journal.write(FACT, 1.5, content)
    journal.close()
    data = bytearray(path.read_bytes())
    if not data:
        return
    at %= len(data)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    found = [entry.content for entry in entries(path)]
    assert found == contents[: len(found)] and len(found) < len(contents)


def test_threads_write_whole_frames(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")

    def write(number: int) -> None:
        for _ in range(200):
            journal.write(FACT, 0.0, bytes([number]) * 1000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    found = [entry.content for entry in entries(tmp_path / "j")]
    assert len(found) == 1600 and {len(set(content)) for content in found} == {1}


def test_what_did_not_fit_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "j")
    journal.write(FACT, 0.0, b"before")
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        real(descriptor, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        journal.write(FACT, 0.0, b"too much")
    monkeypatch.undo()
    journal.write(FACT, 0.0, b"after")
    journal.close()
    assert [entry.content for entry in entries(tmp_path / "j")] == [b"before", b"after"]


# -- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "method", "target", "body", "path", "change"),
    [
        ("dynamodb", "POST", "DynamoDB_20120810.PutItem", b"{}", "/", Change.DATA),
        ("dynamodb", "POST", "DynamoDB_20120810.TransactWriteItems", b"{}", "/", Change.DATA),
        ("dynamodb", "POST", "DynamoDB_20120810.TransactGetItems", b"{}", "/", Change.NOTHING),
        ("dynamodb", "POST", "DynamoDB_20120810.BatchGetItem", b"{}", "/", Change.NOTHING),
        ("dynamodb", "POST", "DynamoDB_20120810.UpdateTable", b"{}", "/", Change.CONTROL),
        ("dynamodb", "POST", "DynamoDB_20120810.UpdateTimeToLive", b"{}", "/", Change.CONTROL),
        ("kinesis", "POST", "Kinesis_20131202.PutRecords", b"{}", "/", Change.DATA),
        ("kinesis", "POST", "Kinesis_20131202.GetRecords", b"{}", "/", Change.NOTHING),
        ("sqs", "POST", "AmazonSQS.CreateQueue", b"{}", "/", Change.CONTROL),
        ("sqs", "POST", "AmazonSQS.SendMessageBatch", b"{}", "/", Change.NOTHING),
        ("sqs", "POST", "AmazonSQS.ReceiveMessage", b"{}", "/", Change.NOTHING),
        ("sqs", "POST", None, b"Action=CreateQueue&QueueName=q", "/", Change.CONTROL),
        ("iam", "POST", None, b"Action=CreateRole&RoleName=r", "/", Change.CONTROL),
        ("iam", "POST", None, b"Action=ListRoles", "/", Change.NOTHING),
        ("sns", "POST", None, b"Action=Publish&Message=GetTopic", "/", Change.NOTHING),
        ("sts", "POST", None, b"Action=AssumeRole", "/", Change.CONTROL),
        ("s3", "PUT", None, b"Action=Get", "/bucket/key", Change.DATA),
        ("s3", "GET", None, b"", "/bucket/key", Change.NOTHING),
        ("lambda", "POST", None, b"{}", "/2015-03-31/functions", Change.CONTROL),
        ("lambda", "POST", None, b"", "/2014-11-13/functions/f/invoke-async", Change.NOTHING),
    ],
)
def test_what_a_request_changes(  # noqa: PLR0917 - a table
    service: str, method: str, target: str | None, body: bytes, path: str, change: Change
) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    if target is not None:
        environ["HTTP_X_AMZ_TARGET"] = target
    elif body.startswith(b"Action") and service != "s3":
        environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded; charset=utf-8"
    assert requests.change_of(service, environ, body) is change


def test_a_thread_draws_its_own_numbers_again() -> None:
    from moto.moto_api._internal import mock_random

    drawing.install()
    with drawing.drawn_from(7):
        first = [mock_random.uuid4(), mock_random.get_random_hex(8), mock_random.random()]
        others: list[object] = []
        thread = threading.Thread(target=lambda: others.append(mock_random.uuid4()))
        thread.start()
        thread.join()
        rest = mock_random.uuid4()
    with drawing.drawn_from(7):
        again = [mock_random.uuid4(), mock_random.get_random_hex(8), mock_random.random()]
        assert (again, mock_random.uuid4()) == (first, rest)
    assert others[0] not in (first[0], rest)
    assert mock_random.uuid4() != mock_random.uuid4()


# -- keeping -----------------------------------------------------------------------------------


@pytest.fixture
def core() -> SimpleNamespace:
    """Return what :class:`Keeping` needs of a sandbox, with no process around it."""
    clock = VirtualClock()
    events = EventLog(clock)
    sink = CloudWatchSink(lambda: None)
    return SimpleNamespace(
        clock=clock,
        events=events,
        sink=sink,
        gate=Gate(),
        keepers=Keepers(),
        moto=None,
        executor=SimpleNamespace(settings=Settings()),
    )


@pytest.fixture
def kept(core: Any, tmp_path: Path) -> Iterator[Keeping]:
    made = Keeping(core, tmp_path / "kept")
    made.start(restored=False)
    yield made
    made.close()


def _facts(folder: Path) -> list[Any]:
    files = Files(folder)
    found = [entry for path in files.journals_from(0) for entry in entries(path)]
    return [json.loads(entry.content) for entry in found]


def _keys(core: Any) -> list[str]:
    return [event.key for event in core.events.after(0)]


def test_a_full_disk_is_said_once_and_a_snapshot_mends_it(
    core: Any, kept: Keeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    note = core.keepers.register("part", lambda: held, lambda _: None, lambda _: None)
    note(1)
    assert kept.keeps and _facts(tmp_path / "kept") == [["part", 1]]

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        for fact in (2, 3):
            held.append(fact)
            note(fact)  # the part is not disturbed
    assert not kept.keeps
    note(4)  # nothing behind the gap
    assert _keys(core) == ["notice.not_kept"]
    assert _facts(tmp_path / "kept") == [["part", 1]]
    with monkeypatch.context() as patch:
        patch.setattr(Files, "write_state", full)
        assert not kept.snapshot()
    assert not kept.keeps and _keys(core) == ["notice.not_kept"]
    assert kept.snapshot() and kept.keeps
    assert _keys(core) == ["notice.not_kept", "notice.kept_again"]
    note(5)
    assert _facts(tmp_path / "kept") == [["part", 5]], "the rest is in the snapshot"


def test_a_snapshot_that_fails_loses_nothing(
    core: Any, kept: Keeping, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held: list[object] = [object()]
    note = core.keepers.register("part", lambda: held, lambda _: None, lambda _: None)
    note(1)
    assert not kept.snapshot() and kept.keeps
    assert "part" in capsys.readouterr().err
    note(2)
    assert _facts(tmp_path / "kept") == [["part", 1], ["part", 2]], "both journals are there"
    held[:] = []
    assert kept.snapshot()
    assert _facts(tmp_path / "kept") == [] and Files(tmp_path / "kept").newest_state() > 0


def test_what_is_asked_for_is_snapshot_soon(
    kept: Keeping, core: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.alone_with_state = contextlib.nullcontext
    monkeypatch.setattr(keeping, "_QUIET_S", 0.01)
    kept.ask()
    files = Files(tmp_path / "kept")
    for _ in range(500):
        if files.newest_state():
            break
        threading.Event().wait(0.01)
    assert files.newest_state() > 0


# -- the gate ----------------------------------------------------------------------------------


def test_who_waits_aside_keeps_nobody_waiting() -> None:
    gate = Gate()
    came, go, back = threading.Event(), threading.Event(), threading.Event()

    def poll() -> None:
        with gate.passing(), gate.passing():
            with gate.aside():
                came.set()
                go.wait(5)
            back.set()

    thread = threading.Thread(target=poll)
    thread.start()
    assert came.wait(5)
    with gate.alone(1):
        go.set()
        assert not back.wait(0.05), "it must not come back while somebody is alone"
    assert back.wait(5)
    thread.join()
    with gate.aside(), gate.alone(1):
        pass  # outside of it, aside is nowhere


def test_an_entry_is_what_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.write(REQUEST, 12.25, b"head", b"body")
    journal.close()
    assert list(entries(tmp_path / "j")) == [Entry(REQUEST, 12.25, b"headbody")]
