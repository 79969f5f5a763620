"""How a result and its hints look: in JupyterLab, in a saved notebook, as plain text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from lambdalab.grading.spec import Task
from lambdalab.grading.verdict import Outcome, Verdict, outcome_key
from lambdalab.i18n import Language, message

if TYPE_CHECKING:
    from lambdalab.grading.lab import Lab

__all__ = ["HintView", "ResultView", "to_html", "to_text"]

_COLOUR = {
    "passed": "var(--jp-success-color1, #388e3c)",
    "incorrect": "var(--jp-warn-color1, #f57c00)",
    "not attempted": "var(--jp-border-color1, #9e9e9e)",
    "cannot check": "var(--jp-error-color1, #d32f2f)",
}
_BOX = (
    "border-left: 4px solid {colour}; padding: 0.2em 0 0.2em 0.9em; margin: 0.3em 0; "
    "color: var(--jp-content-font-color1, inherit); "
    "font-size: var(--jp-content-font-size1, 14px); line-height: 1.5;"
)
_WIDGET = "application/vnd.jupyter.widget-view+json"


def to_html(text: str) -> str:
    """Return a text of a lab as HTML: paragraphs, ``code`` and **strong**."""
    parts = re.split(r"\n\s*\n", text.strip())
    return "".join(f'<p style="margin: 0.3em 0">{_inline(part)}</p>' for part in parts)


def _inline(text: str) -> str:
    # Code is set aside first: what looks like emphasis in it is none.
    parts = re.split(r"`([^`]+)`", text)
    for index, part in enumerate(parts):
        safe = html.escape(part)
        strong = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe)
        parts[index] = f"<code>{safe}</code>" if index % 2 else strong
    return "".join(parts)


def to_text(text: str) -> str:
    """Return a text of a lab as plain text."""
    return re.sub(r"\*\*([^*]+)\*\*", r"\1", text.strip())


def _mime_bundle(view: HintView | ResultView) -> dict[str, Any]:
    data: dict[str, Any] = {"text/plain": repr(view), "text/html": view.html()}
    if _front_end():
        data[_WIDGET] = view.widget()._repr_mimebundle_()[_WIDGET]
    return data


def _front_end() -> bool:
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


class _View:
    """A task in one language, with the hints shown so far and a button for the next."""

    def __init__(self, lab: Lab, task: Task, lang: Language) -> None:
        self._lab = lab
        self._task = task
        self._lang = lang

    def _say(self, key: str, **values: object) -> str:
        return message(f"grading.{key}", self._lang, **values)

    def _hint_title(self, number: int) -> str:
        return self._say("hint.title", number=number, count=len(self._task.hints))

    def _hints_html(self, count: int) -> str:
        return "".join(
            f'<div style="{_BOX.format(colour="var(--jp-info-color1, #1976d2)")}">'
            f"<strong>{html.escape(self._hint_title(number))}</strong>"
            f"{to_html(hint[self._lang])}</div>"
            for number, hint in enumerate(self._task.hints[:count], 1)
        )

    def _hint_box(self) -> Any:  # noqa: ANN401 - ipywidgets has no types
        import ipywidgets

        shown = ipywidgets.HTML(self._hints_html(self._lab.shown(self._task)))
        button = ipywidgets.Button(
            layout=ipywidgets.Layout(width="auto", align_self="flex-start", display="")
        )

        def label() -> None:
            following, count = self._lab.shown(self._task) + 1, len(self._task.hints)
            if following > count:
                button.layout.display = "none"
            else:
                button.description = self._say("hint.show", number=following, count=count)

        def show(_: object) -> None:
            shown.value = self._hints_html(self._lab.reveal(self._task))
            label()

        label()
        button.on_click(show)
        return ipywidgets.VBox([shown, button])


class HintView(_View):
    """The hints of a task that have been shown so far."""

    def __repr__(self) -> str:
        count = self._lab.shown(self._task)
        lines = [
            f"{self._hint_title(number)}: {to_text(hint[self._lang])}"
            for number, hint in enumerate(self._task.hints[:count], 1)
        ]
        return "\n".join(lines)

    def html(self) -> str:
        """Return it as HTML that needs no kernel."""
        return self._hints_html(self._lab.shown(self._task))

    def widget(self) -> Any:  # noqa: ANN401 - ipywidgets has no types
        """Return it as a widget."""
        return self._hint_box()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return _mime_bundle(self)


class ResultView(_View):
    """What came of a check.

    Parameters
    ----------
    lab, task
        What was checked.
    verdict
        What came of it.
    lang
        The language to say it in.
    note
        What else to say.
    """

    def __init__(
        self, lab: Lab, task: Task, verdict: Verdict, lang: Language, note: str | None = None
    ) -> None:
        super().__init__(lab, task, lang)
        self.verdict = verdict
        self._note = note

    @property
    def outcome(self) -> Outcome:
        """``passed``, ``incorrect``, ``not attempted`` or ``cannot check``."""
        return self.verdict.outcome

    @property
    def points(self) -> float:
        """Points earned."""
        return round(self.verdict.score * self._task.points, 2)

    def _parts(self) -> tuple[str, str, list[str]]:
        """Return the outcome's word, the heading after it, and paragraphs."""
        verdict, task = self.verdict, self._task
        word = self._say(f"outcome.{outcome_key(verdict.outcome)}")
        points = self._say("points", points=f"{self.points:g}", most=f"{task.points:g}")
        head = f"{task.title[self._lang]} · {points}"
        texts = [verdict.text[self._lang]] if verdict.text else []
        if verdict.outcome == "not attempted" and not texts:
            texts = [self._say("show.not_attempted")]
        return word, head, texts + ([self._note] if self._note else [])

    def __repr__(self) -> str:
        word, head, texts = self._parts()
        lines = [f"{word} · {head}", *map(to_text, texts)]
        if self._hints_wanted():
            lines.append(self._say("hint.how", task=self._task.id))
        return "\n".join(lines)

    def html(self) -> str:
        """Return it as HTML that needs no kernel."""
        word, head, texts = self._parts()
        body = "".join(map(to_html, texts))
        return (
            f'<div role="status" style="{_BOX.format(colour=_COLOUR[self.outcome])}">'
            f"<strong>{html.escape(word)}</strong> · {_inline(head)}{body}</div>"
        )

    def widget(self) -> Any:  # noqa: ANN401 - ipywidgets has no types
        """Return it as a widget, with a button for hints where they help."""
        import ipywidgets

        parts = [ipywidgets.HTML(self.html())]
        if self._hints_wanted():
            parts.append(self._hint_box())
        return ipywidgets.VBox(parts)

    def _hints_wanted(self) -> bool:
        return self.outcome in ("incorrect", "not attempted")

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return _mime_bundle(self)
