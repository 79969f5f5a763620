"""Predictions and quiz questions, as ``questions.toml`` states them.

The file's form is described in ``docs/writing.md``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lambdalab.course.document import FOLDER, ID
from lambdalab.course.errors import Problem, SourceError
from lambdalab.course.reader import Reader
from lambdalab.course.source import read_text
from lambdalab.i18n import LANGUAGES, Language

__all__ = ["Choice", "Kind", "Number", "Question", "Text", "WrongNumber", "read_questions"]

Text = Mapping[Language, str]
Kind = Literal["prediction", "quiz"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose."""

    id: str
    text: Text
    right: bool
    why: Text | None
    """Why it is wrong."""


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """A number people often give."""

    value: float
    why: Text


@dataclass(frozen=True, slots=True)
class Number:
    """A number to type."""

    right: float | None
    """``None``: only a measurement can tell."""
    tolerance: float
    min: float | None
    max: float | None
    step: float
    unit: Text | None
    wrong: tuple[WrongNumber, ...]
    otherwise: Text | None

    def is_right(self, value: float) -> bool | None:
        """Tell whether a number is right; ``None`` if nobody can say."""
        if self.right is None:
            return None
        return abs(value - self.right) <= self.tolerance + 1e-9 * max(1.0, abs(self.right))

    def why(self, value: float) -> Text | None:
        """Return why a wrong number is wrong."""
        for known in self.wrong:
            if abs(value - known.value) <= self.tolerance + 1e-9:
                return known.why
        return self.otherwise


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    id: str
    kind: Kind
    prompt: Text
    explanation: Text
    choices: tuple[Choice, ...] = ()
    number: Number | None = None

    def choice(self, name: str) -> Choice | None:
        """Return the choice of that id."""
        return next((one for one in self.choices if one.id == name), None)

    @property
    def right_choice(self) -> Choice | None:
        """The choice that is right."""
        return next((one for one in self.choices if one.right), None)


@dataclass(slots=True)
class _Reader(Reader):
    """Reads questions; their ids begin with ``prefix``."""

    prefix: str = ""

    def text(self, value: object, name: str, *, needed: bool = True) -> Text | None:
        if value is None and not needed:
            return None
        if not isinstance(value, dict) or not all(
            isinstance(value.get(lang), str) and value[lang].strip() for lang in LANGUAGES
        ):
            self.wrong(f"{name} needs a text for each of {', '.join(LANGUAGES)}")
            return dict.fromkeys(LANGUAGES, "")
        if name != "choice":
            self.keys(value, *LANGUAGES)
        return {lang: value[lang].strip() for lang in LANGUAGES}

    def both(self, value: object, name: str) -> Text:
        return self.text(value, name) or {}

    def figure(self, table: Mapping[str, Any], name: str, default: float | None) -> float | None:
        value = table.get(name, default)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.wrong(f"number.{name} is not a number")
        return default


def read_questions(path: Path) -> Mapping[str, Question]:
    """Read a lesson's questions, in their order.

    Parameters
    ----------
    path
        ``…/NN_slug/questions.toml``; a missing file holds no questions.

    Raises
    ------
    SourceError
        With everything that is wrong.
    """
    if not path.exists():
        return {}
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError([Problem(path, 0, f"is not TOML: {error}")]) from error
    folder = FOLDER.fullmatch(path.parent.name)
    prefix = f"{folder['number']}-" if folder else ""
    reader = _Reader(path, _lines(text), prefix=prefix)
    reader.keys(data, "question")
    tables = data.get("question", [])
    found: dict[str, Question] = {}
    if not isinstance(tables, list):
        reader.wrong("questions are written [[question]]")
        tables = []
    for table in tables:
        question = _question(reader, table)
        if question.id in found:
            reader.wrong("the id is taken by an earlier question")
        found[question.id] = question
    if reader.problems:
        raise SourceError(reader.problems)
    return found


