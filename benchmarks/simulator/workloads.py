"""What is simulated to be timed."""

from __future__ import annotations

from lambdalab.sim import Arrivals, Duration, Function, Scenario

__all__ = ["PEER", "bare", "everything", "readme", "thousand"]

PEER: dict[str, tuple[float, float, float, int]] = {
    "readme": (0.9, 1.991, 2.244, 45_000),
    "thousand": (1000.0, 0.1991, 0.2244, 40_000),
}
"""Workload -> rate (1/s), warm and cold mean (s), and how many requests SimFaaS runs of it."""


def _as_peer(name: str, requests: int) -> Scenario:
    rate, warm, cold, _ = PEER[name]
    function = Function(
        "f",
        Arrivals(rate=rate),
        Duration("exponential", mean=warm),
        Duration(value=cold - warm),
    )
    return Scenario([function], requests=requests, warmup=1_000)


def readme(requests: int) -> Scenario:
    """Return the workload of SimFaaS's README."""
    return _as_peer("readme", requests)


def thousand(requests: int) -> Scenario:
    """Return the same with a thousand requests a second, a tenth as long each."""
    return _as_peer("thousand", requests)


def bare(requests: int) -> Scenario:
    """Return 200 requests a second in a single pool."""
    function = Function("f", Arrivals(rate=200.0), Duration("exponential", mean=0.5))
    return Scenario([function], requests=requests, warmup=1_000)


def everything(requests: int) -> Scenario:
    """Return as many in two functions: reserved, provisioned with spillover, inits, a ramp."""
    functions = [
        Function(
            "reserved",
            Arrivals(rate=100.0),
            Duration("exponential", mean=0.5),
            Duration(value=0.2),
            idle_timeout=60.0,
            reserved=60,
            provisioned={"live": 40},
        ),
        Function(
            "shared",
            Arrivals("ramp", rate=10.0, to=100.0, over=60.0),
            Duration("exponential", mean=0.5),
            Duration(value=0.2),
            idle_timeout=60.0,
        ),
    ]
    return Scenario(functions, requests=requests, warmup=1_000)
