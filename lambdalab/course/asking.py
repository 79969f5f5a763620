"""Predictions and quiz questions in a notebook: ``ask("01-init")``, ``reveal("01-init")``."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdalab.course import bank, folder, judging, prose
from lambdalab.course.errors import CourseError
from lambdalab.course.judging import Feedback
from lambdalab.course.progress import Answer, Progress
from lambdalab.course.questions import Question
from lambdalab.course.revealing import Reveal
from lambdalab.i18n import Language, language, message

if TYPE_CHECKING:
    from lambdalab.course.question_view import QuestionView

__all__ = ["ask", "reveal"]


def ask(name: str) -> None:
    """Ask a question of this course and keep what is answered.

    A quiz is answered at once and can be tried again. A prediction is kept until
    :func:`reveal` tells, and cannot be changed after that.

    Parameters
    ----------
    name
        The question's id, such as ``01-cold-starts``.

    Raises
    ------
    CourseError
        There is no such question.
    """
    asked = _Asked(bank.question(name), language())
    before = _live.pop(name, None)
    if before is not None:
        before.view.close()
    _display(asked)


def reveal(name: str, *, happened: object = None) -> None:
    """Show the answer of a prediction beside what the learner predicted.

    Parameters
    ----------
    name
        The question's id.
    happened
        What was measured or seen just now, if anything was: a number in the question's
        unit, the id of a choice, or a text.

    Raises
    ------
    CourseError
        There is no such question, or it is a quiz.
    """
    question, lang = bank.question(name), language()
    if question.kind != "prediction":
        raise CourseError(message("course.reveal.quiz", lang, name=name))
    answer, note = _store.reveal(name)
    shown = Reveal(question, lang, answer, happened, note)
    if answer is not None and name in _live:
        _live[name].refresh()
    _publish({"text/html": shown.html(), "text/plain": shown.plain()})


class _Store:
    """Keeps answers in the course folder; where that fails, in this process, and says so."""

    def __init__(self) -> None:
        self._scratch: Progress | None = None
        self._homeless: set[str] = set()
        """Questions whose last answer could not be kept in the course folder."""

    def answer(self, name: str) -> tuple[Answer | None, str]:
        """Return what is kept, and a note on where, if there is something to say."""
        if name in self._homeless:
            return self._temporary().answer(name), ""
        place = folder.find()
        if place is None:
            return None, ""
        notes: list[str] = []
        try:
            return Progress(place, notes.append).answer(name), "\n\n".join(notes)
        except CourseError as error:
            return None, str(error)

    def record(self, question: Question, value: str | float) -> tuple[Answer, str]:
        """Keep an answer."""
        right = judging.is_right(question, value)
        place, reason = folder.find(), message("course.ask.outside")
        if place is not None:
            notes: list[str] = []
            try:
                progress = Progress(place, notes.append)
                kept = progress.record_answer(question.id, question.kind, value, right=right)
                self._homeless.discard(question.id)
                return kept, "\n\n".join(notes)
            except CourseError as error:
                reason = str(error)
        kept = self._temporary().record_answer(question.id, question.kind, value, right=right)
        self._homeless.add(question.id)
        return kept, message("course.ask.not_kept", reason=reason)

    def reveal(self, name: str) -> tuple[Answer | None, str]:
        """Keep that the answer was shown, and return the prediction."""
        answer, note = self.answer(name)
        if answer is None or answer.revealed:
            return answer, note
        place = folder.find()
        if place is not None and name not in self._homeless:
            try:
                return Progress(place).record_reveal(name), note
            except CourseError as error:
                note = str(error)
                self._temporary().record_answer(
                    name, "prediction", answer.value, right=answer.solved
                )
                self._homeless.add(name)
        return self._temporary().record_reveal(name), note

    def _temporary(self) -> Progress:
        if self._scratch is None:
            place = tempfile.mkdtemp(prefix="lambdalab-progress-")
            atexit.register(shutil.rmtree, place, ignore_errors=True)
            self._scratch = Progress(Path(place))
        return self._scratch


@dataclass(slots=True)
class _Asked:
    """A question on the screen, and the answer it shows."""

    question: Question
    lang: Language
    view: QuestionView = field(init=False)

    def __post_init__(self) -> None:
        from lambdalab.course.question_view import QuestionView

        kept, note = _store.answer(self.question.id)  # once: a note is given once
        said = judging.feedback(self.question, kept, self.lang)
        plain = self._plain(said, note)
        self.view = QuestionView(self.question, self.lang, plain, self.answered)
        self._show(kept, said, note)

    def answered(self, raw: object) -> None:
        """Take what was chosen, keep it, and say something to it."""
        try:
            value = judging.as_value(self.question, raw, self.lang)
        except CourseError as error:
            kept, note = _store.answer(self.question.id)
            self._show(kept, Feedback("missing", str(error)), note)
            return
        kept, note = _store.record(self.question, value)
        self._show(kept, judging.feedback(self.question, kept, self.lang), note)

    def refresh(self) -> None:
        """Show the answer that is kept."""
        kept, note = _store.answer(self.question.id)
        self._show(kept, judging.feedback(self.question, kept, self.lang), note)

    def _show(self, kept: Answer | None, said: Feedback, note: str) -> None:
        anew = "again" if self.question.kind == "quiz" else "change"
        key = "answer" if kept is None else anew
        self.view.show(
            kept.value if kept else None,
            said,
            button=message(f"course.ask.button.{key}", self.lang),
            locked=kept is not None and kept.revealed,
            note=note,
        )

    def _plain(self, said: Feedback, note: str) -> str:
        lines = [f"{message(f'course.ask.kind.{self.question.kind}', self.lang)}:"]
        lines += [prose.plain(self.question.prompt[self.lang])]
        lines += [f"  ( ) {prose.plain(one.text[self.lang])}" for one in self.question.choices]
        lines.append(prose.plain(said.text or message("course.ask.no_widget", self.lang)))
        lines += [prose.plain(note)] if note else []
        return "\n".join(lines)


_store = _Store()
_live: dict[str, _Asked] = {}
"""The widget that shows a question now; asking it again takes its place."""


def _display(asked: _Asked) -> None:
    _live[asked.question.id] = asked
    data, _ = asked.view._repr_mimebundle_()
    _publish(data)


def _publish(data: Mapping[str, Any]) -> None:
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(data["text/plain"])
    else:
        display(data, raw=True)
