"""The poller view in Chromium: time dragged to and fro, records followed, steps as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import LANGUAGES, Language
from lambdalab.sandbox import events as ev
from lambdalab.widgets import PollerView
from lambdalab.widgets.poller_lanes import Place
from tests.browser.widget_page import opened, show
from tests.widgets.records import Log
from tests.widgets.test_poller_view import QUEUE, STREAM, Pollers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHARD = "shardId-000000000000"
CHIPS = """() => [...document.querySelectorAll(".lp-chip")].map((one) =>
  one.getAttribute("aria-label"))"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as one:
        yield one


@pytest.fixture(autouse=True)
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(lang: Language) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/07.ipynb")

    choose("en")
    return choose


def queue(log: Log | None = None) -> Pollers:
    """Return a log in which one of three messages fails twice and is given up."""
    pollers = Pollers(QUEUE, log=log)
    pollers.add(ev.MappingStateChanged, state="Enabled")
    pollers.poll("a", "b", "c")
    pollers.start("one", "a", "b", "c", counts=(1, 1, 1))
    pollers.finish("one", "partial", "b")
    pollers.poll("b", after=30)
    pollers.start("two", "b", counts=(2,))
    pollers.finish("two", "error", "b", error="KeyError")
    pollers.log.add(
        ev.MessageRedriven,
        30.0,
        queue_arn=QUEUE,
        dead_letter_arn=f"{QUEUE}-dead",
        message="b",
        receive_count=2,
    )
    return pollers


def shard(log: Log | None = None) -> Pollers:
    """Return a log in which a shard is blocked and stays so."""
    pollers = Pollers(STREAM, SHARD, log)
    pollers.poll("1", "2", "3", "4")
    pollers.start("first", "1", "2")
    pollers.finish("first", "error", "1", "2", error="ValueError")
    due = pollers.log.now + 8
    pollers.add(ev.ShardBlocked, batch="first", attempt=2, due=due, waiting=2)
    return pollers


def go(page: Page, step: int) -> None:
    page.locator(".lp-track input").fill(str(step))


def test_time_is_dragged_to_and_fro(page: Page) -> None:
    show(page, PollerView.of(queue().log.events, "parcels"))
    assert page.locator(".ll-title").inner_text() == "Pollers of parcels"
    assert page.evaluate(CHIPS) == [
        "Record 1, done",
        "Record 3, done",
        "Record 2, moved to the DLQ, received 2 times",
    ]
    assert "sqs parcels-dead" in page.locator(".lp-column.lp-ends").inner_text()
    go(page, 3)
    assert page.evaluate(CHIPS) == [f"Record {n}, with the function" for n in (1, 2, 3)]
    assert page.locator(".lp-batch").count() == 1
    go(page, 4)
    assert "Record 2, failed, hidden until it is visible again" in page.evaluate(CHIPS)
    assert page.locator(".lp-batch-status").inner_text() == "½\nfailed in part"
    go(page, 5)
    assert page.locator(".lp-batch-head").count() == 0  # it was shown once more, and is gone
    go(page, 0)
    assert page.evaluate(CHIPS) == []
    assert "3 more are received later" in page.locator(".lp-column.lp-source").inner_text()
    assert page.get_by_label("Step back").is_disabled()


def test_time_goes_by_keys_and_by_buttons(page: Page) -> None:
    show(page, PollerView.of(queue().log.events))
    slider = page.locator(".lp-track input")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "Step 1 of 8" in page.locator(".lp-where").inner_text()
    assert "The mapping is now Enabled." in str(slider.get_attribute("aria-valuetext"))
    page.get_by_label("Next step").click()
    current = page.locator(".lp-steps li[aria-current=step]")
    assert "The poller receives #1–#3." in current.inner_text()
    page.get_by_label("To the newest step").click()
    assert "Step 8 of 8" in page.locator(".lp-where").inner_text()
    assert "+30 s" in current.inner_text()
    assert page.get_by_label("Next step").is_disabled()


def test_it_plays_to_the_end_and_stops(page: Page) -> None:
    show(page, PollerView.of(queue().log.events))
    page.clock.install()
    page.get_by_label("Play", exact=True).click()
    assert "Step 0 of 8" in page.locator(".lp-where").inner_text()
    page.clock.run_for(2000)
    assert "Step 2 of 8" in page.locator(".lp-where").inner_text()
    page.get_by_label("Pause").click()
    page.clock.run_for(2000)
    assert "Step 2 of 8" in page.locator(".lp-where").inner_text()
    page.get_by_label("Play", exact=True).click()
    page.clock.run_for(10_000)
    assert "Step 8 of 8" in page.locator(".lp-where").inner_text()
    assert page.get_by_label("Play", exact=True).is_visible()


def test_a_record_is_followed_through_the_steps(page: Page) -> None:
    show(page, PollerView.of(queue().log.events))
    page.locator(".lp-chip").first.focus()
    assert "once" in page.locator(".lp-details").inner_text()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    details = page.locator(".lp-details")
    assert "followed" in details.inner_text()
    assert page.locator(".lp-history li").count() == 7
    assert page.locator(".lp-to-come").count() == 0
    go(page, 4)
    assert "failed, hidden" in details.inner_text()
    assert page.locator(".lp-to-come").count() == 4
    assert page.locator(".lp-chip[aria-pressed=true]").count() == 1
    page.locator(".lp-chip[aria-pressed=true]").focus()
    page.keyboard.press("Escape")
    assert page.locator(".lp-chip[aria-pressed=true]").count() == 0


