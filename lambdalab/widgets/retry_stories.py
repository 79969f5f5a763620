"""Turns the event log into stories of asynchronous events. Pure: no clock, no I/O, no widget.

A story is what became of one event: its attempts, its waits, its end, and what was sent on.
The queue may hand an event out twice; the second time is a story of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lambdalab.rules.retries import Condition, Outcome
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event

__all__ = ["LIMIT", "Attempt", "Delivery", "Retry", "Stories", "Story"]

LIMIT = 5_000
"""Stories that are kept; the oldest that have ended go first."""


@dataclass(slots=True)
class Retry:
    """A wait: for how long (s), until which epoch second, and why."""

    delay_s: float
    due: float
    cause: str


@dataclass(slots=True)
class Attempt:
    """One attempt. ``status`` is ``None`` while it lasts, then as ``AttemptFinished`` has it."""

    number: int
    started: float
    finished: float | None = None
    status: str | None = None
    error_type: str | None = None
    retry: Retry | None = None
    """What it left the event to wait for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent on, where to (an ARN), and why that did not work."""

    kind: str
    destination: str
    error: str | None


@dataclass(slots=True)
class Story:
    """What became of one event. Times are epoch seconds."""

    request_id: str
    function: str
    qualifier: str
    source: str
    accepted: float
    max_retries: int
    max_age_s: float
    duplicate: bool = False
    """The queue handed it out once more than it was put in."""
    attempts: list[Attempt] = field(default_factory=list)
    ended: float | None = None
    condition: str | None = None
    """How it ended, as a destination's record says it; ``None`` while it is in the queue."""
    sent: list[Delivery] = field(default_factory=list)
    loop: int | None = None
    """How often it had passed through the function when Lambda stopped it."""

    @property
    def id(self) -> str:
        """A name that no other story has."""
        return f"{self.request_id}/2" if self.duplicate else self.request_id

    @property
    def done(self) -> bool:
        """Whether the function has processed it."""
        return self.condition == Condition.SUCCESS

    @property
    def statuses(self) -> tuple[str, ...]:
        """How its attempts went; an empty one lasts."""
        return tuple(one.status or "" for one in self.attempts)

    @property
    def waits(self) -> Retry | None:
        """What it waits for just now."""
        return self.attempts[-1].retry if self.attempts and self.ended is None else None

    @property
    def last(self) -> float:
        """When something happened to it last."""
        times = [self.accepted if self.ended is None else self.ended]
        if self.attempts:
            times += [self.attempts[-1].started, self.attempts[-1].finished or self.accepted]
        return max(times)


class Stories:
    """The stories of a function's events, growing with the event log.

    Parameters
    ----------
    function
        Only this function's events; ``None`` for all.
    limit
        Keep at most so many stories.
    """

    def __init__(self, function: str | None = None, limit: int = LIMIT) -> None:
        self._function = function
        self._limit = limit
        self._of: dict[str, list[Story]] = {}
        """By request id: the event, and its duplicate if it has one."""
        self.dropped = 0
        """How many older stories were left out."""
        self.end: float | None = None
        """Epoch second of the newest event about one of them."""

    def all(self) -> list[Story]:
        """Return every story, in the order in which events were accepted."""
        return [story for stories in self._of.values() for story in stories]

    def feed(self, events: Iterable[Event]) -> bool:
        """Take events in; say whether any of them changed something."""
        changed = False
        for event in events:
            if isinstance(event, ev.SandboxReset):
                self._of.clear()
                self.dropped, self.end = 0, None
                changed = True
            elif isinstance(event, ev.InvocationEvent) and self._take(event):
                self.end = event.time if self.end is None else max(self.end, event.time)
                changed = True
        self._trim()
        return changed

    def _take(self, event: ev.InvocationEvent) -> bool:
        if self._function not in (None, event.function):
            return False
        if isinstance(event, ev.EventQueued):
            self._of[event.request_id] = [
                Story(
                    event.request_id,
                    event.function,
                    event.qualifier,
                    event.source,
                    event.time,
                    event.max_retries,
                    event.max_age_s,
                )
            ]
            return True
        stories = self._of.get(event.request_id)
        if stories is None or stories[0].function != event.function:
            return False  # accepted before the log begins, or no asynchronous event
        match event:
            case ev.EventDuplicated():
                first = stories[0]
                stories.append(
                    Story(
                        first.request_id,
                        first.function,
                        first.qualifier,
                        first.source,
                        first.accepted,
                        first.max_retries,
                        first.max_age_s,
                        duplicate=True,
                    )
                )
            case ev.AttemptStarted():
                begun = _expecting(stories, event.attempt)
                begun.attempts.append(Attempt(event.attempt, event.time))
            case ev.AttemptFinished():
                _finish(stories, event)
            case ev.RetryScheduled():
                story = _after(stories, event.attempt - 1)
                story.attempts[-1].retry = Retry(event.delay_s, event.due, event.cause)
            case ev.EventDropped():
                story = _after(stories, event.attempts)
                story.ended, story.condition = event.time, event.condition
            case ev.DestinationDelivered():
                story = max(stories, key=lambda one: (one.ended or 0.0, -len(one.sent)))
                story.sent.append(Delivery(event.kind, event.destination, event.error))
            case ev.RecursionDetected():
                stories[0].loop = event.count
            case _:
                return False
        return True

    def _trim(self) -> None:
        over = len(self._of) - self._limit
        if over <= 0:
            return
        ended = [name for name, of in self._of.items() if all(one.ended for one in of)]
        for name in (ended + [name for name in self._of if name not in set(ended)])[:over]:
            self.dropped += len(self._of.pop(name))


def _expecting(stories: list[Story], attempt: int) -> Story:
    """Return the story that an attempt begins in: a request id may be handed out twice."""
    fitting = [
        one
        for one in stories
        if len(one.attempts) == attempt - 1
        and one.ended is None
        and (not one.attempts or one.attempts[-1].retry is not None)
    ]
    return min(fitting or stories, key=lambda one: one.waits.due if one.waits else 0.0)


def _after(stories: list[Story], attempts: int) -> Story:
    """Return the story whose last attempt has been made and led to nothing yet."""
    fitting = [one for one in stories if len(one.attempts) == attempts and one.ended is None]
    open_ = [one for one in fitting if not one.attempts or one.attempts[-1].retry is None]
    return next(iter(open_ or fitting or stories))


def _finish(stories: list[Story], event: ev.AttemptFinished) -> None:
    for story in stories:
        if not story.attempts:
            continue
        last = story.attempts[-1]
        if last.number == event.attempt and last.finished is None:
            last.finished, last.status = event.time, event.status
            last.error_type = event.error_type
            if event.status == Outcome.SUCCESS:
                story.ended, story.condition = event.time, Condition.SUCCESS.value
            return
