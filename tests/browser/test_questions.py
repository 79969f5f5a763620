"""A question as a person answers it: by keyboard and mouse, after a restart, in the twin."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import nbformat
import pytest

from lambdalab.i18n import LANGUAGES
from tests.browser import jupyter
from tests.browser.chromium import NotebookPage
from tests.browser.jupyter import JupyterLab, Theme

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CELLS = {
    "setup": "from lambdalab.course import ask, reveal",
    "predict": 'ask("00-error-status")',
    "reveal": 'reveal("00-error-status", happened=200)',
    "number": 'ask("00-timeout")',
    "choice": 'ask("00-load")',
}
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@pytest.fixture
def course(offline: bool, tmp_path: Path) -> Iterator[JupyterLab]:
    """Return a JupyterLab on a course folder of this test's own, with a notebook of questions."""
    folder = tmp_path / "course"
    for lang in LANGUAGES:
        (folder / "lessons" / lang).mkdir(parents=True)
        cells = [nbformat.v4.new_code_cell(code, id=name) for name, code in CELLS.items()]
        node = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(node, folder / "lessons" / lang / "90_questions.ipynb")
    command = [sys.executable, "-m", "lambdalab", "start", str(folder), "--no-browser"]
    with jupyter.jupyterlab([*command, "--lang", "en"], folder) as server:
        yield server


class Form:
    """The form of one question."""

    def __init__(self, page: NotebookPage, name: str) -> None:
        self.page = page.page
        self.form = page.cell(name).locator("form")

    def radio(self, value: str) -> Any:
        return self.form.locator(f"input[type=radio][value={value!r}]")

    @property
    def button(self) -> Any:
        return self.form.get_by_role("button")

    def says(self, words: str) -> None:
        """Wait until the answer to the answer holds some words."""
        self.form.get_by_role("status").get_by_text(words).wait_for(timeout=10_000)


def kept(course: JupyterLab) -> dict[str, Any]:
    path = course.folder / ".lambdalab" / "progress.json"
    found: dict[str, Any] = json.loads(path.read_bytes())["questions"]
    return found


THEMES: tuple[Theme, ...] = get_args(Theme)


def test_questions_are_answered(browser: Browser, course: JupyterLab, artefacts: Path) -> None:
    in_english(browser, course, artefacts)
    answers = {name: entry["answer"] for name, entry in kept(course).items()}
    assert answers == {"00-error-status": "502", "00-timeout": 3, "00-load": "roles"}
    in_chinese(browser, course, artefacts)  # another kernel, the other language
    entry = kept(course)["00-load"]
    assert (entry["answer"], entry["attempts"], entry["solved"]) == ("environments", 2, True)


def in_english(browser: Browser, course: JupyterLab, artefacts: Path) -> None:
    with NotebookPage.open(browser, course, "lessons/en/90_questions.ipynb", width=1000) as page:
        page.run_all()
        keyboard = page.page.keyboard

        predict = Form(page, "predict")
        predict.button.click()
        predict.says("Choose an answer first.")
        predict.radio("200").focus()
        keyboard.press("ArrowDown")  # JupyterLab would go to the next cell
        assert predict.radio("400").is_checked()
        keyboard.press("Enter")
        predict.says("you predict 400")
        predict.radio("502").check()
        keyboard.press("Tab")
        keyboard.press("Space")
        predict.says("you predict 502")
        assert predict.button.inner_text() == "Change my answer"
        page.run_cell("reveal")
        predict.says("so your prediction stays as it is")
        assert predict.radio("200").is_disabled()
        assert not predict.button.is_visible()
        assert "Your prediction was not right." in page.cell("reveal").inner_text()

        number = Form(page, "number")
        field = number.form.get_by_label("Your answer")
        field.click()
        keyboard.type("99999")
        keyboard.press("Enter")
        number.says("Type a number from")
        field.fill("")
        keyboard.type("3")
        keyboard.press("Enter")
        number.says("Right.")

        choice = Form(page, "choice")
        choice.radio("roles").check()
        choice.button.click()
        choice.says("Not right.")
        assert choice.button.inner_text() == "Answer again"
        group = choice.form.get_by_role("radiogroup")
        assert "What does not come back?" in group.evaluate(
            "one => document.getElementById(one.getAttribute('aria-labelledby')).innerText"
        )
        for theme in THEMES:
            page.choose_theme(theme)
            page.picture(artefacts / f"questions-en-{theme}.png")
        assert (page.strangers, page.complaints) == ([], [])


def in_chinese(browser: Browser, course: JupyterLab, artefacts: Path) -> None:
    with NotebookPage.open(browser, course, "lessons/zh-TW/90_questions.ipynb", width=1000) as page:
        page.run_all()
        predict = Form(page, "predict")
        predict.says("你的預測是：502。結果已經揭曉")
        assert predict.radio("502").is_checked() and predict.radio("502").is_disabled()
        number = Form(page, "number")
        number.says("答對了。")
        assert number.form.get_by_label("你的答案").input_value() == "3"
        choice = Form(page, "choice")
        choice.says("不對。")
        choice.radio("environments").check()
        choice.button.click()
        choice.says("答對了。")
        for theme in THEMES:
            page.choose_theme(theme)
            page.picture(artefacts / f"questions-zh-TW-{theme}.png")
        assert (page.strangers, page.complaints) == ([], [])
