"""The retry timeline in Chromium: the twin of the rules, the plan by keys, events as they come."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.rules import limits
from lambdalab.rules.retries import Outcome, Retry
from lambdalab.widgets import RetryTimeline
from lambdalab.widgets.lengths import length
from lambdalab.widgets.live import asset
from lambdalab.widgets.retry_plan import RetryPlan, rules_for_plan
from lambdalab.widgets.retry_rows import ROWS
from lambdalab.widgets.retry_text import plan_sentences
from tests.browser.widget_page import opened, show, state
from tests.widgets.test_retry_timeline import Queue

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as one:
        yield one


@pytest.fixture(autouse=True)
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    def choose(lang: Language) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", f"/lessons/{lang}/05.ipynb")

    choose("en")
    return choose


def told(page: Page) -> list[str]:
    return page.locator(".lr-steps li").all_inner_texts()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def some_plans(count: int) -> list[RetryPlan]:
    """Return plans from all over, the same each time."""
    chance = random.Random(5)
    outcomes = list(Outcome)
    times = [0, 1, 7, 60, 600, 3600, 10_000, 21_600]
    return [
        RetryPlan(
            first=chance.choice(outcomes),
            until_s=chance.choice(times),
            then=chance.choice(outcomes),
            changed={
                chance.randint(1, 15): chance.choice(outcomes) for _ in range(chance.randint(0, 3))
            },
            max_retries=chance.randint(0, limits.ASYNC_RETRIES.value),
            max_age_s=chance.choice([60, 61, 63, 100, 1000, 21_600]),
            duration_s=chance.choice([0, 0.25, 30, 900]),
            late=chance.random() < 0.5,
        )
        for _ in range(count)
    ]


def test_the_twin_plans_and_tells_as_the_rulebook_does(page: Page) -> None:
    files = ("common.js", "timeline_shapes.js", "lengths.js", "retry_words.js", "retry_rules.js")
    script = asset(*files)
    page.add_script_tag(
        content=f"(() => {{ {script}\nwindow.twin = {{ scheduled, PlanWords, lengthOf }}; }})()"
    )
    plans = some_plans(150)
    for lang in LANGUAGES:
        found = page.evaluate(
            """([plans, rules, labels, lang]) => {
              const say = (key, values = {}) =>
                labels[key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name] ?? "");
              const words = new twin.PlanWords(say, lang, rules);
              return plans.map((plan) => {
                const attempts = twin.scheduled(plan, rules);
                return { attempts, told: words.sentences(plan, attempts) };
              });
            }""",
            [
                [plan.to_json() for plan in plans],
                rules_for_plan(lang),
                dict(messages("retry_timeline", lang)),
                lang,
            ],
        )
        for plan, one in zip(plans, found, strict=True):
            attempts = plan.attempts()
            assert len(one["attempts"]) == len(attempts)
            for here, there in zip(attempts, one["attempts"], strict=True):
                assert (here.number, here.outcome) == (there["number"], there["outcome"])
                assert there["time"] == here.time_s  # to the last bit
                if isinstance(here.decision, Retry):
                    assert there["decision"]["delay"] == here.decision.delay_s
                    assert there["decision"]["cause"] == here.decision.cause
                else:
                    assert there["decision"]["condition"] == here.decision.condition
            assert one["told"] == plan_sentences(plan, lang)
    for seconds in (0, 0.0004, 0.07, 0.3, 1.05, 33.6, 59.96, 63, 299.5, 3599.6, 21_585):
        label = page.evaluate(
            "(seconds) => twin.lengthOf(seconds, (key, { n } = {}) => "
            "key === 'unit.join' ? ' ' : `${n} ${key.slice(5)}`)",
            seconds,
        )
        assert label == length(seconds, "en")


def test_the_lesson_s_questions_are_answered_by_the_plan(page: Page) -> None:
    show(page, RetryTimeline())
    assert len(told(page)) == 4
    slider = page.get_by_label("for", exact=True).last
    slider.focus()
    page.keyboard.press("End")
    assert "From attempt 10 on, each wait is 5 min" in told(page)[0]
    assert state(page, "setting")["until_s"] == limits.ASYNC_AGE_MAX.value
    field = page.get_by_label("for", exact=True).first
    field.fill("3600")
    field.press("Enter")
    assert "Retry 1 of 2 comes after 1 min" in told(page)[1]
    assert "sent back used none" in told(page)[-1]
    page.get_by_role("button", name="Reset").click()
    # A notebook keeps Enter from changing a field by itself.
    page.evaluate(
        "document.addEventListener('keydown', (e) => e.key === 'Enter' && e.preventDefault(), true)"
    )
    age = page.get_by_label("MaximumEventAgeInSeconds").first
    age.fill("60")
    age.press("Enter")
    assert len(told(page)) == 2
    assert "EventAgeExceeded" in told(page)[-1]
    assert page.locator(".lr-mark").count() == 1
    age.fill("59")
    age.press("Enter")
    assert "21,600" in page.locator(".lr-problem").nth(1).inner_text()
    assert state(page, "setting")["max_age_s"] == 60
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    assert state(page, "setting") == RetryPlan(until_s=21_600).to_json()


def test_an_attempt_gets_another_outcome_by_hand_and_by_key(page: Page) -> None:
    show(page, RetryTimeline())
    page.locator(".lr-mark").first.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "Attempt 2, function error, at 1 min"
    page.keyboard.press("Enter")
    assert state(page, "setting")["changed"] == {"2": "throttled"}
    assert focused(page) == "Attempt 2, throttled (429), at 1 min"
    assert "Attempt 2 is now: throttled (429)" in page.locator(".ll-note").first.inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert state(page, "setting")["changed"] == {"2": "success"}
    assert told(page)[-1] == "Done at 1 min, at the attempt with number 2."
    page.locator(".lr-mark").nth(1).click()
    assert state(page, "setting")["changed"] == {}  # as the rule has it, again
    page.locator(".lr-mark").first.click()
    page.get_by_text("Let all attempts go by the rule again").click()
    assert state(page, "setting")["changed"] == {}


def test_many_attempts_are_one_mark_until_there_is_room(page: Page) -> None:
    plan = RetryPlan(until_s=21_600)
    show(page, RetryTimeline(plan=plan))
    marks = page.locator(".lr-mark")
    on_log = marks.count()
    assert 8 < on_log < len(plan.attempts())
    assert "×" in (marks.last.text_content() or "")
    page.get_by_role("button", name="linear").click()
    assert marks.count() < on_log
    page.get_by_label("Show as table").check()
    rows = page.locator(".lr-sheet tbody tr")
    assert rows.count() == len(plan.attempts())
    assert rows.nth(9).inner_text().split("\t")[3:5] == ["5 min", "throttle"]


def test_events_are_drawn_named_and_explained(page: Page) -> None:
    queue = Queue()
    queue.run("first000-1", "success")
    queue.run("second00-2", "error", "throttled", "success")
    show(page, RetryTimeline.of(queue.log.events, "mailer"))
    names = page.locator(".lr-mark").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert len(names) == 4
    assert names[1] == "Attempt 2, throttled (429), at 1 min; event second00"
    looks = page.locator(".lr-outcome").evaluate_all("all => all.map(one => one.innerHTML)")
    assert len(set(looks)) == 5  # each outcome has a shape: the key tells them apart
    page.locator(".lr-mark").first.focus()
    details = page.locator(".lr-details")
    assert "ConnectionError" in details.inner_text()
    assert "second00-2" in details.inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert focused(page).endswith("event first000")
    assert "kept open" in details.inner_text()
    page.keyboard.press("Escape")
    assert "first000-1" in details.inner_text()


def test_what_waits_moves_with_service_time(page: Page) -> None:
    queue = Queue()
    queue.accept("open")
    queue.attempt("open", 1, "error")
    queue.again("open", 2, 60.0, "function-error")
    timeline = RetryTimeline.of(queue.log.events)
    timeline.state = "live"
    show(page, timeline)
    begun = queue.log.now
    page.evaluate("(m) => model.tell(m)", {"kind": "clock", "now": begun + 20, "pace": 0})
    page.wait_for_selector(".lr-end:has-text('attempt 2 in 40 s')")
    assert page.locator(".lr-now").count() == 1
    page.evaluate("(m) => model.tell(m)", {"kind": "clock", "now": begun + 50, "pace": 0})
    page.wait_for_selector(".lr-end:has-text('attempt 2 in 10 s')")
    queue.log.now += 60
    queue.attempt("open", 2, "success")
    after = RetryTimeline.of(queue.log.events).message_whole()
    page.evaluate("(m) => model.tell(m)", {**after, "kind": "delta", "n": 1})
    page.wait_for_selector(".lr-end.lr-success")
    assert page.locator(".lr-open").count() == 0


def test_a_thousand_events_are_few_rows(page: Page) -> None:
    queue = Queue()
    for number in range(1000):
        queue.run(f"{number:08}", *["throttled"] * (number % 15), "success")
    show(page, RetryTimeline.of(queue.log.events))
    assert "… and" in page.locator(".lr-left").inner_text()
    assert page.locator(".lr-name").count() == ROWS
    page.get_by_text("Show 12 more rows").click()
    assert state(page, "state") == "still"
    assert page.evaluate("model.sent.filter((one) => one.do === 'more').length") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [900, 560])
def test_nothing_is_cut_off(browser: Browser, say: Any, lang: Language, width: int) -> None:
    say(lang)
    queue = Queue()
    queue.run("first000-1", *["throttled"] * 14, "error")
    for widget in (RetryTimeline(plan=RetryPlan(until_s=3600)), RetryTimeline.of(queue.log.events)):
        with opened(browser, width) as page:
            show(page, widget)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            cut = page.locator("svg.lr-attempts text").evaluate_all(
                """all => { const box = all[0].ownerSVGElement.getBoundingClientRect();
                return all.map((one) => [one.textContent, one.getBoundingClientRect()])
                  .filter(([, r]) => r.left < box.left - 1 || r.right > box.right + 1)
                  .map(([text]) => text); }"""
            )
            assert cut == []


def test_keys_are_kept_from_the_notebook(page: Page) -> None:
    """JupyterLab looks at the focused element itself for this."""
    show(page, RetryTimeline())
    bare = "button, input, select, summary, [tabindex]"
    assert page.locator(bare).count() > 12
    assert page.locator(f":is({bare}):not([data-lm-suppress-shortcuts])").count() == 0


def test_nothing_goes_on_after_the_view_is_gone(page: Page) -> None:
    show(page, RetryTimeline())
    page.evaluate("forget()")
    assert (
        page.evaluate(
            "Object.entries(model.heard).filter(([n, l]) => n !== 'msg:custom' && l.length)"
        )
        == []
    )
