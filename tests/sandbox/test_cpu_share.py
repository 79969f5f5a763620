"""The CPU share of a memory size: who computes is slowed down, who waits is not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from lambdalab.rules.cpu import vcpus
from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.engine.pacing import cores
from lambdalab.sandbox.events import InvokeFinished, Notice
from tests.conftest import Functions

CPU = """
import time
def handler(event, context):
    # So much CPU time, however fast the machine is.
    begun = time.monotonic()
    until = time.process_time() + event["cpu"]
    while time.process_time() < until:
        pass
    time.sleep(event.get("sleep", 0))
    return time.monotonic() - begun
"""
CHILD = """
import os, time
def handler(event, context):
    begun = time.monotonic()
    child = os.fork()
    if not child:
        os.setsid()
        until = time.process_time() + event["cpu"]
        while time.process_time() < until:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    return time.monotonic() - begun
"""


@pytest.fixture
def paced(sandbox: Sandbox) -> Sandbox:
    sandbox.settings(cpu_share=True)
    return sandbox


def seconds(functions: Functions, name: str, times: int = 1, **event: Any) -> float:
    """Return the least of some trials: what others do on this machine only adds to it."""
    return min(float(functions.call(name, event)) for _ in range(times))


def test_more_memory_makes_computing_faster(paced: Sandbox, functions: Functions) -> None:
    assert paced.status()["settings"]["cpu_share"] is True
    for memory in (128, 512, 1769):
        functions.create(f"f{memory}", CPU, MemorySize=memory, Timeout=60)
        functions.call(f"f{memory}", {"cpu": 0})
    cpu = 0.25
    small = seconds(functions, "f128", cpu=cpu)
    middle = seconds(functions, "f512", times=2, cpu=cpu)
    whole = seconds(functions, "f1769", times=5, cpu=cpu)
    # A busy machine adds to all of them; no share is ever larger than it should be.
    assert small > 0.8 * cpu / vcpus(128)
    assert middle > 0.8 * cpu / vcpus(512)
    assert small > 1.5 * middle
    assert small > 1.5 * whole


def test_waiting_takes_as_long_with_any_memory(paced: Sandbox, functions: Functions) -> None:
    for memory in (128, 1769):
        functions.create(f"f{memory}", CPU, MemorySize=memory, Timeout=60)
        functions.call(f"f{memory}", {"cpu": 0})
    small, whole = (
        seconds(functions, name, times=3, cpu=0.001, sleep=0.5) for name in ("f128", "f1769")
    )
    assert small < 2 * whole


def test_off_at_first_and_again(sandbox: Sandbox, functions: Functions) -> None:
    functions.create("f", CPU, MemorySize=128, Timeout=60)
    assert sandbox.status()["settings"]["cpu_share"] is False
    functions.call("f", {"cpu": 0})
    fast = seconds(functions, "f", times=6, cpu=0.1)
    sandbox.settings(cpu_share=True)
    slow = seconds(functions, "f", cpu=0.1)
    sandbox.settings(cpu_share=False)
    again = seconds(functions, "f", times=6, cpu=0.1)
    assert slow > 0.8 * 0.1 / vcpus(128)
    assert fast < slow / 2
    assert again < slow / 2


def test_processes_of_a_handler_share_what_it_has(paced: Sandbox, functions: Functions) -> None:
    functions.create("f", CHILD, MemorySize=128, Timeout=60)
    functions.call("f", {"cpu": 0})
    # What a child used before it was found is free: up to a tenth of a second.
    assert functions.call("f", {"cpu": 0.4}) > 0.5 * 0.4 / vcpus(128)


def test_timeout_and_deadline_count_real_time(paced: Sandbox, functions: Functions) -> None:
    functions.create("f", CPU, MemorySize=128, Timeout=1)
    functions.call("f", {"cpu": 0})
    begun = time.monotonic()
    answer = functions.client.invoke(FunctionName="f", Payload=json.dumps({"cpu": 5}).encode())
    assert answer["FunctionError"] == "Unhandled"
    assert "timed out after 1.00 seconds" in answer["Payload"].read().decode()
    assert time.monotonic() - begun < 5
    # It works again afterwards, and is not left standing still.
    assert functions.call("f", {"cpu": 0}) < 1


def test_death_and_memory_are_still_seen(paced: Sandbox, functions: Functions) -> None:
    code = """
import os
def handler(event, context):
    if event == "exit":
        os._exit(3)
    block = [bytes([1]) * (1 << 20) for _ in range(400)]
    return len(block)
"""
    functions.create("f", code, MemorySize=128, Timeout=20)
    assert functions.call("f", "exit")["errorType"] == "Runtime.ExitError"
    assert functions.call("f", "fill")["errorType"] == "Runtime.OutOfMemory"


def test_frozen_between_invokes(paced: Sandbox, functions: Functions) -> None:
    code = """
import threading, time
count = 0
def work():
    global count
    while True:
        count += 1
        time.sleep(0.001)
threading.Thread(target=work, daemon=True).start()
def handler(event, context):
    before = count
    time.sleep(event)
    return [before, count]
"""
    functions.create("f", code, MemorySize=512)
    _, ended = functions.call("f", 0.3)
    time.sleep(1.0)
    begun, _ = functions.call("f", 0.0)
    assert begun - ended < 100


def test_more_than_this_machine_has_is_said(paced: Sandbox, functions: Functions) -> None:
    functions.create("f", CPU, MemorySize=10_240)
    functions.create("small", CPU, MemorySize=128)
    for _ in range(2):
        functions.call("f", {"cpu": 0})
    functions.call("small", {"cpu": 0})
    found = [one for one in paced.events(after=0) if isinstance(one, Notice)]
    said = [one.values for one in found if one.key == "notice.cpu_share_host"]
    wanted = [{"function": "f", "memory": "10240", "vcpus": "5.79", "cores": str(cores())}]
    assert said == (wanted if cores() < 5.79 else [])


def test_a_cold_start_is_slowed_down_too(paced: Sandbox, functions: Functions) -> None:
    code = """
import time
until = time.process_time() + 0.2
while time.process_time() < until:
    pass
def handler(event, context): pass
"""
    functions.create("f", code, MemorySize=256, Timeout=20)
    functions.call("f")
    finished = [one for one in paced.events(after=0) if isinstance(one, InvokeFinished)]
    assert (finished[0].init_ms or 0.0) > 0.8 * 200 / vcpus(256)
