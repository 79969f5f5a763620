"""What happens to one event on its way into a function, step by step, as a person reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import repeat

from lambdalab.i18n import Language, message
from lambdalab.rules import limits
from lambdalab.rules.invoking import Mode, Repeat, Service
from lambdalab.rules.retries import Outcome, Policy, schedule

__all__ = ["PARTS", "Step", "story"]

PARTS = (
    "request",
    "answer",
    "ack",
    "poll",
    "batch",
    "deliver",
    "result",
    "remove",
    "function",
    "repeat",
    "keep",
)
"""The parts of the picture that a step can happen at."""

_GAP = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
"""The space that a message has for a Latin name, where a Chinese one was put in."""
_KEEP = {
    Repeat.CALLER: "keep.caller",
    Repeat.QUEUE: "keep.queue",
    Repeat.VISIBILITY: "keep.visibility",
    Repeat.SHARD: "keep.shard",
    Repeat.BATCH: "keep.batch",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes
    ----------
    part
        Where in the picture, one of :data:`PARTS`.
    text
        What, in one language.
    at
        When, counted from the event's first attempt; empty where it follows at once.
    bad
        Whether it is a failure or comes of one.
    """

    part: str
    text: str
    at: str = ""
    bad: bool = False

    def to_json(self) -> dict[str, str | bool]:
        """Return it as JSON-ready data."""
        return {"part": self.part, "text": self.text, "at": self.at, "bad": self.bad}


def story(service: Service, outcome: Outcome, lang: Language) -> tuple[Step, ...]:
    """Return what happens to one event, in order."""
    return {Mode.SYNC: _sync, Mode.ASYNC: _async, Mode.POLL: _poll}[service.mode](
        service, outcome, lang
    )


def _say(service: Service, lang: Language, key: str, **values: object) -> str:
    text = message(
        f"call_path.step.{key}",
        lang,
        caller=service.caller[lang],
        error=service.error_as[lang],
        **values,
    )
    text = _GAP.sub("", text)
    return text[:1].upper() + text[1:]


def _sync(service: Service, outcome: Outcome, lang: Language) -> tuple[Step, ...]:
    def say(key: str, **values: object) -> str:
        return _say(service, lang, key, **values)

    request = Step("request", say("sync.request"))
    if outcome is Outcome.SUCCESS:
        return (request, Step("function", say("run")), Step("answer", say("sync.answer")))
    if outcome is Outcome.ERROR:
        return (
            request,
            Step("function", say("raise"), bad=True),
            Step("answer", say("sync.error"), bad=True),
            Step("repeat", say("again", who=service.retry_error[lang]), bad=True),
            Step("keep", say(_KEEP[service.repeats]), bad=True),
        )
    return (
        request,
        Step("function", say("refuse"), bad=True),
        Step("answer", say("sync.refused"), bad=True),
        Step("repeat", say("again", who=service.retry_throttle[lang]), bad=True),
        Step("keep", say(_KEEP[service.repeats]), bad=True),
    )


def _async(service: Service, outcome: Outcome, lang: Language) -> tuple[Step, ...]:
    def say(key: str, **values: object) -> str:
        return _say(service, lang, key, **values)

    accepted = (Step("request", say("async.request")), Step("ack", say("async.ack")))
    deliver = Step("deliver", say("async.deliver"), _at(0, lang))
    if outcome is Outcome.SUCCESS:
        done = (Step("function", say("run")), Step("result", say("async.result")))
        return (*accepted, deliver, *done)
    plan = schedule(repeat(outcome), Policy(lag=0))
    last = _at(plan[-1].time_s, lang)
    if outcome is Outcome.ERROR:
        steps = [*accepted, deliver]
        for one, after in zip(plan, [*plan[1:], None], strict=True):
            raised = say("async.raise", attempt=one.number)
            steps.append(Step("function", raised, _at(one.time_s, lang), bad=True))
            if after is not None:
                minutes = round(after.time_s - one.time_s) // 60
                steps.append(Step("repeat", say("async.wait", count=minutes)))
        given_up = say("keep.queue", attempts=len(plan))
        return (*steps, Step("keep", given_up, last, bad=True))
    first, second = plan[1].time_s, plan[2].time_s
    longest, hours = limits.ASYNC_BACKOFF_MAX.value // 60, limits.ASYNC_AGE_MAX.value // 3600
    back = say("async.back", count=round(first))
    double = say("async.double", count=round(second - first), minutes=longest)
    aged = say("keep.age", hours=hours, attempts=len(plan))
    return (
        *accepted,
        Step("function", say("refuse"), _at(0, lang), bad=True),
        Step("repeat", back, _at(first, lang), bad=True),
        Step("repeat", double, _at(second, lang), bad=True),
        Step("keep", aged, last, bad=True),
    )


def _at(seconds: float, lang: Language) -> str:
    """Say when something happens, counted from the first attempt."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return message(f"call_path.at.{unit}", lang, count=f"{seconds / size:.2g}")
    return message("call_path.at.s", lang, count=round(seconds))


def _poll(service: Service, outcome: Outcome, lang: Language) -> tuple[Step, ...]:
    kind = service.repeats.value

    def say(key: str, **values: object) -> str:
        return _say(service, lang, key, **values)

    read = (
        Step("poll", say("poll.ask")),
        Step("batch", say("poll.take")),
        Step("deliver", say("poll.deliver")),
    )
    if outcome is Outcome.SUCCESS:
        return (
            *read,
            Step("function", say("run")),
            Step("result", say("poll.result")),
            Step("remove", say(f"poll.{kind}.remove")),
        )
    failed = outcome is Outcome.ERROR
    who = (service.retry_error if failed else service.retry_throttle)[lang]
    return (
        *read,
        Step("function", say("raise" if failed else "refuse"), bad=True),
        Step("result", say(f"poll.{kind}.failed" if failed else "poll.refused"), bad=True),
        Step("repeat", say("again", who=who), bad=True),
        Step("keep", say(_KEEP[service.repeats]), bad=True),
    )