def test_a_blocked_shard_and_a_queue_that_goes_on(page: Page) -> None:
    log = Log()
    shard(log)
    queue(log)
    show(page, PollerView.of(log.events))
    assert page.locator(".lp-lane-box").count() == 2
    blocked = page.locator(".lp-is-blocked.lp-lane-box")
    assert "kinesis sensors · shardId-0" in blocked.inner_text()
    assert "2 records wait behind the blocked batch" in blocked.inner_text()
    waiting = blocked.locator(".lp-source .lp-chip")
    assert waiting.all_inner_texts() == ["3", "4"]
    boxes = [waiting.nth(place).bounding_box() for place in range(2)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] > boxes[1]["x"]  # what is next stands nearest to the function
    go(page, 4)
    assert "blocked: attempt 2 in 8 s" in blocked.inner_text()


def test_new_steps_are_shown_to_who_looks_at_the_newest(page: Page) -> None:
    pollers = Pollers()
    pollers.poll("a")
    view = PollerView.of(pollers.log.events)
    view.state = "live"
    show(page, view)
    pollers.start("batch", "a", counts=(1,))
    later = PollerView.of(pollers.log.events).message_whole()
    fresh = {**later, "kind": "delta", "n": 1, "cleared": False, "lanes": []}
    page.evaluate("(m) => model.tell(m)", {**fresh, "steps": later["steps"][1:]})
    page.wait_for_function("document.querySelectorAll('.lp-batch-head').length === 1")
    go(page, 1)
    page.locator(".lp-chip").focus()
    pollers.finish("batch", "success")
    last = PollerView.of(pollers.log.events).message_whole()["steps"][2:]
    page.evaluate("(m) => model.tell(m)", {**fresh, "n": 2, "steps": last})
    page.wait_for_function("document.querySelector('.lp-track input').max === '3'")
    assert "Step 1 of 3" in page.locator(".lp-where").inner_text()  # who looks back, stays there
    assert page.evaluate("document.activeElement.className.includes('lp-chip')")
    page.evaluate(
        "(m) => model.tell(m)",
        {
            "kind": "delta",
            "n": 3,
            "now": 0,
            "cleared": True,
            "lanes": [],
            "steps": [],
            "dropped": 0,
        },
    )
    page.wait_for_selector(".lp-empty:visible")


def test_each_place_looks_different(page: Page) -> None:
    show(page, PollerView.of(queue().log.events))
    signs = page.evaluate(
        """async () => { const all = {};
        for (let step = 0; step <= 8; step += 1) {
          const slider = document.querySelector(".lp-track input");
          slider.value = step; slider.dispatchEvent(new Event("input"));
          for (const chip of document.querySelectorAll(".lp-chip")) {
            const place = [...chip.classList].find((one) => one.startsWith("lp-at-")).slice(6);
            (all[place] ??= new Set()).add(chip.querySelector(".lp-chip-sign")?.textContent ?? "");
          }
        }
        return Object.fromEntries(Object.entries(all).map(([one, set]) => [one, [...set]])); }"""
    )
    assert set(signs) <= {place.value for place in Place}
    assert len(signs) == 5
    assert all(len(each) == 1 for each in signs.values())
    assert len({each[0] for each in signs.values()}) == len(signs)


def test_thousands_of_steps_are_quick(page: Page) -> None:
    pollers = Pollers()
    for number in range(900):
        names = [f"{number}-{one}" for one in range(10)]
        pollers.poll(*names)
        pollers.start(f"{number}", *names, counts=[1] * 10)
        pollers.finish(f"{number}", "success")
    show(page, PollerView.of(pollers.log.events))
    took = page.evaluate(
        """() => { const begun = performance.now();
        document.querySelector("[aria-label='Step back']").click();
        return performance.now() - begun; }"""
    )
    assert took < 1000
    assert "+8970" in page.locator(".lp-more-chips").inner_text()
    page.get_by_label("Show as table").check()
    assert page.locator(".lp-sheet tbody tr").count() == 2700


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [900, 480])
def test_nothing_is_too_wide(browser: Browser, say: Any, lang: Language, width: int) -> None:
    say(lang)
    log = Log()
    shard(log)
    queue(log)
    with opened(browser, width) as page:
        show(page, PollerView.of(log.events))
        for step in (4, 7, 9, 12):
            go(page, step)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_are_kept_from_the_notebook(page: Page) -> None:
    """JupyterLab looks at the focused element itself for this."""
    show(page, PollerView.of(queue().log.events))
    bare = "button, input, select, [tabindex]"
    assert page.locator(bare).count() > 8
    assert page.locator(f":is({bare}):not([data-lm-suppress-shortcuts])").count() == 0


def test_nothing_goes_on_after_the_view_is_gone(page: Page) -> None:
    show(page, PollerView.of(queue().log.events))
    page.get_by_label("Play", exact=True).click()
    page.evaluate("forget()")
    before = page.locator(".lp-where").inner_text()
    page.wait_for_timeout(1000)
    assert page.locator(".lp-where").inner_text() == before
    assert (
        page.evaluate(
            "Object.entries(model.heard).filter(([n, l]) => n !== 'msg:custom' && l.length)"
        )
        == []
    )
