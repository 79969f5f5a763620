"""Linting of everything that exists in both languages: sources, questions, tasks, messages."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lambdalab.course import glossary, parity, prose
from lambdalab.course.document import Document
from lambdalab.course.errors import Problem, SourceError
from lambdalab.course.questions import Question
from lambdalab.course.source import read_text
from lambdalab.course.syntax import calls, syntax_problem
from lambdalab.i18n import LANGUAGES, Language

__all__ = ["lint_document", "lint_locale", "lint_questions_use", "lint_toml"]

_PLACEHOLDER = "\ue001"
_CALL = re.compile(r"\b[A-Za-z_][A-Za-z0-9_.]*\([\x20-\x7e]*?\)")
"""A function named in a message for terminals, where backticks would be noise."""


def _text(text: prose.Prose, lang: Language) -> Iterator[tuple[int, str]]:
    """Yield line offset and problem of one text in one language."""
    check = glossary.chinese if lang == "zh-TW" else glossary.manners
    for line in text.lines:
        for problem in check(line.text):
            yield line.offset, problem
    for diagram in text.diagrams if lang == "zh-TW" else ():
        for problem in glossary.terms(diagram):
            yield 0, f"mermaid: {problem}"


def lint_document(document: Document) -> Iterator[Problem]:
    """Yield what is wrong with the texts and the code of a source."""
    path = document.path
    for block in document.prose:
        twins = {lang: prose.read(block.text[lang]) for lang in LANGUAGES}
        for lang, text in twins.items():
            start = block.lines[lang]
            for offset, problem in _text(text, lang):
                yield Problem(path, block.begins[lang] + offset, problem)
            stranger = parity.wrong_language(text, lang)
            if stranger:
                yield Problem(path, start, f'"{block.id}": {stranger}')
            if 1 in text.headings:
                yield Problem(path, start, f'"{block.id}": headings begin at ## (# is generated)')
        for problem in parity.differences(twins["zh-TW"], twins["en"]):
            yield Problem(path, block.lines["en"], f'"{block.id}": {problem}')
    for lang, title in document.front.title.items():
        text = prose.read(title)
        stranger = parity.wrong_language(text, lang)
        problems = [stranger] if stranger else []
        for problem in [*problems, *(found for _, found in _text(text, lang))]:
            yield Problem(path, 1, f"title: {problem}")
    for code in document.code:
        wrong = syntax_problem(code.source)
        if wrong:
            yield Problem(path, code.line, f'"{code.id}", its line {wrong[0]}: {wrong[1]}')


def lint_questions_use(document: Document, questions: Mapping[str, Question]) -> Iterator[Problem]:
    """Yield questions that are asked but do not exist, and the reverse."""
    used: dict[str, set[str]] = {"ask": set(), "reveal": set()}
    for code in document.code:
        if syntax_problem(code.source):
            continue
        for call in calls(code.source, "ask", "reveal"):
            used[call.function].add(call.argument)
            question = questions.get(call.argument)
            if question is None:
                yield Problem(
                    document.path, code.line, f'no question "{call.argument}" in questions.toml'
                )
            elif call.function == "reveal" and question.kind != "prediction":
                yield Problem(
                    document.path, code.line, f'"{call.argument}" is a quiz: only ask() it'
                )
    toml = document.path.with_name("questions.toml")
    for name, question in questions.items():
        if name not in used["ask"]:
            yield Problem(toml, 0, f'"{name}" is never asked: ask("{name}")')
        elif question.kind == "prediction" and name not in used["reveal"]:
            yield Problem(toml, 0, f'prediction "{name}" is never revealed: reveal("{name}")')


def lint_toml(path: Path) -> Iterator[Problem]:
    """Yield what is wrong with the texts of a TOML file that holds both languages."""
    source = read_text(path)
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        yield Problem(path, 0, f"is not TOML: {error}")
        return
    for place, pair in _pairs("", data):
        for problem in _pair(pair):
            yield Problem(path, _line(source, pair), f"{place}: {problem}")


def _pairs(place: str, value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        if set(value) & set(LANGUAGES):
            yield place, value
        name = f" {value['id']}" if isinstance(value.get("id"), str) else ""
        for key, inner in value.items():
            if key not in LANGUAGES:
                yield from _pairs(f"{place}{name}.{key}".lstrip("."), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(place, inner)


def _pair(pair: Mapping[str, Any]) -> Iterator[str]:
    absent = [lang for lang in LANGUAGES if lang not in pair]
    if absent:
        yield f"no {absent[0]} text"
        return
    both = {lang: pair[lang] if isinstance(pair[lang], list) else [pair[lang]] for lang in pair}
    if len(both["zh-TW"]) != len(both["en"]):
        yield "not as many texts in zh-TW as in en"
        return
    for chinese, english in zip(both["zh-TW"], both["en"], strict=True):
        if not isinstance(chinese, str) or not isinstance(english, str):
            yield "a text is not text"
            continue
        zh, en = prose.read(chinese), prose.read(english)
        yield from (f"zh-TW: {problem}" for _, problem in _text(zh, "zh-TW"))
        yield from (f"en: {problem}" for _, problem in _text(en, "en"))
        if parity.wrong_language(en, "en"):
            yield "the English text holds Chinese"
        yield from parity.differences(zh, en)


def _line(source: str, pair: Mapping[str, Any]) -> int:
    """Return the line a pair of texts begins on, 0 if it cannot be told."""
    first = next((one for one in pair.values() if isinstance(one, str) and one.strip()), "")
    sought = first.strip().splitlines()[0] if first.strip() else "\0"
    for number, line in enumerate(source.splitlines(), 1):
        if sought in line:
            return number
    return 0


def lint_locale(folder: Path) -> Iterator[Problem]:
    """Yield what is wrong with the message files under ``locale/``."""
    parts = sorted({path.name for lang in LANGUAGES for path in (folder / lang).glob("*.toml")})
    for part in parts:
        texts: dict[Language, Mapping[str, str]] = {}
        for lang in LANGUAGES:
            path = folder / lang / part
            try:
                texts[lang] = dict(_flat("", tomllib.loads(read_text(path))))
            except tomllib.TOMLDecodeError as error:
                yield Problem(path, 0, f"is not TOML: {error}")
            except SourceError as error:
                yield from error.problems
        if len(texts) == len(LANGUAGES):
            yield from _messages(folder, part, texts["zh-TW"], texts["en"])


def _messages(
    folder: Path, part: str, chinese: Mapping[str, str], english: Mapping[str, str]
) -> Iterator[Problem]:
    zh, en = folder / "zh-TW" / part, folder / "en" / part
    for name in sorted(set(chinese) ^ set(english)):
        path, other = (zh, en) if name in chinese else (en, zh)
        yield Problem(other, 0, f'no message "{name}", which {path} has')
    for name in sorted(set(chinese) & set(english)):
        holes = {
            lang: _holes(text) for lang, text in (("zh", chinese[name]), ("en", english[name]))
        }
        if holes["zh"] != holes["en"]:
            yield Problem(
                zh, 0, f'"{name}": placeholders {sorted(holes["zh"])}, en {sorted(holes["en"])}'
            )
        for problem in _message(chinese[name], glossary.chinese):
            yield Problem(zh, 0, f'"{name}": {problem}')
        for problem in _message(english[name], glossary.manners):
            yield Problem(en, 0, f'"{name}": {problem}')
        if glossary.has_chinese(prose.read(english[name]).text):
            yield Problem(en, 0, f'"{name}": the English text holds Chinese')


def _message(text: str, check: Any) -> Iterator[str]:  # noqa: ANN401 - one of glossary's
    filled = "".join(
        literal + (_PLACEHOLDER if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(text)
    )
    for line in prose.read(filled).lines:
        yield from check(_CALL.sub(prose.CODE, line.text))


def _holes(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)
