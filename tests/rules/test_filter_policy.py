"""Filter policies of SNS, by the examples of its pages."""

from __future__ import annotations

from typing import Any

import pytest

from lambdalab.rules.filter_policy import ATTRIBUTES, BODY, policy_problem, takes

ATTRIBUTE_VALUES: dict[str, dict[str, Any]] = {
    "store": {"Type": "String", "Value": "example_corp"},
    "price": {"Type": "Number", "Value": "100.5"},
    "quantity": {"Type": "Number", "Value": 7},
    "interests": {"Type": "String.Array", "Value": '["rugby", "football", 3, true, null]'},
    "only": {"Type": "String.Array", "Value": '["rugby"]'},
    "raw": {"Type": "Binary", "Value": "AAAA"},
    "ip": {"Type": "String", "Value": "10.0.0.8"},
    "text": {"Type": "String", "Value": "100"},
}
BODY_TEXT = (
    '{"store": "example_corp", "detail": {"lines": [{"sku": "a"}, {"sku": "b"}]}, "n": null}'
)


@pytest.mark.parametrize(
    ("policy", "taken"),
    [
        ({}, True),
        ({"store": ["example_corp"]}, True),
        ({"store": ["other"]}, False),
        ({"store": ["example_corp"], "price": [{"numeric": [">=", 100]}]}, True),
        ({"price": [100.5]}, True),
        ({"price": ["100.5"]}, False),
        ({"quantity": [7]}, True),
        ({"text": [100]}, False),
        ({"text": [{"numeric": ["=", 100]}]}, False),
        ({"interests": ["tennis", "rugby"]}, True),
        ({"interests": [3]}, True),
        ({"interests": [True]}, True),
        ({"interests": [None]}, True),
        ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, True),
        ({"only": [{"anything-but": ["rugby", "tennis"]}]}, False),
        ({"interests": [{"prefix": "foot"}]}, True),
        ({"interests": [{"suffix": "ball"}]}, True),
        ({"store": [{"equals-ignore-case": "EXAMPLE_CORP"}]}, True),
        ({"store": [{"wildcard": "ex*_corp"}]}, True),
        ({"store": [{"anything-but": {"prefix": "ex"}}]}, False),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"raw": [{"exists": True}]}, False),
        ({"raw": [{"exists": False}]}, True),
        ({"missing": [{"exists": False}, {"anything-but": "x"}]}, True),
        ({"$or": [{"store": ["other"]}, {"price": [{"numeric": [">", 100]}]}]}, True),
        ({"$or": [{"store": ["other"]}, {"price": [{"numeric": [">", 101]}]}]}, False),
    ],
    ids=str,
)
def test_attributes(policy: dict[str, Any], taken: bool) -> None:
    assert policy_problem(policy) is None
    assert takes(policy, scope=ATTRIBUTES, attributes=ATTRIBUTE_VALUES) is taken


@pytest.mark.parametrize(
    ("policy", "body", "taken"),
    [
        ({"store": ["example_corp"]}, BODY_TEXT, True),
        ({"detail": {"lines": {"sku": ["b"]}}}, BODY_TEXT, True),
        ({"detail": {"lines": {"sku": ["c"]}}}, BODY_TEXT, False),
        ({"n": [None]}, BODY_TEXT, True),
        ({"store": ["example_corp"]}, "no JSON", False),
        ({"store": [{"exists": False}]}, "no JSON", False),
        ({"store": ["example_corp"]}, '["example_corp"]', False),
        ({}, "no JSON", True),
    ],
    ids=str,
)
def test_body(policy: dict[str, Any], body: str, taken: bool) -> None:
    assert policy_problem(policy, BODY) is None
    assert takes(policy, scope=BODY, attributes=ATTRIBUTE_VALUES, body=body) is taken


def test_message_without_attributes() -> None:
    assert not takes({"store": ["x"]})
    assert takes({"store": [{"exists": False}]})


def _values(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(
    ("policy", "scope", "words"),
    [
        ([1], ATTRIBUTES, "Must be an object"),
        ({"a": {"b": ["c"]}}, ATTRIBUTES, "does not support nested filter policy"),
        (
            {"$or": [{"a": ["b"]}, {"a": {"b": ["c"]}}]},
            ATTRIBUTES,
            "does not support nested filter policy",
        ),
        ({"a": "b"}, ATTRIBUTES, 'FilterPolicy: "a" must be an object or an array'),
        ({"a": [{"like": "b"}]}, BODY, "FilterPolicy: Unrecognized match type like"),
        ({name: ["x"] for name in "abcdef"}, BODY, "can not have more than 5 keys"),
        ({"a": _values(15), "b": _values(11)}, ATTRIBUTES, "too complex"),
        # Three values on level 3, ten on level 2: 3 x 3 x 10 x 2 = 180.
        ({"a": {"b": {"c": _values(3)}, "d": _values(10)}}, BODY, "too complex"),
    ],
    ids=str,
)
def test_what_is_wrong(policy: Any, scope: str, words: str) -> None:
    problem = policy_problem(policy, scope)
    assert problem is not None
    assert problem.startswith("Invalid parameter: ") and words in problem


def test_what_is_just_simple_enough() -> None:
    assert policy_problem({"a": _values(15), "b": _values(10)}) is None
    assert policy_problem({"a": {"b": {"c": _values(3)}, "d": _values(8)}}, BODY) is None
    assert policy_problem({"$or": [{"a": _values(100)}, {"b": _values(50)}]}) is None
