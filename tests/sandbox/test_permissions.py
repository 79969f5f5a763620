"""Who may: a role by its policies and boundary, a service by a function's own policy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from lambdalab.sandbox import Sandbox, mototime, permissions
from lambdalab.sandbox.lambda_service import permits
from tests.conftest import TRUST, Functions

ACCOUNT = "111122223333"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
BUCKET = "arn:aws:s3:::photos"


def document(action: str, resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# -- roles, in this process ---------------------------------------------------------------


@pytest.fixture
def iam() -> Iterator[Any]:
    """Give the IAM of an account that no other test uses."""
    yield iam_backends[ACCOUNT]["aws"]
    iam_backends[ACCOUNT].clear()


@pytest.fixture
def worker(iam: Any) -> Any:
    return iam.create_role("worker", TRUST, "/", None, "", [], "3600")


def test_role_without_a_policy_may_nothing(worker: Any) -> None:
    decision = permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    assert not decision and not decision.denied_explicitly
    said = permissions.denied_text(worker.arn, "sqs:SendMessage", QUEUE, decision)
    assert said == (
        f"User: {worker.arn} is not authorized to perform: sqs:SendMessage on resource: {QUEUE} "
        "because no identity-based policy allows the sqs:SendMessage action"
    )


def test_role_that_is_gone_may_nothing(iam: Any) -> None:
    gone = f"arn:aws:iam::{ACCOUNT}:role/gone"
    assert "does not exist" in permissions.role_may(gone, "sqs:SendMessage", QUEUE).reason
    assert not permissions.role_may("worker", "sqs:SendMessage", QUEUE)


def test_inline_policy_counts_and_its_change_at_once(iam: Any, worker: Any) -> None:
    iam.put_role_policy("worker", "send", document("sqs:SendMessage", QUEUE, Sid="Send"))
    assert permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE).sid == "Send"
    assert not permissions.role_may(worker.arn, "sqs:SendMessage", f"{QUEUE}2")
    iam.put_role_policy("worker", "send", document("sqs:ReceiveMessage", QUEUE))
    assert not permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    iam.put_role_policy("worker", "no", document("sqs:*", Effect="Deny", Sid="No"))
    decision = permissions.role_may(worker.arn, "sqs:ReceiveMessage", QUEUE)
    assert decision.denied_explicitly and decision.sid == "No"


def test_attached_policy_counts_in_its_default_version(iam: Any, worker: Any) -> None:
    made = iam.create_policy(None, "/", document("sqs:SendMessage"), "sending", [])
    iam.attach_role_policy(made.arn, "worker")
    assert permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    iam.create_policy_version(made.arn, document("sqs:ReceiveMessage"), False)
    assert permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    iam.create_policy_version(made.arn, document("sqs:ReceiveMessage"), True)
    assert not permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    assert permissions.role_may(worker.arn, "sqs:ReceiveMessage", QUEUE)
    iam.detach_role_policy(made.arn, "worker")
    assert not permissions.role_may(worker.arn, "sqs:ReceiveMessage", QUEUE)


def test_boundary_takes_away_but_gives_nothing(iam: Any, worker: Any) -> None:
    boundary = iam.create_policy(None, "/", document("sqs:*"), "boundary", [])
    iam.put_role_permissions_boundary("worker", boundary.arn)
    alone = permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    assert not alone and "identity-based" in alone.reason
    iam.put_role_policy("worker", "all", document("*"))
    assert permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    outside = permissions.role_may(worker.arn, "sns:Publish", QUEUE)
    assert outside.reason == "because no permissions boundary allows the sns:Publish action"
    iam.delete_role_permissions_boundary("worker")
    assert permissions.role_may(worker.arn, "sns:Publish", QUEUE)


def test_conditions_know_the_role_the_time_and_what_the_caller_tells(
    iam: Any, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allowed(**context: Any) -> bool:
        return bool(permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE, context))

    condition: dict[str, Any] = {
        "ArnEquals": {"aws:PrincipalArn": worker.arn},
        "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}", "team": "blue"},
    }
    iam.put_role_policy("worker", "p", document("sqs:*", Condition=condition))
    assert allowed(team="blue")
    assert not allowed(team="red")
    condition = {"DateLessThan": {"aws:CurrentTime": "2026-11-25T00:00:00Z"}}
    iam.put_role_policy("worker", "p", document("sqs:*", Condition=condition))
    for now, before in ((1795564799.9, True), (1795564800.0, False), (1795564799.0, True)):
        monkeypatch.setattr(mototime, "now", lambda now=now: now)
        assert allowed() is before


def test_asking_again_is_cheap(iam: Any, worker: Any) -> None:
    for number in range(5):
        iam.put_role_policy("worker", f"p{number}", document(f"sqs:A{number}"))
    iam.put_role_policy("worker", "send", document("sqs:SendMessage"))
    permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    started = time.process_time()
    for _ in range(1000):
        assert permissions.role_may(worker.arn, "sqs:SendMessage", QUEUE)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("changes", "trusted"),
    [
        ({}, True),
        ({"Principal": {"Service": ["events.amazonaws.com", "lambda.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "events.amazonaws.com"}}, False),
        ({"Effect": "Deny"}, False),
        ({"Action": "sts:TagSession"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}}, False),
    ],
    ids=str,
)
def test_trust_policy_lets_a_service_in(iam: Any, changes: dict[str, Any], trusted: bool) -> None:
    document = json.loads(TRUST)
    document["Statement"][0] |= changes
    role = iam.create_role("trusting", json.dumps(document), "/", None, "", [], "3600")
    assert permissions.trusts(role.arn, "lambda").allowed is trusted
    assert permissions.trusts(role.arn, "lambda.amazonaws.com").allowed is trusted


def test_nobody_trusts_without_a_role_or_a_policy(iam: Any) -> None:
    role = iam.create_role("odd", "no JSON", "/", None, "", [], "3600")
    assert "trust policy" in permissions.trusts(role.arn, "lambda").reason
    assert "does not exist" in permissions.trusts(f"{role.arn}2", "lambda").reason


# -- functions' policies, in this process -------------------------------------------------


class Shop:
    """One function and its policies, without a sandbox."""

    def __init__(self) -> None:
        self.function: Any = SimpleNamespace(permits={})

    def get_function(self, name: str) -> Any:
        if name != "f":
            raise KeyError(name)
        return self.function

    def add(self, qualifier: str | None = None, **more: str) -> None:
        usual = {
            "StatementId": "s3",
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
        }
        arn = f"{FUNCTION}:{qualifier}" if qualifier else FUNCTION
        permits.add(self.function, arn, qualifier, usual | more)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop()
    monkeypatch.setattr(permissions, "lambda_backends", {ACCOUNT: {"us-east-1": made}})
    return made


def may(function: str = FUNCTION, qualifier: str | None = None, **options: Any) -> Any:
    usual = {"service": "s3.amazonaws.com", "source_arn": BUCKET, "source_account": ACCOUNT}
    return permissions.may_invoke(function, qualifier, **(usual | options))


def test_service_needs_a_permission(shop: Shop) -> None:
    decision = may()
    assert not decision
    assert decision.reason == (
        "because no resource-based policy allows the lambda:InvokeFunction action"
    )
    shop.add()
    assert may() and may().sid == "s3"
    assert may("f", account=ACCOUNT) and may(service="s3")
    assert not may(service="sns.amazonaws.com")
    assert not may(f"{FUNCTION}2") and not may(FUNCTION.replace("us-east-1", "eu-west-1"))


def test_source_is_held_against_the_condition(shop: Shop) -> None:
    shop.add(SourceArn="arn:aws:s3:::pho*", SourceAccount=ACCOUNT)
    assert may()
    other = may(source_arn="arn:aws:s3:::other")
    assert not other and "AWS:SourceArn is arn:aws:s3:::other" in other.misses[0]
    assert not may(source_account="444455556666")


def test_account_of_the_source_is_in_its_arn(shop: Shop) -> None:
    shop.add(Principal="sns.amazonaws.com", SourceAccount=ACCOUNT)
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    assert may(service="sns", source_arn=topic, source_account=None)
    theirs = topic.replace(ACCOUNT, "444455556666")
    assert not may(service="sns", source_arn=theirs, source_account=None)


def test_regional_name_of_a_service_is_the_service(shop: Shop) -> None:
    shop.add(Principal="logs.us-east-1.amazonaws.com")
    assert may(service="logs.amazonaws.com")


def test_alias_and_version_have_policies_of_their_own(shop: Shop) -> None:
    shop.add()
    assert may() and may(qualifier="$LATEST") and may(f"{FUNCTION}:$LATEST")
    assert not may(qualifier="live") and not may(f"{FUNCTION}:1")
    shop.add("live")
    assert may(qualifier="live") and may(f"{FUNCTION}:live") and may("f:live", account=ACCOUNT)
    assert not may(qualifier="1")
    permits.remove(shop.function, None, "s3", None)
    assert not may() and may(qualifier="live")
    permits.drop(shop.function, "live")
    assert not may(qualifier="live")


# -- the API ------------------------------------------------------------------------------


@pytest.fixture
def lambda_(functions: Functions) -> Any:
    functions.create()
    functions.client.publish_version(FunctionName="f")
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    return functions.client


def add(client: Any, sid: str = "s3", **options: Any) -> Any:
    usual = {
        "FunctionName": "f",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }
    answer = client.add_permission(StatementId=sid, **(usual | options))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return json.loads(answer["Statement"])


def policy(client: Any, name: str = "f", **options: Any) -> Any:
    return json.loads(client.get_policy(FunctionName=name, **options)["Policy"])


def test_statement_as_lambda_writes_it(lambda_: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    statement = add(lambda_, SourceArn=BUCKET, SourceAccount="123456789012")
    assert statement == {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "123456789012"},
            "ArnLike": {"AWS:SourceArn": BUCKET},
        },
    }
    assert policy(lambda_) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement],
    }


@pytest.mark.parametrize(
    ("options", "member", "expected"),
    [
        (
            {"Principal": "123456789012"},
            "Principal",
            {"AWS": "arn:aws:iam::123456789012:root"},
        ),
        (
            {"Principal": "arn:aws:iam::123456789012:role/x"},
            "Principal",
            {"AWS": "arn:aws:iam::123456789012:role/x"},
        ),
        ({"Principal": "*"}, "Principal", "*"),
        (
            {"Principal": "*", "PrincipalOrgID": "o-a1b2c3d4e5", "SourceAccount": "123456789012"},
            "Condition",
            {
                "StringEquals": {
                    "AWS:SourceAccount": "123456789012",
                    "aws:PrincipalOrgID": "o-a1b2c3d4e5",
                }
            },
        ),
        (
            {
                "Principal": "*",
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionUrlAuthType": "NONE",
            },
            "Condition",
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "Condition",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ],
    ids=str,
)
def test_parts_of_a_statement(
    lambda_: Any, options: dict[str, Any], member: str, expected: Any
) -> None:
    assert add(lambda_, **options)[member] == expected


def test_each_qualifier_has_its_own_policy_over_the_api(lambda_: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    add(lambda_, "function")
    assert add(lambda_, "alias", Qualifier="live")["Resource"] == f"{arn}:live"
    assert add(lambda_, "version", FunctionName=f"{arn}:1")["Resource"] == f"{arn}:1"
    add(lambda_, "function", FunctionName="f:live")  # the same id in another policy is fine

    def sids(name: str, **options: Any) -> list[str]:
        return [one["Sid"] for one in policy(lambda_, name, **options)["Statement"]]

    assert sids("f") == sids(arn) == ["function"]
    assert sids("f", Qualifier="live") == sids("f:live") == ["alias", "function"]
    assert sids("f", Qualifier="1") == ["version"]
    lambda_.remove_permission(FunctionName="f", StatementId="function", Qualifier="live")
    assert sids("f") == ["function"] and sids("f:live") == ["alias"]
    lambda_.remove_permission(FunctionName="f", StatementId="function")
    with refusal("ResourceNotFoundException", "does not exist"):
        policy(lambda_)
    assert sids("f:live") == ["alias"]


def test_policy_goes_with_its_alias_and_stays_with_the_function(lambda_: Any) -> None:
    add(lambda_)
    add(lambda_, Qualifier="live")
    lambda_.update_function_configuration(FunctionName="f", Description="another")
    lambda_.publish_version(FunctionName="f")
    with refusal("ResourceNotFoundException", "does not exist"):
        policy(lambda_, Qualifier="2")
    lambda_.delete_alias(FunctionName="f", Name="live")
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with refusal("ResourceNotFoundException", "does not exist"):
        policy(lambda_, Qualifier="live")
    assert len(policy(lambda_)["Statement"]) == 1


def test_policies_are_saved(lambda_: Any, sandbox: Sandbox, tmp_path: Any) -> None:
    add(lambda_, Qualifier="live")
    before = policy(lambda_, Qualifier="live")
    saved = sandbox.save(tmp_path / "state.lab")
    sandbox.reset()
    sandbox.load(saved)
    assert policy(lambda_, Qualifier="live") == before


def test_revision_guards_a_change(lambda_: Any) -> None:
    add(lambda_)
    revision = lambda_.get_policy(FunctionName="f")["RevisionId"]
    add(lambda_, "second", RevisionId=revision)
    with refusal("PreconditionFailedException", "does not match the latest RevisionId"):
        add(lambda_, "third", RevisionId=revision)
    with refusal("PreconditionFailedException", "does not match the latest RevisionId"):
        lambda_.remove_permission(FunctionName="f", StatementId="s3", RevisionId=revision)
    revision = lambda_.get_policy(FunctionName="f")["RevisionId"]
    lambda_.remove_permission(FunctionName="f", StatementId="s3", RevisionId=revision)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, "ResourceConflictException", r"The statement id \(s3\) provided already exists"),
        ({"sid": "a b"}, "ValidationException", "at 'statementId' failed"),
        ({"Action": "s3:GetObject"}, "ValidationException", "at 'action' failed"),
        (
            {"sid": "x", "Principal": "someone"},
            "InvalidParameterValueException",
            "The provided principal was invalid",
        ),
        (
            {"sid": "x", "FunctionUrlAuthType": "NONE"},
            "InvalidParameterValueException",
            "only supported for lambda:InvokeFunctionUrl",
        ),
        (
            {"sid": "x", "FunctionName": "f:live", "Qualifier": "1"},
            "InvalidParameterValueException",
            "derived qualifier",
        ),
        ({"sid": "x", "FunctionName": "g"}, "ResourceNotFoundException", "not found"),
        ({"sid": "x", "Qualifier": "nobody"}, "ResourceNotFoundException", "not found"),
        (
            {"sid": "x", "SourceArn": f"arn:aws:s3:::{'b' * 9000}"},
            None,
            "",
        ),
    ],
    ids=str,
)
def test_what_add_permission_refuses(
    lambda_: Any, options: dict[str, Any], error: str | None, words: str
) -> None:
    add(lambda_)
    if error is None:
        add(lambda_, **options)
        with refusal("PolicyLengthExceededException", "bigger than the limit"):
            for number in range(3):
                add(lambda_, **(options | {"sid": f"long{number}"}))
        return
    with refusal(error, words):
        add(lambda_, **options)


def test_removing_what_is_not_there(lambda_: Any) -> None:
    with refusal("ResourceNotFoundException", "Statement x is not found in resource policy"):
        lambda_.remove_permission(FunctionName="f", StatementId="x")


def test_cloudformation_adds_to_the_same_policy(lambda_: Any, clients: Callable[..., Any]) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f:live"
    template = {
        "Resources": {
            "Allow": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": arn,
                    "Action": "lambda:InvokeFunction",
                    "Principal": "s3.amazonaws.com",
                    "SourceArn": BUCKET,
                },
            }
        }
    }
    clients("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(template))
    (statement,) = policy(lambda_, Qualifier="live")["Statement"]
    assert statement["Resource"] == arn
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": BUCKET}}


def refusal(error: str, words: str) -> Any:
    return pytest.raises(ClientError, match=rf"(?s){error}.*{words}")
