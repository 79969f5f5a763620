"""The count that a trace header carries from invocation to invocation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules import limits, recursion

F = "arn:aws:lambda:us-east-1:000000000000:function:f"
G = "arn:aws:lambda:us-east-1:000000000000:function:g"


ROOT = recursion.root(1_700_000_000.9, "0" * 24)


def enter(header: str, function: str = F) -> recursion.Entry:
    return recursion.enter(header, function)


def test_a_chain_begins() -> None:
    entry = enter(ROOT)
    assert entry.header.startswith("Root=1-6553f100-" + "0" * 24 + ";Sampled=0;Lineage=1:")
    assert entry.header.endswith(":0")
    assert entry.invocations == 1 and not entry.loops


def test_the_seventeenth_invocation_is_too_many() -> None:
    header = ROOT
    for number in range(1, limits.RECURSION.value + 2):
        entry = enter(header)
        assert entry.invocations == number
        assert entry.loops == (number == 17)
        header = entry.header


def test_every_function_of_a_loop_has_its_own_count() -> None:
    header = enter(enter(enter(enter(ROOT).header, G).header).header, G).header
    assert sorted(recursion.lineage(header).values()) == [1, 1]
    # The AWS SDK for Python quotes the bar on its way.
    assert recursion.lineage(header.replace("|", "%7C")) == recursion.lineage(header)


def test_the_trace_goes_on() -> None:
    given_header = "Root=1-67891234-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"
    entry = enter(given_header)
    assert entry.header.startswith(given_header + ";Lineage=")
    assert recursion.lineage("Root=1-64d38018-6a56d23a731e0cbe6ed85687;Lineage=037bed70:3") == {
        "037bed70": 3
    }


def test_a_batch_goes_on_with_its_longest_chain() -> None:
    once = enter(ROOT).header
    twice = enter(once).header
    assert recursion.deepest([None, once, twice, ROOT]) == twice
    assert recursion.deepest([ROOT]) == ROOT
    assert recursion.deepest([None]) is None


@given(st.text())
def test_any_header_can_be_counted_in(text: str) -> None:
    entry = enter(text)
    assert entry.invocations == 1 or recursion.lineage(text)
    assert entry.header.count("Lineage=") == 1 or "Lineage=" in text
