"""Every notebook, in both languages, as a person sees it: run top to bottom in JupyterLab."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from lambdalab.course.catalogue import Entry, catalogue, clone_root
from lambdalab.grading.verdict import Outcome, outcome_key
from lambdalab.i18n import LANGUAGES, Language, message
from tests.browser.chromium import NotebookPage
from tests.browser.jupyter import JupyterLab, Theme

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = clone_root()
assert ROOT is not None
ENTRIES = list(catalogue(ROOT))
LESSONS = [one for one in ENTRIES if one.kind == "lesson"]
LABS = [one for one in ENTRIES if one.kind == "lab"]
SOLVED = [(lab, LANGUAGES[number % len(LANGUAGES)]) for number, lab in enumerate(LABS)]
"""Each lab is solved in one of its languages, by turns: their code is the same."""


def cells(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["cells"]
    for cell in found:
        cell["source"] = "".join(cell["source"])  # JupyterLab saves lists of lines
    return found


def errors(file: Path) -> list[str]:
    """Return the errors that no tag of a cell announces."""
    return [
        f"{cell['id']}: {output['ename']}: {output['evalue']}"
        for cell in cells(file)
        if cell["cell_type"] == "code"
        and "raises-exception" not in cell["metadata"].get("tags", [])
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


def unrun(file: Path) -> list[str]:
    return [
        cell["id"]
        for cell in cells(file)
        if cell["cell_type"] == "code" and cell["source"].strip() and not cell["execution_count"]
    ]


def look(page: NotebookPage, artefacts: Path, name: str) -> None:
    """Keep pictures in both themes, and say what went wrong on the page."""
    for theme in get_args(Theme)[::-1]:
        page.choose_theme(theme)
        page.picture(artefacts / f"{name}-{theme}.png")
    assert page.strangers == []
    assert page.complaints == []
    text = page.notebook.inner_text()
    for trouble in ("Error displaying widget", "Loading widget", "Syntax error in text"):
        assert trouble not in text
    assert page.notebook.locator(".jp-RenderedMermaid.jp-mod-warning").count() == 0


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.id)
def test_lesson_runs_and_looks_right(
    browser: Browser, course: JupyterLab, artefacts: Path, lesson: Entry, lang: Language
) -> None:
    path = lesson.path(lang).as_posix()
    with NotebookPage.open(browser, course, path) as page:
        page.run_all()
        file = page.save()
        assert errors(file) == []
        assert unrun(file) == []
        wanted = sum(
            "text/vnd.mermaid" in output.get("data", {})
            for cell in cells(file)
            for output in cell.get("outputs", [])
        ) + sum(cell["source"].count("```mermaid") for cell in cells(file))
        drawn = page.notebook.locator(".jp-RenderedMermaid img, .jp-RenderedMermaid svg")
        deadline = time.monotonic() + 20
        while drawn.count() < wanted and time.monotonic() < deadline:
            page.page.wait_for_timeout(100)
        assert drawn.count() == wanted > 0
        look(page, artefacts, f"{lesson.id}-{lang}")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lab", LABS, ids=lambda one: one.id)
def test_lab_untouched(
    browser: Browser, course: JupyterLab, artefacts: Path, lab: Entry, lang: Language
) -> None:
    with NotebookPage.open(browser, course, lab.path(lang).as_posix()) as page:
        page.run_all()
        file = page.save()
        assert errors(file) == []
        assert len(verdicts(file, lang)) > 3
        assert set(verdicts(file, lang).values()) == {"not attempted"}
        look(page, artefacts, f"{lab.id}-{lang}-untouched")


@pytest.mark.parametrize(("lab", "lang"), SOLVED, ids=lambda one: getattr(one, "id", one))
def test_lab_solved(
    browser: Browser, course: JupyterLab, artefacts: Path, lab: Entry, lang: Language
) -> None:
    place = lab.path(lang)
    starter = course.folder / place
    solution = cells(ROOT / "solutions" / lang / f"{lab.stem}.ipynb") if ROOT else []
    answers = {cell["id"]: cell["source"] for cell in solution}
    notebook = json.loads(starter.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = answers[cell["id"]]
    starter.write_text(json.dumps(notebook, ensure_ascii=False), "utf-8")
    with NotebookPage.open(browser, course, place.as_posix()) as page:
        page.run_all(240)
        file = page.save()
        assert errors(file) == []
        assert set(verdicts(file, lang).values()) == {"passed"}
        look(page, artefacts, f"{lab.id}-{lang}-solved")


def verdicts(file: Path, lang: Language) -> dict[str, str]:
    """Return what each check cell said: the outcome by task."""
    words = {
        message(f"grading.outcome.{outcome_key(outcome)}", lang): outcome
        for outcome in get_args(Outcome)
    }
    found = {}
    for cell in cells(file):
        if not cell["id"].startswith("check-"):
            continue
        for output in cell["outputs"]:
            said = "".join(output.get("data", {}).get("text/plain", ""))
            found[cell["id"]] = words.get(said.partition(" · ")[0], said)
    return found
