"""Schedule expressions: what AWS's pages show, and properties over any expression."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.rules.cron import Cron
from lambdalab.rules.schedules import (
    Rate,
    first_time,
    next_time,
    parse,
    schedule_problem,
    timezone_problem,
)

START = "2026-11-25T10:00:00"  # a Wednesday


def epoch(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def runs(expression: str, count: int, after: str = START, zone: str = "UTC") -> list[str]:
    """Return the next runs, by the clocks of the zone."""
    found: list[str] = []
    now: float | None = epoch(after, zone)
    while now is not None and len(found) < count:
        now = next_time(expression, now, zone)
        if now is not None:
            moment = datetime.fromtimestamp(now, ZoneInfo(zone))
            found.append(moment.strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-26 10:00", "2026-11-27 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-25 12:15", "2026-11-26 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-25 18:00", "2026-11-26 18:00"]),
        ("cron(0 9 ? * 2-6 *)", ["2026-11-26 09:00", "2026-11-27 09:00", "2026-11-30 09:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-25 10:15", "2026-11-25 10:30"]),
        ("cron(*/20 10-11 * * ? *)", ["2026-11-25 10:20", "2026-11-25 10:40", "2026-11-25 11:00"]),
        ("cron(1/10 * * * ? *)", ["2026-11-25 10:01", "2026-11-25 10:11"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-11-25 20:00", "2026-11-25 20:30"]),
        ("cron(0 0 ? * FRI-MON *)", ["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00"]),
        ("cron(0 10 ? * 6L 2026-2027)", ["2026-11-27 10:00", "2026-12-25 10:00"]),
        ("cron(0 10 ? * FRIL *)", ["2026-11-27 10:00", "2026-12-25 10:00"]),
        ("cron(0 10 ? * L *)", ["2026-11-28 10:00", "2026-12-05 10:00"]),
        ("cron(0 10 ? * 3#2 *)", ["2026-12-08 10:00", "2027-01-12 10:00"]),
        ("cron(0 10 ? * TUE#5 *)", ["2026-12-29 10:00", "2027-03-30 10:00"]),
        ("cron(59 23 L * ? *)", ["2026-11-30 23:59", "2026-12-31 23:59", "2027-01-31 23:59"]),
        ("cron(0 0 L FEB ? *)", ["2027-02-28 00:00", "2028-02-29 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-12-15 00:00", "2027-01-15 00:00", "2027-02-15 00:00"]),
        ("cron(0 0 1W * ? 2027)", ["2027-01-01 00:00", "2027-02-01 00:00", "2027-03-01 00:00"]),
        ("cron(0 0 1W MAY ? 2027)", ["2027-05-03 00:00"]),  # the 1st is a Saturday
        ("cron(0 0 31W OCT ? 2027)", ["2027-10-29 00:00"]),  # the 31st is a Sunday
        ("cron(0 0 LW FEB ? 2027)", ["2027-02-26 00:00"]),
        ("cron(0 0 LW FEB ? 2027-2028)", ["2027-02-26 00:00", "2028-02-29 00:00"]),
        ("cron(0 0 30W FEB ? *)", []),
        ("cron(0 0 31W JUN ? *)", []),
        ("cron(0 0 30 FEB ? *)", []),
        ("cron(0 0 1 1 ? 2000)", []),
        (
            "cron(0 0 1 JAN,JUL ? 2027/2)",
            ["2027-01-01 00:00", "2027-07-01 00:00", "2029-01-01 00:00"],
        ),
        (
            "cron(5,10  8   1,15 * ? *)",
            ["2026-12-01 08:05", "2026-12-01 08:10", "2026-12-15 08:05"],
        ),
        ("rate(5 minutes)", ["2026-11-25 10:05", "2026-11-25 10:10"]),
        ("rate(1 hour)", ["2026-11-25 11:00", "2026-11-25 12:00"]),
        ("rate(7 days)", ["2026-12-02 10:00", "2026-12-09 10:00"]),
        ("at(2026-11-25T10:00:01)", ["2026-11-25 10:00"]),
        ("at(2026-11-25T10:00:00)", []),
    ],
)
def test_when_it_runs(expression: str, expected: list[str]) -> None:
    assert schedule_problem(expression, scheduler=True) is None
    found = runs(expression, max(1, len(expected)))
    assert found == expected


def test_time_zone_is_the_schedules_own() -> None:
    assert runs("cron(0 9 * * ? *)", 2, zone="Asia/Taipei") == [
        "2026-11-26 09:00",
        "2026-11-27 09:00",
    ]
    assert next_time("cron(0 9 * * ? *)", epoch(START), "Asia/Taipei") == epoch(
        "2026-11-26T01:00:00"
    )
    assert next_time("at(2026-11-25T20:00:00)", epoch(START), "Asia/Taipei") == epoch(
        "2026-11-25T12:00:00"
    )


def test_time_that_summer_time_leaves_out_is_skipped() -> None:
    new_york = "America/New_York"  # 2026-03-08: from 02:00 to 03:00
    assert runs("cron(30 2 * * ? *)", 3, "2026-03-06T12:00:00", new_york) == [
        "2026-03-07 02:30",
        "2026-03-09 02:30",
        "2026-03-10 02:30",
    ]
    assert runs("cron(30 * * * ? *)", 3, "2026-03-08T00:45:00", new_york) == [
        "2026-03-08 01:30",
        "2026-03-08 03:30",
        "2026-03-08 04:30",
    ]


def test_time_that_comes_twice_is_used_once() -> None:
    new_york = "America/New_York"  # 2026-11-01: from 02:00 back to 01:00
    first = next_time("cron(30 1 * * ? *)", epoch("2026-11-01T00:00:00", new_york), new_york)
    assert first == epoch("2026-11-01T05:30:00")  # still summer time
    second = next_time("cron(30 1 * * ? *)", first, new_york)
    assert second == epoch("2026-11-02T06:30:00")
    # In the second hour of the two, the first has been.
    inside = epoch("2026-11-01T06:10:00")
    assert next_time("cron(45 1 * * ? *)", inside, new_york) == epoch("2026-11-02T06:45:00")


def test_day_of_a_rate_is_24_hours() -> None:
    before = epoch("2026-03-07T12:00:00", "America/New_York")
    assert next_time("rate(1 day)", before, "America/New_York") == before + 86400


def test_rate_keeps_to_its_anchor() -> None:
    assert next_time("rate(10 minutes)", 1234.5, anchor=100.0) == 1300.0
    assert next_time("rate(10 minutes)", 1300.0, anchor=100.0) == 1900.0
    assert next_time("rate(10 minutes)", 50.0, anchor=100.0) == 100.0


def test_first_run() -> None:
    created = epoch(START)
    assert first_time("rate(1 hour)", created) == created + 3600
    assert first_time("rate(1 hour)", created, scheduler=True) == created
    assert first_time("rate(1 hour)", created, scheduler=True, start=created + 5) == created + 5
    assert first_time("rate(1 hour)", created, scheduler=True, start=created - 5) == created
    noon = "cron(0 12 * * ? *)"
    for scheduler in (False, True):
        assert first_time(noon, created, scheduler=scheduler) == epoch("2026-11-25T12:00:00")
    tomorrow = epoch("2026-11-26T12:00:00")
    for start in (tomorrow, tomorrow - 3600):
        assert first_time(noon, created, scheduler=True, start=start) == tomorrow
    assert first_time(noon, created, scheduler=True, start=tomorrow + 1) == tomorrow + 86400


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "A schedule expression is cron(…), rate(…) or at(…)"),
        ("every day", "A schedule expression is"),
        ("rate(5 minutes", "A schedule expression is"),
        ("rate()", "A rate expression is a number from 1 and a unit"),
        ("rate(0 minutes)", "A rate expression is a number from 1 and a unit"),
        ("rate(1.5 hours)", "A rate expression is a number from 1 and a unit"),
        ("rate(5)", "The unit of a rate is minutes, hours or days, not nothing"),
        ("rate(5 seconds)", "The unit of a rate is minutes, hours or days, not seconds"),
        ("rate(1 minutes)", "The unit of a rate of 1 is minute, not minutes"),
        ("rate(5 minute)", "The unit of a rate of 5 is minutes, not minute"),
        ("cron(0 12 * * *)", "A cron expression has six fields"),
        ("cron(0 12 * * * *)", "Either Day-of-month or Day-of-week must be ?"),
        ("cron(0 12 ? * ? *)", "Either Day-of-month or Day-of-week must be ?"),
        ("cron(0 12 1 * MON *)", "Either Day-of-month or Day-of-week must be ?"),
        ("cron(60 12 * * ? *)", "Minutes must be 0-59, not 60"),
        ("cron(0 24 * * ? *)", "Hours must be 0-23, not 24"),
        ("cron(0 12 32 * ? *)", "Day-of-month must be 1-31, not 32"),
        ("cron(0 12 0W * ? *)", "Day-of-month must be 1-31, not 0"),
        ("cron(0 12 * 13 ? *)", "Month must be 1-12 or JAN-DEC, not 13"),
        ("cron(0 12 * JANUARY ? *)", "Month must be 1-12 or JAN-DEC, not JANUARY"),
        ("cron(0 12 ? * 0 *)", "Day-of-week must be 1-7 or SUN-SAT, not 0"),
        ("cron(0 12 ? * 3#6 *)", "After # in Day-of-week comes one number from 1 to 5"),
        ("cron(0 12 ? * 3#1,6#3 *)", "After # in Day-of-week comes one number from 1 to 5"),
        ("cron(0 12 * * ? 1969)", "Year must be 1970-2199, not 1969"),
        ("cron(0 12 * * ? 2030-2026)", "Year cannot go from 2030 to 2026"),
        ("cron(0/0 12 * * ? *)", "The increment of Minutes is a number from 1, not 0/0"),
        ("cron(0/x 12 * * ? *)", "The increment of Minutes is a number from 1, not 0/X"),
        ("cron(? 12 * * ? *)", "Minutes must be 0-59, not ?"),
        ("cron(, 12 * * ? *)", "Minutes must be 0-59, not nothing"),
        ("at(2026-02-30T10:00:00)", "A one-time expression is at(yyyy-mm-ddThh:mm:ss)"),
        ("at(2026-11-25 10:00)", "A one-time expression is at(yyyy-mm-ddThh:mm:ss)"),
        ("at(2026-11-25T10:00:00Z)", "A one-time expression is at(yyyy-mm-ddThh:mm:ss)"),
    ],
)
def test_what_is_wrong_with_a_schedule(expression: str, reason: str) -> None:
    problem = schedule_problem(expression)
    assert problem is not None
    assert problem.startswith(f"Parameter ScheduleExpression is not valid. {reason}")
    problem = schedule_problem(expression, scheduler=True)
    assert problem is not None
    assert problem.startswith(f"Invalid Schedule Expression {expression}. {reason}")


def test_rule_has_no_one_time_schedule() -> None:
    problem = schedule_problem("at(2026-11-25T10:00:00)")
    assert problem is not None and "a rule has no one-time schedule" in problem.lower()


def test_time_zones_have_names() -> None:
    assert timezone_problem("Asia/Taipei") is None
    for name in ("Taipei", "../etc/passwd", "", "Asia/"):
        problem = timezone_problem(name)
        assert problem is not None and problem.startswith("Invalid Schedule Expression Timezone")


# -- properties ---------------------------------------------------------------------------


def _numbers(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    step = st.integers(1, high)
    return st.one_of(
        st.just("*"),
        one.map(str),
        st.tuples(one, one).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.tuples(one, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.lists(one, min_size=2, max_size=4).map(lambda many: ",".join(map(str, many))),
    )


_days = _numbers(1, 31) | st.sampled_from(["L", "LW", "1W", "15W", "31W", "1,L"])
_weekdays = _numbers(1, 7) | st.sampled_from(["MON-FRI", "L", "6L", "SUN#1", "3#5", "SAT,2L"])
_crons = st.builds(
    lambda minute, hour, days, month: f"cron({minute} {hour} {days[0]} {month} {days[1]} *)",
    _numbers(0, 59),
    _numbers(0, 23),
    _days.map(lambda day: (day, "?")) | _weekdays.map(lambda day: ("?", day)),
    _numbers(1, 12),
)
_zones = st.sampled_from(
    ["UTC", "Asia/Taipei", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
_times = st.integers(int(epoch("2024-01-01")), int(epoch("2030-01-01"))).map(float)


@given(_crons, _zones, _times)
def test_next_times_increase_and_match(expression: str, zone: str, after: float) -> None:
    schedule = parse(expression)
    assert isinstance(schedule, Cron)
    times = [after]
    for _ in range(4):
        found = next_time(expression, times[-1], zone)
        if found is None:
            break
        moment = datetime.fromtimestamp(found, ZoneInfo(zone))
        assert (moment.second, moment.microsecond) == (0, 0)
        assert schedule.matches(moment.replace(tzinfo=None))
        times.append(found)
    assert all(earlier < later for earlier, later in pairwise(times))


@given(_crons, _times)
def test_nothing_that_matches_is_left_out(expression: str, after: float) -> None:
    schedule = parse(expression)
    assert isinstance(schedule, Cron)
    found = next_time(expression, after)
    moment = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0, tzinfo=None)
    for _ in range(600):
        moment += timedelta(minutes=1)
        at = moment.replace(tzinfo=UTC).timestamp()
        assert schedule.matches(moment) is (found == at) or (found is not None and at > found)
        if found == at:
            return
    assert found is None or found > moment.replace(tzinfo=UTC).timestamp()


@given(st.integers(2024, 2032), st.integers(1, 12), st.integers(1, 31))
def test_nearest_weekday_is_near_and_a_weekday(year: int, month: int, day: int) -> None:
    length = calendar.monthrange(year, month)[1]
    days = Cron.parse(f"0 0 {day}W * ? *").days_of(year, month)
    assert len(days) == (day <= length)
    for found in days:
        assert datetime(year, month, found).weekday() < 5
        assert abs(found - day) <= 2
        if datetime(year, month, day).weekday() < 5:
            assert found == day


@given(st.integers(1, 1000), st.sampled_from(["minute", "hour", "day"]), _times)
def test_rate_runs_every_so_often(count: int, unit: str, created: float) -> None:
    expression = f"rate({count} {unit}{'s' * (count != 1)})"
    schedule = parse(expression)
    assert isinstance(schedule, Rate)
    run = created
    for number in range(1, 4):
        following = next_time(expression, run, anchor=created)
        assert following == created + number * schedule.seconds
        run = following
