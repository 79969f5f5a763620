"""Schedule expressions of EventBridge rules and of EventBridge Scheduler: when they run.

Rules go by UTC. The Scheduler goes by a time zone: a time that a change to summer time leaves
out is skipped, and one that comes twice is used once (:data:`DAYLIGHT`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from math import nextafter
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lambdalab.rules.cron import CRON, Cron
from lambdalab.rules.source import Source

__all__ = [
    "CRON",
    "DAYLIGHT",
    "At",
    "Cron",
    "Rate",
    "first_time",
    "next_time",
    "parse",
    "schedule_problem",
    "timezone_problem",
]

DAYLIGHT = Source("https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html")

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_FORM = re.compile(r"(rate|cron|at)\((.*)\)", re.DOTALL)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """``rate(5 minutes)``."""

    seconds: float
    """A day is 24 hours, whatever the clocks do."""


@dataclass(frozen=True, slots=True)
class At:
    """``at(2026-11-25T10:00:00)``: once."""

    moment: datetime
    """By the clock of the time zone."""


Schedule: TypeAlias = Rate | Cron | At


@lru_cache(maxsize=512)
def parse(expression: str) -> Schedule:
    """Read a schedule expression.

    Raises
    ------
    ValueError
        It is none; the message says why.
    """
    found = _FORM.fullmatch(expression)
    if found is None:
        raise ValueError("a schedule expression is cron(…), rate(…) or at(…)")
    kind, inside = found.groups()
    if kind == "cron":
        return Cron.parse(inside)
    return _rate(inside) if kind == "rate" else _at(inside)


def _rate(inside: str) -> Rate:
    value, _, unit = inside.strip().partition(" ")
    if not (value.isascii() and value.isdigit()) or int(value) < 1:
        raise ValueError("a rate expression is a number from 1 and a unit: rate(5 minutes)")
    count, unit = int(value), unit.strip()
    single = unit.removesuffix("s")
    if single not in _UNITS:
        raise ValueError(f"the unit of a rate is minutes, hours or days, not {unit or 'nothing'}")
    if (count == 1) is unit.endswith("s"):
        right = single if count == 1 else f"{single}s"
        raise ValueError(f"the unit of a rate of {count} is {right}, not {unit}")
    return Rate(count * _UNITS[single])


def _at(inside: str) -> At:
    try:
        if _MOMENT.fullmatch(inside):
            return At(datetime.fromisoformat(inside))
    except ValueError:  # there is no such day
        pass
    raise ValueError("a one-time expression is at(yyyy-mm-ddThh:mm:ss)")


def schedule_problem(expression: str, *, scheduler: bool = False) -> str | None:
    """Say why a schedule expression is refused, or return ``None``.

    The first sentence is AWS's, which says no more than that.

    Parameters
    ----------
    scheduler
        For EventBridge Scheduler: a rule cannot have ``at(…)``.
    """
    try:
        schedule = parse(expression)
    except ValueError as error:
        reason = str(error)
    else:
        if scheduler or not isinstance(schedule, At):
            return None
        reason = "a rule has no one-time schedule: EventBridge Scheduler does"
    refusal = (
        f"Invalid Schedule Expression {expression}."
        if scheduler
        else "Parameter ScheduleExpression is not valid."
    )
    return f"{refusal} {reason[0].upper()}{reason[1:]}."


def timezone_problem(name: str) -> str | None:
    """Say why ``ScheduleExpressionTimezone`` is refused, or return ``None``."""
    try:
        _zone(name)
    except ValueError as error:
        return str(error)
    return None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"Invalid Schedule Expression Timezone {name}. It is a name of the IANA time zone "
            f"database, such as Asia/Taipei."
        ) from None


def next_time(
    expression: str, after: float, timezone: str = "UTC", *, anchor: float | None = None
) -> float | None:
    """Return when a schedule runs next.

    Parameters
    ----------
    expression
        What :func:`schedule_problem` has nothing to say about.
    after
        Epoch seconds. For a rate: when it last ran or, before its first run, when the rule was
        created, because it runs one period later.
    timezone
        Name of the time zone that ``cron`` and ``at`` go by.
    anchor
        For a rate: a time it ran or runs at; all its runs are whole periods from there.

    Returns
    -------
    float | None
        Epoch seconds, always later than ``after``; ``None``: never again.

    Raises
    ------
    ValueError
        The expression or the time zone is none.

    Examples
    --------
    >>> next_time("cron(0 12 * * ? *)", 0.0)
    43200.0
    """
    schedule = parse(expression)
    if isinstance(schedule, Rate):
        return _next_of_rate(schedule.seconds, after, anchor)
    zone = _zone(timezone)
    if isinstance(schedule, At):
        once = _epoch(schedule.moment, zone)
        return once if once > after else None
    start = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=after)).astimezone(zone)
    for moment in schedule.from_(start.replace(tzinfo=None, fold=0)):
        epoch = _epoch(moment, zone)
        if epoch > after and _exists(moment, epoch, zone):
            return epoch
    return None


def _next_of_rate(seconds: float, after: float, anchor: float | None) -> float:
    if anchor is None:
        return after + seconds
    if anchor > after:
        return anchor
    due = anchor + ((after - anchor) // seconds) * seconds
    while due <= after:
        due += seconds
    return due


def first_time(
    expression: str,
    created: float,
    timezone: str = "UTC",
    *,
    scheduler: bool = False,
    start: float | None = None,
) -> float | None:
    """Return when a schedule runs for the first time, epoch seconds.

    A rule's rate runs one period after it was created; that of EventBridge Scheduler at its
    ``StartDate``, or at once without one (:data:`DAYLIGHT`).

    Parameters
    ----------
    created, start
        When it was created, and its ``StartDate``, epoch seconds.
    """
    if not scheduler:
        return next_time(expression, created, timezone)
    begins = created if start is None else max(start, created)
    if isinstance(parse(expression), Rate):
        return begins
    # A run at the very StartDate counts.
    after = created if start is None else nextafter(begins, 0.0)
    return next_time(expression, after, timezone)


def _epoch(moment: datetime, zone: tzinfo) -> float:
    """Return the first time at which the clocks of a zone show ``moment``."""
    return moment.replace(tzinfo=zone, fold=0).timestamp()


def _exists(moment: datetime, epoch: float, zone: tzinfo) -> bool:
    return datetime.fromtimestamp(epoch, zone).replace(tzinfo=None, fold=0) == moment
