"""The platform's lines: written as AWS writes them, and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import errors, logs
from lambdalab.rules.logs import Report

ID = "8f507cfc-6e19-4b4f-8a5c-0d5f3c2e8a11"
_ms = st.floats(0, 1e7).map(lambda number: round(number, 2))


@given(
    st.builds(
        Report,
        request_id=st.uuids().map(str),
        duration_ms=_ms,
        billed_ms=st.integers(1, 10**7),
        memory_mb=st.integers(128, 10240),
        max_memory_mb=st.integers(1, 10240),
        init_ms=st.none() | _ms,
        status=st.sampled_from(["success", "timeout"]),
    )
)
def test_report_line_is_read_back(report: Report) -> None:
    assert logs.parse_report(f"START\n{logs.report_line(report)}\nmore") == report


def test_report_line_as_the_documentation_shows_it() -> None:
    report = Report(ID, 79.67, 80, 128, 73, init_ms=113.51)
    assert logs.report_line(report) == (
        f"REPORT RequestId: {ID}\tDuration: 79.67 ms\tBilled Duration: 80 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 73 MB\tInit Duration: 113.51 ms\t"
    )
    failed = Report(ID, 1000.0, 1000, 128, 128, status="error", error_type="Runtime.ExitError")
    line = logs.report_line(failed)
    assert line.endswith("Status: error\tError Type: Runtime.ExitError\t")
    assert logs.parse_report(line) == failed


def test_json_report_has_the_documented_members() -> None:
    record = json.loads(logs.report_json("2026-01-01T00:00:00.000Z", Report(ID, 1.5, 2, 128, 40)))
    assert record == {
        "time": "2026-01-01T00:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": ID,
            "metrics": {
                "durationMs": 1.5,
                "billedDurationMs": 2,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 40,
            },
            "status": "success",
        },
    }


def test_lines_around_an_invocation() -> None:
    assert logs.start_line(ID, "$LATEST") == f"START RequestId: {ID} Version: $LATEST"
    assert logs.end_line(ID) == f"END RequestId: {ID}"
    assert logs.parse_report(logs.start_line(ID, "1")) is None
    assert logs.init_report_line(10_000.0, "init", "timeout", None) == (
        "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout"
    )


@pytest.mark.parametrize(
    ("code", "signal", "words"),
    [
        (3, None, "Runtime exited with error: exit status 3"),
        (0, None, "Runtime exited without providing a reason"),
        (None, None, "Runtime exited without providing a reason"),
        (None, "killed", "Runtime exited with error: signal: killed"),
    ],
)
def test_reasons_of_an_exit(code: int | None, signal: str | None, words: str) -> None:
    assert errors.exit_reason(code, signal) == words
    payload = errors.exit_error(ID, code, signal)
    assert payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {ID} Error: {words}",
    }


def test_timeout_is_worded_as_aws_words_it() -> None:
    assert errors.timeout_error(ID, 3) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 3.00 seconds",
    }
    line = errors.timeout_log_line("2026-01-01T00:00:00.000Z", ID, 3)
    assert line == f"2026-01-01T00:00:00.000Z {ID} Task timed out after 3.00 seconds"
