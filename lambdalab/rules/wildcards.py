"""``*`` and ``?`` in event patterns and policies, in time that grows with the text, not beyond."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

__all__ = ["glob_fits", "parts_fit", "wildcard_parts"]


@lru_cache(maxsize=1024)
def wildcard_parts(pattern: str) -> tuple[str, ...]:
    r"""Return what stands between the ``*`` of an event pattern's ``wildcard``.

    ``\*`` is an asterisk and ``\\`` a backslash.

    Raises
    ------
    ValueError
        Two ``*`` in a row, or another escape; the message is EventBridge's.
    """
    parts = [""]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        following = pattern[position + 1 : position + 2]
        # EventBridge counts bytes, from the quotation mark on.
        where = len(pattern[:position].encode()) + 1
        if character == "*":
            if following == "*":
                raise ValueError(f"Consecutive wildcard characters at pos {where}")
            parts.append("")
        elif character == "\\":
            if following not in ("*", "\\") or not following:
                raise ValueError(f"Invalid escape character at pos {where}")
            parts[-1] += following
            position += 1
        else:
            parts[-1] += character
        position += 1
    return tuple(parts)


def parts_fit(parts: Sequence[str], text: str) -> bool:
    """Tell whether ``text`` is these parts in this order, with anything between them."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last):
        return False
    end = len(text) - len(last)
    position = len(first)
    # The first place that fits is as good as any later one, so nothing is tried twice.
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return position <= end


def glob_fits(pattern: str, text: str) -> bool:
    """Tell whether a policy's pattern fits: ``*`` is any text, ``?`` any one character."""
    if "?" not in pattern:
        return parts_fit(pattern.split("*"), text)
    place = position = 0
    star, resume = -1, 0
    while position < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, position
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[position]):
            place += 1
            position += 1
        elif star >= 0:
            resume += 1
            place, position = star + 1, resume
        else:
            return False
    return all(character == "*" for character in pattern[place:])
