"""Event patterns: what the pages of EventBridge and SNS show, and properties over any event."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.event_pattern import matches, pattern_problem
from lambdalab.rules.wildcards import glob_fits, parts_fit, wildcard_parts

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "9b2f4c1e-0c5a-4b7e-8f43-6c2b1a0d9e77",
    "detail-type": "Order Placed",
    "source": "shop.orders",
    "account": "123456789012",
    "time": "2026-11-25T10:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:s3:::orders/1.json", "arn:aws:s3:::orders/2.json"],
    "detail": {
        "price": 12.5,
        "count": 3,
        "paid": True,
        "note": "",
        "coupon": None,
        "ip": "10.1.2.3",
        "ip6": "2001:db8::7",
        "file": "dir/sub/photo.png",
        "state": "Running",
        "tags": ["red", "blue"],
        "none": [],
        "customer": {"name": "Ana", "big": 123456789012},
        "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2, "gift": True}],
    },
}


def detail(**fields: Any) -> dict[str, Any]:
    return {"detail": fields}


MATCHING = [
    {"source": ["shop.orders"]},
    {"source": ["other", "shop.orders"], "region": ["us-east-1"]},
    {"resources": ["arn:aws:s3:::orders/2.json"]},
    {"time": [{"prefix": "2026-11-25"}]},
    {"source": [{"prefix": {"equals-ignore-case": "SHOP."}}]},
    {"source": [{"suffix": ".orders"}]},
    {"source": [{"suffix": {"equals-ignore-case": ".OrDERS"}}]},
    detail(price=[12.5]),
    detail(count=[3.0]),
    detail(paid=[True]),
    detail(note=[""]),
    detail(coupon=[None]),
    detail(coupon=[{"exists": True}]),
    detail(state=[{"equals-ignore-case": "rUNNING"}]),
    detail(state=[{"anything-but": "running"}]),
    detail(state=[{"anything-but": ["Stopped", "Failed"]}]),
    detail(state=[{"anything-but": {"prefix": "Stop"}}]),
    detail(state=[{"anything-but": {"prefix": ["Stop", "Fail"]}}]),
    detail(state=[{"anything-but": {"suffix": "ed"}}]),
    detail(state=[{"anything-but": {"equals-ignore-case": ["stopped"]}}]),
    detail(file=[{"anything-but": {"wildcard": "*/lib/*"}}]),
    detail(count=[{"anything-but": [1, 2]}]),
    detail(count=[{"anything-but": "3"}]),
    detail(paid=[{"anything-but": "true"}]),
    detail(tags=[{"anything-but": "red"}]),
    detail(price=[{"numeric": [">", 12.4, "<=", 12.5]}]),
    detail(price=[{"numeric": ["=", 1.25e1]}]),
    detail(price=[{"numeric": ["<", 12.500001]}]),
    detail(customer={"big": [123456789012]}),
    detail(ip=[{"cidr": "10.1.0.0/16"}]),
    detail(ip6=[{"cidr": "2001:db8::/32"}]),
    detail(file=[{"wildcard": "dir/*.png"}]),
    detail(file=[{"wildcard": "*/sub/*"}]),
    detail(missing=[{"exists": False}]),
    detail(none=[{"exists": False}]),
    detail(customer=[{"exists": False}]),
    detail(missing={"deeper": [{"exists": False}]}),
    detail(missing=["x", {"exists": False}]),
    detail(lines={"sku": ["b"], "n": [2]}),
    {"$or": [{"source": ["no"]}, {"region": ["us-east-1"]}]},
    detail(**{"count": [3], "$or": [{"price": [0]}, {"state": ["Running"], "paid": [True]}]}),
]
FOREIGN = [
    {"source": ["shop.ORDERS"]},
    {"source": ["shop.orders"], "region": ["eu-west-1"]},
    {"missing": [{"exists": True}]},
    {"missing": [{"anything-but": "x"}]},
    {"missing": {"deeper": ["x"]}},
    {"source": {"deeper": ["x"]}},
    detail(count=["3"]),
    detail(count=[True]),
    detail(paid=[1]),
    detail(paid=["true"]),
    detail(note=[None]),
    detail(coupon=[""]),
    detail(coupon=[{"prefix": ""}]),
    detail(count=[{"prefix": "3"}]),
    detail(count=[{"wildcard": "*"}]),
    detail(state=[{"anything-but": "Running"}]),
    detail(state=[{"anything-but": {"prefix": ["Stop", "Run"]}}]),
    detail(state=[{"anything-but": {"equals-ignore-case": "RUNNING"}}]),
    detail(file=[{"anything-but": {"wildcard": "*/sub/*"}}]),
    detail(count=[{"anything-but": [3, 4]}]),
    detail(tags=[{"anything-but": ["red", "blue"]}]),
    detail(price=[{"numeric": [">", 12.5]}]),
    detail(price=[{"numeric": [">=", 0, "<", 12.5]}]),
    detail(note=[{"numeric": [">=", 0]}]),
    detail(paid=[{"numeric": ["=", 1]}]),
    detail(customer={"big": [{"numeric": [">", 0]}]}),  # beyond what numeric matching compares
    detail(ip=[{"cidr": "10.2.0.0/16"}]),
    detail(state=[{"cidr": "10.2.0.0/16"}]),
    detail(file=[{"wildcard": "dir/*.jpg"}]),
    detail(note=[{"exists": False}]),
    detail(coupon=[{"exists": False}]),
    detail(customer=[{"exists": True}]),
    detail(none=[{"exists": True}]),
    detail(lines={"sku": ["a"], "n": [2]}),  # not in one element
    detail(lines={"sku": ["a"], "gift": [{"exists": False}]}),  # the other element has it
    {"$or": [{"source": ["no"]}, {"region": ["no"]}]},
    {"source": ["no"], "$or": [{"source": ["shop.orders"]}, {"region": ["us-east-1"]}]},
]


@pytest.mark.parametrize("pattern", MATCHING, ids=json.dumps)
def test_pattern_that_matches(pattern: dict[str, Any]) -> None:
    assert pattern_problem(pattern) is None
    assert matches(pattern, EVENT)


@pytest.mark.parametrize("pattern", FOREIGN, ids=json.dumps)
def test_pattern_that_does_not(pattern: dict[str, Any]) -> None:
    assert pattern_problem(pattern) is None
    assert not matches(pattern, EVENT)


def test_or_that_is_none_is_a_field() -> None:
    event = {"$or": {"a": 1}}
    assert matches({"$or": {"a": [1]}}, event)
    assert not matches({"$or": {"a": [2]}}, event)


def test_absence_looks_at_every_element_on_the_way() -> None:
    pattern = {"a": {"b": {"c": [{"exists": False}]}}}
    assert matches(pattern, {"a": [{"b": {"d": 1}}, {}]})
    assert not matches(pattern, {"a": [{}, {"b": {"c": 1}}]})
    assert not matches(pattern, {"a": [{"b": 1}, {"b": [{"d": 1}, {"c": 1}]}]})


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[1]", "Filter is not an object"),
        ("{", "Filter is not valid JSON"),
        ({}, "Empty objects are not allowed"),
        ({"a": {}}, "Empty objects are not allowed"),
        ({"a": []}, "Empty arrays are not allowed"),
        ({"a": "x"}, '"a" must be an object or an array'),
        ({"a": {"b": 1}}, '"b" must be an object or an array'),
        ({"a": [["x"]]}, "Match value must be String, number, true, false, or null"),
        ({"a": [{}]}, "Match expression name not found"),
        ({"a": [{"begins": "x"}]}, "Unrecognized match type begins"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"prefix": {"x": "y"}}]}, "Unsupported prefix pattern: x"),
        ({"a": [{"suffix": None}]}, "suffix match pattern must be a string"),
        (
            {"a": [{"suffix": {"equals-ignore-case": 1}}]},
            "equals-ignore-case match pattern must be a string",
        ),
        ({"a": [{"wildcard": 1}]}, "wildcard match pattern must be a string"),
        ({"a": [{"wildcard": "a**"}]}, "Consecutive wildcard characters at pos 2"),
        ({"a": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 2"),
        ({"a": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 2"),
        ({"a": [{"exists": "yes"}]}, "exists match pattern must be either true or false."),
        ({"a": [{"cidr": 1}]}, "prefix match pattern must be a string"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
        ({"a": [{"cidr": "x/8"}]}, "Malformed CIDR, invalid IP address: x"),
        (
            {"a": [{"cidr": "10.0.0.0/33"}]},
            "Malformed CIDR, mask bits must be an integer in range: 33",
        ),
        ({"a": [{"numeric": 1}]}, "Value of numeric must be an array."),
        ({"a": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
        ({"a": [{"numeric": [1]}]}, "Invalid member in numeric match: 1"),
        ({"a": [{"numeric": ["!", 1]}]}, "Unrecognized numeric range operator: !"),
        ({"a": [{"numeric": ["=", "1"]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": [">", True]}]}, "Value of > must be numeric"),
        ({"a": [{"numeric": ["<"]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": ["<", 1, ">", 2]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": [">", 1, 2, 3]}]}, "Bad value in numeric range: 2"),
        ({"a": [{"numeric": [">", 1, ">", 3]}]}, "Bad numeric range operator: >"),
        ({"a": [{"numeric": [">", 1, "<"]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": [">", 2, "<", 1]}]}, "Bottom must be less than top"),
        ({"a": [{"numeric": [">", 6e9]}]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
        (
            {"a": [{"numeric": [">", 1, "<", 2, "<", 3]}]},
            "Too many terms in numeric range expression",
        ),
        (
            {"a": [{"anything-but": None}]},
            "Value of anything-but must be an array or single string/number value.",
        ),
        (
            {"a": [{"anything-but": [None]}]},
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            {"a": [{"anything-but": ["1", 1]}]},
            "Inside anything but list, either all values are number or string, mixed type is not "
            "supported",
        ),
        ({"a": [{"anything-but": {}}]}, "Anything-But expression name not found"),
        ({"a": [{"anything-but": {"numeric": 1}}]}, "Unsupported anything-but pattern: numeric"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
        ({"a": [{"anything-but": {"prefix": 1}}]}, "prefix/suffix match pattern must be a string"),
        (
            {"a": [{"anything-but": {"equals-ignore-case": 1}}]},
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
            "supported.",
        ),
        (
            {"a": [{"anything-but": {"wildcard": "**"}}]},
            "Consecutive wildcard characters at pos 1",
        ),
        (
            {"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]},
            "Only one key allowed in match expression",
        ),
        ({"$or": [{"a": [1]}, {"b": []}]}, "Empty arrays are not allowed"),
        ({"$or": [{"a": [1]}]}, "Unrecognized match type a"),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern: Any, words: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None and problem.startswith(words)


_names = st.sampled_from("abc")
_leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.text("xyz*", max_size=3)
_events = st.recursive(
    st.dictionaries(_names, _leaves | st.lists(_leaves, max_size=3), max_size=3),
    lambda inner: st.dictionaries(_names, inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=8,
)
_patterns = st.recursive(
    st.dictionaries(_names, st.lists(_leaves, min_size=1, max_size=3), min_size=1, max_size=2),
    lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=2),
    max_leaves=4,
)


def _copied(event: Any) -> Any:
    """Return the pattern that asks for the very leaves of an event."""
    if isinstance(event, dict):
        fields = {name: _copied(value) for name, value in event.items()}
        return {name: wanted for name, wanted in fields.items() if wanted} or None
    if isinstance(event, list):
        if any(isinstance(each, dict) for each in event):
            return next((wanted for each in event if (wanted := _copied(each))), None)
        return event or None
    return [event]


@given(_events)
def test_event_matches_the_pattern_made_of_it(event: dict[str, Any]) -> None:
    pattern = _copied(event)
    if pattern is not None:
        assert pattern_problem(pattern) is None
        assert matches(pattern, event)


@given(_patterns, _patterns, _events)
def test_or_is_or(one: dict[str, Any], other: dict[str, Any], event: dict[str, Any]) -> None:
    either = matches(one, event) or matches(other, event)
    assert matches({"$or": [one, other]}, event) == either


@given(_names, _events)
def test_present_or_absent(name: str, event: dict[str, Any]) -> None:
    there = matches({name: [{"exists": True}]}, event)
    assert matches({name: [{"exists": False}]}, event) is not there


@given(st.text("xy", max_size=3), st.text("xyz", max_size=3))
def test_anything_but_is_the_opposite_for_one_value(wanted: str, value: str) -> None:
    event = {"a": value}
    for test in ({"wildcard": wanted}, {"equals-ignore-case": wanted}):
        assert matches({"a": [{"anything-but": test}]}, event) is not matches({"a": [test]}, event)
    assert matches({"a": [{"anything-but": wanted}]}, event) is not matches({"a": [wanted]}, event)


@given(
    st.lists(st.text("ab\\*", max_size=3), min_size=1, max_size=5), st.text("ab\\*", max_size=12)
)
def test_wildcard_is_what_a_regular_expression_says(literals: list[str], text: str) -> None:
    kept = [literals[0], *(one or "a" for one in literals[1:-1]), *literals[1:][-1:]]
    pattern = "*".join(re.sub(r"([\\*])", r"\\\1", one) for one in kept)
    assert wildcard_parts(pattern) == tuple(kept)
    expected = re.fullmatch(".*".join(map(re.escape, kept)), text, re.DOTALL) is not None
    assert parts_fit(wildcard_parts(pattern), text) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_glob_is_what_a_regular_expression_says(pattern: str, text: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert glob_fits(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_wildcard_takes_no_longer_than_the_text() -> None:
    pattern = {"a": [{"wildcard": "*a" * 300 + "*b*"}]}
    started = time.process_time()
    assert not matches(pattern, {"a": "a" * 100_000})
    assert time.process_time() - started < 1
