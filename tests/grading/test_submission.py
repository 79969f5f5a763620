"""Reading notebooks that nobody vouches for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.grading.submission import (
    SIZE_MAX,
    UnreadableError,
    find_answers,
    read_notebook,
    untouched,
)
from tests.grading.lab import DemoLab

NAMES = ["task-1-answer", "task-2-answer"]


def cell(name: str, source: object, *, kind: str = "code", grade_id: object = None) -> object:
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id is not None else {}
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": source}


def notebook(path: Path, *cells: object, **more: object) -> Path:
    path.write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": cells} | more))
    return path


def test_a_real_one(demo: DemoLab, tmp_path: Path) -> None:
    found = read_notebook(demo.hand_in(tmp_path / "n.ipynb", {"task-1-answer": "x"}, lang="zh-TW"))
    assert (found.lab, found.lang) == ("lab01", "zh-TW")
    answers = find_answers(found, NAMES)
    assert answers.source["task-1-answer"] == "x"
    assert answers.missing == answers.duplicated == ()


def test_answers_are_found_by_grade_id_then_cell_id(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "n.ipynb",
        cell("task-1-answer", "a heading", kind="markdown"),
        cell("copied-1", ["first\n", "cell"], grade_id="task-1-answer"),
        cell("copied-2", "second", grade_id="task-1-answer"),
        cell("copied-3", "third", grade_id="task-1-answer"),
        cell("task-2-answer", "by its id"),
        cell("x", 5, grade_id="task-2-answer"),
        cell("x", "odd", grade_id=["task-2-answer"]),
        "no cell",
        {"cell_type": "code"},
    )
    answers = find_answers(read_notebook(path), [*NAMES, "task-3-answer"])
    assert answers.source == {"task-1-answer": "first\ncell", "task-2-answer": "by its id"}
    assert answers.duplicated == ("task-1-answer",)
    assert answers.missing == ("task-3-answer",)


def big(path: Path) -> None:
    path.write_bytes(b" " * (SIZE_MAX + 1))


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content, encoding="utf-8")


def link(path: Path) -> None:
    other = notebook(path.with_name("other"), cell("a", "b"))
    path.symlink_to(other)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (text(""), "not JSON"),
    "not json": (text("# no"), "not JSON"),
    "nan": (text('{"nbformat": NaN}'), "not JSON"),
    "deep": (text("[" * 200_000), "not JSON"),
    "not utf-8": (lambda path: path.write_bytes(b"\xff\xfe{}"), "not UTF-8"),
    "list": (text("[]"), "not a notebook"),
    "no cells": (text('{"nbformat": 4}'), "not a notebook"),
    "cells of text": (text('{"nbformat": 4, "cells": "x"}'), "not a notebook"),
    "true format": (text('{"nbformat": true, "cells": []}'), "format"),
    "format 3": (text('{"nbformat": 3, "worksheets": []}'), "format 3"),
    "too large": (big, "larger than 5 MiB"),
    "link": (link, "symbolic link"),
    "folder": (lambda path: path.mkdir(), "not a file"),
    "pipe": (os.mkfifo, "not a file"),
    "missing": (lambda _: None, "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_told_apart(name: str, tmp_path: Path, clean_environment: Path) -> None:
    make, words = BAD[name]
    path = tmp_path / "n.ipynb"
    make(path)
    with pytest.raises(UnreadableError) as caught:
        read_notebook(path)
    assert words in str(caught.value)


KEYS = st.sampled_from(["cells", "metadata", "nbgrader", "lambdalab", "id", "source", "cell_type"])
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@given(ANYTHING)
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ipynb"
    table = data if isinstance(data, dict) else {"cells": data}
    path.write_text(json.dumps({"nbformat": 4} | table))
    try:
        find_answers(read_notebook(path), NAMES)
    except UnreadableError:
        assert not isinstance(table.get("cells"), list)


STARTER = 'def double(number):\n    """Twice."""\n    # YOUR CODE HERE\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (STARTER, True),
        (STARTER.replace("# YOUR CODE HERE", ""), True),
        (STARTER + "\n\n   \n# a thought\n", True),
        (STARTER.replace("\n", "\r\n"), True),
        ("", True),
        ("# nothing\n\n", True),
        (STARTER + "    return 2 * number\n", False),
        (STARTER.replace("Twice", "Thrice"), False),
        ("%%bash\nls", False),
        ("!ls", False),
        ("x = '''", False),
        ("(" * 100_000, False),
        ("\ud800", False),
    ],
    ids=range(13),
)
def test_untouched(source: str, expected: bool) -> None:
    assert untouched(source, STARTER) is expected


def test_magics_untouched() -> None:
    assert untouched("!ls  \n\n", "!ls\n")
