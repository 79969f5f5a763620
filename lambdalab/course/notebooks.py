"""From a source to the notebook of one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.course.document import Code, Document
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = ["Outline", "code_cell", "notebook", "prose_cell", "to_bytes"]

Notebook = Any
"""A ``nbformat.NotebookNode``."""
Cell = Any

_NAMES: Mapping[Language, str] = {"zh-TW": "繁體中文", "en": "English"}
_FOLDER = {"lesson": "lessons", "lab": "labs"}


@dataclass(frozen=True, slots=True)
class Outline:
    """Which lessons and labs there are, in order: what the links can lead to."""

    documents: Sequence[Document]

    def lesson(self, number: int) -> Document | None:
        """Return the lesson of that number."""
        return self._find("lesson", number)

    def lab(self, number: int) -> Document | None:
        """Return the lab of that number."""
        return self._find("lab", number)

    def after(self, number: int) -> Document | None:
        """Return the next lesson that exists after that number."""
        later = [
            one for one in self.documents if one.kind == "lesson" and one.front.number > number
        ]
        return min(later, key=lambda one: one.front.number, default=None)

    def _find(self, kind: str, number: int) -> Document | None:
        for one in self.documents:
            if one.kind == kind and one.front.number == number:
                return one
        return None


def notebook(
    document: Document, lang: Language, outline: Outline, cells: Sequence[Cell]
) -> Notebook:
    """Return a notebook around cells: a heading first, what comes next last."""
    from nbformat import v4

    front = document.front
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        "lambdalab": {
            "id": document.id,
            "lang": lang,
            "minutes": front.minutes,
            "source": f"lambdalab/course/content/{front.stem}/{document.path.name}",
            "title": front.title[lang],
        },
    }
    around = [_head(document, lang, outline), *cells]
    tail = _tail(document, lang, outline)
    return v4.new_notebook(cells=[*around, *([tail] if tail else [])], metadata=metadata)


def prose_cell(name: str, text: str) -> Cell:
    """Return a Markdown cell with a given id."""
    from nbformat import v4

    return v4.new_markdown_cell(text, id=name)


def code_cell(code: Code) -> Cell:
    """Return the code cell of a source, without outputs."""
    from nbformat import v4

    tags = [tag for tag in code.tags if tag != "hide-input"]
    metadata: dict[str, object] = {"tags": tags} if tags else {}
    if "hide-input" in code.tags:
        metadata["jupyter"] = {"source_hidden": True}
    return v4.new_code_cell(code.source, id=code.id, metadata=metadata)


def to_bytes(node: Notebook) -> bytes:
    """Return a notebook's file: the same bytes for the same notebook, always.

    Raises
    ------
    nbformat.ValidationError
        It is no valid notebook.
    """
    import nbformat

    nbformat.validate(node)
    text: str = nbformat.writes(node, version=nbformat.NO_CONVERT)
    return f"{text}\n".encode()


def _link(document: Document, lang: Language, text_key: str) -> str:
    front = document.front
    text = message(
        f"course.notebook.{text_key}", lang, number=front.number, title=front.title[lang]
    )
    return f"[{text}](../../{_FOLDER[document.kind]}/{lang}/{front.stem}.ipynb)"


def _head(document: Document, lang: Language, outline: Outline) -> Cell:
    front = document.front
    heading = message(
        f"course.notebook.{document.kind}", lang, number=front.number, title=front.title[lang]
    )
    twin = next(other for other in LANGUAGES if other != lang)
    parts = [
        message("course.notebook.minutes", lang, minutes=front.minutes),
        f"[{_NAMES[twin]}](../{twin}/{front.stem}.ipynb)",
    ]
    sister = (outline.lab if document.kind == "lesson" else outline.lesson)(front.number)
    if sister:
        parts.append(_link(sister, lang, sister.kind))
    following = outline.after(front.number) if document.kind == "lesson" else None
    if following:
        parts.append(_link(following, lang, "next"))
    return prose_cell("lambdalab-head", f"# {heading}\n\n{' · '.join(parts)}")


def _tail(document: Document, lang: Language, outline: Outline) -> Cell | None:
    number = document.front.number
    lab = outline.lab(number) if document.kind == "lesson" else None
    following = outline.after(number)
    links = [_link(lab, lang, "lab")] if lab else []
    links += [_link(following, lang, "next")] if following else []
    if not links:
        return None
    heading = message("course.notebook.onward", lang)
    items = "\n".join(f"- {link}" for link in links)
    return prose_cell("lambdalab-next", f"## {heading}\n\n{items}")
