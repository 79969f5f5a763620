"""What the sandbox has to reach, and whether a run reached it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.contenders import OURS
from benchmarks.figures import ratio
from benchmarks.handlers import KINDS
from benchmarks.result import Result

__all__ = ["Verdict", "judge"]

_FASTER: dict[tuple[str, str], float] = {
    ("ministack", "cold"): 8.0,
    ("ministack", "warm"): 15.0,
    ("serverless-offline", "cold"): 4.0,
    ("serverless-offline", "warm"): 1.0,
}
"""Peer and phase -> how many times faster, at least."""

_READY_MS = 1500.0
_IMPORT_MS = 100.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was asked for, what came out."""

    what: str
    asked: str
    found: str
    met: bool


def judge(result: Result) -> list[Verdict]:
    """Hold a run against every target it has the figures for."""
    verdicts: list[Verdict] = []
    ours = result.samples[OURS]
    for (peer, phase), least in _FASTER.items():
        for kind in KINDS:
            measure = f"{phase} {kind}"
            theirs = result.samples.get(peer, {}).get(measure)
            if theirs is None or measure not in ours:
                continue
            found = ratio(theirs, ours[measure]).median
            verdicts.append(
                Verdict(
                    f"{phase}, {kind} handler, against {peer}",
                    f"≥ {least:g}×",
                    f"{found:.1f}×" if found >= 2 else f"{found:.2f}×",
                    found >= least,
                )
            )
    if result.load is not None:
        load = result.load
        verdicts.append(
            Verdict(
                f"errors in {load.invokes:,} invokes over {load.clients} clients",
                "0",
                str(load.errors),
                load.errors == 0,
            )
        )
    for what, limit, samples in (
        ("sandbox ready", _READY_MS, result.ready_ms),
        ("import lambdalab.sandbox", _IMPORT_MS, result.import_ms),
    ):
        if samples:
            found = statistics.median(samples)
            verdicts.append(Verdict(what, f"< {limit:.0f} ms", f"{found:.0f} ms", found < limit))
    return verdicts
