"""Reading ``lesson.md`` and ``lab.md``: MyST Markdown with both languages side by side.

The syntax is described in ``docs/writing.md``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.course.document import FOLDER, ID, Code, Document, Front, Kind, Prose
from lambdalab.course.errors import Problem, SourceError
from lambdalab.i18n import LANGUAGES, Language

__all__ = ["read_document", "read_text"]

_HEAD = re.compile(r"---\n(?P<yaml>.*?\n)---\n", re.DOTALL)
_RESERVED = ("check-", "lambdalab-")
_TAGS: Mapping[Kind, frozenset[str]] = {
    "lesson": frozenset({"setup", "raises-exception", "hide-input"}),
    "lab": frozenset({"setup", "raises-exception", "hide-input", "answer", "free"}),
}
_FRONT = ("number", "slug", "minutes", "title")


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell as jupytext returns it."""

    kind: str
    source: str
    meta: Mapping[str, Any]
    line: int
    begins: int


def read_text(path: Path) -> str:
    """Return a source's text.

    Raises
    ------
    SourceError
        It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SourceError([Problem(path, 0, f"is not UTF-8 text ({error.reason})")]) from error
    except OSError as error:
        raise SourceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from error


def read_document(path: Path, kind: Kind) -> Document:
    """Read one source file.

    Parameters
    ----------
    path
        ``…/NN_slug/lesson.md`` or ``lab.md``.
    kind
        What it is.

    Raises
    ------
    SourceError
        With every problem found, each with its line.
    """
    front, cells = _parse(path, read_text(path))
    problems: list[Problem] = []
    head = _front(path, front, problems)
    blocks = tuple(_blocks(path, kind, cells, problems))
    seen: dict[str, int] = {}
    for block in blocks:
        line = block.line if isinstance(block, Code) else block.lines["zh-TW"]
        if block.id in seen:
            problems.append(
                Problem(path, line, f'the id "{block.id}" is taken: line {seen[block.id]} has it')
            )
        seen.setdefault(block.id, line)
    if problems or head is None:
        raise SourceError(problems)
    return Document(path, kind, head, blocks)


def _parse(path: Path, text: str) -> tuple[Mapping[str, Any], list[_Cell]]:
    import yaml  # type: ignore[import-untyped]
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook
    from nbformat import ValidationError

    head = _HEAD.match(text)
    if head is None:
        raise SourceError([Problem(path, 1, "no front matter: begin with --- and its four keys")])
    # nbformat knows no title in two languages: jupytext gets empty lines instead of the head
    body = "\n" * head[0].count("\n") + text[head.end() :]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metadata = yaml.safe_load(head["yaml"])
            notebook = myst_to_notebook(body, add_source_map=True)
    except (MystMetadataParsingError, yaml.YAMLError, UserWarning) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else 1
        raise SourceError([Problem(path, line, " ".join(str(error).split()))]) from error
    except ValidationError as error:  # of all that we let in, only tags have a form of their own
        lines = enumerate(text.splitlines(), 1)
        line = next((number for number, one in lines if re.match(r":tags: *[^\[ ]", one)), 1)
        raise SourceError([Problem(path, line, ":tags: is a list: [setup]")]) from error
    if not isinstance(metadata, dict):
        raise SourceError([Problem(path, 1, "front matter: write it as key: value")])
    cells = [
        _Cell(cell.cell_type, cell.source, cell.metadata, line, _begins(body, line))
        for cell, line in zip(notebook.cells, notebook.metadata["source_map"], strict=True)
    ]
    return metadata, cells


def _begins(text: str, line: int) -> int:
    lines = text.splitlines()
    while line < len(lines) and not lines[line].strip():
        line += 1
    return line + 1


def _front(path: Path, data: Mapping[str, Any], problems: list[Problem]) -> Front | None:
    folder = FOLDER.fullmatch(path.parent.name)
    wrong: list[str] = []
    titles: dict[Language, str] = {}
    if folder is None:
        wrong.append(f'the folder "{path.parent.name}" is not named like 01_lifecycle')
    elif data.get("number") != int(folder["number"]) or data.get("slug") != folder["slug"]:
        wrong.append(
            f"number and slug ({data.get('number')}, {data.get('slug')}) must repeat the "
            f'folder\'s name, "{path.parent.name}"'
        )
    minutes = data.get("minutes", 0)
    if not isinstance(minutes, int) or not 0 < minutes <= 600:
        wrong.append("minutes must be a whole number of minutes, 1 to 600")
    title = data.get("title")
    if not isinstance(title, dict) or set(title) != set(LANGUAGES):
        wrong.append(f"title must have one text for each of {', '.join(LANGUAGES)}")
    elif not all(isinstance(one, str) and one.strip() for one in title.values()):
        wrong.append("a title is empty or not text")
    else:
        titles = {lang: title[lang].strip() for lang in LANGUAGES}
    for name in sorted(set(map(str, data)) - set(_FRONT)):
        wrong.append(f'"{name}" is unknown here: there are {", ".join(_FRONT)}')
    problems.extend(Problem(path, 1, f"front matter: {text}") for text in wrong)
    if wrong or folder is None:
        return None
    return Front(int(folder["number"]), folder["slug"], minutes, titles)


def _blocks(
    path: Path, kind: Kind, cells: Sequence[_Cell], problems: list[Problem]
) -> Iterator[Prose | Code]:
    waiting: _Cell | None = None  # a zh-TW block whose English twin must come next
    for cell in cells:
        if cell.kind == "code":
            if waiting:
                problems.append(_lonely(path, waiting))
                waiting = None
            code = _code(path, kind, cell, problems)
            if code:
                yield code
            continue
        if not _prose_head(path, cell, problems):
            continue
        if cell.meta["lang"] == "zh-TW":
            if waiting:
                problems.append(_lonely(path, waiting))
            waiting = cell
        elif waiting is None or waiting.meta["id"] != cell.meta["id"]:
            problems.append(_lonely(path, cell))
        else:
            yield from _pair(path, kind, waiting, cell, problems)
            waiting = None
    if waiting:
        problems.append(_lonely(path, waiting))


def _lonely(path: Path, cell: _Cell) -> Problem:
    where, other = ("before", "zh-TW") if cell.meta["lang"] == "en" else ("after", "en")
    return Problem(
        path, cell.line, f'the {other} twin of "{cell.meta["id"]}" is missing right {where} it'
    )


def _pair(
    path: Path, kind: Kind, chinese: _Cell, english: _Cell, problems: list[Problem]
) -> Iterator[Prose]:
    flags = [cell.meta.get("solution", False) for cell in (chinese, english)]
    if flags[0] != flags[1] or not all(isinstance(flag, bool) for flag in flags):
        problems.append(
            Problem(path, english.line, 'both twins need the same "solution": true or false')
        )
    elif flags[0] and kind != "lab":
        problems.append(Problem(path, english.line, '"solution" is for labs only'))
    yield Prose(
        str(chinese.meta["id"]),
        {"zh-TW": chinese.source, "en": english.source},
        {"zh-TW": chinese.line, "en": english.line},
        {"zh-TW": chinese.begins, "en": english.begins},
        bool(flags[0]),
    )


def _id_problem(value: object) -> str | None:
    if not isinstance(value, str) or not ID.fullmatch(value):
        return f"{value!r} is not an id: lower-case letters, digits and -, at most 64"
    if value.startswith(_RESERVED):
        return f'"{value}" is not free: ids that begin with {" or ".join(_RESERVED)} are generated'
    return None


def _prose_head(path: Path, cell: _Cell, problems: list[Problem]) -> bool:
    def wrong(text: str) -> bool:
        problems.append(Problem(path, cell.line, text))
        return False

    if cell.kind != "markdown":
        return wrong("raw cells are not used: write prose or a code cell")
    if not cell.meta:
        return wrong('text outside of a block: begin it with +++ {"id": "…", "lang": "zh-TW"}')
    unknown = set(cell.meta) - {"id", "lang", "solution"}
    if unknown:
        return wrong(f'a prose block has "id", "lang" and "solution", not {_listed(unknown)}')
    problem = _id_problem(cell.meta.get("id"))
    if problem:
        return wrong(problem)
    if cell.meta.get("lang") not in LANGUAGES:
        return wrong(f'"lang" is {cell.meta.get("lang")!r}: write one of {", ".join(LANGUAGES)}')
    return True


def _code(path: Path, kind: Kind, cell: _Cell, problems: list[Problem]) -> Code | None:
    wrong: list[str] = []
    unknown = set(cell.meta) - {"id", "tags"}
    if unknown:
        wrong.append(f"a code cell has the options :id: and :tags:, not {_listed(unknown)}")
    if "id" not in cell.meta:
        wrong.append("a code cell without an id: begin it with a line  :id: some-name")
    else:
        problem = _id_problem(cell.meta["id"])
        wrong.extend([problem] if problem else [])
    tags = cell.meta.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        wrong.append(":tags: is a list: [setup]")
        tags = []
    for tag in sorted(set(tags) - _TAGS[kind]):
        wrong.append(f'no tag "{tag}" in a {kind}: there are {", ".join(sorted(_TAGS[kind]))}')
    if len(set(tags) & {"setup", "answer", "free"}) > 1:
        wrong.append("setup, answer and free exclude each other")
    if not cell.source.strip():
        wrong.append("an empty code cell")
    problems.extend(Problem(path, cell.line, text) for text in wrong)
    if wrong:
        return None
    return Code(str(cell.meta["id"]), tuple(tags), cell.source.rstrip(), cell.line)


def _listed(names: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
