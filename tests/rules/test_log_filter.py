"""Filter patterns of CloudWatch Logs, after the guide's own examples."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.log_filter import matches, pattern_problem

EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeOtherObject": None,
        "ThisFlag": True,
        "n": 1.5,
    }
)


@pytest.mark.parametrize(
    ("pattern", "message", "wanted"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400] bad request", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "[WARN 420] INVALID ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "[WARN 420] INVALID INPUT", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR OF SERVER", False),
        ("ERROR -ARGUMENTS", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%colou?r%", "a color", True),
        ("%^colour%", "a colour", False),
    ],
)
def test_terms(pattern: str, message: str, wanted: bool) -> None:
    assert pattern_problem(pattern) is None
    assert matches(pattern, message) is wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType = "*Trail" }', True),
        ('{ $.eventType != "UpdateTrail" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[1].id >= 3 }", False),
        ("{ $.n > 1 && $.n < 2 }", True),
        ("{ $.SomeObject NOT EXISTS }", True),
        ("{ $.ThisFlag NOT EXISTS }", False),
        ("{ $.SomeOtherObject IS NULL }", True),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.n = 9 || $.n = 1.5 }", True),
        ("{ ($.n = 9 || $.n = 1.5) && $.ThisFlag IS FALSE }", False),
        ("{ $.n = 9 || $.n = 1.5 && $.ThisFlag IS TRUE }", True),
        ("{ $.eventType = %^Up% }", True),
        ("{ $.eventType > 1 }", False),
        ("{ $.absent != 1 }", False),
    ],
)
def test_conditions_on_json(pattern: str, wanted: bool) -> None:
    assert pattern_problem(pattern) is None
    assert matches(pattern, EVENT) is wanted
    assert matches(pattern, "no JSON") is False


@pytest.mark.parametrize(
    "pattern",
    [
        "[ip, user]",
        "{ $.a = 1",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a > high }",
        "{ ($.a = 1 }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a IS 1 }",
        '"open',
        "%(a|b)%",
        "%[%",
    ],
)
def test_what_cannot_be_read(pattern: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None and problem.startswith("Invalid filter pattern: ")


@given(st.text(), st.text())
def test_nothing_breaks_the_reader(pattern: str, message: str) -> None:
    if pattern_problem(pattern) is None:
        assert matches(pattern, message) in (True, False)
