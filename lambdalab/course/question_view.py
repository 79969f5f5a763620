"""The widget a question is answered in: it shows what it is told and sends back what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from lambdalab.course import prose
from lambdalab.course.judging import Feedback
from lambdalab.course.questions import Question
from lambdalab.i18n import Language, message

__all__ = ["QuestionView"]

_STATIC = Path(__file__).parent / "static"
_WIDGET = "application/vnd.jupyter.widget-view+json"


class QuestionView(anywidget.AnyWidget):  # type: ignore[misc]
    """One question on the screen.

    Parameters
    ----------
    question, lang
        What is asked, and in which language.
    plain
        What to show where there is no front end.
    answered
        Called with what was chosen (the id of a choice, a number, or ``None``).
    """

    _esm = _STATIC / "question.js"
    _css = _STATIC / "question.css"

    lang = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    prompt = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List().tag(sync=True)
    number = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)
    value = traitlets.Any(None, allow_none=True).tag(sync=True)
    locked = traitlets.Bool(False).tag(sync=True)
    button = traitlets.Unicode().tag(sync=True)
    tone = traitlets.Unicode().tag(sync=True)
    feedback = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        question: Question,
        lang: Language,
        plain: str,
        answered: Callable[[object], None],
    ) -> None:
        number = question.number
        super().__init__(
            lang=lang,
            kind=message(f"course.ask.kind.{question.kind}", lang),
            prompt=prose.html(question.prompt[lang]),
            choices=[
                {"id": choice.id, "html": prose.html(choice.text[lang], inline=True)}
                for choice in question.choices
            ],
            number=number
            and {
                "min": number.min,
                "max": number.max,
                "step": number.step,
                "unit": number.unit[lang] if number.unit else "",
            },
            labels={"number": message("course.ask.number", lang)},
        )
        self._plain = plain
        self._answered = answered
        self.on_msg(self._heard)

    def show(
        self, value: object, feedback: Feedback, *, button: str, locked: bool, note: str = ""
    ) -> None:
        """Show an answer and what is said to it, in one update."""
        with self.hold_sync():
            self.value = value
            self.tone = feedback.tone
            self.feedback = prose.html(feedback.text)
            self.button = button
            self.locked = locked
            self.note = prose.html(note)

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and "answer" in content:
            self._answered(content["answer"])

    def _repr_mimebundle_(self, **_: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": self._plain, _WIDGET: view}, {}
