"""The requests-per-second quota, and how fast a function may get new environments."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from botocore.exceptions import ClientError

from lambdalab.sandbox import Sandbox, SandboxError
from lambdalab.sandbox.events import EnvironmentCreated, Throttled
from tests.conftest import Functions

SLOW = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"


def reasons(functions: Functions, calls: int) -> list[str]:
    """Invoke one after the other, and return each one's reason of refusal, or ``served``."""
    said: list[str] = []
    for _ in range(calls):
        try:
            functions.client.invoke(FunctionName="f", Payload=b"0")
            said.append("served")
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            said.append(error.response["Reason"])
    return said


@pytest.mark.parametrize(
    ("reserved", "account", "reason"),
    [
        (1, 1000, "ReservedFunctionInvocationRateLimitExceeded"),
        (None, 1, "FunctionInvocationRateLimitExceeded"),
    ],
)
def test_ten_requests_a_second_for_each_concurrency(
    sandbox: Sandbox, functions: Functions, reserved: int | None, account: int, reason: str
) -> None:
    functions.create("f", SLOW)
    functions.call("f", 0)  # warm from now on
    sandbox.settings(account_concurrency=account)
    if reserved is not None:
        functions.client.put_function_concurrency(
            FunctionName="f", ReservedConcurrentExecutions=reserved
        )
    time.sleep(1.0)  # the next whole second has not seen this function yet
    begun = time.monotonic()
    said = reasons(functions, 60)
    seconds = int(time.monotonic()) - int(begun) + 1
    counted = Counter(said)
    assert set(counted) == {"served", reason}
    assert counted["served"] <= 10 * seconds
    assert said[:10] == ["served"] * 10
    assert [one.reason for one in sandbox.events(after=0) if isinstance(one, Throttled)] == (
        [reason] * counted[reason]
    )
    time.sleep(1.0)
    assert reasons(functions, 1) == ["served"]


def test_asynchronous_requests_do_not_count(sandbox: Sandbox, functions: Functions) -> None:
    functions.create("f", SLOW)
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    for _ in range(30):
        functions.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"0")
    time.sleep(0.5)
    found = {one.reason for one in sandbox.events(after=0) if isinstance(one, Throttled)}
    assert "ReservedFunctionInvocationRateLimitExceeded" not in found


def test_new_environments_come_at_a_rate(sandbox: Sandbox, functions: Functions) -> None:
    functions.create("f", SLOW)
    functions.create("g", SLOW)
    sandbox.settings(scaling_burst=3)
    said: list[str] = []

    def call(name: str) -> None:
        try:
            functions.client.invoke(FunctionName=name, Payload=b"2")
            said.append("served")
        except ClientError as error:
            said.append(error.response["Reason"])

    # Three of f's five get an environment; g has a rate of its own.
    threads = [threading.Thread(target=call, args=(name,)) for name in ("f", "f", "f", "f", "f")]
    for thread in threads:
        thread.start()
    call("g")
    for thread in threads:
        thread.join()
    assert Counter(said) == {"served": 4, "ConcurrentInvocationLimitExceeded": 2}
    # Warm ones need no new environment, and the allowance refills: 3 in 10 s.
    assert reasons(functions, 5) == ["served"] * 5
    created = [one for one in sandbox.events(after=0) if isinstance(one, EnvironmentCreated)]
    assert Counter(one.function for one in created) == {"f": 3, "g": 1}


def test_settings_that_make_no_sense(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="scaling_burst"):
        sandbox.settings(scaling_burst=0)
    with pytest.raises(SandboxError, match="cpu_share must be true or false"):
        sandbox.settings(cpu_share=1)
    with pytest.raises(SandboxError, match="must be a number"):
        sandbox.settings(idle_lifetime=True)
