"""CloudWatch Logs: subscriptions of functions to log groups."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.rules.limits import RECURSION
from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.conftest import until
from tests.sandbox.pushing import (
    ACCOUNT,
    PRINTS,
    allow,
    function_arn,
    got,
    received,
    refusals,
    sources,
    subscriber,
)

_ANY = Callable[..., Any]
PRINCIPAL = "logs.amazonaws.com"


@pytest.fixture
def logs(clients: _ANY) -> Any:
    client = clients("logs")
    client.create_log_group(logGroupName="/shop")
    client.create_log_stream(logGroupName="/shop", logStreamName="s")
    return client


def group_arn(name: str = "/shop") -> str:
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}:*"


def subscribe(logs: Any, pattern: str = "", group: str = "/shop", name: str = "n") -> None:
    logs.put_subscription_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        destinationArn=function_arn(),
    )


def write(sandbox: Sandbox, logs: Any, *texts: str) -> None:
    now = int(sandbox.clock.now() * 1000)
    logs.put_log_events(
        logGroupName="/shop",
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": text} for text in texts],
    )


def unpacked(event: Any) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))


def texts(event: Any) -> list[str]:
    return [one["message"] for one in unpacked(event)["logEvents"]]


def test_log_events_reach_the_function(sandbox: Sandbox, logs: Any, functions: Functions) -> None:
    subscriber(functions, PRINCIPAL, group_arn())
    subscribe(logs)
    write(sandbox, logs, "one", "two")
    (event,) = got(sandbox, 1)
    data = unpacked(event)
    ids = [one.pop("id") for one in data["logEvents"]]
    now = int(sandbox.clock.now() * 1000)
    assert [abs(one.pop("timestamp") - now) < 60_000 for one in data["logEvents"]] == [True, True]
    assert data == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/shop",
        "logStream": "s",
        "subscriptionFilters": ["n"],
        "logEvents": [{"message": "one"}, {"message": "two"}],
    }
    assert len(set(ids)) == 2 and {len(one) for one in ids} == {56}
    assert sources(sandbox) == {"logs"}


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("ERROR", ["ERROR disk"]),
        ("?ERROR ?WARN", ["ERROR disk", "WARN disk"]),
        ("disk -ERROR", ["WARN disk"]),
        ('{ $.level = "high" && $.n > 2 }', ['{"level": "high", "n": 3}']),
    ],
)
def test_only_what_matches(
    sandbox: Sandbox, logs: Any, functions: Functions, pattern: str, wanted: list[str]
) -> None:
    subscriber(functions, PRINCIPAL, group_arn())
    subscribe(logs, pattern)
    write(sandbox, logs, "nothing here")
    write(sandbox, logs, "ERROR disk", "WARN disk", '{"level": "high", "n": 3}', '{"n": 3}')
    (event,) = got(sandbox, 1)
    assert texts(event) == wanted


def test_a_functions_log_feeds_another(
    sandbox: Sandbox, clients: _ANY, functions: Functions
) -> None:
    functions.create("source", code="def handler(event, context):\n    print('ALARM', event)\n")
    functions.call("source", "first")
    logs = clients("logs")
    subscriber(functions, PRINCIPAL, group_arn("/aws/lambda/source"))
    subscribe(logs, "ALARM", "/aws/lambda/source")
    functions.call("source", "second")
    (event,) = got(sandbox, 1)
    assert [text.strip() for text in texts(event)] == ["ALARM second"]


def test_a_function_without_permission_is_refused_at_once(logs: Any, functions: Functions) -> None:
    functions.create()
    with pytest.raises(ClientError, match="Could not execute the lambda function"):
        subscribe(logs)
    allow(functions, PRINCIPAL, group_arn("/another"))
    with pytest.raises(ClientError, match="Could not execute the lambda function"):
        subscribe(logs)


def test_the_regional_name_of_the_service_will_do(
    sandbox: Sandbox, logs: Any, functions: Functions
) -> None:
    subscriber(functions, "logs.us-east-1.amazonaws.com", group_arn())
    subscribe(logs)
    write(sandbox, logs, "one")
    assert len(got(sandbox, 1)) == 1


def test_a_permission_taken_back(sandbox: Sandbox, logs: Any, functions: Functions) -> None:
    subscriber(functions, PRINCIPAL, group_arn())
    subscribe(logs)
    functions.client.remove_permission(FunctionName="f", StatementId="push")
    write(sandbox, logs, "one")
    (refused,) = refusals(sandbox)
    assert (refused.source, refused.source_arn) == ("logs", group_arn())


@pytest.mark.parametrize("pattern", ["[ip, user]", "{ $.a = 1", "{ a = 1 }", '"open'])
def test_patterns_that_cannot_be_read(logs: Any, functions: Functions, pattern: str) -> None:
    subscriber(functions, PRINCIPAL, group_arn())
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        subscribe(logs, pattern)


def test_a_group_has_two_filters_that_can_be_changed(logs: Any, functions: Functions) -> None:
    subscriber(functions, PRINCIPAL, group_arn())
    for name in ("a", "b"):
        subscribe(logs, name=name)
    subscribe(logs, "ERROR", name="b")
    with pytest.raises(ClientError, match="LimitExceeded"):
        subscribe(logs, name="c")
    found = logs.describe_subscription_filters(logGroupName="/shop")["subscriptionFilters"]
    assert {one["filterName"]: one["filterPattern"] for one in found} == {"a": "", "b": "ERROR"}


def test_a_function_that_reads_its_own_log_is_stopped(
    sandbox: Sandbox, clients: _ANY, functions: Functions
) -> None:
    functions.create(code=PRINTS)
    functions.call(event="first")
    allow(functions, PRINCIPAL, group_arn("/aws/lambda/f"))
    subscribe(clients("logs"), "", "/aws/lambda/f")
    functions.call(event="second")
    stopped = until(lambda: any(one.type == "RecursionDetected" for one in sandbox.events()), 30)
    assert stopped
    assert sum(one.source == "logs" for one in received(sandbox)) == RECURSION.value
