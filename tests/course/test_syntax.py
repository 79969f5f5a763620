from __future__ import annotations

import pytest

from lambdalab.course.syntax import Call, calls, syntax_problem


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "%timeit x",
        "!ls",
        "await thing()",
        "",
        "a = !ls\nb = %who",
        "def f():\n    return 1",
    ],
)
def test_what_a_cell_may_hold(source: str) -> None:
    assert syntax_problem(source) is None


@pytest.mark.parametrize(
    ("source", "line"), [("x =", 1), ("x = 1\ny = (", 2), ("return 1", 1), ("def f():\n", 1)]
)
def test_what_it_may_not(source: str, line: int) -> None:
    problem = syntax_problem(source)
    assert problem is not None
    assert problem[0] == line
    assert problem[1]


def test_calls_are_found_where_they_stand() -> None:
    source = 'ask("a")\nif x:\n    reveal("b", happened=1)\nother("c")\nask(name)\nbox.ask("d")'
    assert list(calls(source, "ask", "reveal")) == [Call("ask", "a"), Call("reveal", "b")]
