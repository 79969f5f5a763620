"""The rulebook's services as the call path shows them: every word, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.i18n import Language, message
from lambdalab.rules import limits
from lambdalab.rules.invoking import Mode, Repeat, Service
from lambdalab.rules.retries import Outcome
from lambdalab.rules.services import MODES
from lambdalab.widgets.call_path_story import story
from lambdalab.widgets.rulebook import page_name, value_text

__all__ = ["OUTCOMES", "PLAYED", "modes_page", "rows", "service_for_view", "why"]

OUTCOMES = (Outcome.SUCCESS, Outcome.ERROR, Outcome.THROTTLED)
"""What the view can play."""

PLAYED: Mapping[Repeat, str] = {
    Repeat.CALLER: "caller",
    Repeat.QUEUE: "middle",
    Repeat.VISIBILITY: "caller",
    Repeat.SHARD: "middle",
    Repeat.BATCH: "middle",
}
"""At which box of the path the event is tried again."""


def rows(service: Service, lang: Language) -> tuple[tuple[str, str], ...]:
    """Return what holds on a service's path: (key of the row, its text)."""

    def say(key: str, **values: object) -> str:
        return message(f"call_path.{key}", lang, **values)

    patience = service.patience
    waited = (
        say("none")
        if service.mode is Mode.ASYNC and patience is None
        else say("value.unlimited")
        if patience is None
        else say("value.limit", value=value_text(patience, lang), what=patience.label[lang])
    )
    error = service.error_to[lang]
    if service.mode is Mode.SYNC:
        error = say("value.error_as", to=error, **{"as": service.error_as[lang]})
    return (
        ("mode", f"{say(f'mode.{service.mode}')} · {say(f'about.{service.mode}')}"),
        ("waits", service.waits[lang]),
        ("patience", waited),
        ("retry_error", service.retry_error[lang]),
        ("retry_throttle", service.retry_throttle[lang]),
        ("error_to", error),
        ("keepers", " ".join(say(f"keeper.{one}") for one in service.keepers)),
        (
            "permission",
            "\n".join((say(f"permission.{service.permission}_long"), *service.grants)),
        ),
        (
            "payload",
            "\n".join(
                say("value.limit", value=value_text(one, lang), what=one.label[lang])
                for one in service.payload
            ),
        ),
        ("note", service.note[lang]),
    )


def why(service: Service, lang: Language) -> str:
    """Return why a service belongs to its way in, in a sentence."""
    return f"{message(f'call_path.about.{service.mode}', lang)} {service.note[lang]}"


def service_for_view(service: Service, lang: Language) -> dict[str, Any]:
    """Return all that the view needs of one service, as JSON-ready data."""
    keeper = service.keepers[0]
    count = limits.ASYNC_RETRIES.value
    return {
        "id": service.id,
        "name": service.name[lang],
        "mode": service.mode.value,
        "caller": service.caller[lang],
        "repeats": service.repeats.value,
        "repeatsAt": PLAYED[service.repeats],
        "repeat": message(f"call_path.part.repeat_{service.repeats}", lang, count=count)
        if service.repeats is Repeat.QUEUE
        else message(f"call_path.part.repeat_{service.repeats}", lang),
        "keeper": keeper.value,
        "permission": service.permission.value,
        "grants": list(service.grants),
        "rows": [{"key": key, "text": text} for key, text in rows(service, lang)],
        "why": why(service, lang),
        "page": {
            "url": service.source.url,
            "name": page_name(service.source.url),
            "read": service.source.read.isoformat(),
        },
        "stories": {
            outcome.value: [step.to_json() for step in story(service, outcome, lang)]
            for outcome in OUTCOMES
        },
    }


def modes_page() -> dict[str, str]:
    """Return the page that lists all services with their way in."""
    return {"url": MODES.url, "name": page_name(MODES.url), "read": MODES.read.isoformat()}
