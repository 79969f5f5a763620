"""Measures one thing on request, in a process of its own: one JSON line in, one out.

It runs in the environment that holds SimFaaS and numba, and measures lambdalab there as well:
one interpreter and one numpy for all.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter, process_time
from typing import Any

from benchmarks.simulator import simfaas, workloads
from benchmarks.simulator.draws import CASES
from lambdalab.sim import Result, Scenario, simulate

_OURS: dict[str, Callable[[int], Scenario]] = {
    "readme": workloads.readme,
    "thousand": workloads.thousand,
    "bare": workloads.bare,
    "everything": workloads.everything,
}


def _time(workload: str, engine: str, requests: int) -> float:
    if engine == "simfaas":
        rate, warm, cold, count = workloads.PEER[workload]
        return simfaas.seconds_per_request(rate, warm, cold, count)
    scenario = _OURS[workload](requests)
    begun = process_time()
    simulate(scenario, engine=engine)  # type: ignore[arg-type]
    return (process_time() - begun) / requests


def _long(requests: int) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = perf_counter()
    result = simulate(workloads.readme(requests), engine="numba")
    seconds = perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "requests": result.account.requests,
        "seconds": seconds,
        "memory_before": before / 1024,
        "memory_after": after / 1024,
    }


def _same(workload: str, requests: int) -> bool:
    """Say whether both engines count the same, curves included."""
    python, compiled = (
        simulate(_OURS[workload](requests), engine=engine) for engine in ("python", "numba")
    )
    return _counted(python) == _counted(compiled)


def _counted(result: Result) -> list[Any]:
    return [
        [
            one.requests,
            one.served,
            one.cold,
            one.provisioned,
            dict(one.throttle_reasons),
            one.cold_starts.tolist(),
            round(one.mean_concurrency, 9),
            round(one.mean_environments, 9),
        ]
        for one in result.functions.values()
    ]


def _counts(routing: str) -> dict[str, dict[str, int]]:
    return {case.name: simfaas.counts(case, routing) for case in CASES}


def _versions() -> dict[str, str]:
    found = {name: version(name) for name in ("simfaas", "numba", "numpy")}
    return {"Python": sys.version.split()[0], **found}


_VERBS: dict[str, Callable[..., Any]] = {
    "time": _time,
    "long": _long,
    "same": _same,
    "counts": _counts,
    "versions": _versions,
}


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        print(json.dumps(_VERBS[verb](*arguments)), flush=True)


if __name__ == "__main__":
    main()
