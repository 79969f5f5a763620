"""The scripts and styles that go to the browser: complete, and never from elsewhere."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from lambdalab.i18n import LANGUAGES, messages
from lambdalab.widgets import Monitor, Timeline

FOLDER = resources.files("lambdalab.widgets") / "static"
FILES = sorted(file.name for file in FOLDER.iterdir() if file.is_file())
_NAMESPACE = '"http://www.w3.org/2000/svg"'
_FETCHES = re.compile(
    r"://|(?<!!)\bimport\s*[({\"'*\w]|\brequire\s*\(|\bfetch\s*\(|XMLHttpRequest|WebSocket"
    r"|EventSource|sendBeacon|@import|\burl\((?!#)|\beval\s*\(|new Function|\.innerHTML"
)
_SAID = re.compile(r'"((?:timeline|monitor|common)\.[a-z_.]+)"')
_TEMPLATE = re.compile(r"`((?:timeline|monitor|common)\.[a-z_.]+\.)\$\{")


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_there_is_something_to_look_at() -> None:
    assert {"common.css", "common.js", "monitor.js", "timeline.css", "timeline.js"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    """No address, no import, no request, and no text turned into markup or code."""
    text = read(name).replace(_NAMESPACE, "")
    assert _FETCHES.findall(text) == []


def test_the_search_would_find_one() -> None:
    for line in (
        'import x from "https://esm.sh/x"',
        'import "./x.js"',
        "await import('x')",
        "fetch('/api')",
        "background: url(//cdn/x.png)",
        "node.innerHTML = text",
    ):
        assert _FETCHES.search(line), line


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_that_is_said_exists(name: str, lang: str) -> None:
    known = messages("widgets", "en" if lang == "en" else "zh-TW")
    text = read(name)
    assert [key for key in _SAID.findall(text) if key not in known and "change:" not in key] == []
    for prefix in _TEMPLATE.findall(text):
        assert any(key.startswith(prefix) for key in known), prefix


def test_widgets_carry_only_the_messages_of_their_part() -> None:
    timeline = Timeline.of([])
    try:
        parts = {key.partition(".")[0] for key in timeline.labels}
        assert parts == {"timeline", "common"}
        assert "export default" in timeline._esm
    finally:
        timeline.close()
    assert "export default" in str(Monitor._esm)
