"""Lab 08, graded for real: its solution, its starter, and many answers in between."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.grading.labs import Course, hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import Answers, find_answers, read_notebook
from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules import concurrency
from lambdalab.sim import Account, Arrivals, Duration, Function, Scenario, simulate
from tests.labs.lab01_answers import Answer
from tests.labs.lab08_answers import ANSWERS

COURSE = Course.own()
LAB = COURSE.lab("lab08")
ROUNDS = max(len(answers) for answers in ANSWERS.values())


@pytest.fixture(scope="module")
def marking() -> Marking:
    assert COURSE.hidden is not None
    hidden = hidden_checks(COURSE.hidden, "lab08")
    assert hidden is not None
    return Marking(LAB, hidden)


def mark(marking: Marking, source: Mapping[str, str], lang: Language = "en") -> Marks:
    return marking.mark(Answers(source, (), ()), lang)


def answers_of(notebook: Path) -> Mapping[str, str]:
    found = find_answers(read_notebook(notebook), list(LAB.starters))
    assert not found.missing and not found.duplicated
    return found.source


def outcomes(marks: Marks) -> Mapping[str, str]:
    """Return outcome and texts of each task: what a failing test shows."""
    return {
        one.task.id: f"{one.outcome}: {one.public.text} {one.hidden.text if one.hidden else None}"
        for one in marks.tasks
    }


def test_solution_earns_all_points(marking: Marking) -> None:
    """Both languages have the same code, and one is enough to run it."""
    sources = [
        answers_of(LAB.notebooks / "solutions" / lang / f"{LAB.stem}.ipynb") for lang in LANGUAGES
    ]
    assert sources[0] == sources[1]
    marks = mark(marking, sources[0], "zh-TW")
    assert not marks.ran.errors
    assert marks.points == 100, outcomes(marks)
    assert {one.outcome for one in marks.tasks} == {"passed"}
    assert all(one.hidden is not None for one in marks.tasks), "each task has a hidden check"


def test_untouched_lab_is_not_attempted(marking: Marking) -> None:
    for lang in LANGUAGES:
        assert answers_of(LAB.notebook(lang)) == LAB.starters
    marks = mark(marking, LAB.starters)
    assert marks.points == 0
    assert {one.outcome for one in marks.tasks} == {"not attempted"}


def test_running_the_starter_changes_nothing(marking: Marking) -> None:
    """Code to no effect is no attempt: what a check finds must be what was delivered."""
    source = {name: f"{text}\nnothing = 1\n" for name, text in LAB.starters.items()}
    marks = mark(marking, source)
    assert not marks.ran.errors
    assert marks.points == 0
    assert {one.outcome for one in marks.tasks} == {"not attempted"}, outcomes(marks)


def _round(number: int) -> Iterator[tuple[str, Answer]]:
    for task, answers in ANSWERS.items():
        if number < len(answers):
            yield task, answers[number]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_answers_earn_what_they_are_worth(marking: Marking, number: int) -> None:
    """One learner for each round, with an answer to every task."""
    answers = dict(_round(number))
    source = dict(LAB.starters)
    for answer in answers.values():
        source |= answer.cells
    marks = mark(marking, source)
    wrong = []
    for one in marks.tasks:
        if one.task.id not in answers:
            assert one.outcome == "not attempted"
            continue
        answer = answers[one.task.id]
        assert one.hidden is not None
        got = (one.public.score, one.hidden.score)
        if got != pytest.approx((answer.public, answer.hidden), abs=0.005):
            texts = (one.public.text, one.hidden.text)
            wrong.append(f"{one.task.id} {answer.name}: {got}, {texts}")
        right = min(answer.public, answer.hidden) == 1
        if one.outcome != ("passed" if right else "incorrect"):
            wrong.append(f"{one.task.id} {answer.name}: {one.outcome}")
        for verdict in (one.public, one.hidden):
            if verdict.outcome == "incorrect" and not verdict.text:
                wrong.append(f"{one.task.id} {answer.name}: says nothing")
    assert not wrong, "\n".join(wrong)


# -- what the checks expect, held against the simulator and the rulebook --------------------


def _module(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def hidden() -> ModuleType:
    assert COURSE.hidden is not None
    return _module(COURSE.hidden / "lab08.py", "hidden_lab08")


@pytest.fixture(scope="module")
def public() -> ModuleType:
    (folder,) = (Path(__file__).parents[2] / "lambdalab/course/content").glob("08_*")
    return _module(folder / "checks.py", "public_lab08")


def _solution() -> dict[str, Any]:
    """Return the functions of the lab's own solution."""
    source = answers_of(LAB.notebooks / "solutions" / "en" / f"{LAB.stem}.ipynb")
    names: dict[str, Any] = {"concurrency": concurrency}
    exec("sale = sorted([n / 4 for n in range(240)] + [10, 30, 50] * 30)", names)
    exec("from lambdalab.rules import pricing", names)
    for task in (1, 2, 5, 6):
        exec(source[f"task-{task}-answer"], names)
    return names


