"""EventBridge Scheduler: at a time, at a rate, by cron in a time zone, with its execution role."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.conftest import until
from tests.sandbox.pushing import (
    ACCOUNT,
    PRINTS,
    function_arn,
    got,
    messages,
    queue,
    refusals,
    sources,
)

_ANY = Callable[..., Any]
OFF = {"Mode": "OFF"}
ALLOWED = ("lambda:InvokeFunction", "sqs:SendMessage", "sns:Publish", "events:PutEvents")


@pytest.fixture
def scheduler(clients: _ANY, sandbox: Sandbox) -> Any:
    sandbox.clock.pause()
    return clients("scheduler")


@pytest.fixture
def execution_role(clients: _ANY) -> str:
    return made_role(clients, "runs", ALLOWED)


def made_role(
    clients: _ANY, name: str, actions: tuple[str, ...], service: str = "scheduler.amazonaws.com"
) -> str:
    iam = clients("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return str(made["Role"]["Arn"])


def create(
    scheduler: Any, role: str, expression: str, target: dict[str, Any] | None = None, **options: Any
) -> str:
    usual = {"Arn": function_arn(), "RoleArn": role}
    made = scheduler.create_schedule(
        **{
            "Name": "s",
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": OFF,
            "Target": usual | (target or {}),
        }
        | options
    )
    return str(made["ScheduleArn"])


def moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def due(sandbox: Sandbox) -> float | None:
    coming = sandbox.clock.next()
    return None if coming is None else coming.time


def test_at_runs_once_with_its_input(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    when = moment(sandbox.clock.now() + 600)
    given = {
        "when": "<aws.scheduler.scheduled-time>",
        "arn": "<aws.scheduler.schedule-arn>",
        "attempt": "<aws.scheduler.attempt-number>",
        "id": "<aws.scheduler.execution-id>",
    }
    arn = create(scheduler, execution_role, f"at({when})", {"Input": json.dumps(given)})
    sandbox.clock.advance(hours=2)
    (event,) = got(sandbox, 1)
    assert event == {"when": f"{when}Z", "arn": arn, "attempt": "1", "id": event["id"]}
    assert len(event["id"]) == 16
    assert sources(sandbox) == {"scheduler"}
    assert scheduler.get_schedule(Name="s")["State"] == "ENABLED"
    assert due(sandbox) is None


def test_without_input_it_sends_its_own_event(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    arn = create(scheduler, execution_role, "rate(1 hour)")
    (event,) = got(sandbox, 1)  # the first run of a rate is at once
    assert (event["source"], event["detail"], event["resources"]) == ("aws.scheduler", "{}", [arn])
    sandbox.clock.advance(minutes=150)
    assert len(got(sandbox, 3)) == 3


def test_cron_goes_by_its_time_zone(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    create(
        scheduler,
        execution_role,
        "cron(30 9 * * ? *)",
        {"Input": '{"when": "<aws.scheduler.scheduled-time>"}'},
        ScheduleExpressionTimezone="Asia/Taipei",
    )
    sandbox.clock.advance(hours=24)
    (event,) = got(sandbox, 1)
    assert event["when"].endswith("T01:30:00Z")


def test_start_and_end(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    now = sandbox.clock.now()
    create(
        scheduler,
        execution_role,
        "rate(10 minutes)",
        StartDate=int(now) + 3600,
        EndDate=int(now) + 3600 + 1500,
        ActionAfterCompletion="DELETE",
    )
    assert due(sandbox) == int(now) + 3600
    sandbox.clock.advance(hours=3)
    assert len(got(sandbox, 3)) == 3
    with pytest.raises(ClientError, match="does not exist"):
        scheduler.get_schedule(Name="s")


def test_a_flexible_window_delays_within_itself(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    at = int(sandbox.clock.now()) + 600
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    create(
        scheduler,
        execution_role,
        f"at({moment(at)})",
        {"Input": '{"when": "<aws.scheduler.scheduled-time>"}'},
        FlexibleTimeWindow=window,
    )
    coming = due(sandbox)
    assert coming is not None and at < coming <= at + 15 * 60
    sandbox.clock.jump()
    assert got(sandbox, 1) == [{"when": f"{moment(at)}Z"}]


def test_disabled_enabled_updated_deleted(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    expression = "cron(0 12 * * ? *)"
    create(scheduler, execution_role, expression, State="DISABLED")
    assert due(sandbox) is None
    sandbox.clock.advance(hours=48)
    target = {"Arn": function_arn(), "RoleArn": execution_role}
    usual = {"Name": "s", "FlexibleTimeWindow": OFF, "Target": target}
    scheduler.update_schedule(**usual, ScheduleExpression=expression)
    sandbox.clock.advance()
    first = due(sandbox)
    assert first is not None and first > sandbox.clock.now()
    assert got(sandbox, 0) == []  # what was missed while it was disabled is not made up for
    scheduler.update_schedule(**usual, ScheduleExpression="cron(0 13 * * ? *)")
    assert due(sandbox) not in (None, first)
    scheduler.delete_schedule(Name="s")
    assert due(sandbox) is None


def test_a_group_goes_with_its_schedules(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    scheduler.create_schedule_group(Name="g")
    create(scheduler, execution_role, "cron(0 12 * * ? *)", GroupName="g")
    assert due(sandbox) is not None
    scheduler.delete_schedule_group(Name="g")
    assert due(sandbox) is None


def test_the_role_must_let_the_scheduler_in(
    scheduler: Any, clients: _ANY, functions: Functions
) -> None:
    other = made_role(clients, "other", ALLOWED, service="lambda.amazonaws.com")
    for role in (other, f"arn:aws:iam::{ACCOUNT}:role/gone"):
        with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume"):
            create(scheduler, role, "rate(1 hour)")


def test_a_role_that_may_not_invoke(
    sandbox: Sandbox, clients: _ANY, scheduler: Any, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    role = made_role(clients, "weak", ("sqs:SendMessage",))
    url, dead = queue(clients("sqs"), "dead")
    arn = create(
        scheduler,
        role,
        f"at({moment(sandbox.clock.now() + 60)})",
        {"DeadLetterConfig": {"Arn": dead}, "Input": '{"n": 1}'},
    )
    sandbox.clock.advance(minutes=2)
    (letter,) = messages(clients("sqs"), url, 1)
    assert json.loads(letter["Body"]) == {"n": 1}
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert (attributes["SCHEDULE_ARN"], attributes["TARGET_ARN"]) == (arn, function_arn())
    (refused,) = refusals(sandbox)
    assert (refused.source, refused.source_arn, refused.function) == ("scheduler", arn, "f")
    assert "lambda:InvokeFunction" in refused.reason
    assert sources(sandbox) == set()


def test_the_function_needs_no_policy_of_its_own(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions
) -> None:
    """The role decides: that is what sets the Scheduler apart from a rule."""
    functions.create(code=PRINTS)
    create(scheduler, execution_role, "rate(1 day)")
    assert len(got(sandbox, 1)) == 1
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.client.get_policy(FunctionName="f")


def test_queues_topics_and_buses(
    sandbox: Sandbox, clients: _ANY, scheduler: Any, execution_role: str
) -> None:
    sqs, sns, events = clients("sqs"), clients("sns"), clients("events")
    url, queue_arn = queue(sqs, "q")
    behind, behind_arn = queue(sqs, "behind")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=behind_arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    events.put_rule(Name="r", EventPattern='{"source": ["mine"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue_arn}])
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    given = {"Input": '{"n": 1}'}
    create(scheduler, execution_role, "rate(1 day)", {"Arn": queue_arn} | given, Name="a")
    create(scheduler, execution_role, "rate(1 day)", {"Arn": topic} | given, Name="b")
    assert messages(sqs, url, 1)[0]["Body"] == '{"n": 1}'
    assert messages(sqs, behind, 1)[0]["Body"] == '{"n": 1}'
    parameters = {"EventBridgeParameters": {"DetailType": "d", "Source": "mine"}}
    create(scheduler, execution_role, "rate(1 day)", {"Arn": bus} | given | parameters, Name="c")
    event = json.loads(messages(sqs, url, 1)[0]["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("mine", "d", {"n": 1})


def test_universal_targets(
    sandbox: Sandbox,
    clients: _ANY,
    scheduler: Any,
    execution_role: str,
    functions: Functions,
) -> None:
    functions.create(code=PRINTS)
    sqs, sns = clients("sqs"), clients("sns")
    url, queue_arn = queue(sqs, "q")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    for call, given in (
        ("lambda:invoke", {"FunctionName": "f", "Payload": '{"n": 1}'}),
        ("sqs:sendMessage", {"QueueUrl": url, "MessageBody": "to a queue"}),
        ("sns:publish", {"TopicArn": topic, "Message": "to a topic"}),
        ("sqs:sendMessage", {"QueueUrl": url}),
        ("dynamodb:putItem", {}),
    ):
        target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{call}", "Input": json.dumps(given)}
        create(scheduler, execution_role, "rate(1 day)", target, Name=f"s{len(given)}{call[:3]}")
    assert got(sandbox, 1) == [{"n": 1}]
    bodies = sorted(one["Body"] for one in messages(sqs, url, 2))
    assert bodies == ["to a queue", "to a topic"]
    assert until(lambda: len(refusals(sandbox)) == 2)
    reasons = " ".join(one.reason for one in refusals(sandbox))
    assert "MessageBody" in reasons and "dynamodb:putItem" in reasons


@pytest.mark.parametrize(
    ("expression", "options", "reason"),
    [
        ("rate(1 hours)", {}, "Invalid Schedule Expression"),
        ("at(2026-13-01T00:00:00)", {}, "Invalid Schedule Expression"),
        ("rate(1 hour)", {"ScheduleExpressionTimezone": "Mars/Base"}, "Timezone"),
        ("rate(1 hour)", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "FlexibleTimeWindow"),
        ("rate(1 hour)", {"EndDate": 1}, "EndDate"),
        ("rate(1 hour)", {"GroupName": "gone"}, "gone does not exist"),
    ],
)
def test_schedules_that_are_refused(
    scheduler: Any, execution_role: str, expression: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        create(scheduler, execution_role, expression, **options)


def test_schedules_come_back_with_saved_state(
    sandbox: Sandbox, scheduler: Any, execution_role: str, functions: Functions, tmp_path: Any
) -> None:
    functions.create(code=PRINTS)
    create(scheduler, execution_role, "rate(10 minutes)")
    assert len(got(sandbox, 1)) == 1
    first = due(sandbox)
    sandbox.clock.advance(minutes=4)
    sandbox.save(tmp_path / "state.lab")
    sandbox.reset()
    assert due(sandbox) is None
    sandbox.load(tmp_path / "state.lab")
    sandbox.clock.pause()
    assert due(sandbox) == pytest.approx(first, abs=0.01)
    sandbox.clock.jump()
    assert len(got(sandbox, 1)) == 1
