"""Mistakes in a source that tests of the whole build do not reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab.course.document import Code, Prose
from lambdalab.course.errors import SourceError
from lambdalab.course.source import read_document
from tests.course.conftest import LAB, LESSON

END = "\n```{code-cell} ipython3\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "01_lifecycle"
    folder.mkdir()
    return folder / "lesson.md"


def told(path: Path, text: str, kind: str = "lesson") -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_document(path, kind)  # type: ignore[arg-type]
    return str(caught.value)


def test_blocks_come_in_their_order(path: Path) -> None:
    path.write_text(LESSON, encoding="utf-8")
    document = read_document(path, "lesson")
    assert [block.id for block in document.blocks] == [
        "question",
        "ask-cold",
        "reveal-cold",
        "picture",
        "quiz",
    ]
    lines = LESSON.splitlines()
    for block in document.blocks:
        if isinstance(block, Prose):
            for lang in ("zh-TW", "en"):
                assert f'"{block.id}"' in lines[block.lines[lang] - 1]
                assert lines[block.begins[lang] - 1] == block.text[lang].splitlines()[0]
        else:
            assert isinstance(block, Code)
            assert lines[block.line - 1].startswith("```{code-cell}")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (f"{END}:id: a b\n\n1\n```\n", "is not an id"),
        (f"{END}:id: check-x\n\n1\n```\n", "are generated"),
        (f"{END}:id: lambdalab-x\n\n1\n```\n", "are generated"),
        (f"{END}:id: x\n:colour: red\n\n1\n```\n", 'not "colour"'),
        (f"{END}:id: x\n\n```\n", "an empty code cell"),
        (f"{END}:id: x\n:tags: [answer]\n\n1\n```\n", 'no tag "answer" in a lesson'),
        (f"{END}:id: x\n:tags: [1]\n\n1\n```\n", "list"),
        ("\n```{raw-cell}\n:id: x\n\nraw\n```\n", "raw cells are not used"),
        ('\n+++ {"id": "x", "lang": "en"}\n\nalone\n', "zh-TW twin"),
        ('\n+++ {"id": "x", "lang": "zh-TW"}\n\n獨自\n', "en twin"),
        ('\n+++ {"id": "x", "lang": "zh-TW", "mood": 1}\n\n字\n', 'not "mood"'),
        ('\n+++ {"id": "Ä", "lang": "zh-TW"}\n\n字\n', "is not an id"),
        ('\n+++ {"lang": "zh-TW"}\n\n字\n', "is not an id"),
    ],
)
def test_mistakes(path: Path, more: str, words: str) -> None:
    assert words in told(path, LESSON + more)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((', "solution": true', ""), "both twins need the same"),
        ((', "solution": 1', ', "solution": 1'), "true or false"),
        ((', "solution": true', ', "solution": true'), "for labs only"),
    ],
)
def test_the_solution_flag(path: Path, flags: tuple[str, str], words: str) -> None:
    pair = f'\n+++ {{"id": "x", "lang": "zh-TW"{flags[0]}}}\n\n字\n'
    pair += f'\n+++ {{"id": "x", "lang": "en"{flags[1]}}}\n\nword\n'
    assert words in told(path, LESSON + pair)


def test_setup_answer_and_free_exclude_each_other(path: Path) -> None:
    text = LAB.replace(":tags: [free]", ":tags: [free, setup]")
    assert "exclude each other" in told(path, text, "lab")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("---\nnumber", "number", "no front matter"),
        ("slug: lifecycle", "slug: [", "Invalid YAML|while parsing"),
        ("slug: lifecycle", "colour: red\nslug: lifecycle", '"colour" is unknown'),
        ("minutes: 45", "minutes: 601", "1 to 600"),
        ("  en: The life of an execution environment", "  en: ''", "empty"),
    ],
)
def test_the_head(path: Path, old: str, new: str, words: str) -> None:
    found = told(path, LESSON.replace(old, new, 1))
    assert any(word in found for word in words.split("|")), found


def test_a_folder_with_another_name(tmp_path: Path) -> None:
    path = tmp_path / "lesson.md"
    path.write_text(LESSON, encoding="utf-8")
    with pytest.raises(SourceError, match="is not named like 01_lifecycle"):
        read_document(path, "lesson")


def test_what_cannot_be_read(path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_document(path, "lesson")
    path.write_bytes(b"---\n\xff\n---\n")
    with pytest.raises(SourceError, match="UTF-8"):
        read_document(path, "lesson")


PIECES = [
    "---\n",
    "+++",
    ' {"id": "a", "lang": "en"}',
    "\n",
    "```",
    "{code-cell}",
    ":id: b",
    "字",
    "# ",
]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(PIECES), max_size=20))
def test_any_mess_is_a_source_error_or_a_document(path: Path, pieces: list[str]) -> None:
    head = LESSON.partition("+++")[0]
    path.write_text(head + "".join(pieces), encoding="utf-8")
    try:
        read_document(path, "lesson")
    except SourceError as error:
        assert error.problems
