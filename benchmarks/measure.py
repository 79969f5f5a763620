"""Timing: what is done, in which order, and what one sample is."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders.base import Client, Contender, lambda_client
from benchmarks.errors import BenchmarkError
from benchmarks.handlers import KINDS
from benchmarks.result import Load, Samples

__all__ = ["Plan", "import_ms", "load", "ready_ms", "rounds"]

_EVENT = {"city": "Taipei", "n": 1}
_SETTLE_S = 0.2
"""Pause before a timing, so that what a deletion or a start left running is over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes
    ----------
    rounds
        How often each contender has its turn.
    cold
        Cold starts of each kind in a round.
    warm
        Warm invokes of each kind in a round.
    """

    rounds: int = 10
    cold: int = 3
    warm: int = 40

    @property
    def functions(self) -> int:
        """Functions of each kind that a contender needs: one is spent on warming it up."""
        return self.rounds * self.cold + 1


def _invoke(client: Client, name: str, payload: bytes) -> tuple[float, int]:
    """Return the milliseconds of one invoke on the caller's side, and the handler's count."""
    begun = time.perf_counter()
    answer = client.invoke(FunctionName=name, Payload=payload)
    body = answer["Payload"].read()
    duration = (time.perf_counter() - begun) * 1000
    said = json.loads(body)
    if not isinstance(said, dict) or said.get("event") != _EVENT:
        raise BenchmarkError(f"{name} answered {body[:500]!r}")
    return duration, int(said["count"])


def _cold(client: Client, name: str) -> float:
    duration, count = _invoke(client, name, json.dumps(_EVENT).encode())
    if count != 1:
        raise BenchmarkError(f"{name} was to start cold, but it is its invocation {count}")
    return duration


def _warm(client: Client, name: str, times: int) -> list[float]:
    payload = json.dumps(_EVENT).encode()
    samples = []
    for _ in range(times):
        duration, count = _invoke(client, name, payload)
        if count < 2:
            raise BenchmarkError(f"{name} was warm, but it started again")
        samples.append(duration)
    return samples


def rounds(
    contenders: Mapping[str, Contender], plan: Plan, step: Callable[[str], None]
) -> dict[str, Samples]:
    """Measure contenders that have started, by turns; return the samples of each.

    Parameters
    ----------
    contenders
        By name, started.
    plan
        How much.
    step
        Called when one turn is done, with what it was.

    Raises
    ------
    BenchmarkError
        One answered wrongly, or a cold start was none.
    """
    clients = {name: lambda_client(one.url) for name, one in contenders.items()}
    taken: dict[str, Samples] = {name: {} for name in contenders}
    try:
        for name, one in contenders.items():
            # Whatever a server loads for the first invoke of its life is nobody's cold start.
            for kind in KINDS:
                function = one.fresh_function(kind)
                _cold(clients[name], function)
                one.discard(function)
            step(f"{name}: warm-up")
        order = list(contenders)
        for _ in range(plan.rounds):
            for name in order:
                for kind in KINDS:
                    _turn(contenders[name], clients[name], kind, plan, taken[name])
                    step(f"{name}: {kind}")
            order.append(order.pop(0))
    finally:
        for client in clients.values():
            client.close()
    return taken


def _turn(contender: Contender, client: Client, kind: str, plan: Plan, taken: Samples) -> None:
    names = [contender.fresh_function(kind) for _ in range(plan.cold)]
    time.sleep(_SETTLE_S)
    cold = [_cold(client, name) for name in names]
    taken.setdefault(f"cold {kind}", []).append(cold)
    taken.setdefault(f"warm {kind}", []).append(_warm(client, names[-1], plan.warm))
    for name in names:
        contender.discard(name)


def load(contender: Contender, invokes: int, clients: int, step: Callable[[int], None]) -> Load:
    """Invoke one function from several clients at once; count what goes wrong.

    Parameters
    ----------
    contender
        Started.
    invokes, clients
        How many in all, and over how many boto3 clients, each in a thread.
    step
        Called now and then with how many were done since.
    """
    name = contender.fresh_function("plain")
    payload = json.dumps(_EVENT).encode()
    first: list[str] = []
    lock = threading.Lock()

    def work(share: int) -> list[float]:
        samples: list[float] = []
        with contextlib.closing(lambda_client(contender.url)) as client:
            for number in range(1, share + 1):
                try:
                    samples.append(_invoke(client, name, payload)[0])
                except Exception as error:  # noqa: BLE001 - every failure is one to count
                    with lock:
                        first.append(f"{type(error).__name__}: {error}")
                if number % 50 == 0 or number == share:
                    step(number % 50 or 50)
        return samples

    shares = [invokes // clients + (number < invokes % clients) for number in range(clients)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        samples = [sample for part in pool.map(work, shares) for sample in part]
    seconds = time.perf_counter() - begun
    contender.discard(name)
    return Load(
        invokes=invokes,
        clients=clients,
        errors=len(first),
        first_error=first[0] if first else None,
        seconds=seconds,
        samples=samples,
    )


def ready_ms(folder: Path, times: int) -> list[float]:
    """Return how long ``Sandbox.start()`` takes until the sandbox answers, each time anew."""
    from lambdalab.sandbox import Sandbox

    samples = []
    for number in range(times):
        place = folder / f"ready-{number}"
        place.mkdir()
        begun = time.perf_counter()
        box = Sandbox.start(workspace=place, owner=os.getpid(), configure=False, quiet=True)
        try:
            box.status()
            samples.append((time.perf_counter() - begun) * 1000)
        finally:
            box.stop()
    return samples


def import_ms(times: int) -> list[float]:
    """Return how long a notebook's first import takes, each time in a new interpreter."""
    return list(_imports(times))


def _imports(times: int) -> Iterator[float]:
    code = (
        "import time; begun = time.perf_counter(); from lambdalab.sandbox import Sandbox;"
        "print((time.perf_counter() - begun) * 1000)"
    )
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        yield float(done.stdout)
