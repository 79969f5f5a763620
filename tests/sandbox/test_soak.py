"""Ten thousand invocations leave nothing behind: no descriptor, thread, process, file or memory."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.scheduler import _WORKERS
from tests.conftest import Functions
from tests.sandbox.conftest import until

INVOCATIONS = 10_000
THREADS = 4
_MB = 1024 * 1024
_GROWTH_MAX_MB = 40
"""Above it 4 kB of each invocation would have stayed."""
_THREAD_MB = 0.5
"""What a thread more takes: pools grow as events crowd, up to a limit, and stay so."""
_RING = 100_000
"""What the event log keeps at most."""
CHATTERS = """
def handler(event, context):
    for number in range(event):
        print(number)
"""


@dataclass(frozen=True)
class Usage:
    """What a sandbox holds."""

    descriptors: int
    threads: int
    processes: int
    files: int
    rss_mb: float

    @classmethod
    def of(cls, box: Sandbox) -> Usage:
        server = psutil.Process(box.pid)
        return cls(
            descriptors=server.num_fds(),
            threads=server.num_threads(),
            processes=len(server.children(recursive=True)),
            files=sum(1 for _ in (box.folder / "engine").rglob("*")),
            rss_mb=server.memory_info().rss / _MB,
        )


def _invoke(box: Sandbox, numbers: range) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=60)
    try:
        for number in numbers:
            name, kind = (("now", "RequestResponse"), ("later", "Event"))[number % 2]
            connection.request(
                "POST",
                f"/2015-03-31/functions/{name}/invocations",
                json.dumps(number),
                {"X-Amz-Invocation-Type": kind},
            )
            response = connection.getresponse()
            body = response.read()
            assert response.status == (202 if number % 2 else 200), body
            assert number % 2 or json.loads(body) == number
    finally:
        connection.close()


def _invoke_all(box: Sandbox, count: int) -> None:
    failed: list[Exception] = []

    def work(first: int) -> None:
        try:
            _invoke(box, range(first, count, THREADS))
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    handed_out = until(lambda: box.clock.next() is None and not box.clock.busy, 60)
    assert handed_out, "asynchronous events are still on their way"


def test_ten_thousand_invocations_leak_nothing(
    sandbox: Sandbox,
    functions: Functions,
    clients: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs = clients("logs")
    functions.create("chatters", CHATTERS, Timeout=60)
    for _ in range(25):
        functions.call("chatters", _RING // 25)  # the event log is full from here on
    functions.create("now")
    functions.create("later")
    functions.client.put_function_concurrency(FunctionName="later", ReservedConcurrentExecutions=4)

    def end() -> None:
        """Leave no environment and no log line: what may go has gone."""
        ended = until(lambda: sandbox.shutdown_idle() + len(sandbox.status()["environments"]) == 0)
        assert ended
        for group in logs.describe_log_groups()["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])

    sandbox.settings(time_scale=60)  # a throttled event comes again soon
    _invoke_all(sandbox, 500)
    end()
    before = Usage.of(sandbox)
    count = sandbox.status()["invocations"]

    begun = time.monotonic()
    _invoke_all(sandbox, INVOCATIONS)
    took = time.monotonic() - begun
    assert sandbox.status()["invocations"] - count == INVOCATIONS
    assert len(sandbox.events(limit=2 * _RING)) <= _RING
    end()
    until(lambda: _same(before, Usage.of(sandbox)), 5)
    after = Usage.of(sandbox)
    with capsys.disabled():
        print(f"\n{INVOCATIONS} invocations in {took:.1f} s\nbefore: {before}\nafter:  {after}")
    assert _same(before, after)
    pools = max(0, after.threads - before.threads) * _THREAD_MB
    assert after.rss_mb - before.rss_mb < _GROWTH_MAX_MB + pools


def _same(before: Usage, after: Usage) -> bool:
    """Tell whether nothing is left over; a thread for each invocation would be thousands."""
    return (
        after.descriptors <= before.descriptors
        and after.threads <= before.threads + _WORKERS
        and after.processes <= before.processes
        and after.files <= before.files
    )
