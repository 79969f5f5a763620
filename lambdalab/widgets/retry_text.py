"""The retry timeline in words: a plan as it goes, and what became of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from lambdalab.i18n import Language, message
from lambdalab.rules.retries import (
    Done,
    GiveUp,
    Outcome,
    Planned,
    Retry,
    function_error_delay,
    throttle_delay,
)
from lambdalab.widgets.lengths import length, short_arn
from lambdalab.widgets.retry_plan import RetryPlan
from lambdalab.widgets.retry_rows import Row
from lambdalab.widgets.retry_stories import Attempt, Story

__all__ = ["plan_sentences", "rows_text"]

_REFUSED = (Outcome.THROTTLED, Outcome.SYSTEM)
_FEW = 3
"""Attempts that go the same way and are still told one by one."""
_ENDLESS = 99
"""Backoffs in a row after which the wait does not grow any more."""


def plan_sentences(plan: RetryPlan, lang: Language) -> list[str]:
    """Return what happens to the event of a plan, a sentence or two for each step."""
    attempts = plan.attempts()
    told: list[str] = []
    runs = 0
    for outcome, group in groupby(attempts, key=lambda one: one.outcome):
        run = list(group)
        if outcome in _REFUSED:
            told.append(_sent_back(run, plan, lang))
            continue
        for one in run:
            runs += 1
            told.append(_ran(one, runs, plan, lang))
    return [*told, _end(attempts, runs, plan, lang)]


def _say(lang: Language, key: str, **values: object) -> str:
    return message(f"retry_timeline.tell.{key}", lang, **values)


def _sent_back(run: Sequence[Planned], plan: RetryPlan, lang: Language) -> str:
    first, last = run[0], run[-1]
    waits = [one.decision.delay_s for one in run if isinstance(one.decision, Retry)]
    values = {
        "number": first.number,
        "at": length(first.time_s, lang),
        "what": message(f"retry_timeline.outcome.{first.outcome}", lang),
    }
    if len(run) == 1:
        if not waits:
            return _say(lang, "back_end", **values)
        return _say(lang, "back_one", wait=length(waits[0], lang), **values)
    key = "back_many" if waits[-1] > waits[0] else "back_same"
    text = _say(
        lang,
        key,
        last=last.number,
        until=length(last.time_s, lang),
        first=length(waits[0], lang),
        longest=length(waits[-1], lang),
        **values,
    )
    most = throttle_delay(_ENDLESS, plan.policy.lag)
    if key == "back_many" and waits[-1] == most:
        number = run[waits.index(most)].number
        capped = _say(lang, "capped", number=number, wait=length(most, lang))
        text += ("" if lang == "zh-TW" else " ") + capped
    return text


def _ran(one: Planned, runs: int, plan: RetryPlan, lang: Language) -> str:
    values = {"number": one.number, "at": length(one.time_s, lang)}
    if one.outcome is Outcome.SUCCESS:
        return _say(lang, "success", **values)
    if not isinstance(one.decision, Retry):
        return _say(lang, "error_end", **values)
    wait = length(one.decision.delay_s, lang)
    return _say(lang, "error", used=runs, most=plan.max_retries, wait=wait, **values)


def _end(attempts: Sequence[Planned], runs: int, plan: RetryPlan, lang: Language) -> str:
    last = attempts[-1]
    at = last.time_s + (0.0 if last.outcome in _REFUSED else plan.duration_s)
    if isinstance(last.decision, Done):
        return _say(lang, "done", at=length(at, lang), count=last.number)
    assert isinstance(last.decision, GiveUp)  # noqa: S101 - a plan goes on to its end
    backoffs = 0
    for one in reversed(attempts):
        if one.outcome not in _REFUSED:
            break
        backoffs += 1
    lag = plan.policy.lag
    wait = throttle_delay(backoffs, lag) if backoffs else function_error_delay(runs, lag)
    text = _say(
        lang,
        last.decision.condition.value,
        at=length(at, lang),
        runs=runs,
        most=plan.max_retries,
        next=length(at + wait, lang),
        age=length(plan.max_age_s, lang),
    )
    used = runs - 1 if last.outcome is Outcome.ERROR else runs  # its last failure got no retry
    free = any(one.outcome in _REFUSED for one in attempts)
    left = _say(
        lang,
        "used_free" if free else "used",
        used=used,
        most=plan.max_retries,
        left=plan.max_retries - used,
    )
    return text + ("" if lang == "zh-TW" else " ") + left


# -- events -------------------------------------------------------------------------------


def rows_text(rows: Sequence[Row], left: int, lang: Language) -> list[str]:
    """Return the rows of the picture in words, one line for each attempt and end."""
    lines = [line for row in rows for line in _row(row, lang)]
    if left:
        lines.append(message("retry_timeline.more", lang, count=left))
    return lines


def _row(row: Row, lang: Language) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return message(f"retry_timeline.{key}", lang, **values)

    story = row.story
    moment = datetime.fromtimestamp(story.accepted).astimezone()
    head = say(
        "text.event",
        id=story.request_id[:8],
        function=story.function,
        time=f"{moment:%H:%M:%S}",
    )
    if story.duplicate:
        head += f"  {say('row.duplicate')}"
    if row.count > 1:
        head += f"  {say('row.times', count=row.count)}"
    yield head
    for _, same in groupby(story.attempts, key=lambda one: (one.status, one.error_type)):
        run = list(same)
        for part in [run] if len(run) > _FEW else [[one] for one in run]:
            yield _attempts(part, story, lang)
    yield say("text.end", end=_ended(story, lang))


def _attempts(same: Sequence[Attempt], story: Story, lang: Language) -> str:
    """Tell of attempts that went the same way, one after the other."""

    def say(key: str, **values: object) -> str:
        return message(f"retry_timeline.text.{key}", lang, **values)

    one, last = same[0], same[-1]
    text = say(
        "attempt" if one is last else "attempts",
        at=length(one.started - story.accepted, lang),
        until=length(last.started - story.accepted, lang),
        number=one.number,
        last=last.number,
        outcome=message(f"retry_timeline.outcome.{one.status or 'running'}", lang),
    )
    if one.error_type:
        text += say("error", error=one.error_type)
    waits = [length(each.retry.delay_s, lang) for each in same if each.retry is not None]
    if waits:
        text += say("wait", wait=waits[0] if len(waits) == 1 else f"{waits[0]} – {waits[-1]}")
    return text


def _ended(story: Story, lang: Language) -> str:
    def say(key: str, **values: object) -> str:
        return message(f"retry_timeline.{key}", lang, **values)

    if story.ended is None:
        number = story.attempts[-1].number if story.attempts else 0
        wait = story.waits
        if wait is not None:
            return say("end.waits", number=number + 1, wait=length(wait.delay_s, lang))
        return say("end.runs", number=number) if number else say("end.queued")
    parts = [say("end.done") if story.done else say("end.given_up", condition=story.condition)]
    for one in story.sent:
        name = f"{say(f'kind.{one.kind}')} {short_arn(one.destination)}"
        parts.append(say("end.failed" if one.error else "end.sent", to=name))
    if not story.done and not story.sent:
        parts.append(say("end.none_sent"))
    return " · ".join(parts)
