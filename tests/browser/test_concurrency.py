"""The concurrency lab and the memory-cost curve in a real browser.

The first half pins the scripts' numbers to Python's, request by request; the second half does
what a person does, in JupyterLab.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lambdalab.i18n import LANGUAGES, Language, message
from lambdalab.rules.concurrency import reserved_problem
from lambdalab.rules.pricing import Usage, bill
from lambdalab.sim import Scenario, simulate
from lambdalab.sim.result import TracedRequest
from lambdalab.widgets.concurrency import unit_draws
from lambdalab.widgets.concurrency_presets import PRESETS
from lambdalab.widgets.concurrency_rules import prices_for_view, problems, rules_for_view
from lambdalab.widgets.concurrency_setting import Setting
from lambdalab.widgets.memory_curve import curve
from tests.browser.chromium import NotebookPage
from tests.browser.twin import scripts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.jupyter import JupyterLab, Theme

SIMULATE = """([setting, draws, rules, prices]) => {
  const decode = (text) =>
    new Float64Array(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const known = draws.map((one) =>
    Object.fromEntries(Object.entries(one).map(([name, text]) => [name, decode(text)])));
  const scenario = twin.asScenario(setting);
  const run = twin.runRequests(scenario, (index, name) => known[index][name], rules);
  const sums = twin.addUp(scenario, run, prices.billingStep);
  return {
    times: Array.from(run.times, (time) => time - sums.start),
    outcomes: Array.from(run.outcomes, (one) => (one === Infinity ? 1e300 : one)),
    indices: Array.from(run.indices),
    span: sums.span,
    width: sums.width,
    bins: { cold: Array.from(sums.bins.cold), throttled: Array.from(sums.bins.throttled) },
    functions: sums.functions.map((one) => ({
      ...one, latency: null, running: Array.from(one.running), ready: Array.from(one.ready),
      idling: Array.from(one.idling),
    })),
    usd: twin.monthly(sums.functions[0], sums.span, setting, prices).total,
  };
}"""


@pytest.fixture(scope="module")
def twin(browser: Browser) -> Iterator[Page]:
    with scripts(browser) as page:
        yield page


def in_browser(page: Page, setting: Setting) -> Any:
    draws = [
        {
            kind: base64.b64encode(
                unit_draws(setting.seed, one.name, kind, setting.requests)
            ).decode()
            for kind in ("arrivals", "exponential", "normal")
        }
        for one in setting.scenario().functions
    ]
    return page.evaluate(SIMULATE, [setting.to_json(), draws, rules_for_view(), prices_for_view()])


def some_settings(count: int) -> list[Setting]:
    """Return settings from all over the place that AWS would take."""
    dice = random.Random(8)
    found: list[Setting] = []
    while len(found) < count:
        requests = dice.choice([1, 40, 3000, 6000])
        setting = Setting(
            rate=dice.choice([0.2, 5.0, 80.0, 700.0, 3000.0]),
            arrivals=dice.choice(["poisson", "constant", "burst"]),
            burst_size=dice.choice([1, 50, 1500]),
            burst_every=dice.choice([1.0, 7.5, 60.0]),
            duration_kind=dice.choice(["constant", "exponential", "lognormal"]),
            duration=dice.choice([0.003, 0.4, 6.0]),
            duration_cv=dice.choice([0.3, 1.0, 3.0]),
            init=dice.choice([0.0, 0.25, 3.0]),
            idle=dice.choice([0.5, 5.0, 600.0]),
            reserved=dice.choice([None, None, 0, 3, 40, 300]),
            provisioned=dice.choice([0, 0, 1, 3, 40, 200]),
            account=dice.choice([120, 500, 1000, 5000]),
            other_rate=dice.choice([0.0, 0.0, 4.0, 200.0]),
            other_duration=dice.choice([0.05, 1.0, 4.0]),
            other_reserved=dice.choice([None, None, 0, 20]),
            memory=dice.choice([128, 1769, 10_240]),
            architecture=dice.choice(["x86_64", "arm64"]),
            requests=requests,
            warmup=dice.choice([0, requests // 10, requests // 2]) if requests > 1 else 0,
            seed=dice.randrange(1000),
        )
        if not problems(setting):
            found.append(setting)
    return found


def kind_of(one: TracedRequest) -> str:
    if one.cause is not None:
        return one.cause
    if one.provisioned:
        return "provisioned"
    return "warm" if one.init is None else "cold"


def kind_in_browser(outcome: float, idle: float) -> str:
    named = {-1.0: "concurrency", -2.0: "scaling", -3.0: "rate", -4.0: "provisioned"}
    return named.get(outcome) or ("cold" if outcome >= idle else "warm")


def peak(trace: tuple[TracedRequest, ...], name: str) -> int:
    """Return the most requests of a function at one time, by looking at all of them."""
    served = [one for one in trace if one.function == name and one.cause is None]
    starts = np.array([one.time for one in served])
    ends = np.sort([one.time + one.duration + (one.init or 0.0) for one in served])
    return int(
        max((np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, "right")), default=0)
    )


def compare(page: Page, setting: Setting) -> None:
    scenario: Scenario = setting.scenario()
    result = simulate(scenario, trace=scenario.requests)
    found = in_browser(page, setting)
    names = [one.name for one in scenario.functions]
    fates = [
        (names[index], kind_in_browser(outcome, setting.idle))
        for index, outcome in zip(found["indices"], found["outcomes"], strict=True)
    ]
    assert fates[setting.warmup :] == [(one.function, kind_of(one)) for one in result.trace]
    assert found["times"][setting.warmup :] == pytest.approx([one.time for one in result.trace])
    assert found["span"] == pytest.approx(result.seconds)
    for one, name in zip(found["functions"], names, strict=True):
        wanted = result.functions[name]
        for count in ("requests", "served", "cold", "provisioned", "throttled"):
            assert one[count] == getattr(wanted, count), count
        assert {cause: n for cause, n in one["causes"].items() if n} == wanted.throttle_causes
        # Sums are as exact as the moments they are differences of.
        near = 1e-9 * max(1.0, *np.abs(found["times"]))
        close = {"rel": 1e-6, "abs": near}
        assert one["meanConcurrency"] == pytest.approx(wanted.mean_concurrency, **close)
        assert one["meanEnvironments"] == pytest.approx(wanted.mean_environments, **close)
        for percent in ("p50", "p99"):
            latency = wanted.latency[percent]
            assert one[percent] == (latency and pytest.approx(latency, rel=1e-9))
        area = sum(one["running"]) + sum(one["ready"])
        assert area * found["width"] == pytest.approx(
            wanted.mean_concurrency * found["span"], rel=1e-6, abs=1e-6
        )
        if not setting.warmup:
            assert one["peak"] == peak(result.trace, name)
    first = result.functions[setting.name]
    assert sum(found["bins"]["cold"]) == first.cold
    assert sum(found["bins"]["throttled"]) == first.throttled
    alone = dataclasses.replace(result, functions={setting.name: first})
    # Python bills whole requests, and a month of few of them rounds that number.
    assert found["usd"] == pytest.approx(alone.monthly(free_tier=False).total, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_every_request_of_a_preset_fares_as_in_python(twin: Page, name: str) -> None:
    compare(twin, PRESETS[name])


def test_every_request_of_any_setting_fares_as_in_python(twin: Page) -> None:
    seen = set()
    for setting in some_settings(60):
        compare(twin, setting)
        result = simulate(setting.scenario())
        seen |= {cause for one in result.functions.values() for cause in one.throttle_causes}
    assert seen == {"concurrency", "scaling", "rate"}


def test_the_same_settings_are_refused_in_the_same_words(twin: Page) -> None:
    dice = random.Random(4)
    some = [
        Setting(
            reserved=dice.choice([None, 0, 1, 50, 400, 900, 901, 1500]),
            provisioned=dice.choice([0, 1, 50, 51, 800, 900, 901]),
            account=dice.choice([10, 100, 101, 500, 1000]),
            other_rate=dice.choice([0.0, 1.0]),
            other_reserved=dice.choice([None, 0, 10, 500, 900]),
        )
        for _ in range(400)
    ]
    found = twin.evaluate(
        "([all, rules]) => all.map((one) => Object.fromEntries("
        "Object.entries(twin.problemsOf(one, rules)).map(([field, { said }]) => [field, said])))",
        [[one.to_json() for one in some], rules_for_view()],
    )
    assert found == [problems(one) for one in some]
    assert {field for one in found for field in one} == {
        "reserved",
        "other_reserved",
        "provisioned",
    }


def test_a_bill_is_the_rulebooks(twin: Page) -> None:
    dice = random.Random(5)
    for _ in range(200):
        usage = Usage(
            requests=dice.choice([0, 10, 999_999, 50_000_000]),
            compute=10 ** dice.uniform(0, 11),
            provisioned_held=dice.choice([0.0, 1e6]),
            provisioned_used=dice.choice([0.0, 3e5]),
            architecture=dice.choice(["x86_64", "arm64"]),
        )
        free = dice.random() < 0.5
        found = twin.evaluate(
            "([usage, prices, free]) => twin.bill(usage, prices, free).total",
            [
                {
                    "requests": usage.requests,
                    "compute": usage.compute,
                    "held": usage.provisioned_held,
                    "used": usage.provisioned_used,
                    "architecture": usage.architecture,
                },
                prices_for_view(),
                free,
            ],
        )
        assert found == pytest.approx(bill(usage, free_tier=free).total)


# -- in JupyterLab ------------------------------------------------------------------------

CPU = [(128, 5600.0), (512, 1400.0), (1024, 700.0), (1769, 400.0), (3008, 390.0)]
CELLS = (
    "from lambdalab.widgets import ConcurrencyLab, MemoryCost\n"
    'lab = ConcurrencyLab(preset="noisy-neighbour")\nlab',
    f'memory = MemoryCost({{"cpu": {CPU}, "io": [(128, 300.0), (3008, 210.0)]}})\nmemory',
    "import json\nprint(json.dumps([lab.setting, lab.other, memory.memory]))",
)
MEASURE = """(selector) => {
  // Event Timing: from the time stamp of the input to the paint that shows what it did.
  window.taken = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (one.name === "keydown" && one.target?.matches?.(selector)) taken.push(one.duration);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
  // And by hand: a message sent in a frame arrives when that frame has been painted.
  window.byHand = [];
  document.querySelector(selector).addEventListener("input", (event) => {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => byHand.push(performance.now() - event.timeStamp);
      port2.postMessage(null);
    }));
  });
}"""
LIMIT_MS = 250
"""For the best quarter of many: other tests may hold the processors meanwhile. On a machine
with nothing else to do the median is well under 100 ms."""


def notebook(course: JupyterLab, lang: Language) -> str:
    place = Path("widgets") / lang / "lab.ipynb"
    file = course.folder / place
    file.parent.mkdir(parents=True, exist_ok=True)
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    whole = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    file.write_text(json.dumps(whole), "utf-8")
    return place.as_posix()


def slider(lab: Locator, field: str) -> Locator:
    return lab.locator(f"[data-field={field}] input[type=range]")


def number(lab: Locator, field: str) -> Locator:
    return lab.locator(f"[data-field={field}] input[type=number]")


def card(lab: Locator, label: str) -> str:
    shown: str = lab.locator(".ll-card", has_text=label).first.locator("dd").inner_text()
    return shown


@pytest.fixture(scope="module", params=LANGUAGES)
def opened(
    request: pytest.FixtureRequest, browser: Browser, course: JupyterLab
) -> Iterator[tuple[NotebookPage, Language]]:
    lang: Language = request.param
    with NotebookPage.open(browser, course, notebook(course, lang)) as page:
        page.run_all()
        page.page.locator(".ll-concurrency .ll-lane.ll-own[d]").first.wait_for(
            state="attached", timeout=30_000
        )
        yield page, lang


def test_a_throttle_is_explained(opened: tuple[NotebookPage, Language]) -> None:
    page, lang = opened
    lab = page.page.locator(".ll-concurrency")
    api = simulate(PRESETS["noisy-neighbour"].scenario()).functions["api"]
    shown = card(lab, message("concurrency.number.throttled", lang))
    assert shown.replace("\n", " ").endswith(f"{api.throttled:,}")
    mark = lab.locator(".ll-refusals[tabindex='0']")
    mark.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")
    said = lab.locator(".ll-note").inner_text()
    assert "429 ConcurrentInvocationLimitExceeded" in said
    assert message("concurrency.pool.unreserved", lang) in said
    assert "1,000" in said
    assert "other" in said
    link = lab.locator(".ll-note a").first.get_attribute("href")
    assert link is not None
    assert link.endswith("lambda-concurrency.html")


def test_what_aws_would_refuse_is_said_at_the_field(
    opened: tuple[NotebookPage, Language],
) -> None:
    page, lang = opened
    lab = page.page.locator(".ll-concurrency")
    lab.locator("[data-field=reserved] input[type=checkbox]").check()
    number(lab, "reserved").fill("950")
    words = reserved_problem(950, account=1000, others=0)
    assert words is not None
    wrong = lab.locator("[data-field=reserved] .ll-problem")
    wrong.get_by_text(words).wait_for(timeout=5000)
    assert number(lab, "reserved").get_attribute("aria-invalid") == "true"
    assert message("concurrency.waiting.refused", lang) in lab.inner_text()
    number(lab, "reserved").fill("-1")
    least = message("concurrency.refuse.whole", lang, least="0", most="10,000")
    assert least in wrong.inner_text()
    number(lab, "reserved").fill("80")
    page.page.keyboard.press("Tab")
    page.page.wait_for_timeout(300)
    assert wrong.inner_text() == ""
    assert card(lab, message("concurrency.number.throttled", lang)).startswith("0 %")
    undo = lab.get_by_role("button", name=message("concurrency.tool.undo", lang))
    for _ in range(5):
        if undo.is_enabled():
            undo.click()
            page.page.wait_for_timeout(200)
    assert undo.is_disabled()
    assert not lab.locator("[data-field=reserved] input[type=checkbox]").is_checked()


def test_a_drag_is_painted_at_once(opened: tuple[NotebookPage, Language]) -> None:
    page, lang = opened
    lab = page.page.locator(".ll-concurrency")
    name = message("concurrency.preset.five-seconds", lang)
    lab.locator("select").first.select_option(label=name)
    lab.locator(".ll-formula", has_text="500").wait_for(timeout=15_000)
    page.page.wait_for_timeout(1500)
    rate = slider(lab, "rate")
    rate.focus()
    selector = ".ll-concurrency [data-field=rate] input[type=range]"
    before = lab.locator(".ll-own.ll-lane").first.get_attribute("d")
    page.page.evaluate(MEASURE, selector)
    for _ in range(12):
        page.page.keyboard.press("ArrowRight")
        page.page.wait_for_timeout(150)
    for _ in range(12):
        page.page.keyboard.press("ArrowLeft")
        page.page.wait_for_timeout(150)
    page.page.wait_for_timeout(500)
    assert lab.locator(".ll-own.ll-lane").first.get_attribute("d") == before  # no new noise
    taken, by_hand = page.page.evaluate("() => [taken, byHand]")
    for what, found in (("Event Timing", taken), ("two frames later", by_hand)):
        print(
            f"{what}, {lang}: median {statistics.median(found):.0f} ms, "
            f"max {max(found):.0f} ms, n {len(found)}"
        )
    assert len(taken) >= 12
    assert statistics.quantiles(taken, n=4)[0] < LIMIT_MS


def test_two_settings_side_by_side(opened: tuple[NotebookPage, Language]) -> None:
    page, lang = opened
    lab = page.page.locator(".ll-concurrency")
    name = message("concurrency.preset.five-seconds", lang)
    lab.locator("select").first.select_option(label=name)
    lab.get_by_role("button", name=message("concurrency.tool.keep", lang)).click()
    number(lab, "duration").fill("0.5")
    number(lab, "duration").press("Enter")
    table = lab.locator(".ll-numbers table")
    row = table.locator(".ll-settings tr")
    row.get_by_text("0.5").wait_for(timeout=10_000)
    assert row.locator("td").all_inner_texts()[:2] == ["5", "0.5"]
    expected = table.locator("tr", has_text=message("concurrency.number.expected", lang))
    assert expected.locator("td").all_inner_texts() == ["500", "50", "−450"]
    assert len(lab.locator(".ll-kept").first.get_attribute("d") or "") > 1000
    lab.get_by_role("button", name=message("concurrency.tool.table", lang)).click()
    assert lab.locator(".ll-sheet tbody tr").count() == 12
    page.run_cell("cell-2")
    said = json.loads(page.cell("cell-2").locator(".jp-OutputArea-output").inner_text())
    assert (said[0]["duration"], said[1]["duration"]) == (0.5, 5.0)


def test_the_point_moves_along_the_memory_curve(opened: tuple[NotebookPage, Language]) -> None:
    page, lang = opened
    memory = page.page.locator(".ll-memory")
    memory.scroll_into_view_if_needed()
    handle = memory.locator(".ll-handle")
    best = curve("cpu", CPU).cheapest("x86_64").memory
    assert handle.get_attribute("aria-valuenow") == str(best)
    row = memory.locator("tbody tr").first
    assert message("memory.cheapest", lang) in row.inner_text()
    handle.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("PageUp")
    page.page.wait_for_timeout(200)
    assert handle.get_attribute("aria-valuenow") == "512"
    assert "1.40 s" in row.inner_text()
    price = curve("cpu", CPU).points
    million = next(one for one in price if one.memory == 512).usd["x86_64"] * 1e6
    assert f"${million:.2f}" in row.inner_text()
    memory.locator("select").select_option("arm64")
    page.page.wait_for_timeout(200)
    assert f"${million:.2f}" not in row.inner_text()
    page.page.evaluate(
        """() => { window.moved = [];
        document.querySelector(".ll-curves").addEventListener("pointermove", (event) => {
          requestAnimationFrame(() => requestAnimationFrame(() => {
            moved.push(performance.now() - event.timeStamp); })); }); }"""
    )
    box = memory.locator("svg.ll-curves").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    page.page.mouse.down()
    for step in range(20):
        page.page.mouse.move(box["x"] + (0.3 + 0.02 * step) * box["width"], middle)
        page.page.wait_for_timeout(30)
    page.page.mouse.up()
    page.page.wait_for_timeout(300)
    assert int(handle.get_attribute("aria-valuenow") or 0) > 900
    moved = page.page.evaluate("() => moved")
    print(f"memory, {lang}: median {statistics.median(moved):.0f} ms, max {max(moved):.0f} ms")
    assert statistics.quantiles(moved, n=4)[0] < LIMIT_MS


def test_it_can_be_looked_at(opened: tuple[NotebookPage, Language], artefacts: Path) -> None:
    page, lang = opened
    artefacts.mkdir(exist_ok=True)
    assert page.strangers == []
    assert page.complaints == []
    widgets = {name: page.page.locator(f".ll-{name}") for name in ("concurrency", "memory")}
    wanted: tuple[tuple[Theme, int], ...] = (("dark", 1280), ("light", 1280), ("light", 900))
    for theme, width in wanted:
        if width == 1280:
            page.choose_theme(theme)
        page.page.set_viewport_size({"width": width, "height": 2800})
        page.page.wait_for_timeout(1000)
        for name, widget in widgets.items():
            widget.screenshot(path=artefacts / f"{name}-{lang}-{theme}-{width}.png")
            sides = widget.evaluate("node => [node.scrollWidth, node.clientWidth]")
            assert sides[0] <= sides[1]
            drawn = widget.locator(".ll-picture").evaluate(
                "node => [node.clientWidth, node.querySelector('svg').width.baseVal.value]"
            )
            assert abs(drawn[0] - drawn[1]) <= 1
            assert drawn[1] > 300
