"""Restores, in a new sandbox, what one that died without being stopped had accepted."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from lambdalab.sandbox import motosqs, state
from lambdalab.sandbox.durability import queues, requests
from lambdalab.sandbox.durability.files import Files
from lambdalab.sandbox.durability.journal import FACT, Entry, entries
from lambdalab.sandbox.durability.keeping import SETTINGS
from lambdalab.sandbox.untyped import Untyped

if TYPE_CHECKING:
    from lambdalab.sandbox.core import Core

__all__ = ["Recovered", "recover"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came back; ``missed``: changes that could not be made again."""

    functions: int
    events: int
    messages: int
    missed: int

    def told(self) -> dict[str, str]:
        """Return it for a message, whose key is ``news``."""
        key = "sandbox.recovery.missed" if self.missed else "sandbox.recovery.done"
        return {"news": key} | {name: str(value) for name, value in asdict(self).items()}


def recover(core: Core, folder: Path) -> Recovered:
    """Restore what is kept in ``folder``. Before anything is answered or scheduled work runs.

    Raises
    ------
    SandboxError
        The snapshot cannot be used.
    OSError
        A file cannot be read.
    """
    files = Files(folder)
    number = files.newest_state()
    missed = 0
    settings: dict[str, object] = {}
    if number:
        path = files.state(number)
        parsed = state.parse(state.read(path), path)
        state.restore(parsed)
        kept = dict(parsed.keepers)
        settings = kept.pop(SETTINGS, {})
        core.keepers.load(kept)
    last = None
    with _past(core):
        for journal in files.journals_from(number):
            for entry in entries(journal):
                core.clock.set(entry.time, paused=core.clock.paused)
                last = entry.time
                told = _settings(entry)
                settings |= told
                missed += not told and not _again(core, entry)
    missed += core.kept_messages.settle()
    if last is not None:
        core.clock.set(last, paused=core.clock.paused)
    # Once more, over what the journal made of it: timers begin with the present.
    final = core.keepers.dump()
    core.pollers.clear()
    core.timekeeper.clear()
    core.service.forget()
    core.keepers.load(final)
    known = {one.name for one in fields(core.executor.settings)}
    core.update_settings(**{name: value for name, value in settings.items() if name in known})
    return Recovered(
        functions=core.service.functions(),
        events=core.kept_events.waiting(),
        messages=queues.count(),
        missed=missed,
    )


def _settings(entry: Entry) -> dict[str, object]:
    if entry.kind != FACT or not entry.content.startswith(f'["{SETTINGS}"'.encode()):
        return {}
    found: dict[str, object] = json.loads(entry.content)[1]
    return found


def _again(core: Core, entry: Entry) -> bool:
    """Do what an entry says; say whether that went as it did before."""
    try:
        if entry.kind == FACT:
            name, fact = json.loads(entry.content)
            return core.keepers.replay(name, fact)
        answer = requests.run_again(core.moto, entry.content)
    except Exception:  # noqa: BLE001 - one change that fails must not take the others with it
        traceback.print_exc(file=sys.stderr)
        return False
    if answer.status >= 400:
        print(f"not done again: {answer.status} {answer.body[:500]!r}", file=sys.stderr)
    return answer.status < 400


@contextlib.contextmanager
def _past(core: Core) -> Iterator[None]:
    """Let what is done again reach nobody: functions ran, and messages came, when it was done."""

    def taken(_queue: Untyped, _message: Untyped) -> None:
        pass

    plain = motosqs.LabQueue.add_message
    motosqs.LabQueue.add_message = taken  # type: ignore[method-assign, assignment]
    try:
        with core.service.past():
            yield
    finally:
        motosqs.LabQueue.add_message = plain  # type: ignore[method-assign]
