"""A table of the rulebook's facts: number, unit, page, and the day it was read."""

from __future__ import annotations

import html
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, language, message, messages
from lambdalab.rules.source import Fact

__all__ = ["FactError", "Facts", "facts", "page_name", "value_text"]

_MB = 1024 * 1024
_KB = 1024


class FactError(LambdalabError):
    """What was given is no fact of the rulebook."""


def value_text(fact: Fact[Any], lang: Language) -> str:
    """Return a fact's number with its unit; round numbers of bytes in MB or KB as well.

    Units that are words are said in the language; symbols (``MB``, ``GB-s``) stay as they are.
    """
    unit = messages("widgets", lang).get(f"facts.unit.{fact.unit}", fact.unit)
    plain = f"{_number(fact.value)} {unit}".rstrip()
    if fact.unit == "bytes":
        for size, short in ((_MB, "MB"), (_KB, "KB")):
            if fact.value >= size and fact.value % size == 0:
                opening, closing = ("（", "）") if lang == "zh-TW" else (" (", ")")
                return f"{fact.value // size:,} {short}{opening}{plain}{closing}"
    return plain


def _number(value: float) -> str:
    """Return a number as people write it: ``10,240``, ``60``, ``0.2``, ``0.0000000309``."""
    text = f"{int(value) if value == int(value) else value:,}"
    return format(Decimal(repr(value)), "f") if "e" in text else text


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts to show: the last line of a cell is enough."""

    facts: tuple[Fact[Any], ...]
    lang: Language

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        """Return label, value, address, its short name and the day, as plain text."""
        rows = []
        for fact in self.facts:
            source = fact.source
            if source is None:
                name = message("widgets.facts.assumption", self.lang)
                place = ("", name, "")
            else:
                place = (source.url, page_name(source.url), source.read.isoformat())
            rows.append((fact.label[self.lang], value_text(fact, self.lang), *place))
        return rows

    def __repr__(self) -> str:
        return "\n".join(
            f"{label}: {value} [{' '.join(part for part in (url or name, day) if part)}]"
            for label, value, url, name, day in self._rows()
        )

    def _repr_html_(self) -> str:
        titles = [
            message(f"widgets.facts.{key}", self.lang)
            for key in ("what", "value", "source", "read")
        ]
        left = "style='text-align:left'"
        head = "".join(f"<th scope='col' {left}>{html.escape(title)}</th>" for title in titles)
        body = "".join(self._row_html(*row) for row in self._rows())
        return (
            f"<table lang='{self.lang}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    @staticmethod
    def _row_html(label: str, value: str, url: str, name: str, day: str) -> str:
        left = "style='text-align:left'"
        source = html.escape(name)
        if url:
            source = f"<a href='{html.escape(url)}' target='_blank' rel='noopener'>{source}</a>"
        return (
            f"<tr><th scope='row' style='text-align:left;min-width:11em'>{html.escape(label)}</th>"
            f"<td {left}>{html.escape(value)}</td>"
            # A page's name is one long word: in a narrow window it breaks, and nothing is cut off.
            f"<td style='text-align:left;overflow-wrap:anywhere;min-width:7em'>{source}</td>"
            f"<td style='text-align:left;white-space:nowrap'>{html.escape(day)}</td></tr>"
        )


def page_name(url: str) -> str:
    """Return the part of an address that names its page."""
    bare = url.removeprefix("https://").rstrip("/")
    last = bare.rpartition("/")[2]
    return last.removesuffix(".html") or bare


def facts(*chosen: Fact[Any]) -> Facts:
    """Return a table of facts in the notebook's language.

    Parameters
    ----------
    chosen
        Members of ``lambdalab.rules``, such as ``limits.MEMORY_MAX``.

    Raises
    ------
    FactError
        There are none, or something else is among them.
    """
    if not chosen:
        raise FactError(message("widgets.facts.none"))
    for one in chosen:
        if not isinstance(one, Fact):
            raise FactError(message("widgets.facts.not_fact", what=repr(one)))
    return Facts(chosen, language())
