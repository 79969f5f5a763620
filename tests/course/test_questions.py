from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.course import bank
from lambdalab.course.errors import CourseError, SourceError
from lambdalab.course.questions import Number, Text, WrongNumber, read_questions
from tests.course.conftest import QUESTIONS, Course


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "01_lifecycle"
    folder.mkdir()
    return folder / "questions.toml"


def problems(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_questions(path)
    return str(caught.value)


def test_questions_are_read_in_their_order(path: Path) -> None:
    path.write_text(QUESTIONS, encoding="utf-8")
    found = read_questions(path)
    assert list(found) == ["01-cold-starts", "01-limit"]
    first = found["01-cold-starts"]
    assert first.kind == "prediction"
    assert first.right_choice is not None and first.right_choice.id == "one"
    assert first.choice("five") is not None and first.choice("six") is None
    second = found["01-limit"]
    assert second.number is not None
    assert (second.number.right, second.number.step, second.number.tolerance) == (10, 1, 0)
    assert second.right_choice is None


def test_no_file_no_questions(path: Path) -> None:
    assert read_questions(path) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[[question]]", "[question", "is not TOML"),
        ("[[question]]", "frage = 1\n[[question]]", '"frage" is unknown'),
        ('id = "01-cold-starts"', 'id = "Cold"', "letters, digits and -"),
        ('id = "01-limit"', 'id = "01-cold-starts"', "taken by an earlier"),
        ('kind = "quiz"', "", "write prediction or quiz"),
        ("[question.number]", "choice = []\n[question.number]", "either"),
        ('kind = "quiz"', 'kind = "quiz"\nhint = "x"', '"hint" is unknown'),
        ('id = "five"', 'id = "one"', "used twice"),
        ("right = true", "right = 1", "exactly one"),
        ('zh-TW = "5 次"\n', "", "choice needs a text"),
        ('explanation.en = "The limit is 10 seconds."', "", "explanation needs a text"),
        ('prompt.en = "How long may init take?"', 'prompt.en = " "', "prompt needs a text"),
        ("right = 10", "", "a quiz needs number.right"),
        ("right = 10", 'right = "10"', "number.right is not a number"),
        ("right = 10", "right = true", "number.right is not a number"),
        ("min = 0", "min = 1000", "must be less than"),
        ("max = 900", "max = 900\nstep = 0", "step more than 0"),
        ("max = 900", "max = 900\ntolerance = -1", "tolerance is 0 or more"),
        ('otherwise.en = "No, think again."', "", "otherwise needs a text"),
        ("value = 3", "", "number.wrong needs a value"),
    ],
)
def test_mistakes(path: Path, old: str, new: str, words: str) -> None:
    assert old in QUESTIONS
    assert words in problems(path, QUESTIONS.replace(old, new, 1))


def test_a_wrong_choice_of_a_quiz_says_why(path: Path) -> None:
    text = QUESTIONS.replace('kind = "prediction"', 'kind = "quiz"', 1)
    assert '"five" is wrong and must say why' in problems(path, text)


def test_a_place_is_named(path: Path) -> None:
    line = QUESTIONS.splitlines().index('id = "01-limit"') + 1
    told = problems(path, QUESTIONS.replace('kind = "quiz"', 'kind = "exam"'))
    assert f"{path}:{line}: 01-limit: kind" in told


def test_a_file_that_is_not_utf8(path: Path) -> None:
    path.write_bytes(b"\xff")
    with pytest.raises(SourceError, match="UTF-8"):
        read_questions(path)


def number(right: float | None, tolerance: float, *wrong: float) -> Number:
    text: Text = {"zh-TW": "字", "en": "word"}
    known = tuple(WrongNumber(one, {"zh-TW": "錯", "en": str(one)}) for one in wrong)
    return Number(right, tolerance, None, None, 1, None, known, text)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e3), st.floats(-1, 1))
def test_what_is_within_the_tolerance_is_right(
    right: float, tolerance: float, share: float
) -> None:
    assert number(right, tolerance).is_right(right + share * tolerance)


@given(st.integers(-(10**6), 10**6), st.integers(0, 1000), st.integers(1, 1000))
def test_what_is_beyond_it_is_not(right: int, tolerance: int, more: int) -> None:
    for value in (right + tolerance + more, right - tolerance - more):
        assert number(right, tolerance).is_right(value) is False


def test_decimals_do_not_suffer_from_binary() -> None:
    assert number(0.3, 0).is_right(0.1 + 0.2)
    assert number(1.0, 0.1).is_right(1.1)


def test_a_known_mistake_has_its_own_why() -> None:
    asked = number(10, 0, 3, 30)
    assert (asked.why(30) or {})["en"] == "30"
    assert (asked.why(4) or {})["en"] == "word"
    assert number(None, 0).is_right(4) is None


def test_the_bank_finds_by_id(installed: Course, clean_environment: Path) -> None:
    assert bank.question("01-limit").kind == "quiz"
    assert list(bank.questions_of(1)) == ["01-cold-starts", "01-limit"]
    assert bank.questions_of(2) == bank.questions_of(77) == {}
    with pytest.raises(CourseError, match="01-cold-starts, 01-limit"):
        bank.question("01-none")
    with pytest.raises(CourseError, match="01-…"):
        bank.question("nonsense")


def test_the_bank_sees_a_change(installed: Course) -> None:
    before = bank.question("01-limit").prompt["en"]
    installed.change("questions.toml", lambda text: text.replace(before, "How long is it?"))
    assert bank.question("01-limit").prompt["en"] == "How long is it?"
