"""The platform's own log lines, as text and as JSON, and how to read a REPORT line back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lambdalab.rules.source import Source

__all__ = [
    "SOURCE",
    "Report",
    "end_line",
    "init_report_line",
    "init_start_line",
    "parse_report",
    "platform_json",
    "report_json",
    "report_line",
    "start_line",
]

SOURCE = Source("dg:python-logging")


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one REPORT line. Durations in ms, memory in MB.

    ``init_ms`` is there on the first invoke of an environment only; ``status`` is
    ``success``, ``error`` or ``timeout``.
    """

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str = "success"
    error_type: str | None = None


def init_start_line(runtime_version: str) -> str:
    """Return the line that opens the init phase in the log."""
    return f"INIT_START Runtime Version: {runtime_version}"


def init_report_line(duration_ms: float, phase: str, status: str, error_type: str | None) -> str:
    """Return the line that says how an init went wrong. ``phase``: ``init`` or ``invoke``."""
    line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return f"{line}\tError Type: {error_type}" if error_type else line


def start_line(request_id: str, version: str) -> str:
    """Return the line that opens an invocation."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """Return the line that closes the handler's part."""
    return f"END RequestId: {request_id}"


def report_line(report: Report) -> str:
    """Return the REPORT line, fields parted by tabs as the service does."""
    fields = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_ms} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.max_memory_mb} MB",
    ]
    if report.init_ms is not None:
        fields.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status != "success":
        fields.append(f"Status: {report.status}")
        if report.error_type:
            fields.append(f"Error Type: {report.error_type}")
    return "\t".join(fields) + "\t"


def platform_json(iso_time: str, kind: str, record: dict[str, object]) -> str:
    """Return one ``platform.*`` record of the JSON log format."""
    return json.dumps({"time": iso_time, "type": f"platform.{kind}", "record": record})


def report_json(iso_time: str, report: Report) -> str:
    """Return the ``platform.report`` record of the JSON log format."""
    metrics: dict[str, object] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    record: dict[str, object] = {
        "requestId": report.request_id,
        "metrics": metrics,
        "status": report.status,
    }
    if report.error_type:
        record["errorType"] = report.error_type
    return platform_json(iso_time, "report", record)


_REPORT = re.compile(
    r"REPORT RequestId: (?P<request_id>\S+)\s+Duration: (?P<duration>[\d.]+) ms\s+"
    r"Billed Duration: (?P<billed>\d+) ms\s+Memory Size: (?P<memory>\d+) MB\s+"
    r"Max Memory Used: (?P<used>\d+) MB"
    r"(?:\s+Init Duration: (?P<init>[\d.]+) ms)?"
    r"(?:\s+Status: (?P<status>\w+))?(?:\s+Error Type: (?P<error>\S+))?"
)


def parse_report(text: str) -> Report | None:
    """Return the figures of the first REPORT line in ``text``; ``None`` if there is none."""
    found = _REPORT.search(text)
    if found is None:
        return None
    init = found["init"]
    return Report(
        request_id=found["request_id"],
        duration_ms=float(found["duration"]),
        billed_ms=int(found["billed"]),
        memory_mb=int(found["memory"]),
        max_memory_mb=int(found["used"]),
        init_ms=float(init) if init else None,
        status=found["status"] or "success",
        error_type=found["error"],
    )
