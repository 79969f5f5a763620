"""What checks of many labs need: what invocations caused, and words for it in both languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdalab.grading.spec import Text
from lambdalab.grading.verdict import Verdict, incorrect
from lambdalab.i18n import LANGUAGES
from lambdalab.sandbox.events import InitStarted, InvokeFinished, InvokeReceived, LogLine

if TYPE_CHECKING:
    from lambdalab.grading.world import Invocation, World

__all__ = [
    "DELIVERED",
    "Seen",
    "as_delivered",
    "event_invoke_config",
    "failure",
    "fresh",
    "joined",
    "literal",
    "say",
    "seen",
    "shown",
    "wrong",
]

DELIVERED = "delivered"
"""Alias of the version that a lab's set-up made of a function the learner is to repair."""
_SHAPE = ("CodeSha256", "Handler", "Timeout", "MemorySize", "Layers", "Environment")
_SHOWN_MAX = 160


@dataclass(frozen=True, slots=True)
class Seen:
    """What some invocations of one function came to."""

    answers: tuple[Invocation, ...]
    finished: tuple[InvokeFinished, ...]
    """In the order of the answers; a throttled one has none."""
    waits: tuple[float, ...]
    """How long the caller of each waited, in seconds, init included."""
    lines: tuple[str, ...]
    """Every line that the environments which took part have logged since the checks began."""
    inits: int
    """Init phases of these environments, repeated ones included."""

    @property
    def environments(self) -> frozenset[str]:
        """Ids of the environments that took part."""
        return frozenset(event.environment for event in self.finished)


def seen(world: World, answers: Sequence[Invocation]) -> Seen:
    """Return what the event log has on the check's own invocations and their environments."""
    events = world.new_events()
    received = {one.request_id: one.time for one in events if isinstance(one, InvokeReceived)}
    ended = {one.request_id: one for one in events if isinstance(one, InvokeFinished)}
    finished = [ended[one.request_id] for one in answers if one.request_id in ended]
    places = {event.environment for event in finished}
    return Seen(
        answers=tuple(answers),
        finished=tuple(finished),
        waits=tuple(event.time - received[event.request_id] for event in finished),
        lines=tuple(
            one.line for one in events if isinstance(one, LogLine) and one.environment in places
        ),
        inits=sum(isinstance(one, InitStarted) and one.environment in places for one in events),
    )


def fresh(world: World, name: str, *payloads: object) -> Seen:
    """Invoke a function with each payload in turn, beginning with a cold start."""
    world.shutdown_idle(name)
    return seen(world, [world.invoke(name, payload) for payload in payloads])


def as_delivered(world: World, name: str) -> bool:
    """Tell if a function is missing, or is what its alias :data:`DELIVERED` remembers."""
    now, then = world.function(name), world.function(name, DELIVERED)
    return now is None or (
        then is not None and all(now.get(key) == then.get(key) for key in _SHAPE)
    )


def event_invoke_config(
    world: World, name: str, qualifier: str | None = None
) -> dict[str, Any] | None:
    """Return the asynchronous configuration of a function or alias; ``None`` if it has none."""
    aws = world.client("lambda")
    wanted = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    try:
        found: dict[str, Any] = aws.get_function_event_invoke_config(**wanted)
    except aws.exceptions.ResourceNotFoundException:
        return None
    return found


# -- words --------------------------------------------------------------------------------


def say(chinese: str, english: str) -> Text:
    """Return a text in both languages."""
    return {"zh-TW": chinese, "en": english}


def joined(texts: Sequence[Text]) -> Text:
    """Return several texts as one, a paragraph each."""
    return {lang: "\n\n".join(text[lang] for text in texts) for lang in LANGUAGES}


def shown(value: object) -> str:
    """Return a JSON value as inline code, cut if it is long."""
    return _code(json.dumps(value, ensure_ascii=False, default=str))


def literal(value: object) -> str:
    """Return a value as inline code as Python writes it (``None``, not ``null``), cut if long."""
    return _code(repr(value))


def _code(text: str) -> str:
    text = text.replace("`", "'")
    return f"`{text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + '…'}`"


def wrong(chinese: str, english: str, score: float = 0.0) -> Verdict:
    """Return that an answer is not right, and what was seen. ``score``: share earned."""
    return incorrect(say(chinese, english), score)


def failure(name: str, payload: object, answer: Invocation) -> Verdict | None:
    """Return what to say of an invocation that failed but should not; ``None`` if it did not."""
    if answer.throttled:
        return wrong(
            f"`{name}` 的調用被限流（429）。", f"An invoke of `{name}` was throttled (429)."
        )
    if answer.error is None:
        return None
    error = answer.error if isinstance(answer.error, dict) else {"errorMessage": answer.error}
    kind, text = shown(error.get("errorType")), shown(error.get("errorMessage"))
    return wrong(
        f"用 {shown(payload)} 調用 `{name}`，得到的是錯誤 {kind}：{text}",
        f"Invoked with {shown(payload)}, `{name}` failed with {kind}: {text}",
    )
