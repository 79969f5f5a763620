"""What each field of a destination's record means, and what a DLQ gets of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.i18n import Language, message, messages
from lambdalab.rules import destinations, discards, limits
from lambdalab.rules.destinations import Response
from lambdalab.rules.retries import Condition
from lambdalab.rules.source import Source
from lambdalab.widgets.record_origin import Card, History, is_stream, moment

__all__ = ["dead_letter", "explained", "here", "in_dead_letter", "page"]

_WITHOUT_RUN = (Condition.EVENT_AGE_EXCEEDED.value, Condition.ZERO_RESERVED.value)

_ATTRIBUTES: Mapping[tuple[str, ...], str] = {
    ("requestContext", "requestId"): "RequestID",
    ("responseContext", "statusCode"): "ErrorCode",
    ("responsePayload", "errorMessage"): "ErrorMessage",
}
"""Fields that a dead letter has as attributes."""


def page(record: Mapping[str, Any]) -> Source:
    """Return the page that describes a record."""
    return discards.SOURCE if is_stream(record) else destinations.PAGE


def explained(record: Mapping[str, Any], path: Sequence[str], lang: Language) -> str:
    """Return what a field means; of one inside a payload, what the payload is."""
    known = messages("record", lang)
    kind = "stream" if is_stream(record) else "async"
    named = ["Batch" if name.endswith("BatchInfo") else name for name in path]
    for length in range(len(named), 0, -1):
        where = ".".join(named[:length])
        for key in (f"field_{kind}.{where}", f"field.{where}"):
            for tail in ("", ".itself"):
                if f"{key}{tail}" in known:
                    return message(f"record.{key}{tail}", lang)
    return message("record.field_other", lang)


def here(
    record: Mapping[str, Any], known: History, path: Sequence[str], lang: Language
) -> str | None:
    """Return what a field says in this very record, where there is something to say."""

    def say(key: str, **values: object) -> str:
        return message(f"record.here.{key}", lang, **values)

    name = path[-1] if path else ""
    top = path[0] if path else ""
    tries = known.tries
    if name == "condition" and top == "requestContext":
        condition = str(record["requestContext"]["condition"])
        if f"condition.{condition}" in messages("record", lang):
            return message(f"record.condition.{condition}", lang)
        return None
    if not tries:
        return None
    last = tries[-1]
    if name == "requestId":
        return say("request_id", count=len(tries)) if not is_stream(record) else None
    if name == "approximateInvokeCount":
        times = ", ".join(moment(one.time) for one in known.ran[:6])
        more = "…" if len(known.ran) > 6 else ""
        return say("count", count=len(known.ran), times=f"{times}{more}", all=len(tries))
    if name == "timestamp" and len(path) == 1:
        return say("timestamp", time=moment(last.time), number=last.number)
    if top == "responseContext" and name == "executedVersion":
        qualifier = str(record["requestContext"].get("functionArn", "")).split(":")[7:]
        return say(
            "version", qualifier=qualifier[0] if qualifier else "$LATEST", number=last.number
        )
    if top in ("responseContext", "responsePayload"):
        ran = known.ran
        return say("response", number=ran[-1].number, time=moment(ran[-1].time)) if ran else None
    if top == "requestPayload" and known.queued is not None:
        return say("payload", time=moment(known.queued.time), source=known.queued.source)
    return None


# -- what a dead-letter queue gets --------------------------------------------------------


def in_dead_letter(record: Mapping[str, Any], path: Sequence[str]) -> str | None:
    """Return the id of the part of a dead letter that holds a field; ``None`` for a bracket."""
    if not path:
        return None
    if _buried(record) is not None:
        return "none"
    where = tuple(path)
    if where[0] == "requestPayload":
        return "body"
    named = _ATTRIBUTES.get(where)
    if named is not None:
        return named
    return "none" if not isinstance(_at(record, path), dict | list) else None


def dead_letter(record: Mapping[str, Any], known: History, lang: Language) -> tuple[Card, ...]:
    """Return the parts of the message that a function's DLQ gets for the same event."""

    def say(key: str, **values: object) -> str:
        return message(f"record.dlq.{key}", lang, **values)

    why = _buried(record)
    if why is not None:
        return (Card("none", say("nothing"), (("", say(why)),)),)
    attributes = destinations.dead_letter_attributes(
        str(record["requestContext"].get("requestId", "")),
        _response(record),
        refused=destinations.REFUSED if _refused(record, known) else None,
    )
    body = (
        known.dead_letter.body
        if known.dead_letter is not None
        else json.dumps(record.get("requestPayload"), ensure_ascii=False)
    )
    found = [Card("body", say("body"), (("", _short(body)),))]
    for name, (kind, value) in attributes.items():
        found.append(Card(name, say("attribute", name=name, kind=kind), (("", _short(value)),)))
    if "ErrorMessage" not in attributes:
        found.append(Card("ErrorMessage", "ErrorMessage", (("", say("no_message")),)))
    limit = limits.DEAD_LETTER_MESSAGE.value
    found.append(Card("none", say("lost"), (("", say("lost_what", limit=f"{limit:,}")),)))
    return tuple(found)


def _buried(record: Mapping[str, Any]) -> str | None:
    """Return why no dead letter is written at all, as the key of a message."""
    if is_stream(record):
        return "stream"
    if record["requestContext"].get("condition") == Condition.SUCCESS.value:
        return "success"
    return None


def _response(record: Mapping[str, Any]) -> Response | None:
    context = record.get("responseContext")
    if not isinstance(context, Mapping):
        return None
    return Response(
        executed_version=str(context.get("executedVersion", "")),
        payload=json.dumps(record.get("responsePayload")).encode(),
        function_error=context.get("functionError"),
        status_code=int(context.get("statusCode", 200)),
    )


def _refused(record: Mapping[str, Any], known: History) -> bool:
    """Tell whether the last attempt was a throttle and not an error of the function."""
    if known.tries:
        return known.tries[-1].status in ("throttled", "system")
    return record["requestContext"].get("condition") in _WITHOUT_RUN


def _at(record: Mapping[str, Any], path: Sequence[str]) -> object:
    found: Any = record
    for name in path:
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        elif isinstance(found, Mapping):
            found = found.get(name)
        else:
            return None
    return found


def _short(text: str) -> str:
    return text if len(text) <= 600 else f"{text[:600]}…"
