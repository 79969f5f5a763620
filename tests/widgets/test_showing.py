"""Diagrams, tables of facts, and timelines in words."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest
from mermaid.flowchart import FlowChart, Link, Node

from lambdalab import rules
from lambdalab.i18n import LANGUAGES, Language
from lambdalab.rules import lifecycle, limits
from lambdalab.rules.source import Fact
from lambdalab.widgets import diagram, diagrams, facts
from lambdalab.widgets.drawing import MIME, DiagramError
from lambdalab.widgets.lanes import draw
from lambdalab.widgets.rulebook import FactError
from lambdalab.widgets.text import as_text, duration
from tests.widgets.records import Log, Story

_LABEL = re.compile(r'"[^"]*"')
_ARROW = re.compile(r"^\s*(\w+) \S+ (\w+)$")


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Language:
    """Read as somebody of each language; the running notebook's folder tells."""
    chosen: Language = request.param
    monkeypatch.setenv("JPY_SESSION_NAME", f"/course/lessons/{chosen}/01_lifecycle.ipynb")
    return chosen


def edges(script: str) -> list[tuple[str, str]]:
    bare = [_LABEL.sub("", line).replace("||", "") for line in script.splitlines()]
    return [(found[1], found[2]) for found in map(_ARROW.match, bare) if found]


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_both_languages_have_the_same_nodes_and_edges(name: str) -> None:
    scripts = {one: diagrams.draw(name, one).script for one in LANGUAGES}
    bare = {one: _LABEL.sub('""', text).split("---\n", 2)[-1] for one, text in scripts.items()}
    assert bare["en"] == bare["zh-TW"]
    assert scripts["en"] != scripts["zh-TW"]
    assert len(edges(scripts["en"])) >= 5


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_named_diagrams_are_shown_offline_with_words(name: str, lang: Language) -> None:
    shown = diagram(name)
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {MIME, "text/plain"}
    assert bundle["text/plain"] == diagrams.describe(name, lang) == repr(shown)
    assert f"accDescr: {shown.alt}" in bundle[MIME]
    assert "accTitle: " in bundle[MIME]
    assert "://" not in bundle[MIME]


def test_the_order_of_the_phases_is_the_rulebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    def chain(phase: str) -> list[tuple[str, str]]:
        script = diagrams.draw("lifecycle", "en").script
        return [edge for edge in edges(script) if all(end.endswith(f"_{phase}") for end in edge)]

    assert chain("init") == [
        ("extension_init", "runtime_init"),
        ("runtime_init", "function_init"),
    ]
    assert chain("shutdown") == [("runtime_shutdown", "extension_shutdown")]
    words = diagrams.describe("lifecycle", "en")
    assert "extension init → runtime init → function init" in words
    monkeypatch.setattr(diagrams, "INIT_ORDER", tuple(reversed(lifecycle.INIT_ORDER)))
    assert chain("init")[0] == ("function_init", "runtime_init")
    assert "function init → runtime init" in diagrams.describe("lifecycle", "en")


def test_a_graph_of_ones_own() -> None:
    graph = FlowChart("Mine", [one := Node("a"), two := Node("b")], [Link(one, two)])
    assert diagram(graph).alt == "Mine"
    shown = diagram(graph, alt="a leads to b;\nno more #1")
    lines = shown.script.splitlines()
    assert lines[3].startswith("flowchart")
    assert lines[4:6] == ["\taccTitle: Mine", "\taccDescr: a leads to b, no more 1"]
    assert shown._repr_mimebundle_()["text/plain"] == "a leads to b;\nno more #1"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("flowchart LR\n a --> b", 0),
        ("%% a remark\n\nsequenceDiagram\n A->>B: hi", 2),
        ("---\ntitle: T\n---\nstateDiagram-v2\n a --> b", 3),
    ],
)
def test_mermaid_text(text: str, after: int) -> None:
    given, shown = text.splitlines(), diagram(text, alt="words").script.splitlines()
    assert shown[: after + 1] == given[: after + 1]
    assert shown[after + 1 : after + 3] == ["\taccTitle: words", "\taccDescr: words"]
    assert shown[after + 3 :] == given[after + 1 :]


