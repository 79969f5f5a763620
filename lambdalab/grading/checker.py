"""The process that runs checks: ``python -I -m lambdalab.grading.checker``.

The request comes on standard input; each verdict leaves as one line of JSON. No code of a
learner is ever loaded here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.grading import left
from lambdalab.grading.spec import JsonValue, Text, check_name
from lambdalab.grading.values import Outputs, UnreadableOutputError
from lambdalab.grading.verdict import Verdict, cannot_check
from lambdalab.grading.world import World, read_events
from lambdalab.i18n import LANGUAGES, message
from lambdalab.sandbox import guard
from lambdalab.sandbox.client import Sandbox
from lambdalab.sandbox.registry import Record

__all__ = ["both", "main"]


class _TooLongError(BaseException):
    """Not an ``Exception``, so that a check's own ``except`` does not keep it."""


def both(key: str, **values: object) -> Text:
    """Return a message of ``grading`` in both languages."""
    return {lang: message(f"grading.{key}", lang, **values) for lang in LANGUAGES}


def main() -> int:
    """Run the checks of one request."""
    request: Mapping[str, Any] = json.load(sys.stdin)
    say = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a check may print

    def tell(index: int, verdict: Verdict | None) -> None:
        data = None if verdict is None else dataclasses.asdict(verdict)
        print(json.dumps({"index": index, "verdict": data}), file=say, flush=True)

    guard.install()
    box = Sandbox(Record(**request["sandbox"] | {"path": Path(request["sandbox"]["path"])}))
    checks = request["checks"]
    try:
        events = read_events(box)
    except LambdalabError:
        for index in range(len(checks)):
            tell(index, cannot_check(both("cannot.gone")))
        return 0
    files = _Files()
    clients: dict[str, Any] = {}
    for index, data in enumerate(checks):
        answer = _left(data)
        world = World(
            lab=request["lab"],
            task=data["task"],
            box=box,
            outputs=Outputs(answer.outputs, answer.refused),
            calls=answer.calls,
            events=events,
            clients=clients,
        )
        run = _Run(world, box, seconds=request["seconds"])
        tell(index, run.verdict(files, *data["file"], needed=data["needed"]))
    return 0


def _left(data: Mapping[str, JsonValue]) -> left.Left:
    inputs: Mapping[str, list[list[JsonValue]]] = data["inputs"]
    told = data["left"]
    return left.from_json(told, [*told["outputs"], *told["refused"]], inputs)


class _Files:
    """Loads files of checks, each once, from what was read of them."""

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    def load(self, path: str, text: str) -> ModuleType:
        if path not in self._modules:
            name = f"lambdalab_checks_{len(self._modules)}"
            module = ModuleType(name)
            module.__file__ = path
            sys.modules[name] = module  # dataclasses of a check look themselves up here
            exec(compile(text, path, "exec"), vars(module))  # noqa: S102 - our own checks
            self._modules[path] = module
        return self._modules[path]


class _Run:
    """One check: whatever happens, a verdict comes of it."""

    def __init__(self, world: World, box: Sandbox, *, seconds: float) -> None:
        self._world = world
        self._box = box
        self._seconds = seconds

    def verdict(self, files: _Files, path: str, text: str, *, needed: bool) -> Verdict | None:
        """Return the verdict; ``None`` if there is no such check and none is needed."""
        name = check_name(self._world.task)
        try:
            with _time_limit(self._seconds):
                check: Callable[[World], object] | None = getattr(
                    files.load(path, text), name, None
                )
                if check is None:
                    return cannot_check(both("cannot.none", name=name)) if needed else None
                found = check(self._world)
        except _TooLongError:
            return cannot_check(both("cannot.slow", seconds=f"{self._seconds:g}"))
        except UnreadableOutputError as error:
            return cannot_check(
                {
                    lang: message(
                        "grading.cannot.not_json",
                        lang,
                        name=error.name,
                        reason=error.reason.text(lang),
                    )
                    for lang in LANGUAGES
                }
            )
        except BaseException as error:  # noqa: BLE001 - a faulty check is told, never the answer's fault
            traceback.print_exc()
            if not self._box.alive:
                return cannot_check(both("cannot.gone"))
            return cannot_check(both("cannot.broken", reason=_reason(error, path)))
        if not isinstance(found, Verdict):
            reason = f"{name} returned {type(found).__name__}"
            return cannot_check(both("cannot.broken", reason=reason))
        return found


def _reason(error: BaseException, path: str) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    place = f", {Path(path).name}:{lines[-1]}" if lines else ""
    return f"{type(error).__name__}: {str(error)[:300]}{place}"


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def alarm(_number: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main())
