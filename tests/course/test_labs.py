"""Labs: nbgrader's metadata, and what its own preprocessors leave for the learner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from lambdalab.course.labs import STUB
from tests.course.conftest import Course


def notebook(course: Course, kind: str, lang: str = "en") -> Any:
    data = course.build()[Path(kind) / lang / "01_lifecycle.ipynb"]
    return nbformat.reads(data.decode(), 4)


def by_id(node: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in node.cells}


def test_the_learner_gets_no_solution(course: Course) -> None:
    cells = by_id(notebook(course, "labs"))
    assert cells["task-1-answer"].source.endswith(STUB)
    assert "2 * x" not in cells["task-1-answer"].source
    assert "why-1" not in cells
    solved = by_id(notebook(course, "solutions"))
    assert "2 * x" in solved["task-1-answer"].source
    assert "Multiplying" in solved["why-1"].source


def test_what_may_be_changed(course: Course) -> None:
    cells = by_id(notebook(course, "labs"))
    for name, cell in cells.items():
        open_to_all = name in ("task-1-answer", "play")
        assert cell.metadata.get("editable", True) is open_to_all, name
    marks = {name: cell.metadata.get("nbgrader") for name, cell in cells.items()}
    assert marks["play"] is None
    assert marks["task-1-answer"]["solution"] and not marks["task-1-answer"]["locked"]
    assert marks["check-task-1"]["grade"] and marks["check-task-1"]["points"] == 40
    assert cells["check-task-1"].source == 'check("task-1")'


@pytest.mark.parametrize("kind", ["labs", "solutions"])
def test_nbgrader_finds_its_metadata_valid(course: Course, kind: str) -> None:
    for lang in ("zh-TW", "en"):
        node = notebook(course, kind, lang)
        for cell in node.cells:
            MetadataValidator().validate_cell(cell)
        ids = [
            cell.metadata.nbgrader.grade_id for cell in node.cells if "nbgrader" in cell.metadata
        ]
        assert len(set(ids)) == len(ids)
        versions = {
            cell.metadata.nbgrader.schema_version
            for cell in node.cells
            if "nbgrader" in cell.metadata
        }
        assert versions == {3}


def test_both_languages_are_graded_alike(course: Course) -> None:
    zh, en = (notebook(course, "labs", lang) for lang in ("zh-TW", "en"))
    for ours, theirs in zip(zh.cells, en.cells, strict=True):
        assert ours.id == theirs.id
        mine, other = dict(ours.metadata), dict(theirs.metadata)
        if ours.cell_type == "markdown":  # nbgrader's checksum is one of the text
            for one in (mine, other):
                one["nbgrader"] = {**one["nbgrader"], "checksum": ""}
        assert mine == other
