"""One execution environment: init, invoke, freeze, reset, shutdown.

There is no thread per environment: whoever invokes it drives its descriptors until the
runtime and all extensions ask for the next event, and freezes it again.
"""

from __future__ import annotations

import json
import platform
import select
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from lambdalab.rules import errors, lifecycle
from lambdalab.rules.concurrency import PoolKind
from lambdalab.rules.errors import ErrorType
from lambdalab.rules.lifecycle import Initialization, ShutdownReason, State
from lambdalab.rules.logs import Report
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.engine import child, memory
from lambdalab.sandbox.engine.api import Answer, EnvironmentApi, Extension
from lambdalab.sandbox.engine.journal import Journal
from lambdalab.sandbox.engine.launch import ProcessPlan
from lambdalab.sandbox.engine.logpipe import LogPipe
from lambdalab.sandbox.engine.pacing import Pacer
from lambdalab.sandbox.engine.processes import EnvironmentProcess, ZygoteClient
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.model import FunctionVersion, InvokeRequest, InvokeResult, LogSink

__all__ = ["ABANDONED", "Environment", "Surroundings"]

ABANDONED = "Sandbox.Abandoned"
"""Error type of an init that was given up because nobody wants its environment any more."""

_RUNTIME_VERSION = f"python:{platform.python_version()} (this machine's own)"
_WATCH_S = 0.01
"""When memory is first looked at while a handler runs; each next look comes later, up to:"""
_WATCH_MAX_S = 0.05
_SOCKET_HOLDS = 64 * 1024
"""Bytes of an event that surely fit into a socket whose other end sleeps."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all environments of a sandbox share."""

    zygote: ZygoteClient
    folder: Path
    endpoint_url: str
    events: EventLog
    logs: LogSink
    client: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an init or an invoke did not succeed."""

    status: str
    error_type: str | None
    payload: dict[str, object] | bytes
    remark: str | None = None


class Environment:
    """A sandboxed place for one version of one function; one caller at a time.

    Parameters
    ----------
    function
        What it runs, for as long as it lives.
    around
        What it shares with the others.
    kind
        On-demand, or ahead of requests: then :meth:`initialise` comes before the first.
    """

    def __init__(
        self,
        function: FunctionVersion,
        around: Surroundings,
        kind: Initialization = Initialization.ON_DEMAND,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.function = function
        self.kind = kind
        self.pacer: Pacer | None = None
        """Holds the processes to the CPU share of the memory; ``None``: they take what is there."""
        self.state = State.INIT
        self.idle_since = 0.0
        """Service time of the last freeze."""
        self._around = around
        today = datetime.fromtimestamp(around.clock.now(), UTC)
        self._stream = f"{today:%Y/%m/%d}/[{function.version}]{self.id}"
        self._plan = ProcessPlan(
            function,
            environment=self.id,
            log_stream=self._stream,
            folder=around.folder,
            endpoint_url=around.endpoint_url,
            client=around.client,
            initialization=kind,
        )
        self._journal = Journal(
            function,
            self.id,
            self._stream,
            around.logs,
            around.events,
            initialization=kind,
            clock=around.clock,
        )
        self._pipe = LogPipe()
        self._poll = select.poll()
        self._api: EnvironmentApi | None = None
        self._runtime: EnvironmentProcess | None = None
        self._extensions: dict[str, EnvironmentProcess] = {}
        self._fresh = True
        self._over_memory = False
        self._abandoned = False
        self._runtime_peak: float | None = None
        self._record(
            ev.EnvironmentCreated,
            memory_mb=function.memory_mb,
            log_stream=self._stream,
            initialization_type=kind.value,
        )

    # -- facts ----------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Process id of the runtime; 0 when there is none."""
        return self._runtime.pid if self._runtime is not None else 0

    @property
    def alive(self) -> bool:
        """Whether an idle environment can still serve: look before use."""
        if self._runtime is None:
            # Reset: init re-runs in the next invoke, which a provisioned one never makes wait.
            return self.kind is Initialization.ON_DEMAND
        for process in (self._runtime, *self._extensions.values()):
            process.read()
            if process.ended:
                return False
        return True

    def _record(self, kind: type[ev.EnvironmentEvent], **values: object) -> None:
        function = self.function
        self._around.events.record(
            kind(
                environment=self.id,
                function=function.name,
                version=function.version,
                **values,  # type: ignore[arg-type]
            )
        )

    # -- init -----------------------------------------------------------------------------

    def _init(self, until: float, request_id: str, *, suppressed: bool) -> _Failure | float:
        """Run the init phase; return its duration in ms, or why it failed.

        ``until`` is a time of :func:`time.monotonic`.
        """
        phase = "invoke" if suppressed else "init"
        begun = time.monotonic()
        self.state = State.INIT
        self._record(ev.InitStarted, suppressed=suppressed)
        self._journal.init_start(_RUNTIME_VERSION, phase)
        failure = self._start(until, request_id)
        duration = (time.monotonic() - begun) * 1000
        self._journal.write(self._pipe.drain(flush=failure is not None))
        status, error_type = ("success", None)
        if failure is not None:
            status, error_type = failure.status, failure.error_type
            shown = None if status == "timeout" else error_type
            self._journal.init_failed(duration, phase, status, shown)
        self._record(
            ev.InitFinished,
            duration_ms=duration,
            status=status,
            error_type=error_type,
            suppressed=suppressed,
        )
        return duration if failure is None else failure

    def _start(self, until: float, request_id: str) -> _Failure | None:
        function = self.function
        api = self._api = EnvironmentApi(
            frozenset(self._plan.extensions),
            self._registered,
            {
                "functionName": function.name,
                "functionVersion": function.version,
                "handler": function.handler,
            },
        )
        self._over_memory = False
        if self.pacer is not None:
            self.pacer.begin()
        zygote = self._around.zygote
        for name in self._plan.extensions:
            spec = self._plan.extension(name, api.address)
            self._extensions[name] = zygote.spawn(spec, self._pipe.writer)
        self._watch_all()

        def registered() -> bool:
            names = {extension.name for extension in api.extensions.values()}
            return names >= set(self._extensions)

        if not self._drive(registered, until):
            return self._why(until, request_id, init=True)
        self._runtime = zygote.spawn(self._plan.runtime(api.address), self._pipe.writer)
        self._watch_all()
        if self._drive(lambda: api.all_waiting, until):
            return None
        return self._why(until, request_id, init=True)

    def _registered(self, extension: Extension) -> None:
        self._journal.extension(extension.name, extension.events)
        self._record(
            ev.ExtensionRegistered,
            extension=extension.name,
            events=extension.events,
            internal=extension.internal,
        )

    # -- the loop -------------------------------------------------------------------------

    def _processes(self) -> list[EnvironmentProcess]:
        runtime = [self._runtime] if self._runtime is not None else []
        return [*runtime, *self._extensions.values()]

    def _watch_all(self) -> None:
        self._poll = select.poll()
        descriptors = [self._pipe.fileno()]
        if self._api is not None:
            descriptors += self._api.descriptors()
        descriptors += [process.fileno() for process in self._processes() if not process.ended]
        for descriptor in descriptors:
            self._poll.register(descriptor, select.POLLIN)

    def _drive(self, done: Callable[[], bool], until: float) -> bool:
        """Serve the environment until ``done``; false on a death, a failure or at ``until``."""
        assert self._api is not None  # noqa: S101 - set by _start
        processes = {process.fileno(): process for process in self._processes()}
        pipe = self._pipe.fileno()
        pacer = self.pacer
        turn = inf
        watch, look = _WATCH_S, time.monotonic() + _WATCH_S
        while not done():
            now = time.monotonic()
            if now >= until or self._failed():
                return False
            if now >= look:
                if self._exceeds_memory():
                    return False
                watch = min(watch * 1.5, _WATCH_MAX_S)
                look = now + watch
            if pacer is not None:
                turn = pacer.step(processes.values(), now)
            ready = self._poll.poll((min(until, look, turn) - now) * 1000)
            for descriptor, _ in ready:
                if descriptor == pipe:
                    self._journal.write(self._pipe.drain())
                elif descriptor in processes:
                    processes[descriptor].read()
                    if processes[descriptor].ended:
                        self._poll.unregister(descriptor)
                elif self._api.serve(descriptor):
                    self._watch_all()
        return True

    def _failed(self) -> bool:
        assert self._api is not None  # noqa: S101 - set by _start
        if self._abandoned or self._api.init_error is not None:
            return True
        if self._api.extension_error is not None:
            return True
        return any(process.ended for process in self._processes())

    def _exceeds_memory(self) -> bool:
        pids = [process.pid for process in self._processes() if process.pid]
        self._over_memory = memory.resident_mb(pids) > self.function.memory_mb
        return self._over_memory

    def _why(self, until: float, request_id: str, *, init: bool) -> _Failure:
        """Say why :meth:`_drive` gave up."""
        api, function = self._api, self.function
        assert api is not None  # noqa: S101 - set by _start
        if self._abandoned:
            return _Failure("error", ABANDONED, {})
        if self._over_memory:
            payload = errors.out_of_memory_error(request_id)
            return self._failure("error", ErrorType.OUT_OF_MEMORY, payload)
        if api.init_error is not None:
            return self._init_error(api.init_error, request_id)
        if api.extension_error is not None:
            return self._failure(
                "error",
                ErrorType.EXTENSION_INIT,
                _plain(request_id, ErrorType.EXTENSION_INIT, api.extension_error),
            )
        for process in self._extensions.values():
            if process.ended:
                kind = ErrorType.EXTENSION_INIT if init else ErrorType.EXTENSION_CRASH
                reason = errors.exit_reason(process.exit_code, process.signal_name)
                return self._failure(
                    "error",
                    kind,
                    _plain(request_id, kind, reason.replace("Runtime", "Extension", 1)),
                )
        runtime = self._runtime
        if runtime is not None and runtime.ended:
            return self._death(runtime, request_id)
        if time.monotonic() >= until and not init:
            remark = errors.timeout_log_line(self._journal.now(), request_id, function.timeout_s)
            payload = errors.timeout_error(request_id, function.timeout_s)
            return _Failure("timeout", ErrorType.TIMEOUT, dict(payload), remark)
        payload = errors.timeout_error(request_id, function.timeout_s)
        return _Failure("timeout", ErrorType.TIMEOUT, dict(payload))

    def _death(self, runtime: EnvironmentProcess, request_id: str) -> _Failure:
        if runtime.failure is not None:
            kind = "Runtime.StartFailed"
            return self._failure(
                "error",
                kind,
                _plain(request_id, kind, f"no process could be made here: {runtime.failure}"),
            )
        if self._plan.kind == "exec" and runtime.exit_code == child.NO_ENTRYPOINT:
            payload = errors.invalid_entrypoint_error(
                request_id, ("/var/task/bootstrap", "/opt/bootstrap")
            )
            return self._failure("error", ErrorType.INVALID_ENTRYPOINT, payload)
        payload = errors.exit_error(request_id, runtime.exit_code, runtime.signal_name)
        return self._failure("error", ErrorType.EXIT, payload)

    @staticmethod
    def _failure(status: str, error_type: str, payload: dict[str, str]) -> _Failure:
        return _Failure(
            status, error_type, dict(payload), f"{payload['errorMessage']}\n{error_type}"
        )

    @staticmethod
    def _init_error(answer: Answer, request_id: str) -> _Failure:
        try:
            payload = json.loads(answer.payload)
        except ValueError:
            return _Failure("error", answer.error_type, answer.payload)
        if isinstance(payload, dict) and "requestId" in payload:
            payload["requestId"] = request_id
        return _Failure("error", answer.error_type, payload)

    # -- invoke ---------------------------------------------------------------------------

    def abandon(self) -> None:
        """Give up an init that runs in another thread: nobody waits for it any more."""
        self._abandoned = True

    def initialise(self) -> str | None:
        """Run the init phase ahead of any request, and freeze; return the error, if one came."""
        self._fresh = False
        limit = time.monotonic() + lifecycle.init_limit_s(self.kind, self.function.timeout_s)
        said = self._init(limit, str(uuid.uuid4()), suppressed=False)
        if isinstance(said, _Failure):
            self._end_processes(ShutdownReason.FAILURE)
            self._record(ev.EnvironmentTerminated, restarts=True)
            return said.error_type or said.status
        self._freeze()
        self._record(ev.EnvironmentFrozen)
        return None

    def invoke(self, request: InvokeRequest, pool: PoolKind = PoolKind.UNRESERVED) -> InvokeResult:
        """Run one invocation, init first if need be; leaves the environment frozen or reset."""
        cold, init_ms = self._fresh, None
        if cold:
            self._fresh = False
            limit = time.monotonic() + lifecycle.init_limit_s(self.kind, self.function.timeout_s)
            initialised = self._init(limit, request.request_id, suppressed=False)
            if isinstance(initialised, _Failure):
                self._end_processes(ShutdownReason.FAILURE)
                self._record(ev.EnvironmentTerminated, restarts=True)
            else:
                init_ms = initialised
        self._journal.begin(request.request_id)
        started = time.monotonic()
        until = started + self.function.timeout_s
        deadline_ms = int((time.time() + self.function.timeout_s) * 1000)
        self._record(ev.InvokeStarted, request_id=request.request_id, cold=cold, pool=pool.value)
        failure: _Failure | None = None
        if self._runtime is None:
            again = self._init(until, request.request_id, suppressed=True)
            failure = again if isinstance(again, _Failure) else None
            if failure is not None and failure.status == "timeout":
                remark = errors.timeout_log_line(
                    self._journal.now(), request.request_id, self.function.timeout_s
                )
                failure = _Failure("timeout", failure.error_type, failure.payload, remark)
        self._journal.start(request.request_id)
        if failure is None:
            failure = self._run(request, until, deadline_ms)
        return self._conclude(request, failure, started, init_ms)

    def _run(self, request: InvokeRequest, until: float, deadline_ms: int) -> _Failure | None:
        api = self._api
        assert api is not None  # noqa: S101 - initialised
        self.state = State.INVOKE
        trace = (
            request.trace_id
            or f"Root=1-{int(self._around.clock.now()):08x}-{uuid.uuid4().hex[:24]};Sampled=0"
        )
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": request.invoked_arn,
            "Lambda-Runtime-Trace-Id": trace,
        }
        if request.client_context:
            headers["Lambda-Runtime-Client-Context"] = request.client_context
        event = {
            "deadlineMs": deadline_ms,
            "requestId": request.request_id,
            "invokedFunctionArn": request.invoked_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": trace},
        }
        # The process wakes up last, once, and to something that is there; but as long as it is
        # frozen, it takes no more than its socket holds.
        large = len(request.payload) > _SOCKET_HOLDS
        if large:
            self._thaw()
        api.dispatch(request.request_id, request.payload, headers, event)
        if not large:
            self._thaw()
        if self._drive(lambda: api.answer is not None, until):
            # Looked at here, the kernel counts while the runtime fetches its next event.
            self._runtime_peak = _peak_mb(self._processes()[0])
            if self._drive(lambda: api.all_waiting, until):
                return None
        return self._why(until, request.request_id, init=False)

    def _thaw(self) -> None:
        if self.pacer is not None:
            self.pacer.begin()
        for process in self._processes():
            process.send_signal(signal.SIGCONT)

    def _conclude(
        self,
        request: InvokeRequest,
        failure: _Failure | None,
        started: float,
        init_ms: float | None,
    ) -> InvokeResult:
        duration = (time.monotonic() - started) * 1000
        answer = self._api.answer if self._api is not None else None
        runtime, known = self._runtime, self._runtime_peak if failure is None else None
        peaks = [
            known if process is runtime and known is not None else _peak_mb(process)
            for process in self._processes()
        ]
        used = max(1, round(sum(peaks)))
        if failure is None and peaks[0] > self.function.memory_mb:
            # Taken and given back between two looks; the answer does not count either.
            refused = errors.out_of_memory_error(request.request_id)
            failure = self._failure("error", ErrorType.OUT_OF_MEMORY, refused)
            answer = None
        if failure is None:
            self._freeze()
        else:
            duration = self._reset(failure, duration)
        self._journal.write(self._pipe.drain(flush=True))
        size = self.function.memory_mb
        error_type = failure.error_type if failure else answer and answer.error_type
        report = Report(
            request_id=request.request_id,
            duration_ms=duration,
            billed_ms=lifecycle.billed_ms(duration, init_ms or 0.0),
            memory_mb=size,
            max_memory_mb=size if error_type == ErrorType.OUT_OF_MEMORY else min(used, size),
            init_ms=init_ms,
            status=failure.status if failure else "success",
            error_type=failure.error_type if failure and failure.status == "error" else None,
        )
        self._journal.finish(report, failure.remark if failure else None)
        self._record(
            ev.InvokeFinished,
            request_id=request.request_id,
            status="error" if failure is None and error_type else report.status,
            duration_ms=duration,
            billed_ms=report.billed_ms,
            max_memory_mb=report.max_memory_mb,
            init_ms=init_ms,
            error_type=error_type,
        )
        if failure is None:
            self._record(ev.EnvironmentFrozen)
        if answer is not None:  # it had answered before anything went wrong
            payload = answer.payload
        else:
            assert failure is not None  # noqa: S101 - no answer is a failure
            raw = failure.payload
            payload = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
        failed = answer.error_type is not None if answer is not None else True
        return InvokeResult(
            request_id=request.request_id,
            payload=payload,
            executed_version=self.function.version,
            function_error="Unhandled" if failed else None,
            log_tail=self._journal.tail() if request.tail else b"",
        )

    def _freeze(self) -> None:
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)
        self.state = State.FROZEN
        self.idle_since = self._around.clock.now()

    def _reset(self, failure: _Failure, duration: float) -> float:
        """End the processes after a failure; ``/tmp`` and the log stream stay.

        Returns the duration (ms), cut to the timeout where that was what ended it.
        """
        timeout = failure.status == "timeout"
        reason = ShutdownReason.TIMEOUT if timeout else ShutdownReason.FAILURE
        self._record(
            ev.ShutdownStarted, reason=reason.value, cause="timeout" if timeout else "crash"
        )
        self._end_processes(reason)
        self._record(ev.EnvironmentTerminated, restarts=True)
        self.state = State.FROZEN
        self.idle_since = self._around.clock.now()
        return min(duration, self.function.timeout_s * 1000.0) if timeout else duration

    # -- the end --------------------------------------------------------------------------

    def shutdown(self, cause: str) -> None:
        """Run the shutdown phase and give everything back. ``cause``: see ShutdownStarted."""
        self.state = State.SHUTDOWN
        self._record(ev.ShutdownStarted, reason=ShutdownReason.SPINDOWN.value, cause=cause)
        self._end_processes(ShutdownReason.SPINDOWN, destroy=True)
        self._journal.write(self._pipe.drain(flush=True))
        self._pipe.close()
        self.state = State.TERMINATED
        self._record(ev.EnvironmentTerminated)

    def _end_processes(self, reason: ShutdownReason, *, destroy: bool = False) -> None:
        """First the runtime, then the extensions (rules.lifecycle.SHUTDOWN_ORDER)."""
        api = self._api
        if api is not None and api.extensions and self._runtime is not None:
            kinds = [extension.internal for extension in api.extensions.values()]
            limit_ms = lifecycle.shutdown_limit_ms(internal=any(kinds), external=not all(kinds))
            begun = time.monotonic()
            for process in self._processes():
                process.send_signal(signal.SIGCONT)
            graceful = reason is ShutdownReason.SPINDOWN
            self._runtime.send_signal(signal.SIGTERM if graceful else signal.SIGKILL)
            self._await_end(
                [self._runtime], begun + min(limit_ms, lifecycle.SHUTDOWN_INTERNAL.value) / 1000
            )
            self._runtime.send_signal(signal.SIGKILL)
            left = limit_ms / 1000 - (time.monotonic() - begun)
            api.announce_shutdown(reason.value, int((time.time() + left) * 1000))
            listeners = {
                extension.name
                for extension in api.extensions.values()
                if "SHUTDOWN" in extension.events
            }
            waiting = [process for name, process in self._extensions.items() if name in listeners]
            self._await_end(waiting, begun + limit_ms / 1000)
        self._around.zygote.sweep(self.id, destroy=destroy)
        for process in self._processes():
            process.close()
        if api is not None:
            api.close()
        self._api, self._runtime, self._extensions = None, None, {}

    def _await_end(self, processes: list[EnvironmentProcess], until: float) -> None:
        """Serve the environment until the given processes have ended, at most ``until``."""
        assert self._api is not None  # noqa: S101 - called while it runs
        self._watch_all()
        by_descriptor = {process.fileno(): process for process in self._processes()}
        while not all(process.ended for process in processes):
            left = until - time.monotonic()
            if left <= 0:
                return
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor == self._pipe.fileno():
                    self._journal.write(self._pipe.drain())
                elif descriptor in by_descriptor:
                    by_descriptor[descriptor].read()
                    if by_descriptor[descriptor].ended:
                        self._poll.unregister(descriptor)
                elif self._api.serve(descriptor):
                    self._watch_all()


def _peak_mb(process: EnvironmentProcess) -> float:
    return process.peak_mb if process.ended else memory.peak_mb([process.pid])


def _plain(request_id: str, error_type: str, text: str) -> dict[str, str]:
    return {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {text}"}
