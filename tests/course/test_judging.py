from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.course import judging
from lambdalab.course.errors import CourseError
from lambdalab.course.progress import Answer
from lambdalab.course.questions import Choice, Number, Question, WrongNumber

TEXT = {"zh-TW": "字", "en": "word"}
CHOICES = (
    Choice("one", {"zh-TW": "1 次", "en": "**once**"}, right=True, why=None),
    Choice("five", {"zh-TW": "5 次", "en": "5"}, right=False, why={"zh-TW": "不", "en": "no"}),
)


def number(**options: object) -> Number:
    plain: dict[str, object] = {
        "right": 10,
        "tolerance": 0,
        "min": None,
        "max": None,
        "step": 1,
        "unit": {"zh-TW": "秒", "en": "s"},
        "wrong": (WrongNumber(3, {"zh-TW": "三", "en": "three"}),),
        "otherwise": {"zh-TW": "其他", "en": "other"},
    }
    return Number(**(plain | options))  # type: ignore[arg-type]


def asked(kind: str = "quiz", **options: Any) -> Question:
    inner = {"number": number(**options)} if options else {"choices": CHOICES}
    return Question("01-x", kind, TEXT, TEXT, **inner)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", [None, "", "six", 1, ["one"], {"a": 1}])
def test_what_is_no_choice_is_refused(raw: object) -> None:
    with pytest.raises(CourseError, match="Choose"):
        judging.as_value(asked(), raw, "en")


@pytest.mark.parametrize("raw", [None, "3", True, math.nan, math.inf, [3]])
def test_what_is_no_number_is_refused(raw: object) -> None:
    with pytest.raises(CourseError, match="Type a number first"):
        judging.as_value(asked(right=1), raw, "en")


@pytest.mark.parametrize(
    ("options", "value", "words"),
    [
        ({"min": 0, "max": 900}, 901, "from 0 to 900"),
        ({"min": 0, "max": 900}, -1, "from 0 to 900"),
        ({"min": 2}, 1, "at least 2"),
        ({"max": 2.5}, 3, "at most 2.5"),
        ({"step": 1}, 1.5, "whole"),
        ({"step": 0.5, "min": 0}, 0.7, "steps of 0.5"),
    ],
)
def test_a_number_has_bounds_and_steps(options: dict[str, Any], value: float, words: str) -> None:
    with pytest.raises(CourseError, match=words):
        judging.as_value(asked(**options), value, "en")


@given(st.integers(-1000, 1000), st.sampled_from([0.1, 0.5, 1, 5, 0.01]))
def test_every_step_from_the_least_is_taken(steps: int, step: float) -> None:
    value = -3 + steps * step
    question = asked(step=step, min=-3) if steps >= 0 else asked(step=step, max=-3)
    if steps >= 0:
        assert judging.as_value(question, value, "zh-TW") == value


def test_right_and_wrong() -> None:
    assert judging.is_right(asked(), "one") is True
    assert judging.is_right(asked(), "five") is False
    assert judging.is_right(asked(right=10, tolerance=2), 12) is True
    assert judging.is_right(asked(right=10, tolerance=2), 12.1) is False
    assert judging.is_right(asked(right=None), 12) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("one", "**once**"),
        (5, "5 s"),
        (5.0, "5 s"),
        (13.27891, "13.28 s"),
        (0.00012345, "0.0001234 s"),
        (1234567.0, "1234567 s"),
        ("`x`", "`'x'`"),
        (True, "`True`"),
        ("", "-"),
        (math.inf, "inf s"),
    ],
)
def test_how_answers_are_shown(value: object, text: str) -> None:
    question = asked() if value == "one" else asked(right=1)
    assert judging.shown(question, value, "en") == text


def test_feedback_says_why() -> None:
    def said(question: Question, value: str | float) -> judging.Feedback:
        return judging.feedback(question, Answer("01-x", value), "en")

    assert said(asked(), "one") == judging.Feedback("right", "**Right.**\n\nword")
    assert said(asked(), "five") == judging.Feedback("wrong", "**Not right.**\n\nno")
    assert said(asked(right=10), 3).text.endswith("three")
    assert said(asked(right=10), 4).text.endswith("other")
    assert judging.feedback(asked(), None, "en") == judging.Feedback("", "")


def test_feedback_to_a_prediction_gives_nothing_away() -> None:
    question = asked("prediction")
    right, wrong = (
        judging.feedback(question, Answer("01-x", value), "en") for value in ("one", "five")
    )
    assert right.tone == wrong.tone == "kept"
    assert right.text.replace("**once**", "…") == wrong.text.replace("predict 5", "predict …")


@pytest.mark.parametrize(
    ("options", "value", "happened", "verdict"),
    [
        ({"right": 10}, 10, 99, True),  # the question knows
        ({"right": 10}, 9, 9, False),
        ({"right": None, "tolerance": 2}, 9, 10.5, True),
        ({"right": None, "tolerance": 2}, 9, 12, False),
        ({"right": None}, 9, 9, True),
        ({"right": None}, 9, 12, None),  # nobody said how close is close
        ({"right": None}, 9, None, None),
        ({"right": None}, 9, "slow", None),
    ],
)
def test_whether_a_prediction_came_true(
    options: dict[str, Any], value: float, happened: object, verdict: bool | None
) -> None:
    answer = Answer("01-x", value)
    assert judging.happening(asked("prediction", **options), answer, happened) is verdict
