"""The drawing itself, in Chromium with a stand-in for the kernel: keys, axis, table, theme."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import Language, messages
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event
from lambdalab.widgets import Timeline
from lambdalab.widgets.lanes import Drawing
from lambdalab.widgets.live import asset
from tests.widgets.records import START, Log, Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


STAND_IN = """
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
}
async function show(script, state) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const widget = (await import(address)).default();
  window.model = new Model(state);
  widget.initialize({ model });
  window.forget = widget.render({ model, el: document.body });
  await new Promise((done) => setTimeout(done, 100));
}
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page as wide as a cell; nothing in it may fail or leave it."""
    context = browser.new_context(viewport={"width": 900, "height": 900})
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("request", lambda request: failed.append(request.url))
    page.set_content("<body></body>")
    page.add_script_tag(content=STAND_IN)
    yield page
    context.close()
    assert [one for one in failed if not one.startswith("blob:")] == []


def labels(part: str, lang: Language) -> dict[str, str]:
    texts = messages("widgets", lang)
    return {key: text for key, text in texts.items() if key.startswith((f"{part}.", "common."))}


def show(page: Page, events: list[Event], lang: Language = "en", **state: Any) -> Drawing:
    """Show a timeline; return the drawing, to go on with."""
    drawing = Drawing()
    drawing.feed(events)
    whole = drawing.whole().to_json()
    drawing.delta()
    page.add_style_tag(content=asset("common.css", "timeline.css"))
    page.evaluate(
        "([script, state]) => show(script, state)",
        [
            str(Timeline._esm),
            {
                "labels": labels("timeline", lang),
                "lang": lang,
                "state": "still",
                "note": "",
                "function": None,
                "idle_lifetime": 600,
                "idle_default": 600,
                "snapshot": {"n": 1, "now": drawing.picture().end, **whole},
                **state,
            },
        ],
    )
    return drawing


def story() -> Story:
    told = Story(Log())
    told.invoke()
    told.log.now += 40
    told.invoke("error")
    return told


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def test_every_item_is_drawn_and_named(page: Page) -> None:
    show(page, story().log.events)
    names = page.eval_on_selector_all(
        ".ll-item", "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert len(names) == 5
    assert "invoke: function error, hello:$LATEST aaaaaaaa, at 40.080 s, 10.0 ms" in names
    # Without colour: each phase has a height or a weave of its own.
    looks = page.eval_on_selector_all(
        ".ll-item:not(.ll-point)",
        "all => all.map(one => [one.classList[1], one.querySelector('.ll-body')"
        ".getAttribute('height'), !!one.querySelector('[fill^=url]')].join())",
    )
    assert len({look.split(",")[0] for look in looks}) == len(set(looks)) == 3


def test_keys_move_pin_and_zoom(page: Page) -> None:
    log = story().log
    Story(log, id="b" * 32, function="orders").invoke()
    show(page, log.events)
    page.locator(".ll-item[tabindex='0']").focus()
    assert page.locator(".ll-item[tabindex='0']").count() == 1
    assert focused(page).startswith("init, hello")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("invoke, hello")
    assert "Init Duration" in page.locator(".ll-details").inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    assert focused(page).startswith("frozen (idle), hello")
    assert "Init Duration" in page.locator(".ll-details").inner_text()  # it is pinned
    page.keyboard.press("Escape")
    assert "still going on" in page.locator(".ll-details").inner_text()
    page.keyboard.press("ArrowDown")
    assert "orders" in focused(page)
    page.keyboard.press("Home")
    assert focused(page).startswith("init, orders")
    before = page.locator(".ll-init.ll-item").last.bounding_box()
    for _ in range(4):
        page.keyboard.press("+")
    after = page.locator(".ll-init.ll-item").last.bounding_box()
    assert before
    assert after
    assert after["width"] > 2 * before["width"]
    assert focused(page).startswith("init, orders")
    page.get_by_text("Show all").click()
    again = page.locator(".ll-init.ll-item").last.bounding_box()
    assert again
    assert again["width"] == pytest.approx(before["width"], abs=1)


def test_a_long_idle_time_is_shortened_and_marked(page: Page) -> None:
    show(page, story().log.events)
    assert page.locator(".ll-tear").count() == 2
    assert "40.00 s idle" in page.locator(".ll-axis").inner_text()
    width = page.locator(".ll-init.ll-item").bounding_box()
    page.get_by_label("Shorten idle times").uncheck()
    squashed = page.locator(".ll-init.ll-item").bounding_box()
    assert page.locator(".ll-tear").count() == 0
    assert width
    assert squashed
    assert width["width"] > 100
    assert squashed["width"] < 20


def test_the_table_tells_the_same(page: Page) -> None:
    told = story()
    show(page, told.log.events, "zh-TW")
    assert not page.locator("table").is_visible()
    page.get_by_label("以表格顯示").check()
    rows = page.locator("tbody tr").all_inner_texts()
    assert len(rows) == page.locator(".ll-item").count() == 5
    assert "冷啟動" in rows[1]
    assert "函數錯誤" in rows[3]
    assert page.locator("th[scope=col]").count() == len(rows[1].split("\t"))


def test_deltas_are_drawn_and_a_hole_makes_it_ask(page: Page) -> None:
    told = story()
    drawing = show(page, told.log.events, state="live")
    told.invoke()
    drawing.feed(told.log.events[-4:])
    delta = json.loads(json.dumps(drawing.delta().to_json()))
    now = told.log.now
    page.locator(".ll-item[tabindex='0']").focus()
    name = focused(page)
    page.evaluate("(m) => model.tell(m)", {"kind": "delta", "n": 2, "now": now, **delta})
    page.wait_for_function("document.querySelectorAll('.ll-item').length === 7")
    assert focused(page) == name  # a redraw takes the focus from nobody
    asked = "model.sent.filter(one => one.do === 'want').length"
    before = page.evaluate(asked)
    page.wait_for_timeout(1100)
    page.evaluate("(m) => model.tell(m)", {"kind": "delta", "n": 9, "now": now, **delta})
    assert page.evaluate(asked) == before + 1
    drawing = Drawing()
    page.evaluate(
        "(m) => model.tell(m)", {"kind": "whole", "n": 9, "now": now, **drawing.whole().to_json()}
    )
    page.wait_for_selector(".ll-empty:visible")
    assert page.locator(".ll-item").count() == 0


def test_what_lasts_grows_by_service_time(page: Page) -> None:
    told = story()
    told.add(ev.InvokeStarted, 1.0, request_id="open", cold=False)
    begun = told.log.now
    show(page, told.log.events, state="live")
    reached = """() => Math.max(...[...document.querySelectorAll(".ll-axis text")]
        .map((one) => parseFloat(one.textContent) / (one.textContent.endsWith("ms") ? 1000 : 1)))"""
    page.evaluate("(m) => model.tell(m)", {"kind": "clock", "now": begun, "pace": 600})
    page.wait_for_function(f"({reached})() > {begun - START + 300}", timeout=5000)
    page.evaluate("(m) => model.tell(m)", {"kind": "clock", "now": begun + 900, "pace": 0})
    page.wait_for_timeout(600)
    still = page.evaluate(reached)
    page.wait_for_timeout(600)
    assert page.evaluate(reached) == still <= begun - START + 900, "paused"


def test_the_slider_and_its_field_ask_for_an_idle_lifetime(page: Page) -> None:
    show(page, story().log.events)
    sent = "model.sent.filter(one => one.do === 'idle_lifetime').map(one => one.seconds)"
    page.get_by_label("Idle lifetime", exact=True).focus()
    page.keyboard.press("Home")
    assert page.evaluate(sent) == [1]
    page.keyboard.press("ArrowRight")
    field = page.get_by_label("Idle lifetime in seconds")
    assert field.input_value() == str(page.evaluate(sent)[-1])
    field.fill("45")
    field.press("Enter")
    assert page.evaluate(sent)[-1] == 45
    page.wait_for_timeout(1200)  # the kernel said nothing: what the sandbox has comes back
    assert field.input_value() == "600"
    page.evaluate("model.set('idle_lifetime', 45)")
    assert field.input_value() == "45"


def test_keys_are_kept_from_the_notebook(page: Page) -> None:
    """JupyterLab looks at the focused element itself for this."""
    show(page, story().log.events)
    bare = "button, input, select, [tabindex]"
    assert page.locator(bare).count() > 10
    assert page.locator(f":is({bare}):not([data-lm-suppress-shortcuts])").count() == 0


def test_thousands_of_items_are_drawn_in_time(page: Page) -> None:
    told = Story(Log())
    for _ in range(1500):
        told.log.now += 0.02
        told.invoke()
    show(page, told.log.events)
    assert "older items are not shown" in page.locator(".ll-timeline").inner_text()
    took = page.evaluate(
        "() => { const start = performance.now();"
        "document.querySelector('.ll-join button:nth-child(4)').click();"
        "return performance.now() - start; }"
    )
    assert took < 2000


def test_nothing_goes_on_after_the_view_is_gone(page: Page) -> None:
    show(page, story().log.events, state="live")
    page.evaluate("forget()")
    assert (
        page.evaluate(
            "Object.entries(model.heard).filter(([n, l]) => n !== 'msg:custom' && l.length)"
        )
        == []
    )


def test_the_monitor_asks_before_it_resets(page: Page) -> None:
    lines = [
        {"seq": n, "time": 1e9 + n, "function": name, "request_id": None, "line": f"line {n}"}
        for n, name in enumerate(("f", "g", "f"))
    ]
    environment = {"id": "c" * 32, "function": "f", "version": "1", "state": "frozen", "pid": 7}
    page.add_style_tag(content=asset("common.css", "monitor.css"))
    page.evaluate(
        "([script, state]) => show(script, state)",
        [
            asset("common.js", "monitor.js"),
            {
                "labels": labels("monitor", "en"),
                "lang": "en",
                "state": "live",
                "note": "",
                "working": False,
                "undoable": False,
                "snapshot": {
                    "n": 1,
                    "now": 1e9,
                    "cleared": True,
                    "dropped": False,
                    "limit": 500,
                    "lines": lines,
                    "environments": [environment],
                    "invocations": 3,
                },
            },
        ],
    )
    assert page.locator("tbody tr").inner_text().split("\t") == ["cccccccc", "f:1", "frozen", "7"]
    assert page.locator(".ll-log li").count() == 3
    page.locator("select").select_option("g")
    assert page.locator(".ll-log li").count() == 1
    acted = "model.sent.filter(one => one.do !== 'want').map(one => one.do)"
    page.get_by_text("Reset the sandbox").click()
    page.get_by_text("Keep everything").click()
    assert page.evaluate(acted) == []
    page.get_by_text("Reset the sandbox").click()
    page.get_by_role("alertdialog").get_by_text("Reset", exact=True).click()
    assert page.evaluate(acted) == ["reset"]
    assert not page.get_by_text("Undo", exact=True).is_visible()
    page.evaluate("model.set('undoable', true)")
    page.get_by_text("Undo", exact=True).click()
    assert page.evaluate(acted) == ["reset", "undo"]
