"""The retry timeline: what became of asynchronous events, or what a plan would make of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import traitlets

from lambdalab.i18n import as_language, language, message, messages
from lambdalab.rules.retries import Planned
from lambdalab.sandbox.events import Event
from lambdalab.widgets.live import LiveWidget, asset
from lambdalab.widgets.retry_plan import PlanError, RetryPlan, rules_for_plan
from lambdalab.widgets.retry_rows import ROWS, row_json, rows_of
from lambdalab.widgets.retry_stories import Stories, Story
from lambdalab.widgets.retry_text import plan_sentences, rows_text

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox

__all__ = ["RetryTimeline"]

_SCRIPTS = (
    "common.js",
    "timeline_shapes.js",
    "lengths.js",
    "retry_words.js",
    "retry_rules.js",
    "retry_chart.js",
    "retry_details.js",
    "retry_plan.js",
    "retry_timeline.js",
)


class RetryTimeline(LiveWidget):
    """Draws asynchronous events over the time since Lambda accepted them, attempt by attempt.

    Without a sandbox it is a plan of one event: the learner says how its attempts go, and the
    browser draws what the rulebook makes of it.

    Parameters
    ----------
    box
        The sandbox whose events are drawn; left out: a plan.
    function
        Only events of this function.
    live
        Go on as things happen. The following ends with the widget or the sandbox, and
        rests while no browser shows the widget any more.
    since
        Leave out events whose ``seq`` is not above this.
    plan
        Where the plan begins, and what "reset" leads back to.

    Raises
    ------
    PlanError
        There is a plan and a sandbox.
    SandboxError
        The sandbox does not answer.
    """

    _esm = asset(*_SCRIPTS)
    _css = asset("common.css", "retry_timeline.css")

    mode = traitlets.Enum(["events", "plan"], "events").tag(sync=True)
    function = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    rules = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    """Where "reset" leads to: a plan."""
    setting = traitlets.Dict().tag(sync=True)
    """The plan as the controls have it; follows when one is let go."""

    def __init__(
        self,
        box: Sandbox | None = None,
        function: str | None = None,
        *,
        live: bool = True,
        since: int = 0,
        plan: RetryPlan | None = None,
        _events: Iterable[Event] | None = None,
    ) -> None:
        planned = box is None and _events is None
        if plan is not None and not planned:
            raise PlanError(message("retry_timeline.problem.plan_and_box"))
        self._stories = Stories(function)
        self._stories.feed(_events or ())
        self._most = ROWS
        lang = language()
        super().__init__(
            box, "retry_timeline", live=live, since=since, own=messages("retry_timeline", lang)
        )
        self.function = function
        self.mode = "plan" if planned else "events"
        self.rules = rules_for_plan(lang)
        self.start = self.setting = (plan or RetryPlan()).to_json()

    @classmethod
    def of(cls, events: Iterable[Event], function: str | None = None) -> Self:
        """Draw a list of event records; nothing is followed."""
        return cls(None, function, live=False, _events=tuple(events))

    @property
    def stories(self) -> list[Story]:
        """What became of each event, in the order in which they were accepted."""
        with self._guard:
            return self._stories.all()

    @property
    def plan(self) -> RetryPlan:
        """Where the controls of the plan stand."""
        return RetryPlan.from_json(self.setting)

    @property
    def attempts(self) -> list[Planned]:
        """The attempts of the plan, by the rulebook."""
        return self.plan.attempts()

    def to_text(self) -> str:
        """Return the same in words: a sentence for each step, a line for each attempt."""
        lang = as_language(self.lang)
        if self.mode == "plan":
            title = message("retry_timeline.title", lang)
            return "\n".join([title, *plan_sentences(self.plan, lang)])
        title = (
            message("retry_timeline.title_of", lang, function=self.function)
            if self.function
            else message("retry_timeline.title_all", lang)
        )
        rows, left = rows_of(self.stories, self._most)
        if not rows:
            return f"{title}\n{message('retry_timeline.empty', lang)}"
        return "\n".join([title, *rows_text(rows, left, lang)])

    # -- for the base ---------------------------------------------------------------------

    def _take(self, events: Sequence[Event]) -> dict[str, Any] | None:
        return self._whole() if self._stories.feed(events) else None

    def _whole(self) -> dict[str, Any]:
        """Return the rows that are drawn: few enough to be sent whole each time."""
        rows, left = rows_of(self._stories.all(), self._most)
        return {
            "rows": [row_json(row) for row in rows],
            "left": left,
            "dropped": self._stories.dropped,
            "end": self._stories.end,
            "page": ROWS,
        }

    def _look(self, box: Sandbox) -> dict[str, Any] | None:
        return None

    def _act(self, action: str, values: dict[str, Any]) -> None:
        if action == "more":
            with self._guard:
                self._most += ROWS
                self._tell(self._whole())
