"""Event source mappings: what the API refuses, filters, partial batches, scaling."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import mappings
from lambdalab.rules.batches import (
    backed_off,
    filter_patterns,
    filters_take,
    next_scaling,
    parse_batch_item_failures,
    retry_delay,
    scaled,
    scaling_start,
)
from lambdalab.rules.mappings import (
    conflict_text,
    defaults,
    kind_of,
    mapping_problem,
    visibility_problem,
)
from lambdalab.rules.shapes.sqs import sqs_record

QUEUE = "arn:aws:sqs:eu-west-1:210987654321:orders"
IDS = ("a", "b", "c")


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (QUEUE, "sqs"),
        (f"{QUEUE}.fifo", "sqs-fifo"),
        ("arn:aws:kinesis:eu-west-1:210987654321:stream/s", "kinesis"),
        (
            "arn:aws:dynamodb:eu-west-1:210987654321:table/t/stream/2026-11-25T00:00:00.000",
            "dynamodb",
        ),
        ("arn:aws:kafka:eu-west-1:210987654321:cluster/c/1", None),
        ("arn:aws:mq:eu-west-1:210987654321:broker:b", None),
        ("orders", None),
        ("", None),
    ],
)
def test_kind_of_source(arn: str, kind: str | None) -> None:
    assert kind_of(arn) == kind


def test_defaults_are_accepted() -> None:
    for kind in ("sqs", "sqs-fifo", "kinesis", "dynamodb"):
        spec = defaults(kind)
        if not kind.startswith("sqs"):
            spec["StartingPosition"] = "LATEST"
        assert mapping_problem(kind, spec, new=True) is None
    assert defaults("sqs")["BatchSize"] == 10
    assert defaults("kinesis")["BatchSize"] == 100


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("sqs", {"BatchSize": 0}, "greater than or equal to 1"),
        ("sqs", {"BatchSize": 10_001}, "less than or equal to 10000"),
        ("sqs", {"BatchSize": "5"}, "integer"),
        ("sqs", {"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ("sqs-fifo", {"BatchSize": 11}, "less than or equal to 10 "),
        ("sqs-fifo", {"MaximumBatchingWindowInSeconds": 1}, "not supported for FIFO"),
        ("sqs", {"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 1}}, "greater than or equal to 2"),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 1001}}, "less than or equal to 1000"),
        ("sqs", {"StartingPosition": "LATEST"}, "Unsupported StartingPosition"),
        ("sqs", {"BisectBatchOnFunctionError": True}, "Unsupported BisectBatchOnFunctionError"),
        ("kinesis", {}, "startingPosition"),
        (
            "kinesis",
            {"StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 5}},
            "Unsupported ScalingConfig",
        ),
        (
            "dynamodb",
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1},
            "Unsupported starting position",
        ),
        ("kinesis", {"StartingPosition": "AT_TIMESTAMP"}, "StartingPositionTimestamp"),
        ("sqs", {"FunctionResponseTypes": ["Other"]}, "ReportBatchItemFailures"),
        ("sqs", {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern"),
        ("sqs", {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "Invalid filter pattern"),
        (
            "sqs",
            {"FilterCriteria": {"Filters": [{"Pattern": '{"body": 1}'}]}},
            "Invalid filter pattern",
        ),
        (
            "sqs",
            {"FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}] * 6}},
            "Number of filters",
        ),
    ],
)
def test_refused(kind: str, spec: dict[str, Any], words: str) -> None:
    problem = mapping_problem(kind, spec, new=True)
    assert problem is not None
    assert words in problem.text


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("sqs", {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300}),
        ("sqs", {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1}),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 2}}),
        ("sqs", {"ScalingConfig": {}}),
        ("sqs", {"FunctionResponseTypes": ["ReportBatchItemFailures"]}),
        (
            "sqs",
            {
                "FilterCriteria": {
                    "Filters": [{"Pattern": '{"body": {"n": [{"numeric": [">", 1]}]}}'}]
                }
            },
        ),
        ("kinesis", {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1.5}),
        ("dynamodb", {"StartingPosition": "TRIM_HORIZON", "TumblingWindowInSeconds": 900}),
    ],
)
def test_accepted(kind: str, spec: dict[str, Any]) -> None:
    assert mapping_problem(kind, spec, new=True) is None


def test_visibility_must_cover_the_timeout() -> None:
    assert visibility_problem(30, 30) is None
    problem = visibility_problem(30, 31)
    assert problem is not None
    assert problem.text == (
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"
    )


def test_conflict_is_worded_by_the_source() -> None:
    assert "SQS arn" in conflict_text(QUEUE, "f", "u-1")
    assert conflict_text("arn:aws:kinesis:r:1:stream/s", "f", "u-1").startswith(
        "The event source arn"
    )


def test_permissions_by_source() -> None:
    assert mappings.read_actions("sqs-fifo") == (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    )
    problem = mappings.access_problem("sqs", QUEUE, ["sqs:DeleteMessage"])
    assert problem.text.endswith("does not have permissions to call DeleteMessage on SQS")
    assert "ListStreams Actions" in mappings.access_problem("dynamodb", "arn", []).text


# -- partial batches ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}],
)
def test_a_success(answer: object) -> None:
    assert parse_batch_item_failures(json.dumps(answer).encode(), IDS) == frozenset()


def test_no_answer_at_all_is_a_success() -> None:
    assert parse_batch_item_failures(b"", IDS) == frozenset()


@pytest.mark.parametrize(
    "reported",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": "unknown"}],
        [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}],
        [{"itemidentifier": "a"}],
        [{"ItemIdentifier": "a"}],
        [{}],
        ["a"],
        "a",
        {"itemIdentifier": "a"},
    ],
)
def test_all_failed(reported: object) -> None:
    payload = json.dumps({"batchItemFailures": reported}).encode()
    assert parse_batch_item_failures(payload, IDS) == frozenset(IDS)


@pytest.mark.parametrize("payload", [b"{", b'"ok"', b"[1]", b"7", b"true"])
def test_what_is_no_response_object_fails_all(payload: bytes) -> None:
    assert parse_batch_item_failures(payload, IDS) == frozenset(IDS)


@given(st.sets(st.sampled_from(IDS)))
def test_what_is_reported_failed(failed: set[str]) -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
    assert parse_batch_item_failures(json.dumps(answer).encode(), IDS) == failed


# -- filters ------------------------------------------------------------------------------


def _message(body: str) -> dict[str, Any]:
    return sqs_record(
        message_id="m",
        receipt_handle="h",
        body=body,
        body_md5="d",
        queue_arn=QUEUE,
        sender="s",
        receive_count=1,
        sent_ms=1,
        first_received_ms=2,
        attributes={"kind": {"DataType": "String", "StringValue": "order"}},
        attributes_md5="d",
    )


@pytest.mark.parametrize(
    ("pattern", "body", "taken"),
    [
        ({"body": {"code": ["B"]}}, '{"code": "B"}', True),
        ({"body": {"code": ["B"]}}, '{"code": "C"}', False),
        ({"body": {"code": ["B"]}}, "B", False),
        ({"body": ["plain"]}, "plain", True),
        ({"body": ["plain"]}, "other", False),
        ({"body": ['{"code": "B"}']}, '{"code": "B"}', False),
        ({"messageAttributes": {"kind": {"stringValue": ["order"]}}}, "whatever", True),
        ({"messageAttributes": {"kind": {"stringValue": ["x"]}}}, "{}", False),
    ],
)
def test_filter_of_a_message(pattern: dict[str, Any], body: str, taken: bool) -> None:
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    assert filters_take(filter_patterns(criteria), _message(body), "body") is taken


def test_any_filter_is_enough_and_none_takes_all() -> None:
    criteria = {"Filters": [{"Pattern": '{"body": ["a"]}'}, {"Pattern": '{"body": ["b"]}'}]}
    patterns = filter_patterns(criteria)
    assert [filters_take(patterns, _message(body), "body") for body in "abc"] == [True, True, False]
    assert filters_take(filter_patterns(None), _message("c"), "body")


# -- scaling ------------------------------------------------------------------------------


def test_five_then_three_hundred_more_a_minute_up_to_the_limit() -> None:
    allowed = scaling_start()
    assert allowed == 5
    assert scaled(allowed, 60) == 305
    assert scaled(allowed, 3600) == mappings.SCALING_LIMIT.value == 1250


def test_maximum_concurrency_caps_it() -> None:
    assert scaling_start(2) == 2
    assert scaling_start(100) == 5
    assert scaled(5, 600, 7) == 7
    assert next_scaling(7, 7) is None


def test_one_more_is_never_due_without_time_passing() -> None:
    """A hair below a whole number: a poller that asked again at the same time did so for ever."""
    now = 1_795_582_657.2244682
    almost = 4 - 1e-12
    wait = next_scaling(almost)
    assert wait is not None
    assert now + wait > now
    assert scaled(almost, now + wait - now) >= 4


@given(st.floats(2, 1249))
def test_next_scaling_is_when_one_more_may_run(allowed: float) -> None:
    wait = next_scaling(allowed)
    assert wait is not None
    assert 0 < wait <= 0.2 + 1e-9
    assert scaled(allowed, wait + 1e-9) >= int(allowed) + 1


def test_failures_take_concurrency_away_but_never_all() -> None:
    allowed = 100.0
    for _ in range(50):
        assert backed_off(allowed) <= allowed
        allowed = backed_off(allowed)
    assert allowed == mappings.CONCURRENCY_MIN.value


def test_throttled_batches_wait_longer_each_time() -> None:
    waits = [retry_delay(attempt) for attempt in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == 60
