"""The real lessons and labs: what shared style asks of both languages, looked at from outside.

The builder refuses most of this by itself; here the notebooks on disk are read, as a
learner gets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lambdalab.course import builder, glossary, parity, prose
from lambdalab.course.bank import questions_of
from lambdalab.course.catalogue import catalogue
from lambdalab.course.labs import STUB
from lambdalab.course.syntax import calls, syntax_problem
from lambdalab.i18n import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("lessons", "labs", "solutions")


@cache
def sources() -> builder.Sources:
    return builder.read_sources(builder.source_folder(ROOT))


def stems(*kinds: str) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        for path in sorted((ROOT / kind / "en").glob("[0-9][0-9]_*.ipynb")):
            yield kind, path.stem


@cache
def notebook(kind: str, lang: str, stem: str) -> Any:
    path = ROOT / kind / lang / f"{stem}.ipynb"
    return nbformat.reads(path.read_text(encoding="utf-8"), 4)


NOTEBOOKS = list(stems(*KINDS))


def test_there_are_lessons_and_labs() -> None:
    ids = [one.id for one in catalogue(ROOT)]
    assert ids[:3] == ["lesson00", "lesson01", "lab01"]


def test_a_rebuild_is_byte_identical() -> None:
    files = builder.build(sources())
    again = builder.build(builder.read_sources(builder.source_folder(ROOT)))
    assert files == again
    found = builder.drift(ROOT, files)
    assert not found, f"{found}: put this right with lambdalab build"


@pytest.mark.parametrize(("kind", "stem"), NOTEBOOKS)
def test_twins_share_all_but_prose(kind: str, stem: str) -> None:
    zh, en = (notebook(kind, lang, stem) for lang in LANGUAGES)
    assert [cell.id for cell in zh.cells] == [cell.id for cell in en.cells]
    assert len({cell.id for cell in zh.cells}) == len(zh.cells)
    for ours, theirs in zip(zh.cells, en.cells, strict=True):
        assert ours.cell_type == theirs.cell_type
        mine, other = without_checksum(ours), without_checksum(theirs)
        assert mine == other
        if ours.cell_type == "code":
            assert ours.source == theirs.source
    mine, other = dict(zh.metadata.lambdalab), dict(en.metadata.lambdalab)
    assert (mine.pop("lang"), other.pop("lang")) == LANGUAGES
    assert mine.pop("title") != other.pop("title")
    assert mine == other


def without_checksum(cell: Any) -> dict[str, Any]:
    metadata = {name: value for name, value in cell.metadata.items() if name != "nbgrader"}
    mark = dict(cell.metadata.get("nbgrader", {}))
    if cell.cell_type == "markdown":
        mark.pop("checksum", None)
    return metadata | {"nbgrader": mark}


@pytest.mark.parametrize(("kind", "stem"), NOTEBOOKS)
def test_twins_say_the_same(kind: str, stem: str) -> None:
    zh, en = (notebook(kind, lang, stem) for lang in LANGUAGES)
    for ours, theirs in zip(zh.cells, en.cells, strict=True):
        if ours.cell_type != "markdown":
            continue
        chinese, english = prose.read(ours.source), prose.read(theirs.source)
        if ours.id != "lambdalab-head":  # its link to the twin leads the other way
            assert list(parity.differences(chinese, english)) == [], ours.id
        assert parity.wrong_language(chinese, "zh-TW") is None, ours.id
        assert parity.wrong_language(english, "en") is None, ours.id
        problems = [one for line in chinese.lines for one in glossary.chinese(line.text)]
        problems += [one for line in english.lines for one in glossary.manners(line.text)]
        assert problems == [], ours.id


@pytest.mark.parametrize(("kind", "stem"), NOTEBOOKS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notebook_is_clean(kind: str, stem: str, lang: str) -> None:
    node = notebook(kind, lang, stem)
    nbformat.validate(node)
    assert node.metadata.kernelspec.name == "python3"
    for cell in node.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert syntax_problem(cell.source) is None, cell.id


@pytest.mark.parametrize(("kind", "stem"), NOTEBOOKS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_links_between_notebooks_lead_somewhere(kind: str, stem: str, lang: str) -> None:
    place = ROOT / kind / lang
    found = 0
    for cell in notebook(kind, lang, stem).cells:
        if cell.cell_type != "markdown":
            continue
        for link in prose.read(cell.source).links:
            if not re.match(r"[a-z]+:|#", link):
                assert (place / link.partition("#")[0]).resolve().exists(), link
                found += 1
    assert found  # the twin at least


@pytest.mark.parametrize(("kind", "stem"), list(stems("lessons", "labs")))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_twin_is_linked_at_the_top(kind: str, stem: str, lang: str) -> None:
    twin = next(one for one in LANGUAGES if one != lang)
    head = notebook(kind, lang, stem).cells[0].source
    assert head.startswith("# ")
    assert f"](../{twin}/{stem}.ipynb)" in head


@pytest.mark.parametrize("stem", [stem for _, stem in stems("lessons")])
def test_every_question_is_asked_and_every_prediction_revealed(stem: str) -> None:
    questions = questions_of(int(stem[:2]))
    cells = notebook("lessons", "en", stem).cells
    found = [
        call
        for cell in cells
        if cell.cell_type == "code"
        for call in calls(cell.source, "ask", "reveal")
    ]
    asked = [call.argument for call in found if call.function == "ask"]
    assert sorted(asked) == sorted(questions)
    for name, question in questions.items():
        if question.kind == "prediction":
            order = [call.function for call in found if call.argument == name]
            assert order == ["ask", "reveal"], name
    kinds = [question.kind for question in questions.values()]
    assert "prediction" in kinds
    assert 4 <= kinds.count("quiz") <= 6


@pytest.mark.parametrize("stem", [stem for _, stem in stems("labs")])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_lab_is_worth_100_and_its_starter_holds_no_solution(stem: str, lang: str) -> None:
    starter, solved = (notebook(kind, lang, stem) for kind in ("labs", "solutions"))
    points = [
        cell.metadata.nbgrader.points
        for cell in starter.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]
    assert sum(points) == 100
    assert 4 <= len(points) <= 7
    text = "".join(cell.source for cell in starter.cells)
    assert "BEGIN SOLUTION" not in text
    answers = [cell.id for cell in starter.cells if "answer" in cell.metadata.get("tags", [])]
    solutions = {cell.id: cell.source for cell in solved.cells}
    for cell in starter.cells:
        if cell.id in answers:
            assert STUB in cell.source
            assert "BEGIN SOLUTION" in solutions[cell.id]


def test_the_readme_of_a_course_folder_reads_well() -> None:
    text = (ROOT / "lambdalab/course/static/workspace.md").read_text(encoding="utf-8")
    chinese, english = (prose.read(part) for part in text.split("\n---\n"))
    assert [one for line in chinese.lines for one in glossary.chinese(line.text)] == []
    assert [one for line in english.lines for one in glossary.manners(line.text)] == []
    assert parity.wrong_language(english, "en") is None
    assert chinese.code - {"lessons/zh-TW", "labs/zh-TW"} <= english.code | {"en"}
