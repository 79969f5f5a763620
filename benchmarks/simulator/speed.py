"""Times the simulator and SimFaaS by turns, and holds the ratios against the targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.simulator.peer import Worker
from benchmarks.simulator.workloads import PEER

__all__ = ["Long", "Speed", "Target", "judge", "measure"]

_REQUESTS = {"python": 1_000_000, "numba": 10_000_000, "simfaas": 0}
_LONG = (1_000_000, 100_000_000)
_FASTER = {
    ("readme", "python"): 30.0,
    ("thousand", "python"): 150.0,
    ("readme", "numba"): 250.0,
    ("thousand", "numba"): 800.0,
}
"""Workload and engine -> how many times faster than SimFaaS, at least."""
_SLOWER = 2.0
"""How many times slower than the bare loop everything together may be."""
_MORE_MEMORY_MIB = 16.0


@dataclass(frozen=True, slots=True)
class Long:
    """One long run; seconds of wall clock, MiB of the process at its greatest."""

    requests: int
    seconds: float
    memory_before: float
    memory_after: float


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured.

    Attributes
    ----------
    samples
        (workload, engine) -> microseconds of processor time for one request, by round.
    long
        A short and a long run, one after the other in the same process.
    versions
        Of the interpreter and the packages.
    """

    samples: dict[tuple[str, str], list[float]]
    long: list[Long]
    versions: dict[str, str]

    def median(self, workload: str, engine: str) -> float:
        """Return microseconds of a request."""
        return statistics.median(self.samples[workload, engine])

    def ratio(self, slow: tuple[str, str], fast: tuple[str, str]) -> float:
        """Return how many times slower the first is: the median over the rounds."""
        pairs = zip(self.samples[slow], self.samples[fast], strict=True)
        return statistics.median(one / other for one, other in pairs)


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for, and what was found."""

    what: str
    asked: str
    found: str
    met: bool


def measure(rounds: int, step: Callable[[str], None]) -> Speed:
    """Measure everything.

    Parameters
    ----------
    rounds
        Turns of each.
    step
        Told what is next.

    Raises
    ------
    BenchmarkError
        The peer is not installed, or the engines do not count the same.
    """
    turns = [(workload, engine) for workload in PEER for engine in _REQUESTS]
    turns += [(workload, engine) for workload in ("bare", "everything") for engine in _FAST]
    samples: dict[tuple[str, str], list[float]] = {turn: [] for turn in turns}
    with Worker() as worker:
        step("compiling")
        for workload in (*PEER, "bare", "everything"):
            if not worker.ask("same", workload, 200_000):
                raise BenchmarkError(f"{workload}: numba and Python do not count the same")
        for number in range(rounds):
            for workload, engine in turns:
                step(f"round {number + 1}: {workload}, {engine}")
                found = worker.ask("time", workload, engine, _REQUESTS[engine])
                samples[workload, engine].append(found * 1e6)
        long = []
        for requests in _LONG:
            step(f"{requests:,} requests in one run")
            found = worker.ask("long", requests)
            long.append(
                Long(requests, found["seconds"], found["memory_before"], found["memory_after"])
            )
        return Speed(samples, long, worker.ask("versions"))


_FAST = ("python", "numba")


def judge(speed: Speed) -> list[Target]:
    """Hold a measurement against every target."""
    targets = []
    for (workload, engine), least in _FASTER.items():
        found = speed.ratio((workload, "simfaas"), (workload, engine))
        what = f"{workload}, {engine}, against SimFaaS"
        targets.append(Target(what, f"≥ {least:g}×", f"{found:.0f}×", found >= least))
    for engine in _FAST:
        found = speed.ratio(("everything", engine), ("bare", engine))
        targets.append(
            Target(
                f"everything beside the bare loop, {engine}",
                f"≤ {_SLOWER:g}×",
                f"{found:.2f}×",
                found <= _SLOWER,
            )
        )
    last = speed.long[-1]
    more = last.memory_after - last.memory_before
    targets.append(
        Target(
            f"{last.requests:,} requests in one run: memory on top of {speed.long[0].requests:,}",
            f"< {_MORE_MEMORY_MIB:g} MiB",
            f"{more:.1f} MiB",
            more < _MORE_MEMORY_MIB,
        )
    )
    return targets
