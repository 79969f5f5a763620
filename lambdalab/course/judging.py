"""What an answer means: whether it can be taken, whether it is right, and what to say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from lambdalab.course.errors import CourseError
from lambdalab.course.progress import Answer
from lambdalab.course.questions import Number, Question
from lambdalab.i18n import Language, message

__all__ = ["Feedback", "Tone", "as_value", "feedback", "happening", "is_right", "shown", "solution"]

Tone = Literal["", "kept", "right", "wrong", "missing"]
Value = str | float
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said to an answer."""

    tone: Tone
    text: str
    """Markdown."""


def as_value(question: Question, raw: object, lang: Language) -> Value:
    """Return an answer as it is kept: the id of a choice, or a number.

    Raises
    ------
    CourseError
        It is no answer to this question; the message asks for one that is.
    """
    if question.number is None:
        if isinstance(raw, str) and question.choice(raw) is not None:
            return raw
        raise CourseError(message("course.ask.missing.choice", lang))
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise CourseError(message("course.ask.missing.number", lang))
    _within(question.number, raw, lang)
    return raw


def _within(number: Number, value: float, lang: Language) -> None:
    low, high = number.min, number.max
    if (low is not None and value < low) or (high is not None and value > high):
        key = "between" if None not in (low, high) else "least" if low is not None else "most"
        bounds = {
            name: figure(end) for name, end in (("min", low), ("max", high)) if end is not None
        }
        raise CourseError(message(f"course.ask.missing.{key}", lang, **bounds))
    steps = (value - (low or 0)) / number.step
    if abs(steps - round(steps)) > 1e-6 * max(1.0, abs(steps)):
        key = "whole" if number.step == 1 else "step"
        raise CourseError(message(f"course.ask.missing.{key}", lang, step=figure(number.step)))


def is_right(question: Question, value: Value) -> bool | None:
    """Tell whether an answer is right; ``None`` if only a measurement can tell."""
    if question.number is None:
        choice = question.choice(str(value))
        return choice is not None and choice.right
    return None if isinstance(value, str) else question.number.is_right(value)


def figure(value: float) -> str:
    """Return a number as people write it: no ``.0``, and four digits of a measurement."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def shown(question: Question, value: object, lang: Language) -> str:
    """Return an answer, or what was measured, as Markdown."""
    choice = question.choice(value) if isinstance(value, str) else None
    if choice is not None:
        return choice.text[lang]
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = str(value).replace("`", "'").strip()
        return f"`{text}`" if text else "-"
    text = figure(value) if math.isfinite(value) else str(value)
    unit = question.number.unit if question.number else None
    return f"{text} {unit[lang]}" if unit else text


def solution(question: Question, lang: Language) -> str | None:
    """Return the right answer as Markdown; ``None`` if only a measurement can tell."""
    if question.right_choice is not None:
        return question.right_choice.text[lang]
    if question.number is None or question.number.right is None:
        return None
    return shown(question, question.number.right, lang)


def happening(question: Question, answer: Answer, happened: object) -> bool | None:
    """Tell whether a prediction came true; ``None`` if that is a matter of opinion.

    The question's own answer decides. Where only a measurement can tell, a prediction
    is right within the question's tolerance; without one, being close is no mistake.
    """
    right = is_right(question, answer.value)
    number = question.number
    if right is not None or number is None or isinstance(answer.value, str):
        return right
    if isinstance(happened, bool) or not isinstance(happened, int | float):
        return None
    distance = abs(answer.value - happened)
    if distance <= number.tolerance + _ROUNDING * max(1.0, abs(happened)):
        return True
    return False if number.tolerance else None


def feedback(question: Question, answer: Answer | None, lang: Language) -> Feedback:
    """Return what to say to the answer that is kept."""
    if answer is None:
        return Feedback("", "")
    if question.kind == "prediction":
        key = "revealed" if answer.revealed else "kept"
        return Feedback(
            "kept",
            message(f"course.ask.{key}", lang, answer=shown(question, answer.value, lang)),
        )
    if is_right(question, answer.value):
        return Feedback(
            "right", f"**{message('course.ask.right', lang)}**\n\n{question.explanation[lang]}"
        )
    return Feedback(
        "wrong", f"**{message('course.ask.wrong', lang)}**\n\n{_why(question, answer, lang)}"
    )


def _why(question: Question, answer: Answer, lang: Language) -> str:
    if question.number is not None and not isinstance(answer.value, str):
        why = question.number.why(answer.value)
    else:
        choice = question.choice(str(answer.value))
        why = choice.why if choice else None
    return why[lang] if why else ""
