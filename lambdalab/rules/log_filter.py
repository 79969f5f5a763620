"""Filter patterns of CloudWatch Logs: which log events a subscription gets.

Terms, phrases, ``?`` and ``-``, regular expressions between ``%``, and conditions on JSON.
Patterns over words in brackets, ``[ip, user, status=5*]``, are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

from lambdalab.rules.input_transformer import select
from lambdalab.rules.source import Source
from lambdalab.rules.wildcards import parts_fit

__all__ = ["SOURCE", "matches", "pattern_problem"]

SOURCE = Source(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"
)

_Test = Callable[[str, object], bool]
"""Takes a message and, if it is JSON, its value; ``None`` if not."""

_TERM = re.compile(
    r'\s*(?P<sign>[?-]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<word>[^\s"%]+))'
)
_TOKEN = re.compile(
    r"\s*(?P<token>&&|\|\||\(|\)|!=|>=|<=|=|>|<|NOT\b|EXISTS\b|IS\b|NULL\b|TRUE\b|FALSE\b|"
    r'"(?:[^"\\]|\\.)*"|%[^%]+%|\$[^\s=<>!()&|]*|[^\s=<>!()&|"]+)'
)
_ABSENT = object()


class _PatternError(ValueError):
    """Says what is wrong with a pattern."""


def pattern_problem(pattern: str) -> str | None:
    """Say why a pattern cannot be used, or return ``None`` when it can."""
    try:
        _compiled(pattern)
    except _PatternError as error:
        return f"Invalid filter pattern: {error}"
    return None


def matches(pattern: str, message: str) -> bool:
    """Tell whether a log event's message matches (:data:`SOURCE`); an empty pattern takes all.

    Raises
    ------
    ValueError
        The pattern is one that :func:`pattern_problem` has something to say about.
    """
    try:
        value: object = json.loads(message)
    except ValueError:
        value = None
    return _compiled(pattern)(message, value)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Test:
    text = pattern.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise _PatternError("a { is not closed")
        return _Conditions(text[1:-1]).read()
    if text.startswith("["):
        raise _PatternError("patterns of words in brackets are not simulated here")
    return _terms(text)


# -- words --------------------------------------------------------------------------------


def _terms(text: str) -> _Test:
    needed: list[Callable[[str], bool]] = []
    either: list[Callable[[str], bool]] = []
    banned: list[Callable[[str], bool]] = []
    place = 0
    while place < len(text):
        term = _TERM.match(text, place)
        if term is None:
            raise _PatternError(f"{text[place:]!r} cannot be read")
        place = term.end()
        {"": needed, "?": either, "-": banned}[term["sign"]].append(_contains(term))

    def test(message: str, _value: object) -> bool:
        return (
            all(has(message) for has in needed)
            and (not either or bool(needed) or any(has(message) for has in either))
            and not any(has(message) for has in banned)
        )

    return test


def _contains(term: re.Match[str]) -> Callable[[str], bool]:
    if term["regex"] is not None:
        found = _regex(term["regex"])
        return lambda message: found.search(message) is not None
    word = term["word"] if term["phrase"] is None else re.sub(r"\\(.)", r"\1", term["phrase"])
    return lambda message: word in message


def _regex(text: str) -> re.Pattern[str]:
    if "(" in text or ")" in text:
        raise _PatternError("parentheses are not supported in regular expressions")
    try:
        return re.compile(text)
    except re.error as error:
        raise _PatternError(f"%{text}%: {error}") from error


# -- JSON ---------------------------------------------------------------------------------


class _Conditions:
    """Reads ``$.a = "b" && ($.n > 3 || $.m NOT EXISTS)``; ``&&`` binds closer than ``||``."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while text[place:].strip():
            token = _TOKEN.match(text, place)
            if token is None:
                raise _PatternError(f"{text[place:]!r} cannot be read")
            self._tokens.append(token["token"])
            place = token.end()

    def read(self) -> _Test:
        test = self._either()
        if self._tokens:
            raise _PatternError(f"{self._tokens[0]!r} is not expected")
        return lambda message, value: isinstance(value, dict | list) and test(message, value)

    def _next(self) -> str:
        if not self._tokens:
            raise _PatternError("something is missing at the end")
        return self._tokens.pop(0)

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0].upper() == token:
            self._tokens.pop(0)
            return True
        return False

    def _either(self) -> _Test:
        tests = [self._all()]
        while self._take("||"):
            tests.append(self._all())
        return lambda message, value: any(test(message, value) for test in tests)

    def _all(self) -> _Test:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return lambda message, value: all(test(message, value) for test in tests)

    def _one(self) -> _Test:
        if self._take("("):
            test = self._either()
            if not self._take(")"):
                raise _PatternError("a ( is not closed")
            return test
        path = self._next()
        if not path.startswith("$"):
            raise _PatternError(f"{path!r} is no selector: they begin with $")
        if self._take("NOT"):
            if not self._take("EXISTS"):
                raise _PatternError("NOT is followed by EXISTS only")
            return lambda _message, value: select(path, value, _ABSENT) is _ABSENT
        if self._take("IS"):
            constants = {"NULL": None, "TRUE": True, "FALSE": False}
            wanted = self._next().upper()
            if wanted not in constants:
                raise _PatternError("IS is followed by NULL, TRUE or FALSE only")
            return lambda _message, value: select(path, value, _ABSENT) is constants[wanted]
        return _comparison(path, self._next(), self._next())


def _comparison(path: str, operator: str, wanted: str) -> _Test:
    if operator not in ("=", "!=", ">", "<", ">=", "<="):
        raise _PatternError(f"{operator!r} is no comparison")
    number = _number(wanted)
    if operator in ("=", "!="):
        fits = _equal(wanted, number)
        hit = operator == "="

        def test(_message: str, value: object) -> bool:
            found = select(path, value, _ABSENT)
            return found is not _ABSENT and fits(found) is hit

        return test
    if number is None:
        raise _PatternError(f"{operator} compares numbers, {wanted!r} is none")

    def ordered(_message: str, value: object) -> bool:
        found = select(path, value, _ABSENT)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        return {
            ">": found > number,
            "<": found < number,
            ">=": found >= number,
            "<=": found <= number,
        }[operator]

    return ordered


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _equal(wanted: str, number: float | None) -> Callable[[object], bool]:
    if wanted.startswith("%"):
        found = _regex(wanted[1:-1])
        return lambda value: isinstance(value, str) and found.search(value) is not None
    if number is not None:
        return lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and value == number
        )
    text = re.sub(r"\\(.)", r"\1", wanted[1:-1]) if wanted.startswith('"') else wanted
    parts = text.split("*")
    if len(parts) > 1:
        return lambda value: isinstance(value, str) and parts_fit(parts, value)
    return lambda value: value == text
