"""Runs invocations: admits them, finds or makes an environment, retires idle ones."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lambdalab.errors import LambdalabError
from lambdalab.rules import concurrency, limits
from lambdalab.rules.concurrency import Demand
from lambdalab.rules.lifecycle import IDLE_LIFETIME
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.engine.environment import Environment, Surroundings
from lambdalab.sandbox.engine.launch import runtime_kind
from lambdalab.sandbox.engine.processes import ZygoteClient
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.model import (
    FunctionVersion,
    InvokeRequest,
    InvokeResult,
    LogSink,
    ThrottledError,
)

__all__ = ["EnvironmentInfo", "Executor", "Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be changed while the sandbox runs.

    Attributes
    ----------
    idle_lifetime
        Seconds an idle environment is kept; AWS publishes no number.
    account_concurrency
        Concurrent requests of the whole account.
    """

    idle_lifetime: float = float(IDLE_LIFETIME.value)
    account_concurrency: int = limits.CONCURRENCY.value

    def __post_init__(self) -> None:
        if self.idle_lifetime <= 0:
            raise LambdalabError("idle_lifetime must be above 0 seconds")
        if self.account_concurrency < 1:
            raise LambdalabError("account_concurrency must be at least 1")


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """One environment as others see it."""

    id: str
    function: str
    version: str
    state: str
    pid: int


