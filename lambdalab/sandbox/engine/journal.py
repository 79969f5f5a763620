"""The log of one environment: the handler's lines and the platform's own, in both formats."""

from __future__ import annotations

from datetime import UTC, datetime

from lambdalab.rules import limits, logs
from lambdalab.rules.lifecycle import Initialization
from lambdalab.rules.logs import Report
from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import LogLine
from lambdalab.sandbox.model import FunctionVersion, LogSink

__all__ = ["Journal"]

_LEVELS = ("DEBUG", "INFO", "WARN")


class Journal:
    """Writes lines to the log sink and the event log, and keeps the tail of an invocation."""

    def __init__(
        self,
        function: FunctionVersion,
        environment: str,
        stream: str,
        sink: LogSink,
        log: EventLog,
        *,
        initialization: Initialization = Initialization.ON_DEMAND,
        clock: Clock,
    ) -> None:
        self._function = function
        self._initialization = initialization.value
        self._environment = environment
        self._stream = stream
        self._sink = sink
        self._log = log
        self._clock = clock
        self._json = function.logging.log_format == "JSON"
        self._threshold = _LEVELS.index(function.logging.system_log_level or "INFO")
        self._request_id: str | None = None
        self._tail: list[str] = []

    def now(self) -> str:
        """Return the service time as log lines have it."""
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def begin(self, request_id: str) -> None:
        """Lines from now on belong to this invocation."""
        self._request_id = request_id
        self._tail = []

    def tail(self) -> bytes:
        """Return the last 4 KB of the current invocation's lines."""
        return "\n".join([*self._tail, ""]).encode()[-limits.LOG_TAIL.value :]

    def write(self, lines: list[str]) -> None:
        """Log lines as they are."""
        if not lines:
            return
        now = int(self._clock.now() * 1000)
        function = self._function
        self._tail += lines
        self._sink.write(function.logging.log_group, self._stream, [(now, line) for line in lines])
        for line in lines:
            self._log.record(
                LogLine(
                    environment=self._environment,
                    function=function.name,
                    version=function.version,
                    request_id=self._request_id,
                    line=line,
                )
            )

    def _platform(self, level: str, kind: str, record: dict[str, object]) -> None:
        if _LEVELS.index(level) >= self._threshold:
            self.write([logs.platform_json(self.now(), kind, record)])

    def init_start(self, runtime_version: str, phase: str) -> None:
        """Log the start of an init phase."""
        if not self._json:
            self.write([logs.init_start_line(runtime_version)])
            return
        record: dict[str, object] = {
            "initializationType": self._initialization,
            "phase": phase,
            "runtimeVersion": runtime_version,
            "functionName": self._function.name,
            "functionVersion": self._function.version,
        }
        self._platform("INFO", "initStart", record)

    def init_failed(
        self, duration_ms: float, phase: str, status: str, error_type: str | None
    ) -> None:
        """Log that an init went wrong."""
        if not self._json:
            self.write([logs.init_report_line(duration_ms, phase, status, error_type)])
            return
        record: dict[str, object] = {
            "initializationType": self._initialization,
            "phase": phase,
            "status": status,
            "metrics": {"durationMs": round(duration_ms, 3)},
        }
        if error_type:
            record["errorType"] = error_type
        self._platform("WARN", "initReport", record)

    def extension(self, name: str, events: tuple[str, ...]) -> None:
        """Log that an extension registered."""
        if not self._json:
            listed = ",".join(events)
            self.write([f"EXTENSION\tName: {name}\tState: Ready\tEvents: [{listed}]"])
            return
        record: dict[str, object] = {"name": name, "state": "Ready", "events": list(events)}
        self._platform("INFO", "extension", record)

    def start(self, request_id: str) -> None:
        """Log START."""
        if not self._json:
            self.write([logs.start_line(request_id, self._function.version)])
            return
        record: dict[str, object] = {"requestId": request_id, "version": self._function.version}
        self._platform("INFO", "start", record)

    def finish(self, report: Report, remark: str | None) -> None:
        """Log what went wrong, if anything (``remark``), then END and REPORT."""
        if not self._json:
            lines = [remark] if remark else []
            self.write([*lines, logs.end_line(report.request_id), logs.report_line(report)])
            return
        level = "INFO" if report.status == "success" else "WARN"
        if _LEVELS.index(level) >= self._threshold:
            self.write([logs.report_json(self.now(), report)])
