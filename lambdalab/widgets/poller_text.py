"""What pollers did, in words: a sentence for each step, and a line of counters for each lane."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from lambdalab.i18n import Language, message
from lambdalab.widgets.lengths import length, short_arn
from lambdalab.widgets.poller_lanes import Batch, Lane, Place, Record
from lambdalab.widgets.poller_steps import Step, Steps

__all__ = ["as_text", "lane_json", "lane_name", "sentence", "step_json"]

_TEXT_STEPS = 30
"""Steps that the plain text beside a widget tells."""
_COUNTERS = ("seen", "invoked", "failed", "throttled", "done", "duplicates")
_ZEROS = re.compile(r"(?<=-)0+(?=\d)")


def lane_name(lane: Lane, lang: Language) -> str:
    """Return a lane as a person names it: ``queue parcels``, ``kinesis sensors · shardId-1``."""
    if lane.shard is None:
        name = short_arn(lane.source_arn).rpartition(" ")[2]
        return message("poller_view.queue", lang, name=name)
    parts = lane.source_arn.split(":", 5)
    # …:stream/NAME of Kinesis, …:table/NAME/stream/TIME of DynamoDB.
    name = f"{parts[2]} {parts[5].split('/')[1]}"
    return message("poller_view.shard", lang, name=name, shard=_ZEROS.sub("", lane.shard)[:20])


def sentence(step: Step, lang: Language) -> str:
    """Return what happened in a step."""
    values: dict[str, object] = dict(step.values)
    for key in ("which", "again"):
        numbers = values.get(key)
        if isinstance(numbers, list):
            values[key] = _ranges(numbers, lang)
    if isinstance(values.get("delay"), float):
        values["delay"] = length(float(str(values["delay"])), lang)
    if values.get("to"):
        values["to"] = short_arn(str(values["to"]))
    return message(f"poller_view.step.{step.kind}", lang, **values)


def _ranges(numbers: Sequence[int], lang: Language) -> str:
    """Return numbers of records: ``#1–#3, #5``."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    texts = [f"#{low}" if low == high else f"#{low}–#{high}" for low, high in found]
    return message("poller_view.list", lang).join(texts) or message("poller_view.dash", lang)


def as_text(steps: Steps, lang: Language, *, function: str | None = None) -> str:
    """Return lanes with their counters and the newest steps, in one language."""

    def say(key: str, **values: object) -> str:
        return message(f"poller_view.{key}", lang, **values)

    lines = [say("title_of", function=function) if function else say("title")]
    if not steps.steps and not steps.lanes:
        return f"{lines[0]}\n{say('empty')}"
    for lane in steps.lanes.values():
        counters = say("list").join(_counters(lane, lang))
        lines.append(say("text.lane", name=lane_name(lane, lang), counters=counters))
    shown = steps.steps[-_TEXT_STEPS:]
    older = steps.dropped + len(steps.steps) - len(shown)
    if older:
        lines.append(say("text.older", count=older))
    for step in shown:
        lane_ = steps.lanes.get(step.lane)
        lines.append(
            say(
                "text.step",
                time=f"{datetime.fromtimestamp(step.time).astimezone():%H:%M:%S}",
                lane=lane_name(lane_, lang) if lane_ else say("dash"),
                what=sentence(step, lang),
            )
        )
    return "\n".join(lines)


def _counters(lane: Lane, lang: Language) -> Iterator[str]:
    numbers = {
        "seen": lane.seen,
        "invoked": lane.invoked,
        "failed": lane.failed,
        "throttled": lane.throttled,
        "duplicates": lane.duplicates,
        **{place.value: lane.counts[place] for place in Place},
        "cuts": lane.cuts,
    }
    always = ("seen", "invoked", "done")
    for name in (*_COUNTERS, "filtered", "redriven", "discarded", "cuts"):
        if numbers[name] or name in always:
            yield f"{message(f'poller_view.counter.{name}', lang)} {numbers[name]}"


# -- for the browser ----------------------------------------------------------------------


def lane_json(lane: Lane, lang: Language) -> dict[str, Any]:
    """Return what does not change about a lane, as JSON-ready data."""
    return {
        "id": lane.id,
        "mapping": lane.mapping,
        "function": lane.function,
        "name": lane_name(lane, lang),
        "title": lane.source_arn if lane.shard is None else f"{lane.source_arn} {lane.shard}",
        "queue": lane.shard is None,
    }


def step_json(step: Step, lang: Language) -> dict[str, Any]:
    """Return a step as JSON-ready data; records and batches as they were after it."""
    return {
        "seq": step.seq,
        "time": step.time,
        "kind": step.kind,
        "mapping": step.mapping,
        "lane": step.lane,
        "text": sentence(step, lang),
        "bad": step.bad,
        "state": step.values.get("state"),
        "records": [_record(one) for one in step.records],
        "batches": [_batch(one) for one in step.batches],
        "counters": step.counters,
    }


def _record(one: Record) -> list[Any]:
    return [one.id, one.number, one.place.value, one.batch, one.received, one.processed]


def _batch(one: Batch) -> dict[str, Any]:
    return {
        "id": one.id,
        "size": len(one.names),
        "status": one.status,
        "attempt": one.attempt,
        "environment": one.environment,
        "due": one.due,
        "error": one.error_type,
        "gone": one.gone,
    }
