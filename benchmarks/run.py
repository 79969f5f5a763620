"""One whole run: who takes part, starting them, measuring them, ending them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import install, machine, measure
from benchmarks.contenders import CONTENDERS, OURS, Contender, Ministack, ServerlessOffline
from benchmarks.errors import BenchmarkError
from benchmarks.handlers import KINDS
from benchmarks.result import Load, Result, Samples

__all__ = ["install_peers", "run"]

_STARTS = 5
_INSTALLERS: dict[str, Callable[[Callable[[str], None]], None]] = {
    Ministack.name: install.install_ministack,
    ServerlessOffline.name: install.install_serverless_offline,
}


def install_peers(peers: Iterable[str], console: Console) -> dict[str, str]:
    """Install peers; return why, for each that cannot be."""
    failed: dict[str, str] = {}
    for name in peers:
        with console.status(f"{name}: installing") as status:
            try:
                _INSTALLERS[name](status.update)
            except BenchmarkError as error:
                failed[name] = str(error)
    return failed


def run(
    peers: Iterable[str], plan: measure.Plan, *, invokes: int, clients: int, console: Console
) -> Result:
    """Measure lambdalab and those of ``peers`` that are installed.

    Parameters
    ----------
    peers
        Names of :data:`CONTENDERS`.
    plan
        How much is measured side by side.
    invokes, clients
        The load test of the sandbox; 0 invokes leave it out.
    console
        Where progress is shown.

    Raises
    ------
    BenchmarkError
        A contender did not come up, or answered wrongly.
    """
    absent: dict[str, str] = {}
    names = [OURS]
    for name in peers:
        why = CONTENDERS[name].missing()
        if why is None:
            names.append(name)
            continue
        absent[name] = why
        console.print(f"{why}: left out. --install-peers installs it.", markup=False)
    begun = datetime.now(UTC)
    facts = machine.facts()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambdalab-bench-")))
        progress = stack.enter_context(_progress(console))
        task = progress.add_task("importing", total=2 * _STARTS)
        imports = measure.import_ms(_STARTS)
        progress.update(task, advance=_STARTS, description="starting the sandbox")
        ready = measure.ready_ms(folder, _STARTS)
        progress.update(task, advance=_STARTS)
        contenders = _start(names, plan, folder, stack, progress)
        samples = _side_by_side(contenders, plan, progress)
        load = _load(contenders[OURS], invokes, clients, progress) if invokes else None
        versions: dict[str, str] = {}
        for one in contenders.values():
            versions |= one.versions()
    return Result(
        begun=begun.isoformat(timespec="seconds"),
        machine=facts,
        versions=versions,
        samples=samples,
        load=load,
        ready_ms=ready,
        import_ms=imports,
        absent=absent,
    )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _start(
    names: list[str],
    plan: measure.Plan,
    folder: Path,
    stack: contextlib.ExitStack,
    progress: Progress,
) -> dict[str, Contender]:
    task = progress.add_task("starting", total=len(names))
    started: dict[str, Contender] = {}
    for name in names:
        place = folder / name
        place.mkdir()
        one = CONTENDERS[name](place, plan.functions)
        stack.callback(one.stop)
        progress.update(task, description=f"starting {name}")
        one.start()
        started[name] = one
        progress.advance(task)
    return started


def _side_by_side(
    contenders: dict[str, Contender], plan: measure.Plan, progress: Progress
) -> dict[str, Samples]:
    turns = len(contenders) * (1 + plan.rounds * len(KINDS))
    task = progress.add_task("side by side", total=turns)

    def step(text: str) -> None:
        progress.update(task, advance=1, description=text)

    return measure.rounds(contenders, plan, step)


def _load(ours: Contender, invokes: int, clients: int, progress: Progress) -> Load:
    task = progress.add_task(f"{clients} clients at once", total=invokes)
    return measure.load(ours, invokes, clients, lambda count: progress.advance(task, count))
