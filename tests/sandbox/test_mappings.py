"""The API of event source mappings: what is stored, refused and shown, and a mapping's life."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdalab.i18n import LANGUAGES, message
from lambdalab.sandbox import Sandbox
from tests.conftest import Functions
from tests.sandbox.polling import BAD, READ, Queues, arn_of

SLOW = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n"


@pytest.fixture
def queues(sandbox: Sandbox, clients: Callable[..., Any], functions: Functions) -> Queues:
    return Queues(sandbox, clients, functions)


def refused(call: Callable[..., object], **options: object) -> tuple[str, str]:
    """Return code and message of the error that ``call`` must give."""
    with pytest.raises(ClientError) as caught:
        call(**options)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_created_mapping_is_complete(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    made = queues.lam.create_event_source_mapping(FunctionName="f", EventSourceArn=arn_of("q"))
    assert made.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    uuid = made["UUID"]
    assert re.fullmatch(r"[0-9a-f-]{36}", uuid)
    assert made["State"] == "Creating"
    queues.settle()
    found = queues.lam.get_event_source_mapping(UUID=uuid)
    found.pop("ResponseMetadata")
    assert found["State"] == "Enabled"
    assert found | {"State": "Creating"} == made
    changed = made.pop("LastModified")
    assert changed.timestamp() == pytest.approx(queues.box.clock.now() - 2, abs=0.1)
    assert made == {
        "UUID": uuid,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": arn_of("q"),
        "EventSourceMappingArn": arn_of(f"event-source-mapping:{uuid}").replace("sqs", "lambda"),
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }


def test_every_state_is_in_the_log(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    uuid = queues.map()
    for change in ({"BatchSize": 5}, {"Enabled": False}, {"Enabled": True}):
        answer = queues.lam.update_event_source_mapping(UUID=uuid, **change)
        assert answer["State"] in ("Updating", "Disabling", "Enabling")
        queues.settle()
    assert queues.lam.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5
    assert queues.lam.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    assert queues.state(uuid) == "Deleting"
    queues.settle()
    assert refused(queues.lam.get_event_source_mapping, UUID=uuid) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    assert [one.state for one in queues.events("MappingStateChanged")] == [
        "Creating",
        "Enabled",
        "Updating",
        "Enabled",
        "Disabling",
        "Disabled",
        "Enabling",
        "Enabled",
        "Deleting",
    ]


def test_a_disabled_mapping_takes_nothing(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.lam.update_event_source_mapping(UUID=uuid, Enabled=False)
    queues.settle()
    assert queues.state(uuid) == "Disabled"
    queues.send(url, "hello")
    queues.box.clock.advance(hours=1)
    assert queues.batches() == []
    assert queues.count(url) == 1


def test_created_disabled(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    assert queues.state(queues.map(Enabled=False)) == "Disabled"


@pytest.mark.parametrize("verb", ["disable", "delete"])
def test_what_is_in_flight_ends_first(queues: Queues, verb: str) -> None:
    queues.functions.create(code=SLOW)
    url = queues.queue()
    uuid = queues.map()
    queues.send(url, "hello")
    for event in queues.box.follow():
        if event.type == "InvokeStarted":
            break
    if verb == "delete":
        queues.lam.delete_event_source_mapping(UUID=uuid)
    else:
        queues.lam.update_event_source_mapping(UUID=uuid, Enabled=False)
    queues.settle()
    queues.settle()
    kinds = [(one.type, getattr(one, "state", "")) for one in queues.box.events()]
    finished = kinds.index(("BatchFinished", ""))
    if verb == "disable":
        assert finished < kinds.index(("MappingStateChanged", "Disabled"))
    assert queues.count(url) == 0  # the message of that batch was deleted all the same
    assert queues.lam.list_event_source_mappings()["EventSourceMappings"] == [] or verb != "delete"


def test_a_gathered_batch_is_not_lost_when_it_is_disabled(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map(BatchSize=100, MaximumBatchingWindowInSeconds=300)
    queues.send(url, "gathered")
    queues.quiet()
    queues.lam.update_event_source_mapping(UUID=uuid, Enabled=False)
    queues.settle()
    queues.settle()
    assert queues.batches() == [["gathered"]]
    assert queues.state(uuid) == "Disabled"


def test_in_use_while_a_change_is_on_its_way(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    made = queues.lam.create_event_source_mapping(FunctionName="f", EventSourceArn=arn_of("q"))
    code, text = refused(queues.lam.update_event_source_mapping, UUID=made["UUID"], BatchSize=2)
    assert code == "ResourceInUseException"
    assert text.startswith("Cannot update the event source mapping")
    queues.settle()
    queues.lam.update_event_source_mapping(UUID=made["UUID"], BatchSize=2)
    assert refused(queues.lam.delete_event_source_mapping, UUID=made["UUID"])[0] == (
        "ResourceInUseException"
    )


def test_deleted_while_it_is_created(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    made = queues.lam.create_event_source_mapping(FunctionName="f", EventSourceArn=arn_of("q"))
    queues.lam.delete_event_source_mapping(UUID=made["UUID"])
    queues.box.clock.advance(10)
    assert queues.lam.list_event_source_mappings()["EventSourceMappings"] == []
    assert [one.state for one in queues.events("MappingStateChanged")] == ["Creating", "Deleting"]


def test_second_mapping_of_the_same_pair(queues: Queues) -> None:
    queues.functions.create(Publish=True)
    queues.queue()
    uuid = queues.map()
    create = queues.lam.create_event_source_mapping
    code, text = refused(create, FunctionName="f", EventSourceArn=arn_of("q"))
    assert code == "ResourceConflictException"
    assert text == (
        f'An event source mapping with SQS arn (" {arn_of("q")} ") and function (" f ") already '
        f"exists. Please update or delete the existing mapping with UUID {uuid}"
    )
    create(FunctionName="f:1", EventSourceArn=arn_of("q"))  # another version is another function


def test_missing_function_and_missing_queue(queues: Queues) -> None:
    create = queues.lam.create_event_source_mapping
    queues.queue()
    assert refused(create, FunctionName="f", EventSourceArn=arn_of("q")) == (
        "InvalidParameterValueException",
        "Function does not exist",
    )
    queues.functions.create()
    assert refused(create, FunctionName="f:live", EventSourceArn=arn_of("q"))[1] == (
        "Function does not exist"
    )
    code, text = refused(create, FunctionName="f", EventSourceArn=arn_of("none"))
    assert code == "InvalidParameterValueException"
    assert "AWS.SimpleQueueService.NonExistentQueue" in text
    missing = "arn:aws:kinesis:us-east-1:123456789012:stream/none"
    code, text = refused(
        create, FunctionName="f", EventSourceArn=missing, StartingPosition="LATEST"
    )
    assert (code, text) == ("ResourceNotFoundException", f"Stream not found: {missing}")


@pytest.mark.parametrize("missing", ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
def test_execution_role_must_be_able_to_read(queues: Queues, missing: str) -> None:
    queues.functions.create()
    queues.queue()
    queues.iam.detach_role_policy(RoleName="lambda", PolicyArn=READ)
    actions = {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} - {missing}
    statement = {
        "Effect": "Allow",
        "Action": [f"sqs:{action}" for action in sorted(actions)],
        "Resource": arn_of("q"),
    }
    queues.iam.put_role_policy(
        RoleName="lambda",
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert refused(
        queues.lam.create_event_source_mapping, FunctionName="f", EventSourceArn=arn_of("q")
    ) == (
        "InvalidParameterValueException",
        f"The provided execution role does not have permissions to call {missing} on SQS",
    )


def test_visibility_timeout_must_cover_the_function(queues: Queues) -> None:
    queues.functions.create(Timeout=60)
    queues.queue()
    create = queues.lam.create_event_source_mapping
    assert refused(create, FunctionName="f", EventSourceArn=arn_of("q")) == (
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
    )
    queues.sqs.set_queue_attributes(
        QueueUrl=queues.sqs.get_queue_url(QueueName="q")["QueueUrl"],
        Attributes={"VisibilityTimeout": "60"},
    )
    queues.map()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"BatchSize": 11}, "Maximum batch window"),
        ({"StartingPosition": "LATEST"}, "Unsupported StartingPosition"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "no"}]}}, "Invalid filter pattern"),
    ],
)
def test_refused_options_store_nothing(queues: Queues, options: dict[str, Any], words: str) -> None:
    queues.functions.create()
    queues.queue()
    create = queues.lam.create_event_source_mapping
    assert words in refused(create, FunctionName="f", EventSourceArn=arn_of("q"), **options)[1]
    uuid = queues.map()
    if "StartingPosition" not in options:
        update = queues.lam.update_event_source_mapping
        assert words in refused(update, UUID=uuid, **options)[1]
    assert len(queues.lam.list_event_source_mappings()["EventSourceMappings"]) == 1


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (
            {"EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1", "Topics": ["t"]},
            "Amazon MSK",
        ),
        (
            {"EventSourceArn": "arn:aws:mq:us-east-1:123456789012:broker:b:1", "Queues": ["q"]},
            "Amazon MQ",
        ),
        (
            {
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:9092"]}},
                "Topics": ["t"],
            },
            "Apache Kafka",
        ),
        (
            {
                "EventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:c",
                "DocumentDBEventSourceConfig": {"DatabaseName": "d"},
            },
            "Amazon DocumentDB",
        ),
    ],
)
def test_sources_without_a_broker_here(queues: Queues, options: dict[str, Any], name: str) -> None:
    queues.functions.create()
    code, text = refused(queues.lam.create_event_source_mapping, FunctionName="f", **options)
    assert code == "InvalidParameterValueException"
    assert text in [message("sandbox.mapping.elsewhere", one, source=name) for one in LANGUAGES]


def test_a_source_of_another_region(queues: Queues) -> None:
    queues.functions.create()
    other = arn_of("q").replace("us-east-1", "eu-west-1")
    create = queues.lam.create_event_source_mapping
    text = refused(create, FunctionName="f", EventSourceArn=other)[1]
    assert other in text


def test_list_by_function_by_source_and_by_page(queues: Queues) -> None:
    queues.functions.create(Publish=True)
    queues.functions.create("g")
    for name in ("q", "r"):
        queues.queue(name)
        for function in ("f", "f:1", "g"):
            queues.map(name, function)
    listing = queues.lam.list_event_source_mappings

    def count(**options: Any) -> int:
        return len(listing(**options)["EventSourceMappings"])

    assert count() == 6
    assert count(EventSourceArn=arn_of("q")) == 3
    assert count(FunctionName="f") == 4
    assert count(FunctionName="f:1") == 2
    assert count(FunctionName="arn:aws:lambda:us-east-1:123456789012:function:g") == 2
    assert count(FunctionName="f:1", EventSourceArn=arn_of("r")) == 1
    pages = queues.lam.get_paginator("list_event_source_mappings").paginate(
        PaginationConfig={"PageSize": 4}
    )
    sizes = [len(page["EventSourceMappings"]) for page in pages]
    assert sizes == [4, 2]


def test_update_to_another_function(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    queues.functions.create("g", code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.lam.update_event_source_mapping(UUID=uuid, FunctionName="g")
    queues.settle()
    queues.send(url, "hello")
    queues.quiet()
    (started,) = queues.events("BatchStarted")
    assert started.function == "g"
    assert queues.batches() == [["hello"]]


def test_filters_and_scaling_can_be_taken_away(queues: Queues) -> None:
    queues.functions.create()
    queues.queue()
    pattern = {"Filters": [{"Pattern": '{"body": ["x"]}'}]}
    uuid = queues.map(FilterCriteria=pattern, ScalingConfig={"MaximumConcurrency": 2})
    found = queues.lam.get_event_source_mapping(UUID=uuid)
    assert found["FilterCriteria"] == pattern
    assert found["ScalingConfig"] == {"MaximumConcurrency": 2}
    queues.lam.update_event_source_mapping(UUID=uuid, FilterCriteria={}, ScalingConfig={})
    found = queues.lam.get_event_source_mapping(UUID=uuid)
    assert "FilterCriteria" not in found
    assert "ScalingConfig" not in found


def test_a_new_filter_counts_from_the_next_message_on(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    uuid = queues.map()
    queues.lam.update_event_source_mapping(
        UUID=uuid, FilterCriteria={"Filters": [{"Pattern": '{"body": ["yes"]}'}]}
    )
    queues.settle()
    queues.send(url, "no", "yes")
    queues.quiet()
    assert queues.batches() == [["yes"]]


def test_a_reset_forgets_mappings(queues: Queues) -> None:
    queues.functions.create(code=BAD)
    queues.queue()
    queues.map()
    queues.box.reset()
    assert queues.lam.list_event_source_mappings()["EventSourceMappings"] == []
    assert queues.box.clock.next() is None


def test_a_mapping_in_a_template(queues: Queues, clients: Callable[..., Any]) -> None:
    queues.functions.create(code=BAD)
    url = queues.queue()
    properties = {"FunctionName": "f", "EventSourceArn": arn_of("q"), "BatchSize": 3}
    template = {
        "Resources": {
            "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
        }
    }
    stacks = clients("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))
    queues.settle()
    (made,) = queues.lam.list_event_source_mappings()["EventSourceMappings"]
    assert (made["State"], made["BatchSize"]) == ("Enabled", 3)
    queues.send(url, "hello")
    queues.quiet()
    assert queues.batches() == [["hello"]]
    properties["BatchSize"] = 4
    stacks.update_stack(StackName="s", TemplateBody=json.dumps(template))
    queues.settle()
    (found,) = queues.lam.list_event_source_mappings()["EventSourceMappings"]
    assert (found["UUID"], found["BatchSize"]) == (made["UUID"], 4)
    stacks.delete_stack(StackName="s")
    queues.settle()
    assert queues.lam.list_event_source_mappings()["EventSourceMappings"] == []
