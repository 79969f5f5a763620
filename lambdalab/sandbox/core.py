"""All parts of one running sandbox, and what concerns them together."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

import lambdalab
from lambdalab.sandbox import motosqs_api, state, tracing
from lambdalab.sandbox.control import Control
from lambdalab.sandbox.durability import drawing
from lambdalab.sandbox.durability.events import KeptEvents
from lambdalab.sandbox.durability.keeping import Keeping
from lambdalab.sandbox.durability.objects import KeptObjects
from lambdalab.sandbox.durability.queues import KeptMessages
from lambdalab.sandbox.durability.recovery import Recovered, recover
from lambdalab.sandbox.durability.salvage import FOLDER
from lambdalab.sandbox.engine.executor import Executor, Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import Event, Notice, SandboxReset
from lambdalab.sandbox.gate import Gate
from lambdalab.sandbox.keepers import Keepers
from lambdalab.sandbox.lambda_service import backend, hooks, responses
from lambdalab.sandbox.lambda_service.service import LambdaService
from lambdalab.sandbox.logsink import CloudWatchSink
from lambdalab.sandbox.pollers import installing as polling
from lambdalab.sandbox.push import installing as pushing
from lambdalab.sandbox.registry import Record
from lambdalab.sandbox.timekeeper import Timekeeper

__all__ = ["Core"]


class Core:
    """The sandbox.

    Parameters
    ----------
    record
        What is written down of it.
    executor, events, sink, timekeeper
        Made before, because they need no moto.
    owner
        Process with which it ends.
    stop
        Called to end it; returns at once.
    durable
        Whether what is accepted outlives a crash.
    """

    def __init__(
        self,
        record: Record,
        *,
        executor: Executor,
        events: EventLog,
        sink: CloudWatchSink,
        timekeeper: Timekeeper,
        owner: int | None,
        stop: Callable[[], None],
        durable: bool = True,
    ) -> None:
        drawing.install()
        backend.install()
        responses.install()
        tracing.install()
        self.gate = Gate()
        motosqs_api.install(timekeeper.clock, self.gate.aside)
        self.run = record.run
        self.executor = executor
        self.events = events
        self.sink = sink
        self.timekeeper = timekeeper
        self.clock = timekeeper.clock
        self.scheduler = timekeeper.scheduler
        self.stop = stop
        self.keepers = Keepers()
        # The first: what other parts load goes by the time that was saved with it.
        self.keepers.register("clock", timekeeper.dump, timekeeper.load)
        self.service = LambdaService(
            executor, events, record.folder / "code", self.scheduler, self.gate.passing
        )
        self.kept_events = KeptEvents(self.service.queue, self.keepers)
        self.kept_messages = KeptMessages(self.keepers)
        KeptObjects(self.keepers)
        hooks.attach(self.service)
        self.pollers = polling.install(self.service, events, self.scheduler, self.gate)
        pushing.install(self.service, events, self.scheduler, self.gate, self.keepers)
        self.control = Control(self, record.token)
        self.moto: Any = DomainDispatcherApplication(create_backend_app)
        self.keeping = Keeping(self, record.folder / FOLDER if durable else None)
        self._record = record
        self._owner = owner
        self._started = time.time()
        self._whole = threading.Lock()
        self._before = 0

    def status(self) -> dict[str, Any]:
        """Return what ``GET /_lambdalab/status`` answers."""
        return {
            "pid": self._record.pid,
            "port": self._record.port,
            "version": lambdalab.__version__,
            "started": self._started,
            "owner": self._owner,
            "workspace": self._record.workspace,
            "folder": str(self._record.folder),
            "isolation": self.executor.isolation(),
            "functions": self.service.functions(),
            "environments": [dataclasses.asdict(one) for one in self.executor.environments()],
            "invocations": self.service.invocations,
            "settings": dataclasses.asdict(self.executor.settings),
            "durable": self.keeping.keeps,
            "clock": self.timekeeper.look(),
            "run": self.run,
        }

    def update_settings(self, **values: object) -> Settings:
        """Change settings; return all of them."""
        settings = self.executor.update_settings(**values)
        self.timekeeper.change(scale=settings.time_scale)
        self.service.forget()
        self.keeping.settings(dataclasses.asdict(settings))
        return settings

    def reset(self) -> None:
        """Empty everything; service time is the machine's again."""
        with self._whole:
            self.timekeeper.clear()
            self.pollers.clear()
            self.service.clear()
            self.executor.reset()
            with self.gate.alone():
                self.timekeeper.clear()
                self.sink.clear()
                state.clear()
                self.keepers.clear()
                self.service.clear()
                self.service.invocations = 0
            self._restart_events()
            self.keeping.snapshot()

    @contextlib.contextmanager
    def alone_with_state(self) -> Iterator[None]:
        """Let nobody empty, save or replace all state meanwhile."""
        with self._whole:
            yield

    def recover(self, folder: Path) -> Recovered:
        """Restore what a sandbox that died had accepted, before this one begins."""
        found = recover(self, folder)
        self._restart_events()
        told = found.told()
        self.events.record(Notice(key=told.pop("news").removeprefix("sandbox."), values=told))
        self.service.provision()
        self.pollers.resume()
        return found

    def save(self, path: Path) -> None:
        """Write all state to a file."""
        with self._whole:
            self.sink.drain()
            with self.gate.alone():
                data = state.dump(self.keepers.dump())
            state.write(path, data)

    def load(self, path: Path) -> None:
        """Replace all state by a file's; if that cannot be, nothing changes."""
        with self._whole:
            parsed = state.parse(state.read(path), path)
            self.timekeeper.clear()
            self.pollers.clear()
            self.service.clear()
            self.executor.reset()
            with self.gate.alone():
                self.timekeeper.clear()
                self.sink.clear()
                state.clear()
                state.restore(parsed)
                self.service.clear()
                for name in self.keepers.load(parsed.keepers):
                    print(f"{path} has {name}, which is unknown here: left out", file=sys.stderr)
                self.service.invocations = 0
            self._restart_events()
            self.service.provision()
            self.pollers.resume()
            self.keeping.snapshot()

    def _restart_events(self) -> None:
        self.service.collect()
        first = SandboxReset()
        self.events.record(first)
        self._before = first.seq - 1
        self.timekeeper.tell()

    def recorded(self, after: int, *, wait: float, limit: int) -> list[Event]:
        """Return the events above ``after``; those from before a reset are gone."""
        return self.events.after(max(after, self._before), wait=wait, limit=limit)

    def housekeep(self) -> None:
        """Do what a change could not do at once."""
        if self.service.codes.waiting:
            self.service.collect()
