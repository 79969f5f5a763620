"""Runs invocations: admits them, finds or makes an environment, retires idle ones."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lambdalab.rules import concurrency, cpu
from lambdalab.rules.concurrency import PoolKind
from lambdalab.rules.errors import ThrottleReason
from lambdalab.rules.lifecycle import Initialization
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.engine.admission import Admission
from lambdalab.sandbox.engine.environment import Environment, Surroundings
from lambdalab.sandbox.engine.launch import runtime_kind
from lambdalab.sandbox.engine.pacing import Pacer, cores
from lambdalab.sandbox.engine.processes import ZygoteClient
from lambdalab.sandbox.engine.provisioning import Provisioned, Provisioner, Wanted
from lambdalab.sandbox.engine.settings import Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.model import (
    FunctionVersion,
    InvokeRequest,
    InvokeResult,
    LogSink,
    ThrottledError,
)
from lambdalab.sandbox.scheduler import Scheduler, Timer

__all__ = ["EnvironmentInfo", "Executor", "Settings"]


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
    scheduler, events, logs
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
        scheduler: Scheduler,
        events: EventLog,
        logs: LogSink,
        settings: Settings | None = None,
        isolate: bool = True,
        client: str | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._scheduler = scheduler
        self._events = events
        self._folder = run_dir
        self._zygote = ZygoteClient(run_dir, isolate=isolate)
        self._around = Surroundings(
            self._zygote,
            run_dir,
            endpoint_url,
            events,
            logs,
            client or _default_client(),
            scheduler.clock,
        )
        self._lock = threading.Condition()
        self._idle: dict[tuple[str, str], list[Environment]] = defaultdict(list)
        self._busy: dict[str, Environment] = {}
        self._retired: dict[str, Environment] = {}
        self._stale: set[str] = set()
        """Busy environments to retire once they finish."""
        self._admission = Admission()
        self._provisioner = Provisioner(self._lock, self._make_ahead, self._retire)
        self._noticed: set[tuple[str, int]] = set()
        """Functions and memory sizes whose CPU share this machine cannot give, as was said."""
        self._reminder: Timer | None = None
        """Wakes :meth:`_retire_idle`, at the latest when the first lifetime is over."""
        self._closed = False

    def start(self) -> None:
        """Start the zygote; environments can be asked for at once."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._zygote.start()

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
        environment, pool = self._acquire(function, request)
        try:
            if environment is None:
                environment = Environment(function, self._around)
                with self._lock:
                    self._busy[environment.id] = environment
            self._pace(environment)
            return environment.invoke(request, pool)
        finally:
            self._release(function, environment, pool)

    def _acquire(
        self, function: FunctionVersion, request: InvokeRequest
    ) -> tuple[Environment | None, PoolKind]:
        dead: list[Environment] = []
        try:
            with self._lock:
                return self._admit(function, request, dead)
        except ThrottledError as error:
            self._events.record(
                ev.Throttled(
                    function=function.name,
                    qualifier=request.qualifier,
                    request_id=request.request_id,
                    reason=error.reason,
                )
            )
            raise
        finally:
            for environment in dead:
                self._retire(environment, _cause_of_end(environment, function))

    def _admit(
        self, function: FunctionVersion, request: InvokeRequest, dead: list[Environment]
    ) -> tuple[Environment | None, PoolKind]:
        """Admit a request and find it an environment; ``None``: a new one is to be made."""
        admission, settings = self._admission, self.settings
        if admission.above_rate(function, request, settings.account_concurrency):
            reserved = request.reserved is not None
            raise ThrottledError(concurrency.rate_throttle_reason(reserved=reserved).value)
        found, crashed = self._provisioner.take(function.key)
        dead += crashed
        pool = admission.pool(function, request, settings, ready=found is not None)
        if isinstance(pool, ThrottleReason):
            raise ThrottledError(pool.value)
        idle = self._idle[function.key]
        # Not left to the reminder: when time is put forward, it would race with this request.
        now = self._scheduler.clock.now()
        while idle and found is None:
            candidate = idle.pop()
            same = candidate.function.revision == function.revision
            if same and self._end_of(candidate) > now and candidate.alive:
                found = candidate
            else:
                dead.append(candidate)
        if found is not None:
            self._busy[found.id] = found
        elif not admission.may_start(function, settings):
            # Past the scaling rate, too, the service names the account's reason.
            raise ThrottledError(ThrottleReason.CONCURRENT.value)
        admission.enter(function, pool)
        return found, pool

    def _release(
        self, function: FunctionVersion, environment: Environment | None, pool: PoolKind
    ) -> None:
        with self._lock:
            self._admission.leave(function, pool)
            if environment is None:
                return
            self._busy.pop(environment.id, None)
            kept = environment.id not in self._stale and not self._closed
            self._stale.discard(environment.id)
            if environment.kind is Initialization.PROVISIONED:
                kept = self._provisioner.give_back(environment) and kept
            elif kept:
                self._idle[function.key].append(environment)
                if self._reminder is None or not self._reminder.waiting:
                    self._remind()
        if not kept:
            self._retire(environment, "update" if environment.alive else "crash")

    # -- provisioned concurrency, CPU share -----------------------------------------------

    def provision(self, wanted: Wanted, retry: tuple[str, str] | None = None) -> None:
        """Keep provisioned environments, in all exactly those; returns at once.

        ``retry``: a version whose init may be tried again though it failed.
        """
        self._provisioner.want(wanted, retry=retry)

    def provisioned(self, key: tuple[str, str]) -> Provisioned | None:
        """Return how far the provisioning of a version is; ``None`` if none is wanted."""
        return self._provisioner.look(key)

    def _make_ahead(self, function: FunctionVersion) -> Environment:
        environment = Environment(function, self._around, Initialization.PROVISIONED)
        self._pace(environment)
        return environment

    def _pace(self, environment: Environment) -> None:
        if not self.settings.cpu_share:
            environment.pacer = None
        elif environment.pacer is None:
            function = environment.function
            environment.pacer = Pacer(function.memory_mb)
            known = (function.name, function.memory_mb)
            if cpu.vcpus(function.memory_mb) > cores() and known not in self._noticed:
                self._noticed.add(known)
                self._events.record(
                    ev.Notice(
                        key="notice.cpu_share_host",
                        values={
                            "function": function.name,
                            "memory": str(function.memory_mb),
                            "vcpus": f"{cpu.vcpus(function.memory_mb):.2f}",
                            "cores": str(cores()),
                        },
                    )
                )

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

    def _end_of(self, environment: Environment) -> float:
        """Return the service time at which an idle environment's lifetime is over."""
        return environment.idle_since + self.settings.idle_lifetime

    def _remind(self) -> None:
        """Have the first idle environment retired when its time has come; the lock is held."""
        if self._reminder is None or not self._reminder.waiting:
            ends = [self._end_of(one) for pool in self._idle.values() for one in pool]
            if ends:
                self._reminder = self._scheduler.at(
                    min(ends), self._retire_idle, label="idle environments", background=True
                )

    def _retire_idle(self) -> None:
        expired: list[Environment] = []
        with self._lock:
            now = self._scheduler.clock.now()
            for key, pool in list(self._idle.items()):
                expired += [one for one in pool if self._end_of(one) <= now]
                pool[:] = [one for one in pool if self._end_of(one) > now]
                if not pool:
                    del self._idle[key]
            self._remind()
        for thread in [self._retire(environment, "idle") for environment in expired]:
            thread.join()

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
            everything = [
                *idle,
                *self._provisioner.waiting(),
                *self._busy.values(),
                *self._retired.values(),
            ]
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
        with self._lock:
            self.settings = self.settings.changed(**values)
            self._lock.notify_all()
            if self._reminder is not None:
                self._reminder.cancel()
            self._remind()
        return self.settings

    def reset(self) -> None:
        """Retire every environment; returns when the idle ones are gone."""
        with self._lock:
            self._stale.update(self._busy)
            self._admission.clear()
            self._noticed.clear()
        threads = self._provisioner.want({}, cause="reset")
        threads += [
            self._retire(environment, "reset") for environment in self._take_idle(None, None, None)
        ]
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End every environment and the zygote, and remove their files."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
        threads = self._provisioner.want({}, cause="stop")
        threads += [
            self._retire(environment, "stop") for environment in self._take_idle(None, None, None)
        ]
        for thread in threads:
            thread.join()
        self._zygote.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _cause_of_end(environment: Environment, function: FunctionVersion) -> str:
    """Say why an idle environment does not serve this version any more."""
    if not environment.alive:
        return "crash"
    return "idle" if environment.function.revision == function.revision else "update"


def _default_client() -> str:
    try:
        import awslambdaric  # noqa: F401
    except ImportError:
        return "python"
    return "awslambdaric"
