"""A widget in a page of its own, with a stand-in for the kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anywidget
    from playwright.sync_api import Browser, Page

__all__ = ["opened", "show", "state"]

_STAND_IN = """
class Model {
  constructor(state) { this.state = state; this.heard = {}; this.sent = []; }
  get(name) { return this.state[name]; }
  set(name, value) {
    this.state[name] = value;
    for (const call of this.heard["change:" + name] ?? []) call();
  }
  on(name, call) { (this.heard[name] ??= []).push(call); }
  off(name, call) { this.heard[name] = this.heard[name].filter((one) => one !== call); }
  send(message) { this.sent.push(message); }
  tell(message) { for (const call of this.heard["msg:custom"] ?? []) call(message); }
  save_changes() {}
}
async function show(script, state) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  let widget = (await import(address)).default;
  if (typeof widget === "function") widget = widget();
  window.model = new Model(state);
  window.forget = widget.render({ model, el: document.body });
  await new Promise((done) => setTimeout(done, 100));
}
"""


@contextlib.contextmanager
def opened(browser: Browser, width: int = 1000, *, calm: bool = True) -> Iterator[Page]:
    """Open a page as wide as a cell (pixels); nothing in it may fail or leave it.

    ``calm``: as somebody who wants nothing to move.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce" if calm else None
    )
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("request", lambda request: failed.append(request.url))
    page.set_content("<!doctype html><body></body>")
    page.add_script_tag(content=_STAND_IN)
    try:
        yield page
    finally:
        context.close()
    assert [one for one in failed if not one.startswith("blob:")] == []


def show(page: Page, widget: anywidget.AnyWidget) -> None:
    """Show a widget as its state has it; Python hears nothing of it afterwards."""
    known = {key: value for key, value in widget.get_state().items() if not key.startswith("_")}
    page.add_style_tag(content=str(widget._css))
    page.evaluate("([script, state]) => show(script, state)", [str(widget._esm), known])
    widget.close()


def state(page: Page, name: str) -> Any:
    """Return what the model has under a name."""
    return page.evaluate("(name) => model.get(name)", name)
