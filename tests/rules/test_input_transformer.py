"""What EventBridge makes of an event for a target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab.rules.input_transformer import path_problem, select, target_input

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf7",
    "detail-type": "Order Placed",
    "source": "shop",
    "time": "2026-11-25T12:00:00Z",
    "resources": ["arn:one", "arn:two"],
    "detail": {
        "order": "A-1",
        "total": 12.5,
        "paid": True,
        "note": 'say "hi"',
        "lines": [{"sku": "x", "n": 1}, {"sku": "y", "n": 2}],
    },
}


def made(**target: Any) -> str:
    return target_input(
        target, EVENT, rule_arn="arn:rule/r", rule_name="r", ingested="2026-11-25T12:00:01Z"
    )


def transformed(template: str, **paths: str) -> str:
    return made(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.detail.order", "A-1"),
        ("$.detail-type", "Order Placed"),
        ("$.resources[1]", "arn:two"),
        ("$.detail.lines[*].sku", ["x", "y"]),
        ("$.detail.lines[0]", {"sku": "x", "n": 1}),
        ("$['detail']['order']", "A-1"),
        ("$.detail.absent", None),
        ("$.resources[7]", None),
        ("$.source.deeper", None),
    ],
)
def test_paths(path: str, value: object) -> None:
    assert select(path, EVENT) == value


@pytest.mark.parametrize("path", ["detail", "$detail", "$.a[b]", "$..a", "$.a["])
def test_what_is_no_path(path: str) -> None:
    assert path_problem(path)


def test_without_anything_the_target_gets_the_event() -> None:
    assert json.loads(made()) == EVENT


def test_input_is_given_as_it_is() -> None:
    assert made(Input='{"fixed":  1}') == '{"fixed":  1}'


def test_input_path_gives_a_part() -> None:
    assert json.loads(made(InputPath="$.detail.lines")) == EVENT["detail"]["lines"]


def test_variables_outside_of_quotation_marks_become_json() -> None:
    text = transformed(
        '{"order": <order>, "list": [9, <total>, <paid>], "lines": <lines>}',
        order="$.detail.order",
        total="$.detail.total",
        paid="$.detail.paid",
        lines="$.detail.lines",
    )
    assert json.loads(text) == {
        "order": "A-1",
        "list": [9, 12.5, True],
        "lines": EVENT["detail"]["lines"],
    }


def test_variables_inside_of_quotation_marks_become_text() -> None:
    text = transformed(
        '{"say": "order \\"<order>\\" of <total>: <note>, <paid>, <lines>"}',
        order="$.detail.order",
        total="$.detail.total",
        note="$.detail.note",
        paid="$.detail.paid",
        lines="$.detail.lines",
    )
    said = 'order "A-1" of 12.5: say "hi", true, [{sku:x,n:1},{sku:y,n:2}]'
    assert json.loads(text) == {"say": said}


def test_a_template_may_be_one_text() -> None:
    assert transformed('"<order> came"', order="$.detail.order") == '"A-1 came"'


def test_a_variable_that_leads_nowhere_is_empty() -> None:
    assert json.loads(transformed('{"a": <gone>, "b": "<gone>!"}', gone="$.detail.gone")) == {
        "a": "",
        "b": "!",
    }


def test_predefined_variables() -> None:
    text = transformed(
        '{"rule": <aws.events.rule-arn>, "name": "<aws.events.rule-name>",'
        ' "when": <aws.events.event.ingestion-time>, "all": <aws.events.event.json>,'
        ' "head": <aws.events.event>}'
    )
    assert json.loads(text) == {
        "rule": "arn:rule/r",
        "name": "r",
        "when": "2026-11-25T12:00:01Z",
        "all": EVENT,
        "head": {name: value for name, value in EVENT.items() if name != "detail"},
    }
