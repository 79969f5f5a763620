"""What the two languages of one text must share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from lambdalab.course import numerals
from lambdalab.course.glossary import has_chinese
from lambdalab.course.prose import Prose, skeleton
from lambdalab.i18n import Language

__all__ = ["differences", "wrong_language"]

_OWN_NAME = "繁體中文"


def differences(chinese: Prose, english: Prose) -> Iterator[str]:
    """Yield every way in which twins say different things."""
    if chinese.headings != english.headings:
        yield f"heading levels differ: zh-TW {_levels(chinese)}, en {_levels(english)}"
    yield from _sets("links", _neutral(chinese.links), _neutral(english.links))
    yield from _sets("inline code", chinese.code, english.code)
    if chinese.fences != english.fences:
        yield "fenced code differs"
    yield from _diagrams(chinese, english)
    pairs: tuple[tuple[Language, Prose, Language, Prose], ...] = (
        ("zh-TW", chinese, "en", english),
        ("en", english, "zh-TW", chinese),
    )
    for lang, here, other, there in pairs:
        lost = numerals.missing(here.text, lang, there.text, other)
        if lost:
            yield f"numbers only in {lang}: {', '.join(sorted(lost))}"


def wrong_language(text: Prose, lang: Language) -> str | None:
    """Tell if a text is not in its language.

    A Chinese text must hold Chinese and an English one none; code does not count.
    """
    words = "\n".join([text.text, *text.diagrams]).replace(_OWN_NAME, "" if lang == "en" else "中")
    if lang == "en" and has_chinese(words):
        return "the English text holds Chinese"
    if lang == "zh-TW" and not has_chinese(words):
        return "the zh-TW text holds no Chinese"
    return None


def _levels(prose: Prose) -> str:
    return " ".join(f"h{level}" for level in prose.headings) or "none"


def _neutral(links: frozenset[str]) -> frozenset[str]:
    """Return link targets without the language they lead to, and anchors of headings."""
    return frozenset(
        re.sub(r"/(zh-TW|en)/", "/", re.sub(r"/zh_tw/", "/", link)) if link[:1] != "#" else "#"
        for link in links
    )


def _sets(what: str, chinese: frozenset[str], english: frozenset[str]) -> Iterator[str]:
    for lang, only in (("zh-TW", chinese - english), ("en", english - chinese)):
        if only:
            yield f"{what} only in {lang}: {', '.join(sorted(only))}"


def _diagrams(chinese: Prose, english: Prose) -> Iterator[str]:
    if len(chinese.diagrams) != len(english.diagrams):
        yield "the number of mermaid diagrams differs"
        return
    for ours, theirs in zip(chinese.diagrams, english.diagrams, strict=True):
        for one, other in zip_longest(skeleton(ours), skeleton(theirs), fillvalue="(nothing)"):
            if one != other:
                yield f'mermaid diagrams differ: zh-TW "{one}", en "{other}"'
                break
