"""Markdown taken apart: what a person reads, and what is code, link or diagram."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["CODE", "Line", "Prose", "html", "plain", "read", "skeleton"]

CODE = "\ue000"
"""Stands in plain text where inline code stood."""


@dataclass(frozen=True, slots=True)
class Line:
    """A run of plain text: a heading, a paragraph, a table cell."""

    offset: int
    """Lines after the first one of the Markdown it is from."""
    text: str
    """With :data:`CODE` for inline code and a newline where the source's line breaks."""


@dataclass(frozen=True, slots=True)
class Prose:
    """The parts of one Markdown text."""

    lines: tuple[Line, ...]
    headings: tuple[int, ...]
    links: frozenset[str]
    code: frozenset[str]
    fences: tuple[tuple[str, str], ...]
    """Language and text of each fenced block that is not a diagram."""
    diagrams: tuple[str, ...]

    @property
    def text(self) -> str:
        """All plain text."""
        return "\n".join(line.text for line in self.lines)


@cache
def _parser() -> Any:  # noqa: ANN401 - markdown-it's own class is made on first use
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def html(text: str, *, inline: bool = False) -> str:
    """Return Markdown as HTML; raw HTML in it is shown, not obeyed."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return str(parser.renderInline(text) if inline else parser.render(text)).strip()


def plain(text: str) -> str:
    """Return Markdown as text for a terminal: no marks, but code and paragraphs stay."""
    parts: list[str] = []
    for token in _parser().parse(text):
        if token.type == "inline":
            parts.append(
                "".join(
                    "\n" if child.type in ("softbreak", "hardbreak") else child.content
                    for child in token.children or ()
                )
            )
        elif token.type in ("fence", "code_block"):
            parts.append(token.content.rstrip("\n"))
    return "\n".join(parts)


def read(text: str) -> Prose:
    """Take Markdown apart."""
    lines: list[Line] = []
    headings: list[int] = []
    links: set[str] = set()
    code: set[str] = set()
    fences: list[tuple[str, str]] = []
    diagrams: list[str] = []
    offset = 0
    for token in _parser().parse(text):
        offset = token.map[0] if token.map else offset
        if token.type == "heading_open":
            headings.append(int(token.tag[1]))
        elif token.type == "inline":
            lines.append(Line(offset, _plain(token.children or (), links, code)))
        elif token.type == "html_block":
            lines.append(Line(offset, re.sub(r"<[^>]*>", "", token.content).strip()))
        elif token.type in ("fence", "code_block"):
            language = token.info.strip()
            if language == "mermaid":
                diagrams.append(token.content)
            else:
                fences.append((language, token.content))
    return Prose(
        tuple(lines),
        tuple(headings),
        frozenset(links),
        frozenset(code),
        tuple(fences),
        tuple(diagrams),
    )


def _plain(children: Sequence[Any], links: set[str], code: set[str]) -> str:
    parts: list[str] = []
    for child in children:
        if child.type == "code_inline":
            code.add(child.content)
            parts.append(CODE)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "link_open":
            links.add(str(child.attrs["href"]))
        elif child.type == "image":
            links.add(str(child.attrs["src"]))
            parts.append(_plain(child.children or (), links, code))
        elif child.type == "html_inline":
            parts.append("\n" if child.content.startswith("<br") else "")
        elif child.type == "text":
            parts.append(CODE if re.fullmatch(r"https?://\S+", child.content) else child.content)
    return "".join(parts)


_LABEL = re.compile(
    r'"[^"\n]*"'  # "a label"
    r"|(?<=[\[({|])[^\[\](){}|\n]+(?=[\])}|])"  # [a label] (a label) {a label} |a label|
)
_COLON = re.compile(r":\s.*$")  # A->>B: a message
_TEXTS = re.compile(r"^(\s*)(title|accTitle|accDescr)\b.*$")
_ALIAS = re.compile(r"^(\s*(?:participant|actor)\s+\S+\s+as\s).*$")


def skeleton(diagram: str) -> Iterator[str]:
    """Yield the lines of a mermaid diagram without what people read in it."""
    for line in diagram.splitlines():
        bare = _TEXTS.sub(r"\1\2", line)
        bare = _ALIAS.sub(r"\1", bare)
        bare = _LABEL.sub("…", bare)
        bare = _COLON.sub(":", bare)
        if bare.strip() and not bare.strip().startswith("%%"):
            yield " ".join(bare.split())
