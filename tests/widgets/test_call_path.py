"""The call path without a browser: what it tells of each service, and what it refuses."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

from lambdalab.i18n import LANGUAGES, Language, messages
from lambdalab.rules import limits
from lambdalab.rules.invoking import Mode
from lambdalab.rules.retries import Outcome, Policy, schedule
from lambdalab.rules.services import SERVICES, find
from lambdalab.widgets import CallPath
from lambdalab.widgets.call_path import TO_SORT, CallPathError
from lambdalab.widgets.call_path_story import PARTS, story
from lambdalab.widgets.call_path_view import OUTCOMES, rows, service_for_view


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Language:
    """Read as somebody of each language; the running notebook's folder tells."""
    chosen: Language = request.param
    monkeypatch.setenv("JPY_SESSION_NAME", f"/course/lessons/{chosen}/04_synchronous.ipynb")
    return chosen


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_both_languages_tell_the_same_story(outcome: Outcome) -> None:
    for service in SERVICES:
        told = {one: story(service, outcome, one) for one in LANGUAGES}
        shapes = {one: [(step.part, step.bad) for step in told[one]] for one in LANGUAGES}
        assert shapes["en"] == shapes["zh-TW"]
        assert {step.part for step in told["en"]} <= set(PARTS)
        assert all(step.text and "{" not in step.text for one in told.values() for step in one)
        failed = outcome is not Outcome.SUCCESS
        assert any(step.bad for step in told["en"]) == failed
        assert (told["en"][-1].part == "keep") == failed


def test_the_attempts_are_the_rulebook_s() -> None:
    steps = story(find("s3"), Outcome.ERROR, "en")
    attempts = [step for step in steps if step.part == "function"]
    assert len(attempts) == limits.ASYNC_RETRIES.value + 1
    plan = schedule([Outcome.ERROR] * 9, Policy(lag=0))
    assert [step.at for step in attempts] == [
        f"+{one.time_s / 60:g} min" if one.time_s else "+0 s" for one in plan
    ]
    refused = schedule([Outcome.THROTTLED] * 999, Policy(lag=0))
    assert f"{len(refused)} times" in story(find("s3"), Outcome.THROTTLED, "en")[-1].text


def test_only_one_who_waits_gets_an_answer() -> None:
    for service in SERVICES:
        parts = {step.part for step in story(service, Outcome.ERROR, "en")}
        assert ("answer" in parts) == (service.mode is Mode.SYNC)
        assert ("ack" in parts) == (service.mode is Mode.ASYNC)
        assert ("poll" in parts) == (service.mode is Mode.POLL)


def test_a_service_in_words(lang: Language) -> None:
    text = CallPath("cloudformation", compare="sqs").to_text()
    assert find("cloudformation").name[lang] in text
    assert {"en": "asynchronous", "zh-TW": "非同步"}[lang] in text
    assert "sqs:ReceiveMessage" in text
    assert "3,600" in text
    assert find("sqs").source.url in text
    for key, _ in rows(find("sqs"), lang):
        assert messages("call_path", lang)[f"row.{key}"] in text
    bundle = CallPath("s3")._repr_mimebundle_()
    assert bundle is not None
    assert "s3.amazonaws.com" in bundle["text/plain"]


def test_the_view_gets_every_word_it_needs(lang: Language) -> None:
    widget = CallPath()
    assert [one["id"] for one in widget.services] == [one.id for one in SERVICES]
    assert widget.services[0] == service_for_view(SERVICES[0], lang)
    assert (widget.service, widget.view, widget.compare) == ("invoke", "path", "")
    known = widget.labels
    folder = resources.files("lambdalab.widgets") / "static"
    for name in ("call_path.js", "call_path_picture.js", "call_path_sort.js"):
        script = (folder / name).read_text(encoding="utf-8")
        said = re.findall(r'say\("([a-z_.]+)"', script)
        assert said
        assert [key for key in said if key not in known] == []
        starts = re.findall(r"say\(`([a-z_.]+)\$\{", script)
        assert [one for one in starts if not any(key.startswith(one) for key in known)] == []
    for one in widget.services:
        assert f"part.keeper_{one['keeper']}" in known
        assert f"permission.{one['permission']}" in known


def test_sorting(lang: Language) -> None:
    widget = CallPath(view="sort")
    assert [one["id"] for one in widget.services] == list(TO_SORT)
    assert {find(name).mode for name in TO_SORT} == set(Mode)
    assert widget.right == 0
    widget.placed = {"s3": "async", "sqs": "sync"}
    assert widget.right == 1
    lines = widget.to_text().splitlines()
    assert lines.index("  SQS") < lines.index("  S3") < lines.index("  SNS")
    assert str(len(TO_SORT) - 2) in widget.to_text()
    assert repr(widget) == "<CallPath: sort>"


def test_a_choice_of_services() -> None:
    widget = CallPath(services=["sqs", "s3"])
    assert [one["id"] for one in widget.services] == ["sqs", "s3"]
    assert widget.service == "sqs"
    assert CallPath("s3", services=["sqs", "s3"]).service == "s3"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"service": "s4"}, "'s4'"),
        ({"service": "alb", "services": ["sqs", "s3"]}, "sqs, s3"),
        ({"compare": "s4"}, "'s4'"),
        ({"services": ["s4"]}, "api-gateway"),
        ({"services": []}, "at least one"),
        ({"view": "pathh"}, "sort"),
    ],
)
def test_what_does_not_exist(
    clean_environment: object, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", "en")
    with pytest.raises(CallPathError, match=said):
        CallPath(**given)
