"""The call path in Chromium: chosen, played, compared and sorted, by keys and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules.invoking import Mode
from lambdalab.rules.retries import Outcome
from lambdalab.rules.services import SERVICES, by_mode, find
from lambdalab.widgets import CallPath
from lambdalab.widgets.call_path import TO_SORT
from lambdalab.widgets.call_path_story import story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STAND_IN = """
class Model {
  constructor(state) { this.state = state; this.heard = {}; }
  get(name) { return this.state[name]; }
  set(name, value) {
    this.state[name] = value;
    for (const call of this.heard["change:" + name] ?? []) call();
  }
  on(name, call) { (this.heard[name] ??= []).push(call); }
  off(name, call) { this.heard[name] = this.heard[name].filter((one) => one !== call); }
  save_changes() { this.saved = (this.saved ?? 0) + 1; }
}
async function show(script, state) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const widget = (await import(address)).default;
  window.model = new Model(state);
  window.forget = widget.render({ model, el: document.body });
  await new Promise((done) => setTimeout(done, 100));
}
"""


def opened(browser: Browser, width: int = 1000, *, calm: bool = True) -> Iterator[Page]:
    """Yield a page as wide as a cell; nothing in it may fail or leave it."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce" if calm else None
    )
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("request", lambda request: failed.append(request.url))
    page.set_content("<!doctype html><body></body>")
    page.add_script_tag(content=STAND_IN)
    yield page
    context.close()
    assert [one for one in failed if not one.startswith("blob:")] == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from opened(browser)


@pytest.fixture
def moving(browser: Browser) -> Iterator[Page]:
    yield from opened(browser, calm=False)


