"""The lab's own scripts in a page of their own, without a notebook around them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lambdalab.widgets.live import asset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["scripts"]

_SCRIPTS = ("twin.js", "pricing.js", "tally.js", "concurrency_setting.js")
_NAMES = "asScenario, problemsOf, runRequests, addUp, monthly, bill, billedSeconds"


@contextlib.contextmanager
def scripts(browser: Browser) -> Iterator[Page]:
    """Open an empty page that has the lab's functions as ``window.twin``."""
    page: Any = browser.new_page()
    try:
        page.set_content("<!doctype html><title>twin</title>")
        page.add_script_tag(
            content=f"(() => {{ {asset(*_SCRIPTS)}\nwindow.twin = {{ {_NAMES} }}; }})()"
        )
        yield page
    finally:
        page.close()
