"""Which stories of events are drawn, and in which order: those that went wrong come first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.widgets.retry_stories import Attempt, Story

__all__ = ["ROWS", "Row", "row_json", "rows_of"]

ROWS = 12
"""Rows that are drawn at first. More events than that share rows by what they went through."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: a story, and how many went the same way."""

    story: Story
    count: int = 1


def rows_of(stories: Sequence[Story], most: int = ROWS) -> tuple[list[Row], int]:
    """Return the rows to draw, and how many events are left out.

    A few events stand by themselves, the newest first. Of many, those whose attempts went the
    same way and ended alike share a row, and the one that took longest is drawn for them: events
    that were given up first, then those still in the queue, then those that took most attempts.
    """
    if len(stories) <= ROWS:
        rows = [Row(one) for one in sorted(stories, key=lambda one: -one.accepted)]
    else:
        groups: dict[object, list[Story]] = {}
        for one in stories:
            groups.setdefault(_way(one), []).append(one)
        rows = [Row(max(group, key=_lasted), len(group)) for group in groups.values()]
        rows.sort(key=_interest)
        if len(rows) > most:  # what most of them went through is never left out
            usual = max(rows, key=lambda row: row.count)
            if usual in rows[most:]:
                rows.remove(usual)
                rows.insert(most - 1, usual)
    return rows[:most], sum(row.count for row in rows[most:])


def _way(story: Story) -> object:
    sent = tuple((one.kind, one.destination, one.error) for one in story.sent)
    end = story.condition or ("waits" if story.waits else "runs")
    return (story.function, story.statuses, end, story.duplicate, story.loop is not None, sent)


def _lasted(story: Story) -> float:
    return story.last - story.accepted


def _interest(row: Row) -> tuple[int, int, float]:
    story = row.story
    kind = 1 if story.ended is None else 2 if story.done else 0
    return (kind, -len(story.attempts), -story.accepted)


def row_json(row: Row) -> dict[str, Any]:
    """Return a row as JSON-ready data; ``at`` and ``due`` count from the event's acceptance."""
    story = row.story
    return {
        "id": story.id,
        "request": story.request_id,
        "function": story.function,
        "qualifier": story.qualifier,
        "source": story.source,
        "accepted": story.accepted,
        "count": row.count,
        "maxRetries": story.max_retries,
        "maxAge": story.max_age_s,
        "duplicate": story.duplicate,
        "attempts": list(_attempts(story.attempts, story.accepted)),
        "ended": None if story.ended is None else story.ended - story.accepted,
        "condition": story.condition,
        "sent": [
            {"kind": one.kind, "to": one.destination, "error": one.error} for one in story.sent
        ],
        "loop": story.loop,
    }


def _attempts(attempts: Iterable[Attempt], accepted: float) -> Iterable[dict[str, Any]]:
    for one in attempts:
        wait = one.retry
        yield {
            "number": one.number,
            "at": one.started - accepted,
            "end": None if one.finished is None else one.finished - accepted,
            "status": one.status,
            "error": one.error_type,
            "wait": None
            if wait is None
            else {"delay": wait.delay_s, "due": wait.due - accepted, "cause": wait.cause},
        }
