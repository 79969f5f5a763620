"""A laboratory for the engine alone: no moto, no HTTP service, real processes."""

from __future__ import annotations

import json
import textwrap
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lambdalab.sandbox.clock import VirtualClock
from lambdalab.sandbox.engine.executor import Executor, Settings
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import Event
from lambdalab.sandbox.model import FunctionVersion, InvokeRequest, InvokeResult, LoggingConfig
from lambdalab.sandbox.scheduler import Scheduler


class ListSink:
    """Keeps log lines."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str]] = []

    def write(self, group: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.entries += [(group, stream, line) for _, line in lines]

    @property
    def lines(self) -> list[str]:
        return [line for _, _, line in self.entries]


@dataclass
class Laboratory:
    """An executor, what it recorded, and short ways to make and invoke functions."""

    folder: Path
    executor: Executor
    events: EventLog
    sink: ListSink
    scheduler: Scheduler
    count: int = field(default=0)

    def function(
        self, source: str, *, layer: dict[str, str] | None = None, **changes: Any
    ) -> FunctionVersion:
        """Write ``source`` as ``app.py`` (or files by name) and describe a function with it."""
        self.count += 1
        name = str(changes.pop("name", f"f{self.count}"))
        code = self.folder / f"code{self.count}"
        self._write(code, {"app.py": source})
        layers: tuple[Path, ...] = ()
        if layer is not None:
            layers = (self.folder / f"layer{self.count}",)
            self._write(layers[0], layer)
        function = FunctionVersion(
            account="123456789012",
            region="us-east-1",
            name=name,
            version="$LATEST",
            arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
            revision="1",
            runtime="python3.13",
            handler="app.handler",
            memory_mb=256,
            timeout_s=5,
            ephemeral_mb=512,
            code=code,
            layers=layers,
            logging=LoggingConfig(f"/aws/lambda/{name}"),
        )
        return replace(function, **changes)

    @staticmethod
    def _write(folder: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            if text.lstrip().startswith("#!"):
                path.chmod(0o755)

    def invoke(self, function: FunctionVersion, event: Any = None, **options: Any) -> InvokeResult:
        request = InvokeRequest(
            request_id=str(uuid.uuid4()),
            payload=json.dumps({} if event is None else event).encode(),
            invoked_arn=function.arn,
            tail=True,
            **options,
        )
        return self.executor.invoke(function, request)

    def call(self, function: FunctionVersion, event: Any = None, **options: Any) -> Any:
        """Invoke and return the parsed payload."""
        return json.loads(self.invoke(function, event, **options).payload)

    def parallel(self, function: FunctionVersion, events: Sequence[Any]) -> list[InvokeResult]:
        results: list[InvokeResult | None] = [None] * len(events)

        def work(index: int) -> None:
            results[index] = self.invoke(function, events[index])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(len(events))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [result for result in results if result is not None]

    def recorded(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events.after(0) if isinstance(event, kind)]


Make = Callable[..., Laboratory]


@pytest.fixture
def make_laboratory(tmp_path: Path) -> Iterator[Make]:
    made: list[Laboratory] = []

    def make(**options: Any) -> Laboratory:
        clock, sink = VirtualClock(), ListSink()
        events, scheduler = EventLog(clock), Scheduler(clock)
        scheduler.start()
        settings = options.pop("settings", Settings())
        executor = Executor(
            run_dir=tmp_path / f"run{len(made)}",
            endpoint_url="http://127.0.0.1:9",
            scheduler=scheduler,
            events=events,
            logs=sink,
            settings=settings,
            **options,
        )
        executor.start()
        made.append(Laboratory(tmp_path, executor, events, sink, scheduler))
        return made[-1]

    yield make
    for laboratory in made:
        laboratory.executor.close()
        laboratory.scheduler.close()


@pytest.fixture
def lab(make_laboratory: Make) -> Laboratory:
    return make_laboratory()
