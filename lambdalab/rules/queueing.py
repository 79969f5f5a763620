"""Closed forms of queueing theory that concurrency obeys: what the simulator is checked against.

``load`` is the offered load in Erlangs, arrival rate times mean duration: the concurrency
there would be if nothing were ever refused.
"""

from __future__ import annotations

from math import exp

__all__ = [
    "alone_cold_probability",
    "alone_mean_environments",
    "erlang_b",
    "mean_concurrency",
]


def mean_concurrency(rate: float, mean_duration: float) -> float:
    """Return the mean concurrency, by Little's law (dg/lambda-concurrency's own formula).

    Parameters
    ----------
    rate
        Requests per second.
    mean_duration
        Seconds.

    Examples
    --------
    >>> mean_concurrency(100, 5), mean_concurrency(100, 0.5)
    (500, 50.0)
    """
    return rate * mean_duration


def erlang_b(load: float, servers: int) -> float:
    """Return the share of Poisson arrivals that find all environments busy.

    Holds for every distribution of the duration (Erlang's loss formula, M/G/c/c).

    Parameters
    ----------
    load
        Erlangs.
    servers
        Reserved concurrency, or whatever caps the pool.

    Examples
    --------
    >>> round(erlang_b(10, 10), 6), round(erlang_b(100, 100), 6)
    (0.214582, 0.0757)
    """
    if load <= 0:
        return 0.0
    inverse = 1.0
    for busy in range(1, servers + 1):
        inverse = 1.0 + inverse * busy / load
    return 1.0 / inverse


def alone_cold_probability(rate: float, idle_lifetime: float) -> float:
    """Return the share of served requests that start cold when concurrency is capped at 1.

    Poisson arrivals, no init time: the gap between a departure and the next arrival is
    exponential, and it is cold when longer than the idle lifetime (s).
    """
    return exp(-rate * idle_lifetime)


def alone_mean_environments(rate: float, mean_duration: float, idle_lifetime: float) -> float:
    """Return the mean number of environments alive when concurrency is capped at 1."""
    idle = (1.0 - exp(-rate * idle_lifetime)) / rate
    return (mean_duration + idle) / (mean_duration + 1.0 / rate)
