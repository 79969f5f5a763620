"""The catalogue of services: complete, right where it is often taught wrong, and well said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from lambdalab.course import glossary
from lambdalab.i18n import LANGUAGES
from lambdalab.rules import limits
from lambdalab.rules.invoking import Keeper, Mode, Permission, Repeat, Service
from lambdalab.rules.services import MODES, SERVICES, by_mode, find
from lambdalab.rules.services.waiting import COGNITO_PATIENCE

WAYS = {
    Mode.SYNC: {
        "invoke",
        "api-gateway",
        "function-url",
        "alb",
        "cloudfront",
        "cognito",
        "lex",
        "alexa",
        "step-functions",
    },
    Mode.ASYNC: {
        "s3",
        "sns",
        "eventbridge",
        "scheduler",
        "logs",
        "cloudformation",
        "ses",
        "codecommit",
        "config",
        "iot",
        "codepipeline",
    },
    Mode.POLL: {"sqs", "kinesis", "dynamodb", "msk", "kafka", "mq", "documentdb"},
}


def texts(service: Service) -> Iterator[tuple[str, str, str]]:
    """Yield every text of a service: its field, language and words."""
    for field in dataclasses.fields(service):
        value = getattr(service, field.name)
        if isinstance(value, dict):
            yield from ((field.name, lang, text) for lang, text in value.items())


def test_every_service_has_its_way_in() -> None:
    """As AWS's own table has it (:data:`lambdalab.rules.services.MODES`)."""
    assert {mode: {one.id for one in by_mode(mode)} for mode in Mode} == WAYS
    assert len(SERVICES) == sum(map(len, WAYS.values()))
    assert MODES.url.endswith("/lambda-services.html")


def test_what_is_often_taught_wrong() -> None:
    assert find("cloudformation").mode is Mode.ASYNC
    assert find("cloudformation").patience is not None  # the stack waits all the same
    assert find("sqs").keepers == (Keeper.REDRIVE,)
    assert find("scheduler").permission is Permission.IDENTITY
    assert find("eventbridge").permission is Permission.RESOURCE
    assert find("cognito").patience is COGNITO_PATIENCE
    assert COGNITO_PATIENCE.value < limits.TIMEOUT_MAX.value


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.id)
def test_the_way_in_settles_the_rest(service: Service) -> None:
    if service.mode is Mode.POLL:
        assert service.permission is Permission.EXECUTION
        assert service.repeats in (Repeat.VISIBILITY, Repeat.SHARD, Repeat.BATCH)
        assert all(":" in grant for grant in service.grants)
    else:
        assert service.permission is not Permission.EXECUTION
        wanted = Repeat.CALLER if service.mode is Mode.SYNC else Repeat.QUEUE
        assert service.repeats is wanted
    if service.permission is Permission.RESOURCE and service.id != "function-url":
        assert all(grant.endswith((".amazonaws.com", ".amazon.com")) for grant in service.grants)
    assert (Keeper.DESTINATION in service.keepers) == (service.mode is Mode.ASYNC)
    size = limits.PAYLOAD_ASYNC if service.mode is Mode.ASYNC else limits.PAYLOAD_SYNC
    assert size in service.payload
    assert service.grants


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.id)
def test_both_languages_say_it_well(service: Service) -> None:
    found = list(texts(service))
    assert {lang for _, lang, _ in found} == set(LANGUAGES)
    assert len(found) == 2 * len({name for name, _, _ in found})
    for name, lang, text in found:
        assert text.strip() == text != "", name
        if lang == "zh-TW":
            assert list(glossary.chinese(text)) == [], (name, text)
        else:
            assert not glossary.has_chinese(text), (name, text)
            assert list(glossary.manners(text)) == [], (name, text)
    sentences = ("retry_error", "retry_throttle", "note")
    for name, _, text in found:
        assert text.endswith((".", "。")) == (name in sentences), (name, text)


def test_aws_s_own_policies_hold_what_a_poller_needs() -> None:
    policies = json.loads(aws_managed_policies_data)
    for name, policy in {
        "sqs": "AWSLambdaSQSQueueExecutionRole",
        "kinesis": "AWSLambdaKinesisExecutionRole",
        "dynamodb": "AWSLambdaDynamoDBExecutionRole",
        "msk": "AWSLambdaMSKExecutionRole",
    }.items():
        allowed = policies[policy]["Document"]["Statement"][0]["Action"]
        assert set(find(name).grants) <= set(allowed), name


def test_pages_are_pages_of_aws() -> None:
    for service in SERVICES:
        assert service.source.url.startswith("https://docs.aws.amazon.com/")


def test_there_is_no_such_service() -> None:
    with pytest.raises(KeyError):
        find("s4")
