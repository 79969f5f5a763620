"""Event logs for tests: short ways to write one, and random ones as the engine makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event

START = 1_000_000.0


@dataclass
class Log:
    """Records events one after the other, as the sandbox numbers and stamps them."""

    now: float = START
    events: list[Event] = field(default_factory=list)

    def add(self, kind: type[Event], after: float = 0.0, /, **values: Any) -> Event:
        self.now += after
        event = kind(seq=len(self.events) + 1, time=self.now, **values)
        self.events.append(event)
        return event


@dataclass
class Story:
    """One environment of one function, told in the engine's own order of events."""

    log: Log
    id: str = "a" * 32
    function: str = "hello"
    version: str = "$LATEST"
    fresh: bool = True
    process: bool = False
    requests: int = 0

    def add(self, kind: type[Event], after: float = 0.0, **values: Any) -> Event:
        who = {"environment": self.id, "function": self.function, "version": self.version}
        return self.log.add(kind, after, **who, **values)

    def create(self) -> None:
        self.add(ev.EnvironmentCreated, memory_mb=128, log_stream=f"2026/11/01/[1]{self.id}")

    def invoke(self, outcome: str = "success", lasts: float = 0.01, init: str = "success") -> str:
        """Invoke once; ``outcome`` may be ``success``, ``error``, ``timeout`` or ``crash``."""
        self.requests += 1
        request = f"{self.id[:4]}-{self.requests}"
        self.log.add(
            ev.InvokeReceived,
            function=self.function,
            qualifier="PROD",
            request_id=request,
            invocation_type="RequestResponse",
        )
        cold = self.fresh
        init_ms = None
        if self.fresh:
            self.fresh = False
            self.create()
            self.add(ev.InitStarted)
            self.add(ev.InitFinished, 0.07, duration_ms=70.0, status=init, suppressed=False)
            self.process = init == "success"
            if self.process:
                init_ms = 70.0
            else:
                self.add(ev.EnvironmentTerminated, restarts=True)
        self.add(ev.InvokeStarted, request_id=request, cold=cold)
        if not self.process:
            self.add(ev.InitStarted, suppressed=True)
            self.add(ev.InitFinished, 0.05, duration_ms=50.0, status="success", suppressed=True)
            self.process = True
        status = outcome
        if outcome in ("timeout", "crash"):
            reason = "timeout" if outcome == "timeout" else "failure"
            self.add(ev.ShutdownStarted, lasts, reason=reason, cause=outcome)
            self.add(ev.EnvironmentTerminated, 0.001, restarts=True)
            self.process, lasts = False, 0.0
            status = "timeout" if outcome == "timeout" else "error"
        self.add(
            ev.InvokeFinished,
            lasts,
            request_id=request,
            status=status,
            duration_ms=10.0,
            billed_ms=11,
            max_memory_mb=40,
            init_ms=init_ms,
            error_type=None if status == "success" else "Runtime.ExitError",
        )
        if self.process:
            self.add(ev.EnvironmentFrozen)
        return request

    def retire(self, cause: str = "idle", lasts: float = 0.002) -> None:
        self.add(ev.ShutdownStarted, reason="spindown", cause=cause)
        self.add(ev.EnvironmentTerminated, lasts)


def numbered(events: Sequence[Event]) -> list[Event]:
    """Return copies of events, numbered anew."""
    return [dataclasses.replace(event, seq=seq) for seq, event in enumerate(events, 1)]


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Return a log of some environments whose events come in turns, as threads make them."""
    told: list[list[Event]] = []
    for number in range(draw(st.integers(1, 4))):
        log = Log(now=START + draw(st.floats(0, 5)))
        name = draw(st.sampled_from(("hello", "orders")))
        story = Story(log, id=f"{number:x}" * 32, function=name)
        for _ in range(draw(st.integers(0, 6))):
            log.now += draw(st.floats(0, 30))
            story.invoke(
                draw(st.sampled_from(("success", "error", "timeout", "crash"))),
                draw(st.floats(0, 3)),
                draw(st.sampled_from(("success", "success", "error", "timeout"))),
            )
            if draw(st.booleans()):
                log.add(
                    ev.Throttled,
                    function=name,
                    qualifier="$LATEST",
                    request_id=f"refused-{number}-{len(log.events)}",
                    reason="ConcurrentInvocationLimitExceeded",
                )
        if not story.fresh and draw(st.booleans()):
            log.now += draw(st.floats(0, 700))
            story.retire(draw(st.sampled_from(("idle", "update", "crash"))))
        told.append(log.events)
    merged = sorted((event for events in told for event in events), key=lambda one: one.time)
    return numbered(merged)
