"""A destination's record as lines of JSON, each of which knows its place in the record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LONGEST", "MOST", "Line", "lines", "unwrapped"]

Path = tuple[str, ...]

LONGEST = 240
"""Characters of a value that are shown; the rest is said to be there."""
MOST = 40
"""Lines of one part of the record, such as its payload."""
_ENVELOPES = ("Body", "body", "Message", "detail", "Sns")
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the JSON text.

    Attributes
    ----------
    path
        Keys and indices from the record's top to this value; of the line that closes an
        object or a list, the path of what it closes.
    indent
        How deep it lies.
    key
        The name before the colon; ``None`` for the members of a list.
    text
        The value, or the bracket that opens or closes one.
    kind
        ``string``, ``number``, ``literal``, ``open``, ``close`` or ``more``.
    comma
        Whether another value follows.
    """

    path: Path
    indent: int
    key: str | None
    text: str
    kind: str
    comma: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "path": ".".join(self.path),
            "indent": self.indent,
            "key": self.key,
            "text": self.text,
            "kind": self.kind,
            "comma": self.comma,
        }


def unwrapped(given: object) -> dict[str, Any] | None:
    """Return the record in what a target got; ``None`` if there is none in it.

    A message of SQS, a notification of SNS and an event of EventBridge hold it in a field of
    theirs, as JSON text or as it is; so do the events that these become for a function.
    """
    found = given
    for _ in range(_DEEPEST):
        if isinstance(found, bytes | str):
            try:
                found = json.loads(found)
            except ValueError:
                return None
        if not isinstance(found, Mapping):
            return None
        if (
            isinstance(found.get("requestContext"), Mapping)
            and "condition" in found["requestContext"]
        ):
            return dict(found)
        records = found.get("Records")
        if isinstance(records, Sequence) and records:
            found = records[0]
            continue
        inner = [found[name] for name in _ENVELOPES if name in found]
        if not inner:
            return None
        found = inner[0]
    return None


def lines(record: Mapping[str, Any]) -> list[Line]:
    """Return a record's lines, from one bracket to the other.

    Parameters
    ----------
    record
        JSON data. Of a part with more than :data:`MOST` lines the beginning is kept, and a line
        of the kind ``more`` has the number of those that are not.
    """
    found = [Line((), 0, None, "{", "open", comma=False)]
    names = list(record)
    for name in names:
        part = list(_value((name,), 1, name, record[name], comma=name != names[-1]))
        found += part if len(part) <= MOST else _cut(part)
    return [*found, Line((), 0, None, "}", "close", comma=False)]


def _cut(part: list[Line]) -> Iterator[Line]:
    """Yield the beginning of a long part, how much is left out, and the brackets that close."""
    kept = part[: MOST - 1]
    open_: list[Line] = []
    for line in kept:
        if line.kind == "open":
            open_.append(line)
        elif line.kind == "close":
            open_.pop()
    yield from kept
    left = len(part) - len(kept) - len(open_)
    yield Line(kept[-1].path[:-1], open_[-1].indent + 1, None, str(left), "more", comma=False)
    closing = {"{": "}", "[": "]"}
    for number, line in enumerate(reversed(open_), 1):
        last = number == len(open_)
        comma = part[-1].comma if last else False
        yield Line(line.path, line.indent, None, closing[line.text], "close", comma)


def _value(
    path: Path, indent: int, key: str | None, value: object, *, comma: bool
) -> Iterator[Line]:
    if isinstance(value, Mapping) and value:
        yield Line(path, indent, key, "{", "open", comma=False)
        names = list(value)
        for name in names:
            more = name != names[-1]
            yield from _value((*path, str(name)), indent + 1, str(name), value[name], comma=more)
        yield Line(path, indent, None, "}", "close", comma)
    elif isinstance(value, list) and value:
        yield Line(path, indent, key, "[", "open", comma=False)
        for number, one in enumerate(value):
            more = number < len(value) - 1
            yield from _value((*path, str(number)), indent + 1, None, one, comma=more)
        yield Line(path, indent, None, "]", "close", comma)
    else:
        yield Line(path, indent, key, _short(value), _kind(value), comma)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}…"'


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool) or value is None:
        return "literal"
    return "number" if isinstance(value, int | float) else "literal"
