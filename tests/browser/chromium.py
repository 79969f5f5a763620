"""Debian's Chromium under Playwright, and what a person does in a notebook page."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.jupyter import THEMES, JupyterLab, Theme

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["NotebookPage", "chromium", "executable"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
_WIDTH, _HEIGHT = 1280, 900
_TALLEST = 4_000
"""Pixels of one picture: more is hard to look at."""
_LOCAL = ("127.0.0.1", "localhost", "")


def executable() -> str:
    """Return where Chromium is; ``LAMBDALAB_CHROMIUM`` names another."""
    for name in (os.environ.get("LAMBDALAB_CHROMIUM", ""), *_NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise RuntimeError(
        "There is no Chromium. Run `make test`, which installs it, or set LAMBDALAB_CHROMIUM."
    )


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class NotebookPage:
    """One notebook, open in one browser page.

    ``strangers`` are the requests that were meant for another machine, ``complaints``
    what the page's scripts could not handle.
    """

    server: JupyterLab
    path: str
    page: Page
    context: BrowserContext
    strangers: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, browser: Browser, server: JupyterLab, path: str, *, width: int = _WIDTH
    ) -> Iterator[NotebookPage]:
        """Open a notebook and wait until its kernel is there."""
        context = browser.new_context(viewport={"width": width, "height": _HEIGHT})
        page = context.new_page()
        opened = cls(server, path, page, context)
        page.on("request", lambda request: opened._note(request.url))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        try:
            page.goto(server.address(path), timeout=60_000)
            page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60_000)
            opened.wait_idle()
            yield opened
        finally:
            context.close()

    def _note(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in _LOCAL:
            self.strangers.append(url)

    # -- what a person does -----------------------------------------------------------------

    def menu(self, *names: str) -> None:
        """Click through the menu bar: ``menu("Run", "Run All Cells")``."""
        dialog = self.page.locator("dialog.jp-Dialog")
        if dialog.count():
            raise AssertionError(f"JupyterLab asks: {dialog.first.inner_text()}")
        self.page.locator(".lm-MenuBar-item", has_text=names[0]).first.click()
        for name in names[1:]:
            item = self.page.locator(
                f".lm-Menu-item:has(.lm-Menu-itemLabel:text-is({name!r}))"
            ).last
            item.hover()
            item.click()

    def run_all(self, timeout: float = 180) -> None:
        """Run all cells, top to bottom; return when the last one has ended (seconds)."""
        deadline = time.monotonic() + timeout
        before = self.prompts()
        while self.prompts() == before:
            # JupyterLab drops the command if its kernel is not connected yet: click again.
            self.menu("Run", "Run All Cells")
            again = min(time.monotonic() + 5, deadline)
            while self.prompts() == before and time.monotonic() < again:
                self.page.wait_for_timeout(50)
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self.path}: no cell began to run")
        self.wait_idle(deadline - time.monotonic())

    def choose_theme(self, theme: Theme) -> None:
        """Choose the theme in the menu."""
        self.menu("Settings", "Theme", THEMES[theme])
        light = str(theme == "light").lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        self.page.wait_for_timeout(800)

    def run_cell(self, name: str, timeout: float = 60) -> None:
        """Run the one code cell of that id."""
        cell = self.cell(name)
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(150)
        self.wait_idle(timeout)

    def type_into(self, name: str, source: str) -> None:
        """Replace the source of a cell by typing."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def save(self) -> Path:
        """Save the notebook; return its file."""
        file = self.server.folder / self.path
        before = file.stat().st_mtime_ns
        self.menu("File", "Save Notebook")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
            with contextlib.suppress(OSError, ValueError):  # it is being written
                if file.stat().st_mtime_ns != before and json.loads(file.read_text("utf-8")):
                    break
        return file

    # -- what a person sees -----------------------------------------------------------------

    @property
    def notebook(self) -> Any:
        """The visible notebook."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def prompts(self) -> list[str]:
        """Return the prompts of all code cells: ``[3]:``, ``[*]:``, ``[ ]:``."""
        found: list[str] = self.page.eval_on_selector_all(
            ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputPrompt",
            "all => all.map(one => one.textContent.trim())",
        )
        return found

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until no cell runs or waits, and the kernel says it is idle (seconds)."""
        deadline = time.monotonic() + max(timeout, 1)
        quiet = 0
        while quiet < 4:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.path}: cells still run: {self.prompts()}")
            self.page.wait_for_timeout(100)
            busy = any("*" in prompt for prompt in self.prompts())
            idle = self.page.locator(
                ".jp-NotebookPanel:not(.lm-mod-hidden) "
                ".jp-Notebook-ExecutionIndicator[data-status='idle']"
            ).count()
            quiet = quiet + 1 if idle and not busy else 0

    def cell(self, name: str) -> Any:
        """Return the cell of that id (its position comes from the file)."""
        cells = json.loads((self.server.folder / self.path).read_text("utf-8"))["cells"]
        place = [cell["id"] for cell in cells].index(name)
        return self.notebook.locator(".jp-Notebook .jp-Cell").nth(place)

    def picture(self, file: Path) -> list[Path]:
        """Keep pictures of the whole notebook, from top to bottom.

        They are numbered, ``NAME-1.png`` and so on, where one would be too high.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        panel = self.notebook.locator(".jp-WindowedPanel-outer")
        # A notebook can be scrolled past its end: its last cell says where that is.
        height = int(
            panel.evaluate(
                "panel => { panel.scrollTop = 0; const all = panel.querySelectorAll('.jp-Cell');"
                "return all[all.length - 1].getBoundingClientRect().bottom }"
            )
        )
        width = (self.page.viewport_size or {"width": _WIDTH})["width"]
        self.page.set_viewport_size({"width": width, "height": min(height + 60, _TALLEST)})
        self.page.wait_for_timeout(400)
        shown = int(panel.evaluate("panel => panel.clientHeight"))
        kept = []
        # The last 100 are blank: what is past the end would be a second picture of nothing.
        for number, top in enumerate(range(0, max(height - 100, 1), shown), 1):
            panel.evaluate("(panel, top) => { panel.scrollTop = top }", top)
            self.page.wait_for_timeout(200)
            place = file.with_stem(f"{file.stem}-{number}") if height > shown + 100 else file
            self.page.screenshot(path=place)
            kept.append(place)
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        return kept