class Executor:
    """All execution environments of a sandbox. Thread-safe.

    Parameters
    ----------
    run_dir
        Folder for environments' files; the caller removes it at the end.
    endpoint_url
        Where handlers' own AWS calls go.
    clock, events, logs
        What the sandbox's parts share.
    settings
        At the start.
    isolate
        Use Linux namespaces if the kernel allows.
    client
        The runtime client of Python handlers: ``awslambdaric`` (AWS's own), or
        ``python`` (ours, where that does not install).
    """

    def __init__(
        self,
        *,
        run_dir: Path,
        endpoint_url: str,
        clock: Clock,
        events: EventLog,
        logs: LogSink,
        settings: Settings | None = None,
        isolate: bool = True,
        client: str | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._clock = clock
        self._events = events
        self._folder = run_dir
        self._zygote = ZygoteClient(run_dir, isolate=isolate)
        self._around = Surroundings(
            self._zygote, run_dir, endpoint_url, events, logs, client or _default_client()
        )
        self._lock = threading.Condition()
        self._idle: dict[tuple[str, str], list[Environment]] = defaultdict(list)
        self._busy: dict[str, Environment] = {}
        self._retired: dict[str, Environment] = {}
        self._stale: set[str] = set()
        """Busy environments to retire once they finish."""
        self._running: dict[str, int] = defaultdict(int)
        """Concurrent requests by function ARN."""
        self._unreserved = 0
        self._closed = False
        self._janitor = threading.Thread(target=self._retire_idle, name="janitor", daemon=True)

    def start(self) -> None:
        """Start the zygote; environments can be asked for at once."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._zygote.start()
        self._janitor.start()

    # -- invoke ---------------------------------------------------------------------------

    def invoke(self, function: FunctionVersion, request: InvokeRequest) -> InvokeResult:
        """Run one invocation to its end.

        Raises
        ------
        ThrottledError
            No concurrency is left.
        UnsupportedRuntimeError
            The runtime cannot run here.
        """
        runtime_kind(function.runtime)
        environment = self._acquire(function, request)
        try:
            if environment is None:
                environment = Environment(function, self._around)
                with self._lock:
                    self._busy[environment.id] = environment
            return environment.invoke(request)
        finally:
            self._release(function, request, environment)

    def _acquire(self, function: FunctionVersion, request: InvokeRequest) -> Environment | None:
        dead: list[Environment] = []
        with self._lock:
            reason = concurrency.throttle_reason(
                Demand(
                    function=self._running[function.arn],
                    unreserved=self._unreserved,
                    reserved=request.reserved,
                    reserved_total=request.reserved_total,
                    account=self.settings.account_concurrency,
                )
            )
            if reason is not None:
                self._events.record(
                    ev.Throttled(
                        function=function.name,
                        qualifier=request.qualifier,
                        request_id=request.request_id,
                        reason=reason.value,
                    )
                )
                raise ThrottledError(reason.value)
            self._running[function.arn] += 1
            if request.reserved is None:
                self._unreserved += 1
            found: Environment | None = None
            pool = self._idle[function.key]
            while pool and found is None:
                candidate = pool.pop()
                if candidate.function.revision == function.revision and candidate.alive:
                    found = candidate
                    self._busy[found.id] = found
                else:
                    dead.append(candidate)
        for environment in dead:
            self._retire(environment, "update" if environment.alive else "crash")
        return found

    def _release(
        self, function: FunctionVersion, request: InvokeRequest, environment: Environment | None
    ) -> None:
        with self._lock:
            self._running[function.arn] -= 1
            if not self._running[function.arn]:
                del self._running[function.arn]
            if request.reserved is None:
                self._unreserved -= 1
            if environment is None:
                return
            self._busy.pop(environment.id, None)
            stale = environment.id in self._stale or self._closed
            self._stale.discard(environment.id)
            if not stale:
                self._idle[function.key].append(environment)
        if stale:
            self._retire(environment, "update")

    # -- retiring -------------------------------------------------------------------------

    def _retire(self, environment: Environment, cause: str) -> threading.Thread:
        """Shut an environment down beside the caller: an extension may take two seconds."""

        def work() -> None:
            try:
                environment.shutdown(cause)
            finally:
                with self._lock:
                    self._retired.pop(environment.id, None)

        with self._lock:
            self._retired[environment.id] = environment
        thread = threading.Thread(target=work, name=f"retire-{environment.id[:8]}", daemon=True)
        thread.start()
        return thread

    def _retire_idle(self) -> None:
        while True:
            with self._lock:
                if self._closed:
                    return
                lifetime = self.settings.idle_lifetime
                now = time.monotonic()
                expired: list[Environment] = []
                wake = lifetime
                for key, pool in list(self._idle.items()):
                    for environment in list(pool):
                        left = environment.idle_since + lifetime - now
                        if left <= 0:
                            pool.remove(environment)
                            expired.append(environment)
                        else:
                            wake = min(wake, left)
                    if not pool:
                        del self._idle[key]
                if not expired:
                    # One that becomes idle meanwhile expires a full lifetime later.
                    self._lock.wait(timeout=max(0.01, min(wake, 60.0)))
            for environment in expired:
                self._retire(environment, "idle")

    def _take_idle(
        self, arn: str | None, version: str | None, name: str | None
    ) -> list[Environment]:
        taken: list[Environment] = []
        with self._lock:
            for key, pool in list(self._idle.items()):
                for environment in list(pool):
                    function = environment.function
                    if arn is not None and function.arn != arn:
                        continue
                    if version is not None and function.version != version:
                        continue
                    if name is not None and function.name != name:
                        continue
                    pool.remove(environment)
                    taken.append(environment)
                if not pool:
                    del self._idle[key]
        return taken

    def recycle(self, arn: str, version: str | None = None, cause: str = "update") -> None:
        """Retire a function's environments: idle ones now, busy ones when they finish.

        Parameters
        ----------
        arn
            Unqualified ARN of the function.
        version
            Only this version's; ``None`` for all.
        cause
            ``update`` or ``delete``.
        """
        with self._lock:
            for environment in self._busy.values():
                function = environment.function
                if function.arn == arn and version in (None, function.version):
                    self._stale.add(environment.id)
        for environment in self._take_idle(arn, version, None):
            self._retire(environment, cause)

    def shutdown_idle(self, name: str | None = None) -> int:
        """Retire idle environments (of one function) now, and wait; return how many."""
        idle = self._take_idle(None, None, name)
        for thread in [self._retire(environment, "idle") for environment in idle]:
            thread.join()
        return len(idle)

    # -- looking and settings -------------------------------------------------------------

    def environments(self) -> list[EnvironmentInfo]:
        """Return every environment that exists, oldest pools first."""
        with self._lock:
            idle = [environment for pool in self._idle.values() for environment in pool]
            everything = [*idle, *self._busy.values(), *self._retired.values()]
        return [
            EnvironmentInfo(
                environment.id,
                environment.function.name,
                environment.function.version,
                environment.state.value,
                environment.pid,
            )
            for environment in everything
        ]

    def isolation(self) -> list[str]:
        """Say in words how environments are kept apart here."""
        if not self._zygote.isolated:
            return ["processes", "shared /tmp"]
        return ["processes", "pid namespace", "private /tmp, /var/task, /opt"]

    def update_settings(self, **values: object) -> Settings:
        """Change settings; return all of them.

        Raises
        ------
        LambdalabError
            A name is unknown or a value makes no sense.
        """
        known = {field.name: field for field in dataclasses.fields(Settings)}
        for name, value in values.items():
            if name not in known:
                listed = ", ".join(sorted(known))
                raise LambdalabError(f"no setting {name!r}: there are {listed}")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise LambdalabError(f"setting {name} must be a number, not {value!r}")
        with self._lock:
            self.settings = dataclasses.replace(self.settings, **values)  # type: ignore[arg-type]
            self._lock.notify_all()
        return self.settings

    def reset(self) -> None:
        """Retire every environment; returns when the idle ones are gone."""
        with self._lock:
            self._stale.update(self._busy)
        threads = [
            self._retire(environment, "reset") for environment in self._take_idle(None, None, None)
        ]
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End every environment and the zygote, and remove their files."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
        if self._janitor.is_alive():
            self._janitor.join()
        threads = [
            self._retire(environment, "stop") for environment in self._take_idle(None, None, None)
        ]
        for thread in threads:
            thread.join()
        self._zygote.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _default_client() -> str:
    try:
        import awslambdaric  # noqa: F401
    except ImportError:
        return "python"
    return "awslambdaric"
