"""The poller view without a browser: steps of real pollers, what records went through, words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox import events as ev
from lambdalab.widgets import PollerView
from lambdalab.widgets.poller_lanes import FINAL, Place
from lambdalab.widgets.poller_steps import Steps
from lambdalab.widgets.poller_text import lane_name, sentence
from tests.conftest import Functions
from tests.widgets.records import Log
from tests.widgets.test_live import until

QUEUE = "arn:aws:sqs:us-east-1:123456789012:parcels"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/sensors"

RAISES = """
import json


def handler(event, context):
    for record in event["Records"]:
        json.loads(record["body"])["weight"]
"""
READS = """
import base64
import json


def handler(event, context):
    for record in event["Records"]:
        float(json.loads(base64.b64decode(record["kinesis"]["data"])))
"""


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Speak English, and leave no widget behind."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    ipywidgets.Widget.close_all()


class Pollers:
    """Writes the log of one mapping as its poller does."""

    def __init__(self, source: str = QUEUE, shard: str | None = None, log: Log | None = None):
        self.log = log or Log()
        self.where = {
            "mapping": "0000-of-" + source.rpartition(":")[2],
            "function": "parcels" if shard is None else "sensors",
            "source_arn": source,
            "shard": shard,
        }
        self.attempts = 0

    def add(self, kind: type[ev.Event], after: float = 0.0, **values: Any) -> None:
        where: dict[str, Any] = self.where | values
        self.log.add(kind, after, **where)

    def poll(self, *records: str, after: float = 0.0) -> None:
        self.add(ev.RecordsPolled, after, records=records)

    def start(self, batch: str, *records: str, attempt: int = 1, counts: Any = ()) -> None:
        self.attempts += 1
        self.add(
            ev.BatchStarted,
            batch=batch,
            request_id=f"request-{self.attempts}",
            records=records,
            attempt=attempt,
            receive_counts=counts,
        )

    def finish(self, batch: str, status: str, *failed: str, error: str | None = None) -> None:
        self.add(
            ev.BatchFinished,
            0.1,
            batch=batch,
            request_id=f"request-{self.attempts}",
            status=status,
            failed=failed,
            error_type=error,
        )


def places(steps: Steps, lane: int = 0) -> dict[str, str]:
    """Return where each record of a lane is, by its id."""
    found = list(steps.lanes.values())[lane]
    return {name: one.place.value for name, one in found.records.items()}


def fed(log: Log, **options: Any) -> Steps:
    steps = Steps(**options)
    steps.feed(log.events)
    return steps


# -- real pollers -------------------------------------------------------------------------


def test_a_poison_message_takes_its_batch_to_the_dlq(
    sandbox: Sandbox, functions: Functions, clients: Any
) -> None:
    clients("iam").attach_role_policy(
        RoleName="lambda", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    )
    sqs = clients("sqs")

    def queue(name: str, **attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    _, dead = queue("parcels-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    url, arn = queue("parcels", VisibilityTimeout="30", RedrivePolicy=redrive)
    functions.create("parcels", RAISES, Timeout=5)
    bodies = [{"id": n, "weight": 1} if n != 2 else {"id": n} for n in range(1, 4)]
    entries = [{"Id": str(n), "MessageBody": json.dumps(one)} for n, one in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    functions.client.create_event_source_mapping(FunctionName="parcels", EventSourceArn=arn)
    view = PollerView(sandbox, "parcels")
    sandbox.clock.advance(minutes=5)
    until(lambda: view.lanes and view.lanes[0].counts[Place.REDRIVEN] == 3)
    (lane,) = view.lanes
    assert (lane.seen, lane.invoked, lane.failed, lane.shard) == (3, 2, 2, None)
    assert {one.received for one in lane.records.values()} == {2}
    assert lane.dlq == dead
    kinds = [step.kind for step in view.steps if step.kind != "state"]
    assert kinds == [
        "polled_queue",
        "started",
        "error_queue",
        "polled_queue",
        "started_again",
        "error_queue",
        "redriven",
    ]
    assert view.steps[-1].values["which"] == [1, 2, 3]
    text = view.to_text()
    assert "queue parcels: Received 3, Invocations 2, failed 2, Done 0, In the DLQ 3" in text
    assert "#1–#3: received 2 times, and moved by the queue to its DLQ, sqs parcels-dead" in text
    told = view.get_state()["snapshot"]
    assert [lane["name"] for lane in told["lanes"]] == ["queue parcels"]
    assert len(told["steps"]) == len(view.steps)
    assert told["steps"][-1]["counters"]["redriven"] == 3
    sandbox.reset()
    until(lambda: not view.steps)


def test_a_blocked_shard_and_the_cuts_that_free_it(
    sandbox: Sandbox, functions: Functions, clients: Any
) -> None:
    clients("iam").attach_role_policy(
        RoleName="lambda",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole",
    )
    kinesis = clients("kinesis")
    kinesis.create_stream(StreamName="sensors", ShardCount=2)
    sandbox.clock.advance(seconds=10)
    found = kinesis.describe_stream_summary(StreamName="sensors")["StreamDescriptionSummary"]
    keys = ("0", str(2**127))
    for number in range(6):
        for shard in (0, 1):
            data = "hot" if (shard, number) == (0, 2) else "21"
            kinesis.put_record(
                StreamName="sensors",
                Data=json.dumps(data),
                PartitionKey="any",
                ExplicitHashKey=keys[shard],
            )
    functions.create("sensors", READS, Timeout=5)
    mapping = functions.client.create_event_source_mapping(
        FunctionName="sensors",
        EventSourceArn=found["StreamARN"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=4,
    )
    sandbox.clock.advance(minutes=2)
    blocked, free = sorted(PollerView.of(sandbox.events()).lanes, key=lambda one: one.id)
    assert (free.counts[Place.DONE], free.failed) == (6, 0)
    assert (blocked.counts[Place.DONE], blocked.behind) == (0, 2)
    (batch,) = blocked.batches.values()
    assert (batch.status, len(batch.names)) == ("blocked", 4)
    assert batch.attempt == blocked.failed + 1
    assert blocked.counts[Place.HELD] == 4
    assert blocked.counts[Place.WAITING] == 2
    functions.client.update_event_source_mapping(
        UUID=mapping["UUID"], BisectBatchOnFunctionError=True, MaximumRetryAttempts=1
    )
    sandbox.clock.advance(minutes=10)
    view = PollerView.of(sandbox.events(), mapping["UUID"])
    lane = next(one for one in view.lanes if one.cuts)
    assert lane.counts[Place.DISCARDED] == 1
    assert lane.counts[Place.DONE] == 5
    assert (lane.cuts, lane.behind, lane.batches) == (2, 0, {})
    (poison,) = (one for one in lane.records.values() if one.place is Place.DISCARDED)
    assert poison.number == 3
    assert "#3: given up, RetryAttemptsExhausted. The shard goes on." in view.to_text()


# -- one thing at a time ------------------------------------------------------------------


def test_a_partial_failure_brings_back_what_failed() -> None:
    pollers = Pollers()
    pollers.poll("a", "b", "c")
    pollers.start("batch", "a", "b", "c", counts=(1, 1, 1))
    pollers.finish("batch", "partial", "b")
    steps = fed(pollers.log)
    assert places(steps) == {"a": "done", "b": "returning", "c": "done"}
    assert steps.lanes["0000-of-parcels/"].batches == {}
    assert "#2" in sentence(steps.steps[-1], "en")
    pollers.poll("b", after=30)
    pollers.start("again", "b", counts=(2,))
    pollers.finish("again", "success")
    steps = fed(pollers.log)
    record = steps.lanes["0000-of-parcels/"].records["b"]
    assert (record.place, record.received, record.processed) == (Place.DONE, 2, 1)


def test_a_message_that_comes_while_it_is_worked_on_is_a_duplicate() -> None:
    pollers = Pollers()
    pollers.poll("a")
    pollers.start("first", "a", counts=(1,))
    pollers.poll("a", after=2)  # its visibility timeout was too short
    pollers.start("second", "a", counts=(2,))
    lane = fed(pollers.log).lanes["0000-of-parcels/"]
    assert set(lane.batches) == {"first", "second"}
    for batch, request in (("first", 1), ("second", 2)):
        pollers.attempts = request
        pollers.finish(batch, "success")
    steps = fed(pollers.log)
    lane = steps.lanes["0000-of-parcels/"]
    assert (lane.duplicates, lane.counts[Place.DONE], lane.seen) == (1, 1, 1)
    assert lane.records["a"].processed == 2
    assert lane.batches == {}


def test_a_throttled_batch_is_held_until_its_messages_are_received_again() -> None:
    pollers = Pollers()
    pollers.poll("a")
    pollers.start("batch", "a", counts=(1,))
    pollers.finish("batch", "throttled", "a", error="ReservedFunction…")
    steps = fed(pollers.log)
    lane = steps.lanes["0000-of-parcels/"]
    assert (places(steps), lane.invoked, lane.throttled) == ({"a": "held"}, 0, 1)
    assert lane.batches["batch"].status == "throttled"
    pollers.poll("a", after=30)
    steps = fed(pollers.log)
    assert places(steps) == {"a": "gathered"}
    assert [one.gone for one in steps.steps[-1].batches] == [True]
    assert steps.lanes["0000-of-parcels/"].batches == {}


def test_filtered_records_are_gone_without_an_invocation() -> None:
    pollers = Pollers()
    pollers.poll("a", "b")
    pollers.add(ev.RecordsFiltered, records=("a",))
    lane = fed(pollers.log).lanes["0000-of-parcels/"]
    assert (lane.counts[Place.FILTERED], lane.counts[Place.GATHERED], lane.invoked) == (1, 1, 0)


def test_the_environment_that_ran_a_batch_is_told() -> None:
    pollers = Pollers()
    pollers.poll("a")
    pollers.start("batch", "a", counts=(1,))
    pollers.log.add(
        ev.InvokeStarted,
        environment="e" * 32,
        function="parcels",
        version="$LATEST",
        request_id="request-1",
        cold=True,
    )
    pollers.finish("batch", "success")
    assert fed(pollers.log).steps[-1].batches[0].environment == "e" * 32


def test_what_is_new_is_told_and_old_steps_are_dropped() -> None:
    pollers = Pollers()
    steps = Steps(limit=10)
    for number in range(4):
        pollers.poll(f"{number}")
        pollers.start(f"batch-{number}", f"{number}", counts=(1,))
        pollers.finish(f"batch-{number}", "success")
    fresh, gone = steps.feed(pollers.log.events[:6])
    assert (len(fresh), gone) == (6, False)
    fresh, gone = steps.feed(pollers.log.events[6:])
    assert (len(steps.steps), gone, steps.dropped) == (8, True, 4)
    assert steps.steps[-1].counters["done"] == 4
    assert steps.feed([ev.SandboxReset(seq=99)]) == ([], True)
    assert (steps.steps, steps.lanes, steps.dropped) == ([], {}, 0)


def test_only_some_mappings_or_several_side_by_side() -> None:
    log = Log()
    Pollers(log=log).poll("a")
    Pollers(STREAM, "shardId-000000000000", log).poll("b")
    assert [lane.shard for lane in PollerView.of(log.events, "sensors").lanes] == [
        "shardId-000000000000"
    ]
    assert len(PollerView.of(log.events, ["parcels", "0000-of-stream/sensors"]).lanes) == 2
    assert len(PollerView.of(log.events).lanes) == 2
    early = PollerView.of(log.events, "later")
    assert "No poller has received anything" in early.to_text()
    assert re.search(r"'later' .* There are: .*parcels.*sensors", early.to_text())
    Pollers(log=log).add(ev.MappingStateChanged, function="later", mapping="m", state="Creating")
    early._take(log.events[-1:])  # it has come
    assert early.note == ""
    assert len(early.lanes) == 1


def test_every_place_after_any_step_is_counted_once() -> None:
    pollers = Pollers(STREAM, "shardId-000000000001")
    pollers.poll("a", "b", "c", "d", "e")
    pollers.start("batch", "a", "b", "c", "d")
    pollers.finish("batch", "error", "a", "b", "c", "d", error="ValueError")
    pollers.add(ev.BatchSplit, batch="batch", parts=(2, 2))
    pollers.add(ev.ShardBlocked, batch="half", attempt=1, due=pollers.log.now + 1, waiting=3)
    steps = fed(pollers.log)
    lane = next(iter(steps.lanes.values()))
    assert places(steps) == dict.fromkeys("ab", "held") | dict.fromkeys("cde", "waiting")
    assert list(lane.batches) == ["half"]
    assert sum(lane.counts.values()) == lane.seen == 5
    assert lane_name(lane, "en") == "kinesis sensors · shardId-1"


# -- words --------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_view_gets_every_word_it_needs(lang: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/07.ipynb")
    widget = PollerView.of([])
    known = widget.labels
    folder = resources.files("lambdalab.widgets") / "static"
    for name in ("poller_view.js", "poller_lanes.js", "lengths.js"):
        script = (folder / name).read_text(encoding="utf-8")
        said = re.findall(r'say\("([a-z_.]+)"', script)
        assert [key for key in said if key not in known] == []
        starts = re.findall(r"say\(`([a-z_.]+)\$\{", script)
        assert starts
        assert [one for one in starts if not any(key.startswith(one) for key in known)] == []
    for place in Place:
        assert f"place.{place}" in known
    for place in FINAL:
        assert f"counter.{place}" in known
    kinds = set(
        re.findall(
            r'"((?:started|split|blocked|discarded|filtered|redriven|state)\w*)"',
            (resources.files("lambdalab.widgets") / "poller_steps.py").read_text(),
        )
    )
    kinds |= {
        f"{one}_{kind}"
        for one in ("polled", "success", "partial", "error", "throttled", "reported")
        for kind in ("queue", "shard")
    }
    assert len(kinds) >= 18
    told = messages("poller_view", lang)
    assert [kind for kind in kinds if f"step.{kind}" not in told] == []
