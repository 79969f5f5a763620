"""The same arrivals for the simulator and for real processes: cold, warm, throttled, and why."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from lambdalab.sim import Account, Arrivals, Duration, Function, Scenario, simulate
from tests.conftest import Functions

SERVICE = 1.5
"""Seconds a handler sleeps; arrivals keep half a second from every event of the simulation."""
HANDLER = f"""
import time
fresh = True

def handler(event, context):
    global fresh
    was, fresh = fresh, False
    time.sleep({SERVICE})
    return "cold" if was else "warm"
"""


def measured(functions: Functions, arrivals: Sequence[tuple[float, str]]) -> list[str]:
    """Invoke functions at those seconds; return ``cold``, ``warm`` or the throttle's reason."""
    said: list[str] = [""] * len(arrivals)
    begun = time.monotonic() + 0.5

    def call(place: int, at: float, name: str) -> None:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        try:
            answer = functions.client.invoke(FunctionName=name)
            said[place] = json.loads(answer["Payload"].read())
        except functions.client.exceptions.TooManyRequestsException as error:
            said[place] = error.response["Reason"]

    threads = [
        threading.Thread(target=call, args=(place, at, name))
        for place, (at, name) in enumerate(arrivals)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def simulated(
    arrivals: Sequence[tuple[float, str]],
    account: int,
    idle_lifetime: float,
    reserved: dict[str, int],
) -> list[str]:
    names = sorted({name for _, name in arrivals})
    scenario = Scenario(
        [
            Function(
                name,
                Arrivals("trace", times=[at for at, one in arrivals if one == name]),
                Duration(value=SERVICE),
                Duration(value=0.1),
                idle_timeout=idle_lifetime,
                reserved=reserved.get(name),
            )
            for name in names
        ],
        Account(account),
        warmup=0,
    )
    trace = simulate(scenario, trace=len(arrivals)).trace
    assert [(one.time, one.function) for one in trace] == list(arrivals)
    return [one.throttle_reason or ("warm" if one.init is None else "cold") for one in trace]


@pytest.mark.parametrize(
    ("arrivals", "account", "idle_lifetime", "reserved", "kinds"),
    [
        pytest.param(
            [(at, "f") for at in (0.0, 0.5, 1.0, 2.8, 3.3, 3.8, 9.5, 10.0, 10.5)],
            102,
            3.0,
            {"f": 2},
            {"cold", "warm", "ReservedFunctionConcurrentInvocationLimitExceeded"},
            id="reserved",
        ),
        pytest.param(
            [(0.0, "f"), (0.5, "g"), (1.0, "f"), (2.8, "g"), (3.3, "f"), (3.8, "g"), (5.6, "g")],
            2,
            600.0,
            {},
            {"cold", "warm", "ConcurrentInvocationLimitExceeded"},
            id="an account that two share",
        ),
        pytest.param(
            [(0.0, "f"), (0.5, "off")],
            1000,
            600.0,
            {"off": 0},
            {"cold", "ReservedFunctionConcurrentInvocationLimitExceeded"},
            id="turned off",
        ),
    ],
)
def test_simulator_and_sandbox_agree(  # noqa: PLR0917
    sandbox: Sandbox,
    functions: Functions,
    clients: Callable[..., Any],
    arrivals: list[tuple[float, str]],
    account: int,
    idle_lifetime: float,
    reserved: dict[str, int],
    kinds: set[str],
) -> None:
    sandbox.settings(account_concurrency=account, idle_lifetime=idle_lifetime)
    for name in {name for _, name in arrivals}:
        functions.create(name, HANDLER, Timeout=30)
    for name, count in reserved.items():
        clients("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=count
        )
    wanted = simulated(arrivals, account, idle_lifetime, reserved)
    assert set(wanted) == kinds
    assert measured(functions, arrivals) == wanted
