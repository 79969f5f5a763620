"""A timeline in words: what a screen without the widget shows."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from lambdalab.i18n import Language, message
from lambdalab.widgets.picture import Bar, Lane, Phase, Picture, Point

__all__ = ["as_text", "duration", "short"]

_ID = 8
_MINUTE_S = 60.0


def short(identifier: str) -> str:
    """Return the beginning of an id, enough to tell it from the others."""
    return identifier[:_ID]


def duration(seconds: float) -> str:
    """Return a length of time as a person reads it.

    >>> duration(0.0021), duration(1.5), duration(125)
    ('2.10 ms', '1.50 s', '2 min 5 s')
    """
    if seconds < 1:
        ms = seconds * 1000
        return f"{ms:.2f} ms" if ms < 10 else f"{ms:.1f} ms"
    if seconds < _MINUTE_S:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _pad(text: str, width: int) -> str:
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return text + " " * max(0, width - len(text) - wide)


def as_text(
    picture: Picture, lang: Language, *, function: str | None = None, limit: int | None = None
) -> str:
    """Return a picture in words, in one language.

    Parameters
    ----------
    picture
        What to tell.
    lang
        ``zh-TW`` or ``en``.
    function
        The one function it is about, for the heading.
    limit
        At most so many bars and points, the newest; ``None`` for all.
    """

    def say(key: str, **values: object) -> str:
        return message(f"widgets.timeline.{key}", lang, **values)

    heading = say("title_of", function=function) if function else say("title")
    if picture.start is None:
        return f"{heading}\n{say('empty')}"
    shown = set(_newest(picture, limit))
    hidden = len(picture.items) - len(shown) + picture.dropped
    lines = [heading]
    if hidden:
        lines.append(say("dropped", count=hidden))
    for lane in picture.lanes:
        bars = [bar for bar in picture.bars(lane.id) if bar.id in shown]
        if bars:
            lines.append(_lane(lane))
            lines += [_bar(bar, picture.start, lang) for bar in bars]
    points = [point for point in picture.points() if point.id in shown]
    if points:
        lines.append(say("throttled"))
        lines += [_point(point, picture.start) for point in points]
    moment = datetime.fromtimestamp(picture.start).astimezone()
    lines.append(say("zero", time=f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"))
    return "\n".join(lines)


def _newest(picture: Picture, limit: int | None) -> list[str]:
    names = [item.id for item in picture.items]
    return names if limit is None else names[-limit:]


def _lane(lane: Lane) -> str:
    return f"{short(lane.id)}  {lane.function}:{lane.version}"


def _at(time: float, start: float) -> str:
    return f"  {time - start:+10.3f} s  "


def _bar(bar: Bar, start: float, lang: Language) -> str:
    def say(key: str) -> str:
        return message(f"widgets.timeline.{key}", lang)

    name = say("phase.suppressed" if bar.suppressed else f"phase.{bar.phase.value}")
    if bar.duration_ms is not None:
        length = duration(bar.duration_ms / 1000)
    else:
        length = "…" if bar.end is None else duration(bar.end - bar.start)
    facts = []
    if bar.phase is Phase.INVOKE:
        facts.append(say("cold" if bar.cold else "warm"))
    if bar.mark is not None:
        facts.append(say(f"mark.{bar.mark.value}"))
    facts += [word for word in (bar.error_type, bar.reason) if word]
    if bar.request_id:
        facts.append(short(bar.request_id))
    line = f"{_at(bar.start, start)}{_pad(name, 18)}{length:>10}  {' · '.join(facts)}"
    return line.rstrip()


def _point(point: Point, start: float) -> str:
    return (
        f"{_at(point.time, start)}{point.function}:{point.qualifier}  429 {point.reason}"
        f" · {short(point.request_id)}"
    )
