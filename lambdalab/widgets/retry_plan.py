"""The plan of the retry timeline: how attempts are to go, and what the rulebook makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, message
from lambdalab.rules import limits
from lambdalab.rules.retries import LAG, Outcome, Planned, Policy, Retry, schedule
from lambdalab.rules.source import Fact
from lambdalab.widgets.rulebook import page_name, value_text

__all__ = ["FACTS", "PlanError", "RetryPlan", "rules_for_plan"]

FACTS: tuple[Fact[Any], ...] = (
    limits.ASYNC_RETRIES,
    limits.ASYNC_RETRY_FIRST,
    limits.ASYNC_RETRY_SECOND,
    limits.ASYNC_BACKOFF_MIN,
    limits.ASYNC_BACKOFF_MAX,
    limits.ASYNC_AGE_MIN,
    limits.ASYNC_AGE_MAX,
    LAG,
)


class PlanError(LambdalabError):
    """A plan that AWS would refuse, or that makes no sense."""


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How the attempts of one event go, and what is set for it.

    Attributes
    ----------
    first
        How attempts go that begin before ``until_s``.
    until_s
        Seconds after the event was accepted, from 0 (none) to 21,600 (all).
    then
        How later attempts go.
    changed
        How single attempts go instead, by their number.
    max_retries
        ``MaximumRetryAttempts``, 0 to 2.
    max_age_s
        ``MaximumEventAgeInSeconds``, 60 to 21,600.
    duration_s
        How long the function runs, in seconds, up to 900.
    late
        Whether retries are as late as the sandbox's queue is
        (:data:`lambdalab.rules.retries.LAG`); otherwise waits are as documented.

    Raises
    ------
    PlanError
        A number is out of its bounds.
    """

    first: Outcome = Outcome.THROTTLED
    until_s: float = 0.0
    then: Outcome = Outcome.ERROR
    changed: Mapping[int, Outcome] = field(default_factory=dict)
    max_retries: int = limits.ASYNC_RETRIES.value
    max_age_s: float = float(limits.ASYNC_AGE_MAX.value)
    duration_s: float = 0.0
    late: bool = False

    def __post_init__(self) -> None:
        oldest = limits.ASYNC_AGE_MAX.value
        for name, value, least, most in (
            ("until_s", self.until_s, 0, oldest),
            ("max_retries", self.max_retries, 0, limits.ASYNC_RETRIES.value),
            ("max_age_s", self.max_age_s, limits.ASYNC_AGE_MIN.value, oldest),
            ("duration_s", self.duration_s, 0, limits.TIMEOUT_MAX.value),
        ):
            if not least <= value <= most:
                raise PlanError(
                    message(
                        "retry_timeline.problem.range",
                        name=name,
                        value=value,
                        least=f"{least:,}",
                        most=f"{most:,}",
                    )
                )

    @property
    def policy(self) -> Policy:
        """What is set for the event."""
        return Policy(self.max_retries, self.max_age_s, LAG.value if self.late else 0.0)

    def outcome(self, number: int, time_s: float) -> Outcome:
        """Say how an attempt goes that begins at a time (seconds after acceptance)."""
        if number in self.changed:
            return self.changed[number]
        reach = inf if self.until_s >= limits.ASYNC_AGE_MAX.value else self.until_s
        return self.first if time_s < reach else self.then

    def attempts(self) -> list[Planned]:
        """Return the attempts, as :func:`lambdalab.rules.retries.schedule` plans them."""
        outcomes: list[Outcome] = []
        time_s = 0.0
        while True:
            outcomes.append(self.outcome(len(outcomes) + 1, time_s))
            # One more than is decided: its time is what the next outcome hangs on.
            plan = schedule([*outcomes, Outcome.SUCCESS], self.policy, duration_s=self.duration_s)
            if not isinstance(plan[len(outcomes) - 1].decision, Retry):
                return plan
            time_s = plan[-1].time_s

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            **asdict(self),
            "first": self.first.value,
            "then": self.then.value,
            "changed": {str(number): one.value for number, one in self.changed.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RetryPlan:
        """Return the plan that ``data`` describes."""
        return cls(
            **{
                **data,
                "first": Outcome(data["first"]),
                "then": Outcome(data["then"]),
                "changed": {int(key): Outcome(one) for key, one in data["changed"].items()},
            }
        )


def rules_for_plan(lang: Language) -> dict[str, Any]:
    """Return the rulebook's numbers, and its facts in words with their pages, for the view."""
    return {
        "retries": limits.ASYNC_RETRIES.value,
        "retryFirst": limits.ASYNC_RETRY_FIRST.value,
        "retrySecond": limits.ASYNC_RETRY_SECOND.value,
        "backoffMin": limits.ASYNC_BACKOFF_MIN.value,
        "backoffMax": limits.ASYNC_BACKOFF_MAX.value,
        "ageMin": limits.ASYNC_AGE_MIN.value,
        "ageMax": limits.ASYNC_AGE_MAX.value,
        "longest": limits.TIMEOUT_MAX.value,
        "lag": LAG.value,
        "facts": [
            {
                "label": fact.label[lang],
                "value": value_text(fact, lang),
                "url": fact.source.url if fact.source else "",
                "name": page_name(fact.source.url)
                if fact.source
                else message("widgets.facts.assumption", lang),
                "read": fact.source.read.isoformat() if fact.source else "",
            }
            for fact in FACTS
        ],
    }
