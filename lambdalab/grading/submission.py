"""Reading a submission: of a file anybody may have made, the source of the answer cells."""

from __future__ import annotations

import io
import os
import stat
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.grading.values import read_json
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = [
    "SIZE_MAX",
    "Answers",
    "Notebook",
    "UnreadableError",
    "find_answers",
    "read_notebook",
    "untouched",
]

SIZE_MAX = 5 * 1024 * 1024
"""Bytes of a notebook; a lab with all its outputs has a few thousand."""
_NBFORMAT = 4
_SILENT = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER})


class UnreadableError(LambdalabError):
    """A file is no notebook that could be graded."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """What is taken from a notebook's file."""

    lab: str | None
    """The lab it says it is; ``None`` if it does not say."""
    lang: Language | None
    code: Sequence[tuple[str, str]]
    """Id and source of each code cell that has an id."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answer cells of a notebook."""

    source: Mapping[str, str]
    missing: tuple[str, ...]
    duplicated: tuple[str, ...]
    """Ids there is more than one cell of: the first counts."""


def read_notebook(path: Path) -> Notebook:
    """Read a notebook that nobody vouches for.

    Raises
    ------
    UnreadableError
        It is not a regular file, too large, or not a notebook of format 4; the message says which.
    """
    data = _parse(_read(path))
    if not isinstance(data, dict) or not isinstance(data.get("cells", []), list):
        raise UnreadableError(message("grading.submission.not_notebook"))
    version = data.get("nbformat")
    if version != _NBFORMAT or isinstance(version, bool):
        key = "old_format" if isinstance(version, int) else "not_notebook"
        raise UnreadableError(message(f"grading.submission.{key}", version=version))
    if "cells" not in data:
        raise UnreadableError(message("grading.submission.not_notebook"))
    head = _table(_table(data.get("metadata")).get("lambdalab"))
    lab, lang = head.get("id"), head.get("lang")
    return Notebook(
        lab=lab if isinstance(lab, str) else None,
        lang=next((known for known in LANGUAGES if known == lang), None),
        code=tuple(_code(data["cells"])),
    )


def _read(path: Path) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        kind = path.lstat().st_mode
        if not stat.S_ISREG(kind):
            key = "link" if stat.S_ISLNK(kind) else "not_file"
            raise UnreadableError(message(f"grading.submission.{key}"))
        with os.fdopen(os.open(path, flags), "rb") as file:
            # Asked of the open file: the path may lead elsewhere by now.
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError(message("grading.submission.not_file"))
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableError(message("grading.submission.unreadable", reason=reason)) from error
    if len(data) > SIZE_MAX:
        raise UnreadableError(message("grading.submission.too_large", limit=SIZE_MAX // 1024**2))
    return data


def _parse(data: bytes) -> Any:  # noqa: ANN401 - anything JSON can be
    try:
        return read_json(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableError(message("grading.submission.not_utf8")) from error
    except ValueError as error:
        raise UnreadableError(message("grading.submission.not_json", reason=error)) from error


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(cells: Sequence[object]) -> Iterator[tuple[str, str]]:
    for data in cells:
        cell = _table(data)
        if cell.get("cell_type") != "code":
            continue
        # The grade id is a copy's too, while JupyterLab gives a copy another cell id.
        name = _table(_table(cell.get("metadata")).get("nbgrader")).get("grade_id", cell.get("id"))
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if isinstance(name, str) and isinstance(source, str):
            yield name, source


def find_answers(notebook: Notebook, names: Sequence[str]) -> Answers:
    """Return the answer cells of these ids: the first of each."""
    source: dict[str, str] = {}
    duplicated = []
    for name, text in notebook.code:
        if name not in names:
            continue
        if name in source and name not in duplicated:
            duplicated.append(name)
        source.setdefault(name, text)
    return Answers(
        source, tuple(name for name in names if name not in source), tuple(sorted(duplicated))
    )


def untouched(source: str, starter: str) -> bool:
    """Tell whether an answer is as it was handed out, but for spaces and comments, or empty."""
    found = _tokens(source)
    return not found or found == _tokens(starter)


def _tokens(source: str) -> list[tuple[int, str]]:
    """Return what Python reads of a source; of one it cannot read, the lines.

    Unlike ``ast`` this warns of nothing, and nothing a learner writes can make it recurse.
    """
    try:
        return [
            (token.type, token.string.strip())
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type not in _SILENT
        ]
    except (SyntaxError, tokenize.TokenError, ValueError):
        return [(tokenize.STRING, line.rstrip()) for line in source.splitlines() if line.strip()]
