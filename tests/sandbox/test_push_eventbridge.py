"""EventBridge: rules by pattern and by schedule, their targets, and what does not arrive."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.pushing import (
    ACCOUNT,
    allow,
    function_arn,
    got,
    messages,
    queue,
    received,
    refusals,
    sources,
    subscriber,
)

_ANY = Callable[..., Any]
PRINCIPAL = "events.amazonaws.com"


@pytest.fixture
def events(clients: _ANY) -> Any:
    return clients("events")


def put(events: Any, detail: Any, **entry: Any) -> dict[str, Any]:
    usual = {"Source": "shop", "DetailType": "Order Placed", "Detail": json.dumps(detail)}
    answer: dict[str, Any] = events.put_events(Entries=[usual | entry])
    return answer


def rule(events: Any, target: dict[str, Any], name: str = "r", **options: Any) -> str:
    if "ScheduleExpression" not in options:
        options.setdefault("EventPattern", json.dumps({"source": ["shop"]}))
    arn = str(events.put_rule(Name=name, **options)["RuleArn"])
    events.put_targets(Rule=name, Targets=[{"Id": "1", **target}])
    return arn


def test_a_matching_event_reaches_the_function(
    sandbox: Sandbox, events: Any, functions: Functions
) -> None:
    functions.create()
    pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}}
    arn = rule(events, {"Arn": function_arn("g")}, EventPattern=json.dumps(pattern))
    subscriber(functions, PRINCIPAL, arn, "g")
    put(events, {"total": 5})
    sent = put(events, {"total": 12.5}, Resources=["arn:aws:x:::y"])
    (event,) = got(sandbox, 1, "g")
    assert event == {
        "version": "0",
        "id": sent["Entries"][0]["EventId"],
        "detail-type": "Order Placed",
        "source": "shop",
        "account": ACCOUNT,
        "time": event["time"],
        "region": "us-east-1",
        "resources": ["arn:aws:x:::y"],
        "detail": {"total": 12.5},
    }
    assert event["time"].endswith("Z")
    assert sources(sandbox) == {"events"}


def test_entries_that_are_wrong_fail_alone(
    sandbox: Sandbox, events: Any, functions: Functions
) -> None:
    arn = rule(events, {"Arn": function_arn()})
    subscriber(functions, PRINCIPAL, arn)
    entry = {"Source": "shop", "DetailType": "d"}
    answer = events.put_events(Entries=[entry | {"Detail": "{"}, entry | {"Detail": "{}"}])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "MalformedDetail"
    assert len(got(sandbox, 1)) == 1


def test_every_target_gets_what_it_asks_for(
    sandbox: Sandbox, clients: _ANY, events: Any, functions: Functions
) -> None:
    sqs, sns, logs = clients("sqs"), clients("sns"), clients("logs")
    url, queue_arn = queue(sqs, "q")
    behind, behind_arn = queue(sqs, "behind")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=behind_arn)
    logs.create_log_group(logGroupName="/aws/events/all")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/all"
    arn = rule(events, {"Arn": function_arn(), "Input": '{"fixed": true}'})
    subscriber(functions, PRINCIPAL, arn)
    template = '{"said": "order <order>", "all": <aws.events.event.json>}'
    events.put_targets(
        Rule="r",
        Targets=[
            {"Id": "queue", "Arn": queue_arn, "InputPath": "$.detail"},
            {
                "Id": "topic",
                "Arn": topic,
                "InputTransformer": {
                    "InputPathsMap": {"order": "$.detail.order"},
                    "InputTemplate": template,
                },
            },
            {"Id": "logs", "Arn": group},
        ],
    )
    put(events, {"order": "A-1"})
    assert got(sandbox, 1) == [{"fixed": True}]
    assert json.loads(messages(sqs, url, 1)[0]["Body"]) == {"order": "A-1"}
    told = json.loads(json.loads(messages(sqs, behind, 1)[0]["Body"])["Message"])
    assert told["said"] == "order A-1" and told["all"]["source"] == "shop"
    (line,) = logs.filter_log_events(logGroupName="/aws/events/all")["events"]
    assert json.loads(line["message"])["detail"] == {"order": "A-1"}


def test_a_rule_without_permission_sends_to_its_dead_letter_queue(
    sandbox: Sandbox, clients: _ANY, events: Any, functions: Functions
) -> None:
    functions.create()
    url, dead = queue(clients("sqs"), "dead")
    arn = rule(events, {"Arn": function_arn(), "DeadLetterConfig": {"Arn": dead}})
    put(events, {"order": "A-1"})
    (refused,) = refusals(sandbox)
    assert (refused.source, refused.source_arn, refused.function) == ("events", arn, "f")
    (letter,) = messages(clients("sqs"), url, 1)
    assert json.loads(letter["Body"])["detail"] == {"order": "A-1"}
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (arn, function_arn())
    assert sources(sandbox) == set()


def test_a_queue_that_is_gone(sandbox: Sandbox, clients: _ANY, events: Any) -> None:
    url, dead = queue(clients("sqs"), "dead")
    gone = f"arn:aws:sqs:us-east-1:{ACCOUNT}:gone"
    rule(events, {"Arn": gone, "DeadLetterConfig": {"Arn": dead}})
    put(events, {})
    (letter,) = messages(clients("sqs"), url, 1)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "RESOURCE_NOT_FOUND"


def test_a_target_we_do_not_know_is_told_of(sandbox: Sandbox, events: Any) -> None:
    rule(events, {"Arn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"})
    put(events, {})
    (refused,) = refusals(sandbox)
    assert "stateMachine" in refused.reason


def test_disabled_rules_and_rules_with_a_schedule_take_no_events(
    sandbox: Sandbox, events: Any, functions: Functions
) -> None:
    rule(events, {"Arn": function_arn()}, "off", State="DISABLED")
    rule(events, {"Arn": function_arn()}, "timed", ScheduleExpression="rate(1 hour)")
    rule(events, {"Arn": function_arn()}, "on")
    functions.create()
    allow(functions, PRINCIPAL, None)
    put(events, {})
    assert len(received(sandbox)) == 1
    events.disable_rule(Name="on")
    put(events, {})
    events.enable_rule(Name="on")
    put(events, {})
    assert {one.source for one in received(sandbox)} == {"events"}
    assert len(received(sandbox)) == 2


def test_another_bus(sandbox: Sandbox, events: Any, functions: Functions) -> None:
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    rule(events, {"Arn": bus}, "forward")
    pattern = json.dumps({"detail-type": ["Order Placed"]})
    arn = events.put_rule(Name="r", EventBusName="orders", EventPattern=pattern)["RuleArn"]
    events.put_targets(
        Rule="r", EventBusName="orders", Targets=[{"Id": "1", "Arn": function_arn()}]
    )
    subscriber(functions, PRINCIPAL, arn)
    put(events, {"way": "direct"}, EventBusName="orders")
    put(events, {"way": "forwarded"})
    ways = sorted(event["detail"]["way"] for event in got(sandbox, 2))
    assert ways == ["direct", "forwarded"]


def test_an_archive_keeps_events_and_replays_them(
    sandbox: Sandbox, events: Any, functions: Functions
) -> None:
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    pattern = json.dumps({"source": ["shop"]})
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus, EventPattern=pattern)
    put(events, {"order": "A-1"})
    put(events, {}, Source="other")
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 1
    arn = rule(events, {"Arn": function_arn()})
    subscriber(functions, PRINCIPAL, arn)
    now = sandbox.clock.now()
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=now - 60,
        EventEndTime=now + 60,
        Destination={"Arn": bus},
    )
    (event,) = got(sandbox, 1)
    assert (event["replay-name"], event["detail"]) == ("again", {"order": "A-1"})
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 1


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "Invalid JSON"),
        ('{"source": "shop"}', "must be an object or an array"),
        ('{"source": [{"unknown": 1}]}', "(?i)unrecognized"),
    ],
)
def test_patterns_that_are_none(events: Any, pattern: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason) as caught:
        events.put_rule(Name="r", EventPattern=pattern)
    assert caught.value.response["Error"]["Code"] == "InvalidEventPatternException"


def test_patterns_can_be_tried(events: Any) -> None:
    event = {"id": "1", "source": "shop", "detail-type": "d", "detail": {"n": 3}}
    event |= {"account": ACCOUNT, "time": "2026-11-25T00:00:00Z", "region": "r", "resources": []}
    for least, wanted in ((2, True), (3, False)):
        pattern = json.dumps({"detail": {"n": [{"numeric": [">", least]}]}})
        answer = events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))
        assert answer["Result"] is wanted


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"Input": "{", "Arn": function_arn()}, "JSON syntax error"),
        ({"Input": "{}", "InputPath": "$", "Arn": function_arn()}, "Only one of Input"),
        ({"InputPath": "detail", "Arn": function_arn()}, "Invalid InputPath"),
    ],
)
def test_targets_that_are_refused(events: Any, target: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        rule(events, target)


# -- schedules ------------------------------------------------------------------------------


def test_a_rate_runs_on_service_time(sandbox: Sandbox, events: Any, functions: Functions) -> None:
    sandbox.clock.pause()
    created = sandbox.clock.now()
    arn = rule(events, {"Arn": function_arn()}, "tick", ScheduleExpression="rate(5 minutes)")
    subscriber(functions, PRINCIPAL, arn)
    coming = sandbox.clock.next()
    assert coming is not None and coming.time == pytest.approx(created + 300, abs=1)
    assert "tick" in coming.label
    sandbox.clock.advance(minutes=17)
    found = got(sandbox, 3)
    assert len(found) == 3
    event = found[0]
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert (event["resources"], event["detail"]) == ([arn], {})
    assert len({one["time"] for one in found}) == 3


def test_cron_goes_by_utc_and_stops_when_disabled_or_deleted(
    sandbox: Sandbox, events: Any, functions: Functions
) -> None:
    sandbox.clock.pause()
    arn = rule(events, {"Arn": function_arn()}, "noon", ScheduleExpression="cron(0 12 * * ? *)")
    subscriber(functions, PRINCIPAL, arn)
    sandbox.clock.advance(hours=24)
    (event,) = got(sandbox, 1)
    assert event["time"].endswith("T12:00:00Z")
    events.disable_rule(Name="noon")
    assert sandbox.clock.next() is None
    sandbox.clock.advance(hours=48)
    events.enable_rule(Name="noon")
    sandbox.clock.advance(hours=24)
    assert len(got(sandbox, 2)) == 2
    events.remove_targets(Rule="noon", Ids=["1"])
    events.delete_rule(Name="noon")
    assert sandbox.clock.next() is None


def test_a_new_expression_takes_the_place_of_the_old(sandbox: Sandbox, events: Any) -> None:
    sandbox.clock.pause()
    now = sandbox.clock.now()
    for expression in ("rate(1 day)", "rate(1 hour)"):
        events.put_rule(Name="r", ScheduleExpression=expression)
    coming = sandbox.clock.next()
    assert coming is not None and coming.time == pytest.approx(now + 3600, abs=1)
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    assert sandbox.clock.next() is None


@pytest.mark.parametrize("expression", ["rate(5)", "rate(1 minutes)", "cron(* * *)", "daily"])
def test_schedules_that_are_none(events: Any, expression: str) -> None:
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        events.put_rule(Name="r", ScheduleExpression=expression)


def test_schedules_come_back_with_saved_state_and_end_with_a_reset(
    sandbox: Sandbox, events: Any, functions: Functions, tmp_path: Any
) -> None:
    sandbox.clock.pause()
    created = sandbox.clock.now()
    arn = rule(events, {"Arn": function_arn()}, ScheduleExpression="rate(5 minutes)")
    subscriber(functions, PRINCIPAL, arn)
    sandbox.clock.advance(minutes=2)
    sandbox.save(tmp_path / "state.lab")
    sandbox.reset()
    assert sandbox.clock.next() is None
    sandbox.load(tmp_path / "state.lab")
    sandbox.clock.pause()
    coming = sandbox.clock.next()
    assert coming is not None and coming.time == pytest.approx(created + 300, abs=2)
    sandbox.clock.jump()
    assert len(got(sandbox, 1)) == 1
