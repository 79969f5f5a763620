from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.course import numerals
from lambdalab.i18n import LANGUAGES

AGREE = [
    ("10 秒", "ten seconds"),
    ("兩次", "2 times"),
    ("2 次", "twice"),
    ("100 萬", "1 million"),
    ("1,000 個", "1000 of them"),
    ("一千個", "1,000"),
    ("2025 年 8 月 1 日", "1 August 2025"),
    ("2025 年 8 月 1 日", "August 1, 2025"),
    ("2025 年 8 月", "August 2025"),
    ("2025-08-01 起", "from 2025-08-01"),
    ("1.50 秒", "1.5 s"),
    ("第 3 個", "the third"),
    ("21 個", "twenty-one"),
    ("十五分鐘", "15 minutes"),
    ("二十三", "23"),
    ("一百零五", "105"),
    ("三萬五千", "35,000"),
    ("6 MB", "6 MB"),
]


@pytest.mark.parametrize(("chinese", "english"), AGREE)
def test_the_same_number_in_other_words(chinese: str, english: str) -> None:
    assert numerals.missing(chinese, "zh-TW", english, "en") == frozenset()
    assert numerals.missing(english, "en", chinese, "zh-TW") == frozenset()


@pytest.mark.parametrize(
    ("chinese", "english", "lost"),
    [
        ("10 秒", "eleven seconds", {"10"}),
        ("100 萬", "1 thousand", {"1000000"}),
        ("2025 年 8 月 1 日", "2 August 2025", {"2025-08-01"}),
        ("1.5 秒", "15 s", {"1.5"}),
        ("3 與 4", "3", {"4"}),
    ],
)
def test_another_number(chinese: str, english: str, lost: set[str]) -> None:
    assert numerals.missing(chinese, "zh-TW", english, "en") == lost


@pytest.mark.parametrize("text", ["python3.11", "x86_64", "v2", "lab01", "S3"])
def test_a_digit_of_a_name_is_no_number(text: str) -> None:
    assert "3" not in numerals.figures(text, "en") - {"11"}
    assert numerals.figures(text, "en") <= {"11"}


@given(st.integers(0, 10**9))
def test_grouping_never_matters(value: int) -> None:
    assert numerals.figures(f"{value:,}", "en") == numerals.figures(str(value), "zh-TW")


DIGITS = "零一二三四五六七八九"


def spelled(value: int) -> str:
    """Write a number below ten thousand as it is written in full."""
    if value == 0:
        return "零"
    text, zero = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // power % 10
        if digit:
            text += ("零" if zero and text else "") + DIGITS[digit] + unit
            zero = False
        else:
            zero = True
    return text


@given(st.integers(0, 9999))
def test_every_chinese_numeral_is_read(value: int) -> None:
    assert numerals.words(spelled(value), "zh-TW") == {str(value)}


@given(st.integers(1, 9999))
def test_every_chinese_numeral_of_ten_thousands_is_read(value: int) -> None:
    assert numerals.words(f"{spelled(value)}萬", "zh-TW") == {str(value * 10000)}


@given(st.text())
def test_nothing_makes_it_fall(text: str) -> None:
    for lang in LANGUAGES:
        numerals.figures(text, lang)
        numerals.words(text, lang)