SOLUTION = _solution()


@settings(max_examples=200, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 40), min_size=1, max_size=40).map(sorted),
    duration=st.integers(1, 9),
    limit=st.integers(1, 6),
)
def test_throttled_is_what_the_simulator_counts(
    hidden: ModuleType, public: ModuleType, arrivals: list[int], duration: int, limit: int
) -> None:
    function = Function(
        "f",
        arrivals=Arrivals("trace", times=[float(one) for one in arrivals]),
        duration=Duration("constant", value=float(duration)),
        reserved=limit,
    )
    found = simulate(Scenario([function], Account(1000), requests=len(arrivals), warmup=0))
    causes = dict(found.functions["f"].throttle_causes)
    counts = {
        one(arrivals, duration, limit)
        for one in (hidden._throttled, public._throttled, SOLUTION["throttled"])
    }
    assert len(counts) == 1
    if "rate" not in causes:  # the lab leaves requests per second aside
        assert counts == {found.functions["f"].throttled}


@given(
    requests=st.integers(0, 60),
    provisioned=st.integers(0, 20),
    unreserved=st.integers(0, 40),
    more=st.none() | st.integers(0, 20),
)
def test_spillover_has_one_answer(
    hidden: ModuleType, public: ModuleType, **drawn: int | None
) -> None:
    more = drawn.pop("more")
    provisioned = drawn["provisioned"]
    assert provisioned is not None
    drawn["reserved"] = None if more is None else provisioned + more
    found = hidden._spillover(**drawn)
    assert sum(found.values()) == drawn["requests"]
    for one in (public._spillover, SOLUTION["spillover"]):
        assert one(**drawn) == found


@given(rate=st.integers(1, 3000), duration_ms=st.integers(1, 9000))
def test_reservation_is_the_least_that_meets_both_quotas(
    hidden: ModuleType, public: ModuleType, rate: int, duration_ms: int
) -> None:
    least = hidden._reservation(rate, duration_ms)
    assert least == public._reservation(rate, duration_ms)
    assert least == SOLUTION["reservation"](rate, duration_ms)
    assert concurrency.requests_per_second(least) >= rate
    assert least * 1000 >= rate * duration_ms


@given(hours=st.lists(st.integers(0, 12), min_size=24, max_size=24), memory=st.integers(128, 4096))
def test_cheapest_is_told_by_price_and_by_share_of_time(
    hidden: ModuleType, public: ModuleType, hours: list[int], memory: int
) -> None:
    best = hidden._cheapest(hours, memory)
    assert best == public._cheapest(hours, memory) == SOLUTION["cheapest"](hours, memory)
    for one in (public._cost, SOLUTION["cost"]):
        assert one(hours, memory, best) == pytest.approx(hidden._cost(hours, memory, best))


def test_numbers_of_tasks_1_and_5(public: ModuleType) -> None:
    assert SOLUTION["needed"] == public.NEEDED
    assert public._throttled(SOLUTION["sale"], 1, public.NEEDED) == 0
    assert public._throttled(SOLUTION["sale"], 1, public.NEEDED - 1) > 0
    assert SOLUTION["ready_after_s"] == public.READY_AFTER_S
    left, seconds = concurrency.scaling_allowance(0, 0) + concurrency.SCALING_BURST.value, 0.0
    while left < 4_500:
        left += concurrency.scaling_allowance(0, 0.5)
        seconds += 0.5
    assert seconds == public.READY_AFTER_S
