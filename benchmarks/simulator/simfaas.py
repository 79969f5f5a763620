"""SimFaaS, fed requests that were drawn before, and timed. Runs where SimFaaS is installed."""

from __future__ import annotations

import importlib
import warnings
from time import process_time
from typing import Any

from benchmarks.simulator.draws import Case, Draws

__all__ = ["counts", "seconds_per_request"]

_NEVER = float("inf")


def _simulator() -> Any:  # noqa: ANN401 - a package without types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("simfaas.ServerlessSimulator").ServerlessSimulator


class _Feed:
    """Hands SimFaaS one number after the other."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._asked = 0

    def gap(self) -> float:
        self._asked += 1
        gaps = self._draws.gaps
        return gaps[self._asked - 1] if self._asked <= len(gaps) else _NEVER

    def warm(self) -> float:
        # The gap before the next arrival is asked for ahead of this request's duration.
        return self._draws.services[self._asked - 2]

    def cold(self) -> float:
        place = self._asked - 2
        return self._draws.services[place] + self._draws.inits[place]


class _Process:
    def __init__(self, draw: Any) -> None:  # noqa: ANN401 - a function
        self.generate_trace = draw


def counts(case: Case, routing: str) -> dict[str, int]:
    """Return how many requests of a case SimFaaS serves cold and warm, and rejects.

    Parameters
    ----------
    routing
        ``newest``: its own, the environment created last. ``recent``: the one used most
        recently, by one method put in the place of its own.
    """
    base = _simulator()

    class Recent(base):  # type: ignore[misc, valid-type]
        def schedule_warm_instance(self, t: float) -> Any:  # noqa: ANN401 - its instance
            idle = [one for one in self.servers if one.is_ready()]
            return max(idle, key=lambda one: one.next_termination)

    draws = Draws(case)
    feed = _Feed(draws)
    simulator = (Recent if routing == "recent" else base)(
        arrival_process=_Process(feed.gap),
        warm_service_process=_Process(feed.warm),
        cold_service_process=_Process(feed.cold),
        expiration_threshold=case.idle,
        maximum_concurrency=case.cap,
        max_time=draws.times[-1],
    )
    simulator.generate_trace(debug_print=False, progress=False)
    if simulator.total_req_count != case.requests:
        raise RuntimeError(f"{simulator.total_req_count} of {case.requests} requests were run")
    return {
        "cold": int(simulator.total_cold_count),
        "warm": int(simulator.total_warm_count),
        "rejected": int(simulator.total_reject_count),
    }


def seconds_per_request(rate: float, warm: float, cold: float, requests: int) -> float:
    """Return the processor time SimFaaS takes for one request, as its README runs it."""
    simulator = _simulator()(
        arrival_rate=rate,
        warm_service_rate=1 / warm,
        cold_service_rate=1 / cold,
        expiration_threshold=600,
        max_time=requests / rate,
    )
    begun = process_time()
    simulator.generate_trace(debug_print=False, progress=False)
    return (process_time() - begun) / int(simulator.total_req_count)
