"""Where each field of a destination's record came from, told from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdalab.i18n import Language, message
from lambdalab.rules.shapes.timestamps import to_milliseconds
from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event

__all__ = ["Card", "History", "Try", "batch_info", "cards", "history", "is_stream", "targets"]

_SHOWN = 6
"""Attempts that are listed; of more, the first and the last ones."""
_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo")


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that fields come from, or go to.

    Attributes
    ----------
    id
        What the fields name it by.
    title
        What it is.
    rows
        What is known of it: name and value.
    """

    id: str
    title: str
    rows: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"id": self.id, "title": self.title, "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt.

    Attributes
    ----------
    number
        Counts from 1.
    time
        When it began, epoch seconds.
    status, error
        How it went: as the event log says it; empty while it is under way.
    wait
        How long the event waited after it, in seconds; ``None`` if nothing came after it.
    """

    number: int
    time: float
    status: str = ""
    error: str | None = None
    wait: float | None = None


@dataclass(slots=True)
class History:
    """What the event log knows of one record.

    Attributes
    ----------
    delivered
        The delivery itself.
    queued
        How an asynchronous event was accepted.
    tries
        The attempts, in order.
    given_up
        The stream's records that were given up.
    dead_letter
        What a dead-letter queue got for the same event.
    """

    delivered: ev.DestinationDelivered | None = None
    queued: ev.EventQueued | None = None
    tries: list[Try] = field(default_factory=list)
    given_up: ev.RecordsDiscarded | None = None
    dead_letter: ev.DestinationDelivered | None = None

    @property
    def ran(self) -> list[Try]:
        """The attempts in which the function ran."""
        return [one for one in self.tries if one.status in ("success", "error", "partial")]


def batch_info(record: Mapping[str, Any]) -> str | None:
    """Return the name of the field that says where a stream's records are."""
    return next((name for name in _BATCHES if name in record), None)


def is_stream(record: Mapping[str, Any]) -> bool:
    """Tell a record of a stream's mapping from one of an asynchronous event."""
    return batch_info(record) is not None


# -- the event log ------------------------------------------------------------------------


def history(record: Mapping[str, Any], events: Sequence[Event]) -> History:
    """Return what the event log knows of a record, by its request id."""
    request = record["requestContext"].get("requestId")
    found = History()
    mine = [one for one in events if getattr(one, "request_id", None) == request]
    for one in mine:
        if isinstance(one, ev.DestinationDelivered):
            if one.kind == "dead-letter":
                found.dead_letter = one
            else:
                found.delivered = one
        elif isinstance(one, ev.EventQueued):
            found.queued = one
    if is_stream(record):
        _of_stream(found, mine, events)
    else:
        found.tries = _attempts(mine)
    return found


def _attempts(mine: Iterable[Event]) -> list[Try]:
    tries: list[Try] = []
    for one in mine:
        if isinstance(one, ev.AttemptStarted):
            tries.append(Try(one.attempt, one.time))
        elif isinstance(one, ev.AttemptFinished) and tries:
            last = tries[-1]
            tries[-1] = Try(last.number, last.time, one.status, one.error_type)
        elif isinstance(one, ev.RetryScheduled) and tries:
            last = tries[-1]
            tries[-1] = Try(last.number, last.time, last.status, last.error, one.delay_s)
    return tries


def _of_stream(found: History, mine: Sequence[Event], events: Sequence[Event]) -> None:
    """Fill in the attempts of the batch that the last invocation belonged to."""
    batch = next((one.batch for one in reversed(mine) if isinstance(one, ev.BatchStarted)), None)
    for one in events:
        if getattr(one, "batch", None) != batch or batch is None:
            continue
        if isinstance(one, ev.BatchStarted):
            found.tries.append(Try(one.attempt, one.time))
        elif isinstance(one, ev.BatchFinished) and found.tries:
            last = found.tries[-1]
            found.tries[-1] = Try(last.number, last.time, one.status, one.error_type)
        elif isinstance(one, ev.ShardBlocked) and found.tries:
            last = found.tries[-1]
            wait = max(one.due - one.time, 0.0)
            found.tries[-1] = Try(last.number, last.time, last.status, last.error, wait)
        elif isinstance(one, ev.RecordsDiscarded):
            found.given_up = one


# -- from field to card -------------------------------------------------------------------

_ASYNC = {
    ("version",): ("format",),
    ("timestamp",): ("attempts",),
    ("requestContext", "requestId"): ("event",),
    ("requestContext", "functionArn"): ("function",),
    ("requestContext", "condition"): ("attempts", "config"),
    ("requestContext", "approximateInvokeCount"): ("attempts",),
    ("requestPayload",): ("event",),
    ("responseContext", "statusCode"): ("attempts",),
    ("responseContext", "executedVersion"): ("function",),
    ("responseContext", "functionError"): ("attempts",),
    ("responsePayload",): ("attempts",),
}
_STREAM = {
    **{
        path: to
        for path, to in _ASYNC.items()
        if path[0] not in ("requestPayload", "responsePayload")
    },
    ("requestContext", "requestId"): ("attempts",),
    ("KinesisBatchInfo",): ("batch",),
    ("DDBStreamBatchInfo",): ("batch",),
    ("payload",): ("batch",),
}


