"""What only lab 01 has: an answer that is no JSON, and a count that two ways agree on."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labs.graded import Graded
from tests.labs.lab01_answers import TASK_5

LAB = Graded.of("lab01")
HIDDEN = LAB.hidden_module()


def test_victims_that_are_not_json_are_told() -> None:
    marks = LAB.mark({**LAB.starters, "task-3-victims": 'victims = {"cleo", "eve"}'})
    (third,) = [one for one in marks.tasks if one.task.id == "task-3"]
    assert third.outcome == "cannot check"
    assert third.public.text is not None and "victims" in third.public.text["en"]


@settings(max_examples=300, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 60), max_size=40).map(sorted),
    duration=st.integers(1, 12),
    idle_lifetime=st.integers(1, 30),
)
def test_the_hidden_count_is_that_of_a_list_of_environments(
    arrivals: list[int], duration: int, idle_lifetime: int
) -> None:
    """The identity that the hidden check counts by, against environments one by one."""
    namespace: dict[str, object] = {}
    exec(TASK_5[0].cells["task-5-answer"], namespace)
    count = namespace["cold_starts"]
    assert callable(count)
    expected = HIDDEN._cold_starts(arrivals, duration, idle_lifetime)
    assert count(arrivals, duration, idle_lifetime) == expected