def _lines(text: str) -> Mapping[str, int]:
    """Return where each question's id stands, for messages."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.replace(" ", "").startswith('id="'):
            lines.setdefault(line.split('"')[1], number)
    return lines


def _question(reader: _Reader, table: Mapping[str, Any]) -> Question:
    name = str(table.get("id", ""))
    reader.place = name
    if not ID.fullmatch(name) or not name.startswith(reader.prefix):
        reader.wrong(f'id "{name}" must be letters, digits and -, and begin with {reader.prefix}')
    reader.keys(table, "id", "kind", "prompt", "explanation", "choice", "number")
    kind: Kind = "prediction" if table.get("kind") == "prediction" else "quiz"
    if table.get("kind") not in get_args(Kind):
        reader.wrong(f"kind is {table.get('kind')!r}: write prediction or quiz")
    if ("choice" in table) == ("number" in table):
        reader.wrong("a question has either [[question.choice]] or [question.number]")
    choices = tuple(_choices(reader, table.get("choice", []), kind))
    number = _number(reader, table["number"], kind) if "number" in table else None
    return Question(
        name,
        kind,
        reader.both(table.get("prompt"), "prompt"),
        reader.both(table.get("explanation"), "explanation"),
        choices,
        number,
    )


def _choices(reader: _Reader, tables: list[Mapping[str, Any]], kind: Kind) -> Iterator[Choice]:
    if not tables:
        return
    if not 2 <= len(tables) <= 6:
        reader.wrong(f"{len(tables)} choices: give 2 to 6")
    if sum(1 for table in tables if table.get("right") is True) != 1:
        reader.wrong("exactly one choice has right = true")
    seen: set[str] = set()
    for table in tables:
        name = str(table.get("id", ""))
        if not ID.fullmatch(name) or name in seen:
            reader.wrong(f'choice id "{name}" is empty, not an id, or used twice')
        seen.add(name)
        reader.keys(table, "id", "right", "why", *LANGUAGES)
        right = table.get("right", False)
        if not isinstance(right, bool):
            reader.wrong(f'choice "{name}": right is true or false')
        why = reader.text(table.get("why"), f'choice "{name}": why', needed=False)
        if kind == "quiz" and not right and why is None:
            reader.wrong(f'choice "{name}" is wrong and must say why: why.zh-TW, why.en')
        yield Choice(name, reader.both(table, "choice"), bool(right), why)


def _number(reader: _Reader, table: Mapping[str, Any], kind: Kind) -> Number:
    names = ("right", "tolerance", "min", "max", "step")
    reader.keys(table, *names, "unit", "wrong", "otherwise")
    right, tolerance, low, high, step = (
        reader.figure(table, name, {"tolerance": 0, "step": 1}.get(name)) for name in names
    )
    if right is None and kind == "quiz":
        reader.wrong("a quiz needs number.right")
    if tolerance is None or tolerance < 0 or step is None or step <= 0:
        reader.wrong("number.tolerance is 0 or more, number.step more than 0")
        tolerance, step = 0, 1
    if low is not None and high is not None and low >= high:
        reader.wrong("number.min must be less than number.max")
    elif right is not None and not _within(right, low, high):
        reader.wrong("number.right lies outside of min and max")
    wrong = tuple(_wrong_numbers(reader, table.get("wrong", [])))
    otherwise = reader.text(table.get("otherwise"), "number.otherwise", needed=kind == "quiz")
    unit = reader.text(table.get("unit"), "number.unit", needed=False)
    number = Number(right, tolerance, low, high, step, unit, wrong, otherwise)
    for one in wrong:
        if number.is_right(one.value):
            reader.wrong(f"number.wrong {one.value} counts as right")
    return number


def _wrong_numbers(reader: _Reader, tables: list[Mapping[str, Any]]) -> Iterator[WrongNumber]:
    for table in tables:
        reader.keys(table, "value", "why")
        value = reader.figure(table, "value", None)
        if value is None:
            reader.wrong("number.wrong needs a value")
            continue
        yield WrongNumber(value, reader.both(table.get("why"), "number.wrong.why"))


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)
