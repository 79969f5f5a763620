"""What was accepted outlives the handler, the server and the client, however they end."""

from __future__ import annotations

import time

import pytest

from tests.conftest import Clients
from tests.sandbox.conftest import Place
from tests.sandbox.storm import storm

EVENTS = 5_000
MESSAGES = 5_000
SERVER_KILLS = 4


def test_ten_thousand_events_and_random_kills_lose_nothing(
    place: Place, all_clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with storm(place, all_clients, seed=20_150_331) as it:
        it.send(EVENTS, MESSAGES)
        for kill in range(SERVER_KILLS):
            # In the middle of it, each time: so much is handled, and so much more accepted.
            goal = (EVENTS + MESSAGES) * (kill + 1) // (SERVER_KILLS + 2)
            while len(it.handled()) < goal and it.sending:
                time.sleep(it.random.uniform(0.05, 0.3))
                it.kill_handler()
            it.kill_server()
        while it.sending:
            time.sleep(it.random.uniform(0.05, 0.3))
            it.kill_handler()
        it.join()
        handled, given_up = it.wait()
        missing = it.accepted - handled.keys() - given_up
        again = sum(count > 1 for count in handled.values())
        with capsys.disabled():
            print(
                f"\n{len(it.accepted)} accepted in {time.monotonic() - begun:.1f} s, "
                f"{it.killed_servers} servers and {it.killed_handlers} handlers killed: "
                f"{len(missing)} lost, {len(given_up)} given up to their destination, "
                f"{again} handled more than once"
            )
        assert len(it.accepted) == EVENTS + MESSAGES
        assert it.killed_servers == SERVER_KILLS and it.killed_handlers > SERVER_KILLS
        assert missing == set()