def targets(record: Mapping[str, Any], path: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the cards that a field comes from; none for a mere bracket."""
    known = _STREAM if is_stream(record) else _ASYNC
    for length in range(len(path), 0, -1):
        found = known.get(tuple(path[:length]))
        if found is not None:
            return found
    return ()


# -- the cards ----------------------------------------------------------------------------


def moment(seconds: float) -> str:
    """Return the time of day as a record writes it, so that both can be compared."""
    return to_milliseconds(seconds)[11:]


def cards(record: Mapping[str, Any], known: History, lang: Language) -> tuple[Card, ...]:
    """Return what a record's fields come from."""
    told = _Told(record, known, lang)
    if is_stream(record):
        return (told.batch(), told.attempts(), told.mapping(), told.function(), told.format())
    return (told.event(), told.attempts(), told.config(), told.function(), told.format())


class _Told:
    """Puts the cards of one record into words."""

    def __init__(self, record: Mapping[str, Any], known: History, lang: Language) -> None:
        self._record = record
        self._context = record["requestContext"]
        self._known = known
        self._lang = lang

    def _say(self, key: str, **values: object) -> str:
        return message(f"record.{key}", self._lang, **values)

    def _card(self, name: str, *rows: tuple[str, str]) -> Card:
        titled = tuple((self._say(f"row.{key}") if key else "", value) for key, value in rows)
        return Card(name, self._say(f"card.{name}"), titled)

    def event(self) -> Card:
        queued = self._known.queued
        if queued is None:
            return self._card("event", ("", self._say("unknown")))
        size = self._say("bytes", count=f"{queued.payload_bytes:,}")
        return self._card(
            "event",
            ("accepted", moment(queued.time)),
            ("source", queued.source),
            ("size", size),
            ("request_id", queued.request_id),
        )

    def attempts(self) -> Card:
        tries = self._known.tries
        if not tries:
            return self._card("attempts", ("", self._say("unknown")))
        shown = tries
        if len(tries) > _SHOWN:
            shown = [*tries[: _SHOWN // 2], *tries[-_SHOWN // 2 :]]
        rows = [("", self._try(one)) for one in shown]
        if len(tries) > _SHOWN:
            rows.insert(_SHOWN // 2, ("", self._say("more_tries", count=len(tries) - _SHOWN)))
        return self._card("attempts", *rows)

    def _try(self, one: Try) -> str:
        status = self._say(f"status.{one.status}") if one.status else self._say("running")
        error = f" {one.error}" if one.error else ""
        line = f"{one.number} · {moment(one.time)} · {status}{error}"
        if one.wait is None:
            return line
        waiting = "wait_shard" if is_stream(self._record) else "wait"
        return f"{line} · {self._say(waiting, count=f'{one.wait:,.0f}')}"

    def config(self) -> Card:
        known = self._known
        rows = []
        if known.queued is not None:
            rows.append(("max_retries", str(known.queued.max_retries)))
            rows.append(("max_age", self._say("seconds", count=f"{known.queued.max_age_s:,.0f}")))
        return self._card("config", *rows, *self._destination())

    def _destination(self) -> list[tuple[str, str]]:
        known = self._known
        if known.delivered is None:
            return [("", self._say("unknown"))] if known.queued is None else []
        rows = [("destination", known.delivered.destination)]
        if known.delivered.error:
            rows.append(("refused", known.delivered.error))
        return rows

    def mapping(self) -> Card:
        given_up = self._known.given_up
        rows = [] if given_up is None else [("mapping", given_up.mapping)]
        card = self._card("config", *rows, *self._destination())
        return Card(card.id, self._say("card.mapping"), card.rows)

    def batch(self) -> Card:
        info = self._record[batch_info(self._record) or ""]
        rows = [("stream", str(info.get("streamArn"))), ("shard", str(info.get("shardId")))]
        given_up = self._known.given_up
        if given_up is not None:
            rows.append(("given_up", str(len(given_up.records))))
        return self._card("batch", *rows)

    def function(self) -> Card:
        arn = str(self._context.get("functionArn", ""))
        words = arn.split(":")
        rows = [("name", words[6] if len(words) > 6 else arn)]
        if len(words) > 7:
            rows.append(("qualifier", words[7]))
        ran = self._record.get("responseContext", {}).get("executedVersion")
        rows.append(("version", str(ran) if ran is not None else self._say("never_ran")))
        return self._card("function", *rows)

    def format(self) -> Card:
        return self._card("format", ("", self._say("format")))
