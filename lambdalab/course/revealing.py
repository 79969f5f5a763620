"""What ``reveal()`` shows: the prediction, what happened, the answer, and why."""

from __future__ import annotations

import html
from dataclasses import dataclass

from lambdalab.course import judging, prose
from lambdalab.course.progress import Answer
from lambdalab.course.questions import Question
from lambdalab.i18n import Language, message

__all__ = ["Reveal"]

_STYLE = """\
<style>
.lambdalab-reveal { box-sizing: border-box; max-width: 46rem; margin: 4px 0; padding: 12px 16px;
  border: 1px solid var(--jp-border-color1, #bdbdbd); border-left: 3px solid
  var(--jp-brand-color1, #1976d2); border-radius: 6px; line-height: 1.6;
  font-size: var(--jp-content-font-size1, 14px);
  color: var(--jp-content-font-color1, inherit); background: var(--jp-layout-color1, transparent); }
.lambdalab-reveal dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px;
  margin: 0 0 8px; }
.lambdalab-reveal dt { color: var(--jp-content-font-color2, #555); }
.lambdalab-reveal dt, .lambdalab-reveal dd { margin: 0; padding: 0; float: none; width: auto; }
.lambdalab-reveal p { margin: 0 0 0.5em; }
.lambdalab-reveal p:last-child { margin-bottom: 0; }
.lambdalab-reveal summary { cursor: pointer; }
.lambdalab-reveal summary:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2);
  outline-offset: 2px; }
.lambdalab-reveal details[open] summary { margin-bottom: 8px; }
</style>"""


@dataclass(frozen=True, slots=True)
class Reveal:
    """The answer of a prediction, ready to be shown."""

    question: Question
    lang: Language
    answer: Answer | None
    """What was predicted; ``None``: nothing, so the answer is only offered."""
    happened: object
    note: str = ""
    """Markdown: what else the learner should know."""

    def html(self) -> str:
        """Return it as HTML, with its style."""
        rows = "".join(
            f"<dt>{html.escape(name)}</dt><dd>{prose.html(text, inline=True)}</dd>"
            for name, text in self._rows()
        )
        body = f"<dl>{rows}</dl>" if rows else ""
        if self._verdict:
            body += f"<p><strong>{html.escape(self._verdict)}</strong></p>"
        body += prose.html(self.question.explanation[self.lang])
        if self.answer is None:
            ask_first = prose.html(self._say("unpredicted", name=self.question.id))
            summary = html.escape(self._say("anyway"))
            body = (
                f'{ask_first}<details><summary data-lm-suppress-shortcuts="true">{summary}'
                f"</summary>{body}</details>"
            )
        note = prose.html(self.note)
        return f'{_STYLE}<div class="lambdalab-reveal" lang="{self.lang}">{body}{note}</div>'

    def plain(self) -> str:
        """Return it as text."""
        parts = [f"{name}: {prose.plain(text)}" for name, text in self._rows()]
        if self._verdict:
            parts.append(self._verdict)
        parts.append(prose.plain(self.question.explanation[self.lang]))
        if self.answer is None:
            parts.insert(0, prose.plain(self._say("unpredicted", name=self.question.id)))
        if self.note:
            parts.append(prose.plain(self.note))
        return "\n".join(parts)

    def _say(self, key: str, **values: object) -> str:
        return message(f"course.reveal.{key}", self.lang, **values)

    def _rows(self) -> list[tuple[str, str]]:
        question, lang = self.question, self.lang
        rows = []
        if self.answer is not None:
            rows.append((self._say("predicted"), judging.shown(question, self.answer.value, lang)))
        if self.happened is not None:
            rows.append((self._say("happened"), judging.shown(question, self.happened, lang)))
        right = judging.solution(question, lang)
        if right is not None:
            rows.append((self._say("answer"), right))
        return rows

    @property
    def _verdict(self) -> str:
        if self.answer is None:
            return ""
        came_true = judging.happening(self.question, self.answer, self.happened)
        return "" if came_true is None else self._say("right" if came_true else "wrong")