@pytest.mark.parametrize("text", ["flowchart LR; a --> b;", "pie\n accDescr: mine\n 'a' : 1"])
def test_mermaid_text_that_is_left_alone(text: str) -> None:
    assert diagram(text, alt="words").script == text.rstrip("\n") + ("\n" if ";" in text else "")


def test_what_cannot_be_drawn(lang: Language) -> None:
    with pytest.raises(DiagramError, match="lifecycle, sandbox"):
        diagram("lifecycel")
    with pytest.raises(DiagramError, match="int"):
        diagram(3)


def test_facts_in_both_languages(lang: Language) -> None:
    table = facts(
        limits.MEMORY_MAX, limits.PAYLOAD_SYNC, lifecycle.INIT_TIMEOUT, lifecycle.IDLE_LIFETIME
    )
    text = table._repr_html_()
    assert f"<table lang='{lang}'>" in text
    assert limits.MEMORY_MAX.label[lang] in text
    assert "10,240 MB" in text
    assert "6 MB" in text
    assert "6,291,456" in text
    source = limits.MEMORY_MAX.source
    assert source is not None
    assert f"href='{source.url}'" in text
    assert source.read.isoformat() in text
    assumption = {"en": "our assumption", "zh-TW": "本課程的假設"}[lang]
    assert text.count(f">{assumption}") == 1
    assert {"en": "10 s", "zh-TW": "10 秒"}[lang] in repr(table)
    assert len(repr(table).splitlines()) == 4


def test_every_fact_of_the_rulebook_can_be_shown(lang: Language) -> None:
    found = [
        value
        for one in pkgutil.walk_packages(rules.__path__, "lambdalab.rules.")
        for value in vars(import_module(one.name)).values()
        if isinstance(value, Fact)
    ]
    assert len(found) > 15
    text = facts(*found)._repr_html_()
    assert text.count("<tr>") == len(found) + 1
    assert "e-" not in "".join(re.findall(r"<td[^>]*>([\d.,e-]+)", text))


def test_small_and_plain_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/lessons/en/01.ipynb")
    label = {"zh-TW": "一", "en": "one"}
    assert repr(facts(Fact(3.09e-08, "USD", label, None))).startswith("one: 0.0000000309 USD [")
    assert repr(facts(Fact(0.2, "", label, None))).startswith("one: 0.2 [")
    assert repr(facts(Fact(6000, "bytes", label, None))).startswith("one: 6,000 bytes [")


def test_what_is_no_fact() -> None:
    with pytest.raises(FactError, match="facts"):
        facts()
    with pytest.raises(FactError, match="3"):
        facts(limits.MEMORY_MAX, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00081, "0.81 ms"), (0.0721, "72.1 ms"), (1.0, "1.00 s"), (125, "2 min 5 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_timeline_in_words() -> None:
    story = Story(Log())
    story.invoke()
    story.invoke("timeout", lasts=1.0)
    story.log.now += 2
    story.invoke()
    picture = draw(story.log.events)
    english, chinese = as_text(picture, "en"), as_text(picture, "zh-TW")
    assert len(english.splitlines()) == len(chinese.splitlines()) == 2 + 1 + len(picture.items)
    for word in ("cold start", "timeout", "suppressed init", "no process", "aaaaaaaa"):
        assert word in english
    assert "冷啟動" in chinese
    few = as_text(picture, "en", function="hello", limit=3)
    assert few.startswith("Execution environments of hello")
    assert f"{len(picture.items) - 3} older items" in few
    assert as_text(draw([]), "zh-TW").endswith("就會出現在這裡。")
