"""Messages: both languages whole, in step, and used."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lambdalab.course import lint
from lambdalab.i18n import LANGUAGES, messages

PACKAGE = Path(__file__).resolve().parents[1] / "lambdalab"
PARTS = sorted(path.stem for path in (PACKAGE / "locale" / "en").glob("*.toml"))


def test_both_languages_agree_and_read_well() -> None:
    assert [str(problem) for problem in lint.lint_locale(PACKAGE / "locale")] == []


def test_the_parts_are_the_same() -> None:
    for lang in LANGUAGES:
        assert sorted(path.stem for path in (PACKAGE / "locale" / lang).iterdir()) == PARTS


@pytest.mark.parametrize("part", PARTS)
def test_every_message_is_read_whole(part: str) -> None:
    for lang in LANGUAGES:
        text = (PACKAGE / "locale" / lang / f"{part}.toml").read_text(encoding="utf-8")
        assert len(messages(part, lang)) == sum(1 for _ in leaves(tomllib.loads(text)))
        assert all(value.strip() for value in messages(part, lang).values())


def leaves(table: Mapping[str, object]) -> Iterator[object]:
    for value in table.values():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield value


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))


def test_every_key_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r"""\bmessage\(\s*["']([a-z_]+\.[a-z_.-]+)["']""", sources()))
    assert len(asked) > 80
    known = {f"{part}.{key}" for part in PARTS for key in messages(part, "en")}
    assert sorted(asked - known) == []


def test_keys_put_together_at_run_time_exist() -> None:
    """The fixed beginning of ``message(f"start.{key}")`` leads somewhere."""
    known = [f"{part}.{key}" for part in PARTS for key in messages(part, "en")]
    starts = set(re.findall(r"""\bmessage\(\s*f["']([a-z_.]+)\{""", sources()))
    assert starts
    assert [one for one in starts if not any(key.startswith(one) for key in known)] == []
