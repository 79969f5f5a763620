"""AWS's six-field cron: minutes, hours, day of month, month, day of week, year."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdalab.rules.source import Source

__all__ = ["CRON", "Cron"]

CRON = Source(
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
)
_LAST_YEAR = 2199
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_SATURDAY = 7
_LAST_DAY = 0


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    """Names of the values, from the lowest on."""


_MINUTES = _Field("Minutes", 0, 59)
_HOURS = _Field("Hours", 0, 23)
_DAY_OF_MONTH = _Field("Day-of-month", 1, 31)
_MONTH = _Field("Month", 1, 12, tuple(_MONTHS))
_DAY_OF_WEEK = _Field("Day-of-week", 1, 7, tuple(_DAYS))
_YEAR = _Field("Year", 1970, _LAST_YEAR)
_NAMES = ("Minutes", "Hours", "Day-of-month", "Month", "Day-of-week", "Year")


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression, read.

    Days of the week count from Sunday, 1, to Saturday, 7. Of the two day fields, one is ``?``.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: frozenset[int] | None = None
    """Days of the month."""
    last_day: bool = False
    nearest: tuple[int, ...] = ()
    """``15W``: the weekday nearest to the 15th, in the same month; 0 for ``LW``."""
    weekdays: frozenset[int] | None = None
    last_weekdays: frozenset[int] = frozenset()
    """``6L``: the last Friday of the month."""
    nth_weekday: tuple[int, int] | None = None
    """``3#2``: the second Tuesday of the month."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read what stands between the parentheses of ``cron(…)``.

        Raises
        ------
        ValueError
            It is none; the message says why.
        """
        parts = text.split()
        if len(parts) != len(_NAMES):
            raise ValueError(
                f"a cron expression has six fields ({', '.join(_NAMES)}), not {len(parts)}"
            )
        minutes, hours, day, month, weekday, year = (part.upper() for part in parts)
        if (day == "?") is (weekday == "?"):
            raise ValueError(
                "either Day-of-month or Day-of-week must be ?, and the other one must not"
            )
        found = cls(
            minutes=_values(_MINUTES, minutes),
            hours=_values(_HOURS, hours),
            months=_values(_MONTH, month),
            years=_values(_YEAR, year),
        )
        return found._with_weekdays(weekday) if day == "?" else found._with_days(day)

    def _with_days(self, text: str) -> Cron:
        last, nearest, plain = False, [], []
        for item in text.split(","):
            if item == "L":
                last = True
            elif item == "LW":
                nearest.append(_LAST_DAY)
            elif re.fullmatch(r"\d+W", item):
                nearest.append(_value(_DAY_OF_MONTH, item[:-1]))
            else:
                plain.append(item)
        days = frozenset(_values(_DAY_OF_MONTH, ",".join(plain))) if plain else frozenset()
        return Cron(
            self.minutes,
            self.hours,
            self.months,
            self.years,
            days=days,
            last_day=last,
            nearest=tuple(nearest),
        )

    def _with_weekdays(self, text: str) -> Cron:
        weekdays, last, nth = set(), set(), None
        if "#" in text:
            day, _, number = text.partition("#")
            if not number.isdigit() or not 1 <= int(number) <= 5:
                raise ValueError("after # in Day-of-week comes one number from 1 to 5")
            nth = (_value(_DAY_OF_WEEK, day), int(number))
        else:
            for item in text.split(","):
                if item == "L":
                    weekdays.add(_SATURDAY)
                elif item.endswith("L") and len(item) > 1:
                    last.add(_value(_DAY_OF_WEEK, item[:-1]))
                else:
                    weekdays.update(_values(_DAY_OF_WEEK, item))
        return Cron(
            self.minutes,
            self.hours,
            self.months,
            self.years,
            weekdays=frozenset(weekdays),
            last_weekdays=frozenset(last),
            nth_weekday=nth,
        )

    def days_of(self, year: int, month: int) -> list[int]:
        """Return the days of a month it falls on."""
        first, length = calendar.monthrange(year, month)
        if self.days is not None:
            chosen = {day for day in self.days if day <= length}
            if self.last_day:
                chosen.add(length)
            chosen.update(
                _nearest_weekday(first, length, day or length)
                for day in self.nearest
                if day <= length
            )
            return sorted(chosen)
        return [
            day
            for day in range(1, length + 1)
            if self._on_weekday((first + day) % 7 + 1, day, length)
        ]

    def _on_weekday(self, weekday: int, day: int, length: int) -> bool:
        if self.nth_weekday is not None:
            return self.nth_weekday == (weekday, (day - 1) // 7 + 1)
        if weekday in (self.weekdays or ()):
            return True
        return weekday in self.last_weekdays and day + 7 > length

    def matches(self, moment: datetime) -> bool:
        """Tell whether it falls on this minute."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and moment.year in self.years
            and moment.day in self.days_of(moment.year, moment.month)
        )

    def from_(self, start: datetime) -> Iterator[datetime]:
        """Yield the minutes it falls on, from that of ``start`` on."""
        start = start.replace(second=0, microsecond=0)
        for year in self.years:
            for month in self.months if year >= start.year else ():
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days_of(year, month):
                    yield from self._times(datetime(year, month, day), start)

    def _times(self, day: datetime, start: datetime) -> Iterator[datetime]:
        if day.date() < start.date():
            return
        for hour in self.hours:
            if day.date() == start.date() and hour < start.hour:
                continue
            for minute in self.minutes:
                moment = day + timedelta(hours=hour, minutes=minute)
                if moment >= start:
                    yield moment


def _nearest_weekday(first: int, length: int, day: int) -> int:
    """Return the weekday nearest to a day without leaving the month.

    ``first``: weekday of the 1st, Monday 0.
    """
    weekday = (first + day - 1) % 7
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < length else day - 2
    return day


def _value(field: _Field, text: str) -> int:
    if text in field.words:
        return field.words.index(text) + field.low
    if not (text.isascii() and text.isdigit()) or not field.low <= int(text) <= field.high:
        words = f" or {field.words[0]}-{field.words[-1]}" if field.words else ""
        raise ValueError(
            f"{field.name} must be {field.low}-{field.high}{words}, not {text or 'nothing'}"
        )
    return int(text)


def _values(field: _Field, text: str) -> tuple[int, ...]:
    chosen: set[int] = set()
    for item in text.split(","):
        span, slash, step_text = item.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            first, last = field.low, field.high
        else:
            first = _value(field, low)
            last = _value(field, high) if dash else field.high if slash else first
        step = 1
        if slash:
            if not (step_text.isascii() and step_text.isdigit()) or int(step_text) < 1:
                raise ValueError(f"the increment of {field.name} is a number from 1, not {item}")
            step = int(step_text)
        if last < first:  # 22-2 goes over the end
            if field is _YEAR:
                raise ValueError(f"{field.name} cannot go from {first} to {last}")
            size = field.high - field.low + 1
            span_values = range(first, last + size + 1, step)
            chosen.update((value - field.low) % size + field.low for value in span_values)
        else:
            chosen.update(range(first, last + 1, step))
    return tuple(sorted(chosen))
