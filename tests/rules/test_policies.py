"""IAM's evaluation: every element of a statement, every operator, and its properties."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.policies import Decision, evaluate, statements_of
from lambdalab.rules.policy_conditions import condition_mismatch

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
BUCKET = "arn:aws:s3:::photos"
ROLE = "arn:aws:iam::123456789012:role/worker"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    usual = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}
    return {"Version": version, "Statement": [usual | one for one in statements]}


def ask(*statements: dict[str, Any], **options: Any) -> Decision:
    usual: dict[str, Any] = {"action": "sqs:SendMessage", "resource": QUEUE}
    return evaluate([policy(*statements)], **(usual | options))


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Action": "*"},
        {"Action": "sqs:*"},
        {"Action": ["sqs:GetQueueUrl", "SQS:sendMESSAGE"]},
        {"Action": "sqs:Send????age"},
        {"Resource": "*"},
        {"Resource": ["arn:aws:sqs:*:*:other", "arn:aws:sqs:*:*:order?"]},
        {"Resource": "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:orders"},
        {"Resource": "arn:aws:sqs:us-east-1:123456789012:${aws:username, 'orders'}"},
    ],
    ids=json.dumps,
)
def test_statement_that_allows(statement: dict[str, Any]) -> None:
    decision = ask({"Sid": "Send", **statement}, context={"aws:principalaccount": "123456789012"})
    assert decision and decision.sid == "Send"
    assert decision.reason == "because an identity-based policy allows the sqs:SendMessage action"


@pytest.mark.parametrize(
    ("statement", "miss"),
    [
        ({"Action": "sqs:Receive*"}, "it is not about sqs:SendMessage"),
        ({"Resource": "arn:aws:sqs:*:*:Orders"}, f"not about {QUEUE}"),
        ({"Resource": "arn:aws:sqs:*:*:${aws:username}"}, f"not about {QUEUE}"),
        ({"Principal": "*"}, "it is for *, not for nobody"),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
            "its condition is not met: Bool aws:SecureTransport true: aws:SecureTransport is not "
            "in the request",
        ),
    ],
    ids=json.dumps,
)
def test_statement_that_does_not_apply_says_why(statement: dict[str, Any], miss: str) -> None:
    decision = ask({"Sid": "Send", **statement})
    assert not decision and not decision.denied_explicitly and decision.sid is None
    assert decision.reason == "because no identity-based policy allows the sqs:SendMessage action"
    (said,) = decision.misses
    assert said.startswith("Send: ") and miss in said


def test_not_action_and_not_resource_are_everything_else() -> None:
    def both(statement: dict[str, Any]) -> bool:
        return evaluate(
            [{"Statement": {"Effect": "Allow", **statement}}],
            action="sqs:SendMessage",
            resource=QUEUE,
        ).allowed

    assert both({"NotAction": "iam:*", "Resource": "*"})
    assert not both({"NotAction": "sqs:*", "Resource": "*"})
    assert both({"Action": "*", "NotResource": BUCKET})
    assert not both({"Action": "*", "NotResource": [BUCKET, QUEUE]})


def test_explicit_deny_wins_wherever_it_stands() -> None:
    allow, deny = {"Sid": "Yes"}, {"Sid": "No", "Effect": "Deny"}
    for statements in ((allow, deny), (deny, allow)):
        decision = ask(*statements, kind="resource-based")
        assert not decision.allowed and decision.denied_explicitly and decision.sid == "No"
        assert decision.reason == "with an explicit deny in a resource-based policy"
    apart = evaluate([policy(deny), policy(allow)], action="sqs:SendMessage", resource=QUEUE)
    assert apart.denied_explicitly


def test_deny_whose_condition_is_not_met_denies_nothing() -> None:
    deny = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert ask({}, deny, context={"aws:SecureTransport": True})
    assert not ask({}, deny, context={"aws:SecureTransport": False})


def test_one_statement_needs_no_list_and_text_is_read() -> None:
    document = json.dumps({"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}})
    decision = evaluate([document], action="sqs:SendMessage", resource=QUEUE)
    assert decision.allowed and decision.sid == "statement 1"


def test_nothing_allows_when_there_is_no_policy() -> None:
    assert evaluate([], action="sqs:SendMessage", resource=QUEUE) == Decision(
        allowed=False, reason="because no identity-based policy allows the sqs:SendMessage action"
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("[]", "JSON object"),
        ("{", "Expecting"),
        ({}, "has a Statement"),
        ({"Statement": {"Effect": "Permit", "Action": "*"}}, "Allow or Deny, not Permit"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "an Action or a NotAction"),
    ],
)
def test_what_is_no_policy(document: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        statements_of(document)


@pytest.mark.parametrize(
    ("named", "principal", "fits"),
    [
        ("*", ("Service", "s3.amazonaws.com"), True),
        ({"AWS": "*"}, ("AWS", ROLE), True),
        ({"Service": "s3.amazonaws.com"}, ("Service", "s3.amazonaws.com"), True),
        (
            {"Service": ["a.amazonaws.com", "s3.amazonaws.com"]},
            ("Service", "s3.amazonaws.com"),
            True,
        ),
        ({"Service": "sns.amazonaws.com"}, ("Service", "s3.amazonaws.com"), False),
        (
            {"Service": "logs.us-east-1.amazonaws.com"},
            ("Service", "logs.amazonaws.com"),
            True,
        ),
        ({"AWS": ROLE}, ("AWS", ROLE), True),
        ({"AWS": ROLE}, ("AWS", "arn:aws:sts::123456789012:assumed-role/worker/session"), True),
        ({"AWS": ROLE}, ("AWS", "arn:aws:sts::123456789012:assumed-role/other/worker"), False),
        ({"AWS": ROLE}, ("Service", ROLE), False),
        ({"AWS": "123456789012"}, ("AWS", ROLE), True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, ("AWS", ROLE), True),
        ({"AWS": "arn:aws:iam::210987654321:root"}, ("AWS", ROLE), False),
        ({"AWS": "arn:aws:iam::123456789012:role/*"}, ("AWS", ROLE), False),
        ({"Federated": "accounts.google.com"}, ("Federated", "accounts.google.com"), True),
    ],
    ids=str,
)
def test_principals(named: Any, principal: tuple[str, str], fits: bool) -> None:
    assert ask({"Principal": named}, principal=principal).allowed is fits
    assert ask({"NotPrincipal": named}, principal=principal).allowed is not fits


CONDITIONS: list[tuple[str, str, Any, Any, bool]] = [
    ("StringEquals", "aws:PrincipalTag/team", "blue", "blue", True),
    ("StringEquals", "aws:PrincipalTag/team", ["red", "blue"], "blue", True),
    ("StringEquals", "aws:PrincipalTag/team", "Blue", "blue", False),
    ("StringEquals", "aws:PrincipalTag/team", "bl*", "blue", False),
    ("StringEquals", "aws:PrincipalTag/team", "${aws:username}", "ana", True),
    ("StringEquals", "aws:PrincipalTag/team", "${aws:nobody}", "ana", False),
    ("StringEquals", "aws:PrincipalTag/team", "a${*}b", "a*b", True),
    ("StringEquals", "k", "blue", None, False),
    ("StringEqualsIfExists", "k", "blue", None, True),
    ("StringEqualsIfExists", "k", "blue", "red", False),
    ("StringNotEquals", "k", "blue", "red", True),
    ("StringNotEquals", "k", ["red", "blue"], "red", False),
    ("StringNotEquals", "k", "blue", None, True),
    ("StringEqualsIgnoreCase", "k", "BLUE", "blue", True),
    ("StringNotEqualsIgnoreCase", "k", "BLUE", "blue", False),
    ("StringLike", "k", "b*e", "blue", True),
    ("StringLike", "k", "b?ue", "blue", True),
    ("StringLike", "k", "${aws:username}/*", "ana/1", True),
    ("StringLike", "k", "a${*}*", "a*1", True),
    ("StringLike", "k", "a${*}*", "ab1", False),
    ("StringNotLike", "k", "b*", "blue", False),
    ("stringequals", "k", "blue", "blue", True),
    ("NumericEquals", "k", "3", 3.0, True),
    ("NumericNotEquals", "k", "3", 4, True),
    ("NumericLessThan", "s3:max-keys", "10", 9, True),
    ("NumericLessThanEquals", "k", 10, "10", True),
    ("NumericGreaterThan", "k", "10", 10, False),
    ("NumericGreaterThanEquals", "k", "10", 10, True),
    ("NumericLessThan", "k", "10", "nine", False),
    ("DateGreaterThan", "aws:CurrentTime", "2026-11-25T00:00:00Z", "2026-11-25T10:00:00Z", True),
    ("DateLessThan", "aws:CurrentTime", "2026-11-25", "2026-11-25T10:00:00Z", False),
    ("DateEquals", "aws:EpochTime", "2026-11-25T00:00:00Z", 1795564800, True),
    ("DateNotEquals", "aws:EpochTime", "2026-11-25T00:00:00Z", 1795564800, False),
    ("Bool", "aws:SecureTransport", "true", True, True),
    ("Bool", "aws:SecureTransport", True, "TRUE", True),
    ("Bool", "aws:SecureTransport", "false", True, False),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", None, True),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "10.1.2.3", True),
    ("IpAddress", "aws:SourceIp", "10.1.2.3", "10.1.2.3", True),
    ("IpAddress", "aws:SourceIp", ["2001:db8::/32"], "2001:db8::1", True),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "somewhere", False),
    ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", "11.0.0.1", True),
    ("ArnLike", "AWS:SourceArn", "arn:aws:s3:::photo*", BUCKET, True),
    ("ArnEquals", "AWS:SourceArn", "arn:aws:s3:::photo*", BUCKET, True),
    ("ArnLike", "aws:SourceArn", "arn:aws:*:photos", BUCKET, False),
    ("ArnLike", "aws:SourceArn", "*", BUCKET, True),
    ("ArnLike", "aws:SourceArn", "arn:aws:sqs:*:*:*", QUEUE, True),
    ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:*", QUEUE, False),
    ("ArnNotLike", "aws:SourceArn", "arn:aws:sns:*:*:*", QUEUE, True),
    ("ArnNotEquals", "aws:SourceArn", QUEUE, QUEUE, False),
    ("Null", "k", "true", None, True),
    ("Null", "k", "true", "x", False),
    ("Null", "k", "false", "x", True),
    ("BinaryEquals", "k", "aGk=", "aGk=", True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a"], True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], None, True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], [], True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], ["c", "b"], True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], ["c"], False),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"], None, False),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a"], None, False),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["a"], ["a", "b"], False),
    ("ForAllValues:StringNotLike", "aws:TagKeys", ["a*"], ["b", "c"], True),
    ("ForAnyValue:StringLikeIfExists", "aws:TagKeys", ["a*"], None, True),
    ("StringAlmostEquals", "k", "x", "x", False),
]


@pytest.mark.parametrize(("operator", "key", "wanted", "value", "met"), CONDITIONS, ids=str)
def test_condition(operator: str, key: str, wanted: Any, value: Any, met: bool) -> None:
    decision = ask(
        {"Condition": {operator: {key: wanted}}},
        context={key.upper(): value, "AWS:UserName": "ana"},
    )
    assert decision.allowed is met


def test_all_operators_and_keys_of_a_condition_must_be_met() -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": "123456789012", "a": "b"},
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"},
    }
    context = {"aws:SourceAccount": "123456789012", "a": "b", "aws:SourceArn": BUCKET}
    assert ask({"Condition": condition}, context=context)
    for key in context:
        decision = ask({"Condition": condition}, context=context | {key: "other"})
        assert not decision and f"{key} is other" in decision.misses[0]


def test_variables_need_the_newer_version() -> None:
    statement = {"Resource": "arn:aws:s3:::home/${aws:username}", "Action": "s3:GetObject"}
    mine: dict[str, Any] = {"action": "s3:GetObject", "context": {"aws:username": "ana"}}
    for version, allowed in (("2012-10-17", True), ("2008-10-17", False)):
        document = policy(statement, version=version)
        decision = evaluate([document], resource="arn:aws:s3:::home/ana", **mine)
        assert decision.allowed is allowed
    old = policy(statement, version="2008-10-17")
    assert evaluate([old], resource="arn:aws:s3:::home/${aws:username}", **mine)


def test_wildcard_in_a_variables_value_stands_for_itself() -> None:
    statement = {"Resource": "arn:aws:s3:::home/${aws:username}", "Action": "s3:GetObject"}
    context = {"aws:username": "*"}
    assert not ask(
        statement, action="s3:GetObject", resource="arn:aws:s3:::home/ana", context=context
    )
    assert ask(statement, action="s3:GetObject", resource="arn:aws:s3:::home/*", context=context)


_statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.sampled_from(["sqs:*", "sqs:SendMessage", "sns:Publish", "*"]),
        "Resource": st.sampled_from(["*", QUEUE, BUCKET, "arn:aws:sqs:*"]),
        "Condition": st.sampled_from(
            [{}, {"StringEquals": {"k": "v"}}, {"StringNotEquals": {"k": "v"}}]
        ),
    }
)
_requests = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["sqs:SendMessage", "sns:Publish"]),
        "resource": st.sampled_from([QUEUE, BUCKET]),
        "context": st.sampled_from([{}, {"K": "v"}, {"k": "w"}]),
    }
)


@given(st.lists(_statements, max_size=5), _requests)
def test_allowed_means_some_statement_allows_and_none_denies(
    statements: list[dict[str, Any]], request: dict[str, Any]
) -> None:
    def applies(statement: dict[str, Any]) -> bool:
        one = {"Statement": statement | {"Effect": "Allow"}}
        return evaluate([one], **request).allowed

    allows = any(applies(one) for one in statements if one["Effect"] == "Allow")
    denies = any(applies(one) for one in statements if one["Effect"] == "Deny")
    together = evaluate([{"Statement": statements}], **request)
    apart = evaluate([{"Statement": one} for one in reversed(statements)], **request)
    for decision in (together, apart):
        assert decision.allowed is (allows and not denies)
        assert decision.denied_explicitly is denies


@given(
    st.lists(st.sampled_from("ab"), min_size=1, max_size=3),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=3),
)
def test_negated_operator_is_the_opposite(wanted: list[str], values: list[str]) -> None:
    for quantifier, other in (("", ""), ("ForAnyValue:", "ForAllValues:")):
        plain = condition_mismatch({f"{quantifier}StringEquals": {"k": wanted}}, {"k": values})
        negated = condition_mismatch({f"{other}StringNotEquals": {"k": wanted}}, {"k": values})
        assert (plain is None) is (negated is not None)
