"""A lab's tasks, as ``lab.toml`` states them. Its form is described in ``docs/writing-labs.md``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.course.document import ID
from lambdalab.course.errors import Problem, SourceError
from lambdalab.course.reader import Reader
from lambdalab.i18n import LANGUAGES, Language

__all__ = [
    "CHECK_TIMEOUT_S",
    "HINTS",
    "Function",
    "JsonValue",
    "LabSpec",
    "Task",
    "Text",
    "check_name",
    "load_spec",
]

Text = Mapping[Language, str]
JsonValue = Any
"""``None``, a truth value, a number, text, or lists and text-keyed mappings of these."""

HINTS = 3
POINTS = 100
TIMEOUT_S = 120.0
CHECK_TIMEOUT_S = 30.0
_TIMEOUT_MAX_S = 3600.0


@dataclass(frozen=True, slots=True)
class Function:
    """A pure function the answer defines."""

    name: str
    inputs: tuple[tuple[JsonValue, ...], ...]
    """Public inputs, each the positional arguments of one call."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a lab."""

    id: str
    points: float
    title: Text
    answer_cells: tuple[str, ...]
    """Ids of the cells the learner fills in."""
    outputs: tuple[str, ...]
    """Names of variables the answer leaves, read as JSON."""
    functions: tuple[Function, ...]
    hints: tuple[Text, ...]
    """Three, of rising strength."""


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What a lab asks."""

    tasks: tuple[Task, ...]
    timeout: float = TIMEOUT_S
    """Seconds for all answer cells of the lab together, when it is graded."""
    check_timeout: float = CHECK_TIMEOUT_S
    """Seconds for one check."""

    @property
    def points(self) -> float:
        """All points of the lab."""
        return sum(task.points for task in self.tasks)

    def task(self, name: str) -> Task | None:
        """Return the task of that id."""
        return next((one for one in self.tasks if one.id == name), None)


def check_name(task: str) -> str:
    """Return the name of a task's check: ``check_task_2`` for ``task-2``."""
    return f"check_{task.replace('-', '_')}"


@dataclass(slots=True)
class _Reader(Reader):
    """Reads tasks."""

    def text(self, value: object, name: str) -> Text:
        if not isinstance(value, dict) or not all(
            isinstance(value.get(lang), str) and value[lang].strip() for lang in LANGUAGES
        ):
            self.wrong(f"{name} needs a text for each of {', '.join(LANGUAGES)}")
            return dict.fromkeys(LANGUAGES, "")
        self.keys(value, *LANGUAGES)
        return {lang: value[lang].strip() for lang in LANGUAGES}

    def tables(self, parent: Mapping[str, Any], key: str, written: str) -> list[Mapping[str, Any]]:
        found = parent.get(key, [])
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return found
        self.wrong(f"write it {written}")
        return []

    def names(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            self.wrong(f'{key} is a list of names: {key} = ["…"]')
            return ()
        for name in sorted({one for one in found if found.count(one) > 1}):
            self.wrong(f'{key} names "{name}" twice')
        return tuple(found)

    def seconds(self, table: Mapping[str, Any], key: str, default: float) -> float:
        value = table.get(key, default)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= _TIMEOUT_MAX_S:
            self.wrong(f"{key} is a number of seconds, more than 0, at most {_TIMEOUT_MAX_S:g}")
            return default
        return float(value)


def load_spec(path: Path) -> LabSpec:
    """Read a ``lab.toml``.

    Raises
    ------
    SourceError
        It is missing, or is not what ``docs/writing-labs.md`` says; every problem is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise SourceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError([Problem(path, 0, f"is not TOML: {error}")]) from error
    reader = _Reader(path, _lines(text))
    reader.keys(data, "timeout", "check_timeout", "task")
    spec = LabSpec(
        tasks=tuple(_task(reader, table) for table in reader.tables(data, "task", "[[task]]")),
        timeout=reader.seconds(data, "timeout", TIMEOUT_S),
        check_timeout=reader.seconds(data, "check_timeout", CHECK_TIMEOUT_S),
    )
    reader.place = ""
    _whole(reader, spec)
    if reader.problems:
        raise SourceError(reader.problems)
    return spec


def _lines(text: str) -> Mapping[str, int]:
    """Return where each task's id stands, for messages."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.replace(" ", "").startswith('id="'):
            lines.setdefault(line.split('"')[1], number)
    return lines


def _whole(reader: _Reader, spec: LabSpec) -> None:
    if not spec.tasks:
        reader.wrong("a lab has at least one [[task]]")
    elif abs(spec.points - POINTS) > 1e-9:
        reader.wrong(f"the points add up to {spec.points:g}, not {POINTS}")
    for what, names in (
        ("the id", [task.id for task in spec.tasks]),
        ("the answer cell", [name for task in spec.tasks for name in task.answer_cells]),
    ):
        for name in sorted({one for one in names if names.count(one) > 1}):
            reader.wrong(f'{what} "{name}" is used twice')


def _task(reader: _Reader, table: Mapping[str, Any]) -> Task:
    name = str(table.get("id", ""))
    reader.place = name
    if not ID.fullmatch(name):
        reader.wrong(f'id "{name}" must be lower-case letters, digits and -')
    reader.keys(table, "id", "points", "title", "answer_cells", "outputs", "hint", "function")
    points = table.get("points")
    if not isinstance(points, int | float) or isinstance(points, bool) or points <= 0:
        reader.wrong("points is a number above 0")
        points = 0.0
    cells = reader.names(table, "answer_cells")
    if not cells:
        reader.wrong('answer_cells names at least one cell: answer_cells = ["task-1-answer"]')
    outputs = reader.names(table, "outputs")
    for one in outputs:
        if not one.isidentifier():
            reader.wrong(f'outputs: "{one}" is not the name of a variable')
    hints = reader.tables(table, "hint", "[[task.hint]]")
    if len(hints) != HINTS:
        reader.wrong(f"{len(hints)} hints: give {HINTS}, of rising strength, as [[task.hint]]")
    functions = reader.tables(table, "function", "[[task.function]]")
    return Task(
        id=name,
        points=float(points),
        title=reader.text(table.get("title"), "title"),
        answer_cells=cells,
        outputs=outputs,
        functions=tuple(_functions(reader, functions)),
        hints=tuple(reader.text(hint, f"hint {index}") for index, hint in enumerate(hints, 1)),
    )


def _functions(reader: _Reader, tables: list[Mapping[str, Any]]) -> Iterator[Function]:
    seen: set[str] = set()
    for table in tables:
        name = table.get("name")
        if not isinstance(name, str) or not name.isidentifier() or name in seen:
            reader.wrong(f"function.name {name!r} is not the name of a function, or is there twice")
            continue
        seen.add(name)
        reader.keys(table, "name", "inputs")
        inputs = table.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            reader.wrong(f"function {name}: inputs is a list of argument lists, such as [[1], [2]]")
            continue
        if not all(isinstance(one, list) and _is_json(one) for one in inputs):
            reader.wrong(f"function {name}: each of the inputs is a list of JSON values")
            continue
        yield Function(name, tuple(tuple(one) for one in inputs))


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
