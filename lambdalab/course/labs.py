"""Lab notebooks: nbgrader's source version, and the release version made from it by nbgrader."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambdalab.course.document import Code, Document
from lambdalab.course.errors import Problem
from lambdalab.course.notebooks import Outline, code_cell, notebook, prose_cell
from lambdalab.course.tasks import LabTask
from lambdalab.i18n import Language

__all__ = ["STUB", "check_lab", "lab_notebook", "release"]

STUB = "# YOUR CODE HERE"
"""Stands where a solution stood. A comment only: the untouched lab runs to its end."""
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"
_SOLUTION_PROSE = "solution"

Notebook = Any
Cell = Any


def check_lab(document: Document, tasks: Sequence[LabTask]) -> Iterator[Problem]:
    """Yield what does not fit between a lab and its tasks."""
    answers = {code.id: code for code in document.code if "answer" in code.tags}
    owners: dict[str, str] = {}
    toml = document.path.with_name("lab.toml")
    for task in tasks:
        if not task.answer_cells:
            yield Problem(toml, 0, f'task "{task.id}" has no answer cell')
        for name in task.answer_cells:
            if name not in answers:
                yield Problem(
                    toml, 0, f'task "{task.id}": lab.md has no cell "{name}" with the tag answer'
                )
            if name in owners:
                yield Problem(toml, 0, f'cell "{name}" is claimed by {owners[name]} and {task.id}')
            owners[name] = task.id
    for name, code in answers.items():
        if name not in owners:
            yield Problem(document.path, code.line, f'no task of lab.toml has the cell "{name}"')
        yield from _markers(document, code)
    for code in document.code:
        if "answer" not in code.tags and (_BEGIN in code.source or _END in code.source):
            yield Problem(document.path, code.line, f'"{code.id}" has a solution but no tag answer')


def _markers(document: Document, code: Code) -> Iterator[Problem]:
    marks = [line.strip() for line in code.source.splitlines() if "SOLUTION" in line]
    pairs = len(marks) // 2
    if not marks or marks != [_BEGIN, _END] * pairs:
        yield Problem(
            document.path,
            code.line,
            f'answer cell "{code.id}": put the solution between lines {_BEGIN} and {_END}',
        )


def lab_notebook(
    document: Document, lang: Language, outline: Outline, tasks: Sequence[LabTask]
) -> Notebook:
    """Return the solution notebook: nbgrader's source version, metadata schema 3."""
    last = {task.answer_cells[-1]: task for task in _ordered(document, tasks)}
    cells = []
    for block in document.blocks:
        if isinstance(block, Code):
            cell = code_cell(block)
            if "free" not in block.tags:
                answer = "answer" in block.tags
                cell.metadata["nbgrader"] = _mark(block.id, solution=answer, locked=not answer)
            cells.append(cell)
            if block.id in last:
                cells.append(_check(last[block.id]))
        else:
            cell = prose_cell(block.id, block.text[lang])
            cell.metadata["nbgrader"] = _mark(block.id, locked=True)
            if block.solution:
                cell.metadata["lambdalab"] = {"show": _SOLUTION_PROSE}
            cells.append(cell)
    node = notebook(document, lang, outline, cells)
    for cell in node.cells:
        if cell.id.startswith("lambdalab-"):
            cell.metadata["nbgrader"] = _mark(cell.id, locked=True)
    return node


def _ordered(document: Document, tasks: Sequence[LabTask]) -> Iterator[LabTask]:
    """Yield each task with its answer cells in the order of the notebook."""
    place = {code.id: index for index, code in enumerate(document.code)}
    for task in tasks:
        yield LabTask(task.id, task.points, tuple(sorted(task.answer_cells, key=place.__getitem__)))


def _mark(name: str, *, solution: bool = False, locked: bool = False) -> Mapping[str, object]:
    return {
        "schema_version": 3,
        "grade_id": name,
        "grade": False,
        "solution": solution,
        "locked": locked,
        "task": False,
    }


def _check(task: LabTask) -> Cell:
    cell = code_cell(Code(f"check-{task.id}", (), f'check("{task.id}")', 0))
    cell.metadata["nbgrader"] = dict(_mark(cell.id, locked=True)) | {
        "grade": True,
        "points": task.points,
    }
    return cell


def release(source: Notebook) -> Notebook:
    """Return what learners get, made by nbgrader's own preprocessors.

    They are those of ``GenerateAssignment`` without the gradebook.
    """
    from nbgrader.preprocessors import (
        CheckCellMetadata,
        ClearHiddenTests,
        ClearMarkScheme,
        ClearOutput,
        ClearSolutions,
        ComputeChecksums,
        LockCells,
    )

    node = copy.deepcopy(source)
    node.cells = [cell for cell in node.cells if not _solution_only(cell)]
    resources: dict[str, object] = {}
    for step in (
        LockCells(),
        ClearSolutions(code_stub={"python": STUB}),
        ClearOutput(),
        CheckCellMetadata(),
        ClearHiddenTests(),
        ClearMarkScheme(),
        ComputeChecksums(),
        CheckCellMetadata(),
    ):
        node, resources = step.preprocess(node, resources)
    return node


def _solution_only(cell: Cell) -> bool:
    return bool(cell.metadata.get("lambdalab", {}).get("show") == _SOLUTION_PROSE)
