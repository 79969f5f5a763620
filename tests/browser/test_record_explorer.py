"""The record explorer in Chromium: a field is pointed at, and a curve leads to its origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.widgets import RecordExplorer
from tests.browser.widget_page import opened, show, state
from tests.widgets.test_record_explorer import as_box, discarded, failed, story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as one:
        yield one


@pytest.fixture(params=[1000, 400])
def sized(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return pages as wide as a cell, and as one beside an open side bar."""
    with opened(browser, request.param) as one:
        yield one


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(lang: Language) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/06.ipynb")

    choose("en")
    return choose


def line(page: Page, path: str) -> Locator:
    return page.locator(f".ll-line[data-path='{path}']")


def lit(page: Page) -> list[str]:
    return page.locator(".ll-card.ll-on h5").all_inner_texts()


def panel(page: Page) -> str:
    return page.locator(".ll-panel").inner_text()


TOLD = """() => ({
  path: document.activeElement.dataset.path,
  panel: document.querySelector(".ll-panel").textContent,
  cards: document.querySelectorAll(".ll-card.ll-on").length,
  curves: document.querySelectorAll(".ll-curve").length,
})"""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("stream", [False, True])
def test_every_field_leads_somewhere_and_is_explained(
    page: Page, say: Any, lang: Language, stream: bool
) -> None:
    say(lang)
    widget = RecordExplorer(discarded() if stream else failed())
    fields = widget.records[0]["fields"]
    show(page, widget)
    page.locator(".ll-line[tabindex='0']").focus()
    for path, field in fields.items():
        told = page.evaluate(TOLD)
        assert told["path"] == path
        assert told["panel"].startswith(path)
        assert field["what"] in told["panel"]
        assert told["cards"] == told["curves"] == len(field["origin"])
        page.keyboard.press("ArrowDown")
    assert page.evaluate(TOLD)["path"] == list(fields)[-1]


def test_a_field_is_kept_and_let_go(page: Page, say: Any) -> None:
    show(page, RecordExplorer(box=as_box(story().events)))
    assert messages("record", "en")["hint"] in panel(page)
    line(page, "requestContext.condition").click()
    assert "kept" in panel(page)
    assert lit(page) == ["The attempts", "The function's asynchronous configuration"]
    line(page, "version").hover()
    assert lit(page) == ["The format of the record"]
    page.mouse.move(5, 5)
    assert "requestContext.condition" in panel(page)
    page.keyboard.press("Escape")
    assert "kept" not in panel(page)
    line(page, "version").focus()
    page.keyboard.press("Enter")
    assert line(page, "version").get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="Reset").click()
    assert line(page, "version").get_attribute("aria-selected") == "false"
    assert page.locator(".ll-curve").count() == 0


def test_a_card_says_which_fields_come_from_it(page: Page, say: Any) -> None:
    show(page, RecordExplorer(box=as_box(story().events)))
    page.get_by_label("The event, as it was accepted").focus()
    assert "requestContext.requestId, requestPayload" in panel(page)
    on = page.locator(".ll-line.ll-on").all_inner_texts()
    assert any('"sku": "pen"' in text for text in on)
    assert not any("condition" in text for text in on)
    assert page.locator(".ll-curve").count() == 2  # one for all that lies in the payload


def test_a_curve_ends_at_its_field_and_its_card(page: Page, say: Any) -> None:
    show(page, RecordExplorer(failed()))
    line(page, "requestPayload").hover()
    dots = page.locator(".ll-curves circle")
    start, end = (dots.nth(number).bounding_box() for number in (0, 1))
    said = line(page, "requestPayload").locator(".ll-said").bounding_box()
    card = page.locator(".ll-of-event").bounding_box()
    assert start
    assert end
    assert said
    assert card
    assert said["x"] + said["width"] < start["x"] + start["width"]
    assert said["y"] - 3 < start["y"] < said["y"] + said["height"]
    assert abs(end["x"] + 3 - card["x"]) < 4
    assert card["y"] < end["y"] < card["y"] + card["height"]


def test_what_a_dead_letter_queue_gets(page: Page, say: Any) -> None:
    show(page, RecordExplorer(failed()))
    page.get_by_role("button", name="What a DLQ gets").click()
    assert state(page, "beside") == "dlq"
    for path, name in {
        "requestContext.requestId": "Attribute RequestID (String)",
        "responseContext.statusCode": "Attribute ErrorCode (Number)",
        "responsePayload.errorMessage": "Attribute ErrorMessage (String)",
        "requestPayload.order": "Body: the event itself",
        "requestContext.condition": "Not in it",
        "responsePayload.errorType": "Not in it",
    }.items():
        line(page, path).hover()
        assert lit(page) == [name]
    page.get_by_role("button", name="Where it came from").click()
    assert page.locator(".ll-card").count() == 5


def test_records_of_a_log_are_chosen_and_read_again(page: Page, say: Any) -> None:
    log = story()
    story(log, "second", "other")
    show(page, RecordExplorer(box=as_box(log.events)))
    assert '"second"' in line(page, "requestContext.requestId").inner_text()
    page.locator("select").select_option("1")
    assert '"11111111' in line(page, "requestContext.requestId").inner_text()
    page.get_by_role("button", name="Read again").click()
    assert page.evaluate("model.sent") == [{"do": "refresh"}]
    page.evaluate("model.set('note', 'It is busy.')")
    assert page.get_by_role("alert").inner_text() == "It is busy."


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_fits_where_it_is_shown(sized: Page, say: Any, lang: Language) -> None:
    say(lang)
    show(sized, RecordExplorer(box=as_box(story().events)))
    for beside in ("origin", "dlq"):
        sized.evaluate("(beside) => model.set('beside', beside)", beside)
        assert sized.evaluate("document.documentElement.scrollWidth <= innerWidth")
        out = sized.evaluate(
            """() => [...document.querySelectorAll(".ll-said, .ll-value, h5, .ll-panel p")]
                 .filter((one) => one.getBoundingClientRect().right >
                   one.closest(".ll-json, .ll-card, .ll-panel").getBoundingClientRect().right)
                 .map((one) => one.textContent)"""
        )
        assert out == []


def test_keys_are_kept_from_the_notebook(page: Page, say: Any) -> None:
    """JupyterLab looks at the focused element itself for this."""
    show(page, RecordExplorer(box=as_box(story().events)))
    bare = "button, input, select, [tabindex]"
    assert page.locator(bare).count() > 20
    assert page.locator(f":is({bare}):not([data-lm-suppress-shortcuts])").count() == 0
    page.evaluate("forget()")
    assert page.evaluate("Object.values(model.heard).flat().length") == 0
