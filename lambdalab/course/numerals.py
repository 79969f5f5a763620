"""The numbers a text states, in Chinese and English, to compare the two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from lambdalab.i18n import Language

__all__ = ["figures", "missing", "words"]

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_ENGLISH: Mapping[str, int] = (
    {word: value for value, word in enumerate(_UNITS)}
    | _TENS
    | {f"{ten}-{_UNITS[unit]}": _TENS[ten] + unit for ten in _TENS for unit in range(1, 10)}
    | {"a": 1, "an": 1, "once": 1, "single": 1, "first": 1, "only": 1}
    | {"twice": 2, "both": 2, "second": 2, "double": 2, "third": 3, "fourth": 4, "fifth": 5}
)
_POWERS: Mapping[str, int] = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "百": 100,
    "千": 1000,
    "萬": 10**4,
    "億": 10**8,
}
_DIGITS: Mapping[str, int] = {
    char: value
    for value, chars in enumerate(["零〇", "一首", "二兩雙", *"三四五六七八九"])
    for char in chars
}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = "|".join(_MONTHS)
_DATES: Mapping[Language, tuple[re.Pattern[str], ...]] = {
    "zh-TW": (re.compile(r"(?P<y>\d{4}) ?年 ?(?P<m>\d{1,2}) ?月(?: ?(?P<d>\d{1,2}) ?日)?"),),
    "en": (
        re.compile(rf"(?:(?P<d>\d{{1,2}}) )?\b(?P<m>{_MONTH}),? (?P<y>\d{{4}})", re.IGNORECASE),
        re.compile(rf"\b(?P<m>{_MONTH}) (?P<d>\d{{1,2}}), (?P<y>\d{{4}})", re.IGNORECASE),
    ),
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIGURE = re.compile(
    r"(?<![A-Za-z\d_.])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?: ?(?P<power>hundred|thousand|million|billion|百|千|萬|億))?"
)
_WORD = re.compile(
    r"\b(?P<word>[a-z]+(?:-[a-z]+)?)(?: (?P<power>hundred|thousand|million|billion))?\b",
    re.IGNORECASE,
)
_HAN_NUMBER = re.compile("[零〇一二兩三四五六七八九十百千萬首雙]+")


def figures(text: str, lang: Language) -> frozenset[str]:
    """Return the numbers and dates written in digits, in one spelling each."""
    found: set[str] = set()

    def date(match: re.Match[str]) -> str:
        month = match["m"]
        number = int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1
        day = f"-{int(match['d']):02d}" if match["d"] else ""
        found.add(f"{match['y']}-{number:02d}{day}")
        return " "

    for pattern in reversed(_DATES[lang]):
        text = pattern.sub(date, text)
    found.update(_ISO.findall(text))
    for match in _FIGURE.finditer(_ISO.sub(" ", text)):
        value = Decimal(match["number"].replace(",", ""))
        found.add(_spelled(value * _POWERS.get(match["power"] or "", 1)))
    return frozenset(found)


def words(text: str, lang: Language) -> frozenset[str]:
    """Return the numbers written in words."""
    if lang == "en":
        values = {
            _ENGLISH[match["word"].lower()] * _POWERS.get((match["power"] or "").lower(), 1)
            for match in _WORD.finditer(text)
            if match["word"].lower() in _ENGLISH
        }
    else:
        values = {_han(match[0]) for match in _HAN_NUMBER.finditer(text)}
    return frozenset(_spelled(Decimal(value)) for value in values)


def missing(here: str, lang: Language, there: str, other: Language) -> frozenset[str]:
    """Return the numbers in digits of one text that its twin does not state at all."""
    return figures(here, lang) - figures(there, other) - words(there, other)


def _spelled(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _han(numeral: str) -> int:
    total = current = 0
    for char in numeral:
        if char in _DIGITS:
            current = _DIGITS[char]
        elif char == "十":
            total += (current or 1) * 10
            current = 0
        elif char == "萬":
            total, current = (total + current or 1) * _POWERS[char], 0
        else:
            total += (current or 1) * _POWERS[char]
            current = 0
    return total + current
