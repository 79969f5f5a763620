"""What the parts hold is asked for by name, and comes back to the part that answers to it."""

from __future__ import annotations

import pytest

from lambdalab.sandbox import SandboxError
from lambdalab.sandbox.keepers import Keepers, Value


class _Part:
    def __init__(self, held: Value) -> None:
        self.held = held

    def load(self, value: Value) -> None:
        self.held = value or []


def test_each_part_gets_its_own_back() -> None:
    keepers = Keepers()
    queue, clock = _Part([1, {"a": None}]), _Part([2.5])
    keepers.register("queue", lambda: queue.held, queue.load)
    keepers.register("clock", lambda: clock.held, clock.load)
    kept = keepers.dump()
    queue.held.append("later")
    assert kept == {"queue": [1, {"a": None}], "clock": [2.5]}, "a copy, not the living thing"
    keepers.clear()
    assert (queue.held, clock.held) == ([], [])
    assert keepers.load({"queue": kept["queue"], "tides": 1}) == ["tides"]
    assert (queue.held, clock.held) == ([1, {"a": None}], []), "nothing of it: it holds nothing"


def test_a_name_is_one_part() -> None:
    keepers = Keepers()
    keepers.register("queue", list, lambda _: None)
    with pytest.raises(ValueError, match="two parts are kept as 'queue'"):
        keepers.register("queue", list, lambda _: None)


@pytest.mark.parametrize("held", [{1, 2}, float("nan"), b"bytes"])
def test_what_is_not_json_is_refused_before_it_is_in_a_file(held: Value) -> None:
    keepers = Keepers()
    keepers.register("queue", lambda: held, lambda _: None)
    with pytest.raises(SandboxError, match="queue"):
        keepers.dump()


def test_a_part_that_cannot_take_it_is_named() -> None:
    keepers = Keepers()
    keepers.register("queue", list, lambda value: value["missing"])
    with pytest.raises(SandboxError, match=r"queue.*missing"):
        keepers.load({"queue": {}})


def test_facts_go_to_the_journal_and_come_back_to_their_part() -> None:
    keepers = Keepers()
    replayed: list[Value] = []
    note = keepers.register("queue", list, lambda _: None, replayed.append)
    silent = keepers.register("clock", list, lambda _: None)
    note({"put": 1})  # nobody writes yet: a sandbox without a journal
    written: list[tuple[str, Value]] = []
    keepers.journal(lambda name, fact: written.append((name, fact)))
    note({"put": 2})
    silent("tick")
    assert written == [("queue", {"put": 2})]
    assert keepers.replay(*written[0]) and replayed == [{"put": 2}]
    assert not keepers.replay("clock", 1) and not keepers.replay("tides", 1)
