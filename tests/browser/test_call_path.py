"""The call path in Chromium: chosen, played, compared and sorted, by keys and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules.invoking import Mode
from lambdalab.rules.retries import Outcome
from lambdalab.rules.services import SERVICES, find
from lambdalab.widgets import CallPath
from lambdalab.widgets.call_path import TO_SORT
from lambdalab.widgets.call_path_story import story
from tests.browser.widget_page import opened, show, state

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as one:
        yield one


@pytest.fixture
def moving(browser: Browser) -> Iterator[Page]:
    with opened(browser, calm=False) as one:
        yield one


@pytest.fixture(params=[900, 560, 400])
def narrow(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return pages as wide as a cell, and as one beside an open side bar."""
    with opened(browser, request.param) as one:
        yield one


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(lang: Language) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/04.ipynb")

    choose("en")
    return choose


def steps(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".ll-steps li span:last-child").all_inner_texts()]


OVERLAPS = """() => {
  const found = [];
  for (const { id } of model.get("services")) {
    model.set("service", id);
    const all = [...document.querySelectorAll("svg.ll-path text")].map((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return { left, right, top: top + 3, bottom: bottom - 3, text: one.textContent };
    });
    all.forEach((one, at) => all.slice(at + 1).forEach((two) => {
      const beside = one.right < two.left || two.right < one.left;
      const below = one.bottom < two.top || two.bottom < one.top;
      if (!beside && !below) found.push([id, one.text, two.text]);
    }));
    const path = document.querySelector("svg.ll-path").getBoundingClientRect();
    for (const one of all) {
      if (one.left < path.left - 1 || one.right > path.right + 1) found.push([id, one.text]);
    }
    if (document.documentElement.scrollWidth > innerWidth) found.push([id, "too wide"]);
  }
  return found;
}"""

PLAYED = """() => {
  const boxes = () => document.querySelectorAll(".ll-box").length;
  const told = [];
  for (const { id } of model.get("services")) {
    model.set("service", id);
    for (const outcome of ["success", "error", "throttled"]) {
      document.querySelector(`.ll-play.ll-${outcome}`).click();
      told.push({
        id,
        outcome,
        steps: [...document.querySelectorAll(".ll-steps li > :last-child")].map(
          (one) => one.textContent,
        ),
        bad: document.querySelectorAll(".ll-part[data-on=bad]").length,
        boxes: boxes(),
        rules: document.querySelector(".ll-rules").textContent,
      });
    }
  }
  return told;
}"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_service_is_drawn_and_told(page: Page, say: Any, lang: Language) -> None:
    say(lang)
    show(page, CallPath())
    told = page.evaluate(PLAYED)
    assert len(told) == 3 * len(SERVICES)
    for one in told:
        service, outcome = find(one["id"]), Outcome(one["outcome"])
        assert one["steps"] == [step.text for step in story(service, outcome, lang)]
        assert one["boxes"] == (2 if service.mode is Mode.SYNC else 3)
        assert one["bad"] == (outcome is not Outcome.SUCCESS)
        assert service.note[lang] in one["rules"]


def test_services_are_chosen_with_the_arrow_keys(page: Page, say: Any) -> None:
    show(page, CallPath())
    page.locator(".ll-chip[aria-checked=true]").focus()
    for key, name in (("ArrowRight", 1), ("ArrowLeft", 0), ("ArrowLeft", -1), ("Home", 0)):
        page.keyboard.press(key)
        assert state(page, "service") == SERVICES[name].id
        checked = page.locator(".ll-chip[aria-checked=true]")
        assert checked.evaluate("one => one === document.activeElement")


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
    assert narrow.evaluate(OVERLAPS) == []


def test_nothing_goes_on_after_the_view_is_gone(moving: Page, say: Any) -> None:
    show(moving, CallPath("s3"))
    moving.get_by_role("button", name="it works").click()
    moving.evaluate("forget()")
    before = len(steps(moving))
    moving.wait_for_timeout(1700)
    assert len(steps(moving)) == before
    assert moving.evaluate("Object.values(model.heard).flat().length") == 0
