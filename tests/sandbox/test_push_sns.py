"""SNS: from a topic to functions and queues."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.events import InvokeStarted
from tests.conftest import Functions
from tests.sandbox.pushing import (
    function_arn,
    got,
    messages,
    queue,
    refusals,
    sources,
    subscriber,
)

_ANY = Callable[..., Any]


@pytest.fixture
def sns(clients: _ANY) -> Any:
    return clients("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="news")["TopicArn"])


def subscribe(sns: Any, topic: str, endpoint: str, **attributes: str) -> str:
    made = sns.subscribe(
        TopicArn=topic,
        Protocol=endpoint.split(":")[2],
        Endpoint=endpoint,
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(made["SubscriptionArn"])


def test_a_message_reaches_the_function(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    arn = subscribe(sns, topic, subscriber(functions, "sns.amazonaws.com", topic))
    sent = sns.publish(
        TopicArn=topic,
        Message="hello",
        Subject="greeting",
        MessageAttributes={
            "colour": {"DataType": "String", "StringValue": "blue"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    (event,) = got(sandbox, 1)
    (record,) = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    message = record["Sns"]
    assert (message["Message"], message["Subject"]) == ("hello", "greeting")
    assert (message["MessageId"], message["TopicArn"]) == (sent["MessageId"], topic)
    assert message["MessageAttributes"] == {
        "colour": {"Type": "String", "Value": "blue"},
        "raw": {"Type": "Binary", "Value": base64.b64encode(b"\x00\x01").decode()},
    }
    assert sources(sandbox) == {"sns"}


def test_a_batch_comes_message_by_message(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    subscribe(sns, topic, subscriber(functions, "sns.amazonaws.com", topic))
    entries = [{"Id": str(one), "Message": str(one)} for one in range(3)]
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    events = got(sandbox, 3)
    assert {len(event["Records"]) for event in events} == {1}
    assert sorted(event["Records"][0]["Sns"]["Message"] for event in events) == ["0", "1", "2"]


def test_each_protocol_gets_its_own_text(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    subscribe(sns, topic, subscriber(functions, "sns.amazonaws.com", topic))
    text = json.dumps({"default": "for all", "lambda": "for functions"})
    sns.publish(TopicArn=topic, Message=text, MessageStructure="json")
    (event,) = got(sandbox, 1)
    assert event["Records"][0]["Sns"]["Message"] == "for functions"


def test_filter_policy_on_attributes(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    function = subscriber(functions, "sns.amazonaws.com", topic)
    subscribe(sns, topic, function, FilterPolicy=json.dumps({"kind": ["order", {"prefix": "in"}]}))
    for kind in ("order", "invoice", "other", None):
        value = {"kind": {"DataType": "String", "StringValue": kind}} if kind else {}
        sns.publish(TopicArn=topic, Message=str(kind), MessageAttributes=value)
    sns.publish(
        TopicArn=topic,
        Message="last",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "order"}},
    )
    texts = [event["Records"][0]["Sns"]["Message"] for event in got(sandbox, 3)]
    assert sorted(texts) == ["invoice", "last", "order"]


def test_filter_policy_on_the_body_whichever_attribute_is_set_first(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    arn = subscribe(sns, topic, subscriber(functions, "sns.amazonaws.com", topic))
    for name, value in (
        ("FilterPolicy", json.dumps({"kind": ["order"]})),
        ("FilterPolicyScope", "MessageBody"),
    ):
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )
    for body in ({"kind": "order"}, {"kind": "other"}, {}):
        sns.publish(TopicArn=topic, Message=json.dumps(body))
    sns.publish(TopicArn=topic, Message=json.dumps({"kind": "order", "last": True}))
    texts = [json.loads(event["Records"][0]["Sns"]["Message"]) for event in got(sandbox, 2)]
    assert [text["kind"] for text in texts] == ["order", "order"]


def test_a_function_that_does_not_let_sns_in(
    sandbox: Sandbox, clients: _ANY, sns: Any, topic: str, functions: Functions
) -> None:
    functions.create()
    url, dead = queue(clients("sqs"), "dead")
    subscribe(sns, topic, function_arn(), RedrivePolicy=json.dumps({"deadLetterTargetArn": dead}))
    sns.publish(TopicArn=topic, Message="lost?")
    (event,) = refusals(sandbox)
    assert (event.source, event.source_arn, event.function) == ("sns", topic, "f")
    (letter,) = messages(clients("sqs"), url, 1)
    assert json.loads(letter["Body"])["Message"] == "lost?"
    assert sources(sandbox) == set()


def test_an_alias_needs_a_permission_of_its_own(
    sandbox: Sandbox, sns: Any, topic: str, functions: Functions
) -> None:
    subscriber(functions, "sns.amazonaws.com", topic)
    functions.client.publish_version(FunctionName="f")
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    subscribe(sns, topic, f"{function_arn()}:live")
    sns.publish(TopicArn=topic, Message="no")
    assert len(refusals(sandbox)) == 1
    functions.client.add_permission(
        FunctionName="f",
        Qualifier="live",
        StatementId="live",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.publish(TopicArn=topic, Message="yes")
    (event,) = got(sandbox, 1)
    assert event["Records"][0]["Sns"]["Message"] == "yes"
    (started,) = [one for one in sandbox.events() if isinstance(one, InvokeStarted)]
    assert started.version == "1"


def test_a_fifo_topic_has_no_functions(sns: Any, functions: Functions) -> None:
    functions.create()
    fifo = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    with pytest.raises(ClientError, match="Please use FIFO SQS queue"):
        subscribe(sns, fifo, function_arn())


@pytest.mark.parametrize("raw", ["true", "false", None])
def test_queues_get_the_message_raw_or_in_an_envelope(
    clients: _ANY, sns: Any, topic: str, raw: str | None
) -> None:
    sqs = clients("sqs")
    url, arn = queue(sqs, "q")
    subscription = subscribe(sns, topic, arn)
    if raw is not None:
        sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue=raw
        )
    sns.publish(
        TopicArn=topic,
        Message="hello",
        MessageAttributes={"colour": {"DataType": "String", "StringValue": "blue"}},
    )
    (one,) = messages(sqs, url, 1)
    if raw == "true":
        assert one["Body"] == "hello"
        assert one["MessageAttributes"]["colour"]["StringValue"] == "blue"
    else:
        body = json.loads(one["Body"])
        assert (body["Type"], body["Message"], body["TopicArn"]) == ("Notification", "hello", topic)
        assert body["MessageAttributes"] == {"colour": {"Type": "String", "Value": "blue"}}
    kept = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert kept["RawMessageDelivery"] == (raw or "false")


def test_filter_policy_has_all_operators_whatever_the_protocol(
    clients: _ANY, sns: Any, topic: str
) -> None:
    sqs = clients("sqs")
    url, arn = queue(sqs, "taken")
    tests = [{"wildcard": "a*z"}, {"suffix": "!"}, {"cidr": "10.0.0.0/8"}]
    subscribe(sns, topic, arn, FilterPolicy=json.dumps({"kind": tests}), RawMessageDelivery="true")
    for kind in ("abcz", "abc", "hey!", "10.1.2.3", "11.1.2.3"):
        value = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=value)
    assert sorted(one["Body"] for one in messages(sqs, url, 3)) == ["10.1.2.3", "abcz", "hey!"]


def test_filter_policy_that_is_none_is_refused(clients: _ANY, sns: Any, topic: str) -> None:
    _, arn = queue(clients("sqs"), "taken")
    with pytest.raises(ClientError, match="Unrecognized match type like"):
        subscribe(sns, topic, arn, FilterPolicy='{"kind": [{"like": "a"}]}')