@pytest.fixture(params=[900, 560, 400])
def narrow(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return pages as wide as a cell, and as one beside an open side bar."""
    yield from opened(browser, request.param)


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(lang: Language) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/04.ipynb")

    choose("en")
    return choose


def show(page: Page, widget: CallPath) -> None:
    state = {key: value for key, value in widget.get_state().items() if not key.startswith("_")}
    page.add_style_tag(content=str(widget._css))
    page.evaluate("([script, state]) => show(script, state)", [str(widget._esm), state])
    widget.close()


def state(page: Page, name: str) -> Any:
    return page.evaluate("(name) => model.get(name)", name)


def steps(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".ll-steps li span:last-child").all_inner_texts()]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_service_is_drawn_and_told(page: Page, say: Any, lang: Language) -> None:
    say(lang)
    show(page, CallPath())
    page.locator(".ll-chip[aria-checked=true]").focus()
    for service in SERVICES:
        assert state(page, "service") == service.id
        for outcome in ("success", "error", "throttled"):
            page.locator(f".ll-play.ll-{outcome}").click()
            told = [step.text for step in story(service, Outcome(outcome), lang)]
            assert steps(page) == told
        box = page.locator(".ll-box").count()
        assert box == (2 if service.mode is Mode.SYNC else 3)
        assert page.locator(".ll-rules").inner_text().count(service.note[lang]) == 1
        assert page.locator(".ll-part[data-on=bad]").count() == 1
        page.locator(".ll-chip[aria-checked=true]").focus()
        page.keyboard.press("ArrowRight")
    assert state(page, "service") == SERVICES[0].id  # round and round


def test_an_event_is_played_step_by_step(moving: Page, say: Any) -> None:
    show(moving, CallPath("s3"))
    assert moving.get_by_text("Choose what becomes of the event").is_visible()
    moving.get_by_role("button", name="the function fails").click()
    assert len(steps(moving)) == 1
    assert moving.locator(".ll-token").get_attribute("visibility") == "visible"
    places = set()
    for _ in range(6):
        moving.wait_for_timeout(60)
        places.add(moving.locator(".ll-token").get_attribute("transform"))
    assert len(places) > 2  # it travels
    moving.wait_for_function("document.querySelectorAll('.ll-steps li').length === 2", timeout=4000)
    forward, back = (moving.get_by_label(name) for name in ("Next step", "Step back"))
    for _ in range(9):
        if forward.is_enabled():
            forward.click()
    told = story(find("s3"), Outcome.ERROR, "en")
    assert steps(moving) == [step.text for step in told]
    assert moving.locator(".ll-steps li").last.get_attribute("aria-current") == "step"
    assert moving.locator(".ll-count").inner_text() == f"{len(told)} of {len(told)}"
    back.click()
    assert len(steps(moving)) == len(told) - 1
    moving.wait_for_timeout(1700)
    assert len(steps(moving)) == len(told) - 1  # whoever steps is not overtaken


def test_nothing_moves_for_who_wants_none(page: Page, say: Any) -> None:
    show(page, CallPath("sqs"))
    page.get_by_role("button", name="throttled").click()
    assert steps(page) == [step.text for step in story(find("sqs"), Outcome.THROTTLED, "en")]
    place = page.locator(".ll-token").get_attribute("transform")
    page.wait_for_timeout(200)
    assert page.locator(".ll-token").get_attribute("transform") == place


def test_two_services_side_by_side_and_back(page: Page, say: Any) -> None:
    show(page, CallPath("sqs"))
    assert page.locator(".ll-rules th[scope=col]").count() == 0
    page.get_by_label("Compare with").select_option("kinesis")
    assert page.locator(".ll-rules th[scope=col]").all_inner_texts() == [
        "SQS",
        "Kinesis Data Streams",
    ]
    differs = page.locator(".ll-differs th").all_inner_texts()
    assert "After a function error, who tries again" in differs
    assert "Size of the event" not in differs
    page.get_by_role("radio", name="S3").click()
    assert page.locator(".ll-rules th[scope=col]").first.inner_text() == "S3"
    page.get_by_role("button", name="it works").click()
    page.get_by_role("button", name="Reset").click()
    assert (state(page, "service"), state(page, "compare"), state(page, "outcome")) == (
        "sqs",
        "",
        "",
    )
    assert steps(page) == []


def test_services_are_sorted_with_keys_alone(page: Page, say: Any) -> None:
    show(page, CallPath(view="sort"))
    page.locator(".ll-card").first.focus()
    page.keyboard.press("Enter")
    keys = {mode: str(number) for number, mode in enumerate(Mode, 1)}
    for name in TO_SORT:
        wrong = name == "cloudformation"
        page.keyboard.press(keys[Mode.SYNC if wrong else find(name).mode])
    assert len(state(page, "placed")) == len(TO_SORT)
    assert page.locator(".ll-pool .ll-card").count() == 0
    page.keyboard.press("Enter")  # the focus has gone on to "check"
    assert f"{len(TO_SORT) - 1} of {len(TO_SORT)}" in page.locator(".ll-note").inner_text()
    assert "CloudFormation" in page.locator(".ll-why").inner_text()
    assert page.locator(".ll-card", has_text="✗").count() == 1
    page.get_by_label("CloudFormation custom resource, synchronous, not here").focus()
    page.keyboard.press(keys[Mode.ASYNC])
    assert page.locator(".ll-note").inner_text() == ""  # another try, not judged yet
    page.get_by_role("button", name="Check").click()
    assert "where they belong" in page.locator(".ll-note").inner_text()
    assert page.locator(".ll-card", has_text="✓").count() == len(TO_SORT)


def test_sorting_by_hand_is_undone_and_begun_again(page: Page, say: Any) -> None:
    show(page, CallPath(view="sort", services=["s3", "sqs", "alb"]))
    page.locator(".ll-card", has_text="SQS").drag_to(page.locator(".ll-column.ll-poll"))
    assert state(page, "placed") == {"sqs": "poll"}
    page.locator(".ll-card", has_text="ALB").click()
    page.get_by_label("Put ALB under synchronous").click()
    assert state(page, "placed") == {"sqs": "poll", "alb": "sync"}
    page.get_by_role("button", name="Undo").click()
    assert state(page, "placed") == {"sqs": "poll"}
    page.get_by_role("button", name="Show the answer").click()
    assert state(page, "placed") == {"s3": "async", "sqs": "poll", "alb": "sync"}
    page.get_by_role("button", name="Undo").click()
    assert state(page, "placed") == {"sqs": "poll"}
    page.get_by_role("button", name="Start over").click()
    assert state(page, "placed") == {}
    page.get_by_role("button", name="Undo").click()
    assert state(page, "placed") == {"sqs": "poll"}


def test_keys_are_kept_from_the_notebook(page: Page, say: Any) -> None:
    """JupyterLab looks at the focused element itself for this."""
    show(page, CallPath(view="sort"))
    bare = "button, input, select, [tabindex]"
    assert page.locator(bare).count() > 40
    assert page.locator(f":is({bare}):not([data-lm-suppress-shortcuts])").count() == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_words_lie_over_others(narrow: Page, say: Any, lang: Language) -> None:
    say(lang)
    show(narrow, CallPath())
    for mode in Mode:
        for service in by_mode(mode):
            narrow.evaluate("(name) => model.set('service', name)", service.id)
            over = narrow.evaluate(
                """() => {
                  const all = [...document.querySelectorAll("svg.ll-path text")].map((one) => {
                    const { left, right, top, bottom } = one.getBoundingClientRect();
                    return { left, right, top: top + 3, bottom: bottom - 3, text: one.textContent };
                  });
                  const found = [];
                  all.forEach((one, at) => all.slice(at + 1).forEach((two) => {
                    if (one.left < two.right && two.left < one.right && one.top < two.bottom &&
                        two.top < one.bottom) found.push([one.text, two.text]);
                  }));
                  const path = document.querySelector("svg.ll-path").getBoundingClientRect();
                  for (const one of all) {
                    const inside = one.left > path.left - 1 && one.right < path.right + 1;
                    if (!inside) found.push([one.text]);
                  }
                  if (document.documentElement.scrollWidth > innerWidth) found.push(["too wide"]);
                  return found;
                }"""
            )
            assert over == [], service.id


def test_nothing_goes_on_after_the_view_is_gone(moving: Page, say: Any) -> None:
    show(moving, CallPath("s3"))
    moving.get_by_role("button", name="it works").click()
    moving.evaluate("forget()")
    before = len(steps(moving))
    moving.wait_for_timeout(1700)
    assert len(steps(moving)) == before
    assert moving.evaluate("Object.values(model.heard).flat().length") == 0
