"""Shows a Mermaid diagram through JupyterLab's own renderer: offline, and with words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mermaid.graph import Graph

from lambdalab.errors import LambdalabError
from lambdalab.i18n import language, message
from lambdalab.widgets import diagrams

__all__ = ["MIME", "Diagram", "DiagramError", "diagram"]

MIME = "text/vnd.mermaid"

_FRONT_MATTER = re.compile(r"\A\s*---\n.*?\n---\s*?\n", re.DOTALL)
_ASIDE = re.compile(r"\s*(%%.*)?")
_KIND = re.compile(r"[A-Za-z][\w-]*(\s+\S+)?\s*;?")
_DESCRIBED = re.compile(r"^\s*acc(Title|Descr)\b", re.MULTILINE)


class DiagramError(LambdalabError):
    """What was given cannot be drawn."""


@dataclass(frozen=True, slots=True)
class Diagram:
    """A diagram to show: the last line of a cell is enough.

    Attributes
    ----------
    script
        Mermaid text, with the description in it for screen readers.
    alt
        What it shows, in words.
    """

    script: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        return {MIME: self.script, "text/plain": self.alt}


def diagram(graph: str | Graph, alt: str | None = None) -> Diagram:
    """Return a diagram that JupyterLab draws itself, without any request to the web.

    Parameters
    ----------
    graph
        The name of one of the course's diagrams (``lifecycle``, ``sandbox``), a graph
        of mermaid-py, or Mermaid text.
    alt
        What it shows, in words, for those who do not see it. The named ones bring theirs.

    Raises
    ------
    DiagramError
        There is no diagram of that name, or ``graph`` is something else.
    """
    known = ", ".join(diagrams.DIAGRAMS)
    if isinstance(graph, str) and graph in diagrams.DIAGRAMS:
        lang = language()
        alt = alt or diagrams.describe(graph, lang)
        graph = diagrams.draw(graph, lang)
    if isinstance(graph, Graph):
        title, script = graph.title, graph.script
    elif isinstance(graph, str):
        if len(graph.split()) < 2:
            raise DiagramError(message("widgets.diagram.unknown", name=graph, known=known))
        title, script = "", graph
    else:
        raise DiagramError(
            message("widgets.diagram.not_graph", what=type(graph).__name__, known=known)
        )
    alt = alt or title or message("widgets.diagram.no_alt")
    return Diagram(_described(script, title, alt), alt)


def _described(script: str, title: str, alt: str) -> str:
    """Put title and description where Mermaid's accessibility options belong."""
    if _DESCRIBED.search(script):
        return script
    front = _FRONT_MATTER.match(script)
    head, body = (script[: front.end()], script[front.end() :]) if front else ("", script)
    lines = body.splitlines()
    for number, line in enumerate(lines):
        if _ASIDE.fullmatch(line):
            continue
        if not _KIND.fullmatch(line):
            break  # a one-line diagram: leave it alone
        words = [f"\taccTitle: {_line(title or alt)}", f"\taccDescr: {_line(alt)}"]
        lines[number + 1 : number + 1] = words
        break
    return head + "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.replace("#", "").replace(";", ",").split())
