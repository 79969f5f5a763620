"""The concurrency lab in words: what a screen without the widget shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lambdalab.errors import LambdalabError
from lambdalab.i18n import Language, message
from lambdalab.rules.pricing import REQUESTS
from lambdalab.rules.queueing import mean_concurrency
from lambdalab.sim import FunctionResult, Result, simulate
from lambdalab.widgets.concurrency_setting import Setting
from lambdalab.widgets.text import duration

__all__ = ["as_text"]


def as_text(setting: Setting, lang: Language) -> str:
    """Return a setting and what the simulator says of it, in one language.

    A setting that AWS would refuse is told with AWS's own words.
    """
    try:
        result = simulate(setting.scenario())
    except LambdalabError as error:
        return f"{message('concurrency.title', lang)}\n{error}"
    lines = [message("concurrency.title", lang), _formula(setting, lang)]
    for name, one in result.functions.items():
        lines.append(f"{name}: " + message("concurrency.unit.counted", lang, count=one.requests))
        lines += [f"  {label}: {value}" for label, value in _numbers(one, lang)]
    lines.append(_cost(result, setting.name, lang))
    return "\n".join(lines)


def _formula(setting: Setting, lang: Language) -> str:
    rate = setting.rate
    if setting.arrivals == "burst":
        rate += setting.burst_size / setting.burst_every
    return message(
        "concurrency.formula.text",
        lang,
        rate=f"{rate:,.6g}",
        duration=f"{setting.duration:,.6g}",
        product=f"{mean_concurrency(rate, setting.duration):,.6g}",
    )


def _numbers(one: FunctionResult, lang: Language) -> Iterator[tuple[str, str]]:
    def label(key: str) -> str:
        return message(f"concurrency.number.{key}", lang)

    yield label("mean"), f"{one.mean_concurrency:,.1f}"
    yield label("environments"), f"{one.mean_environments:,.1f}"
    yield label("cold"), _share(one.cold, one.served)
    yield label("throttled"), _share(one.throttled, one.requests)
    for reason, count in one.throttle_reasons.items():
        yield f"  {reason}", _share(count, one.requests)
    for name in ("p50", "p99"):
        seconds = one.latency[name]
        yield (
            label(name),
            message("concurrency.none", lang) if seconds is None else duration(seconds),
        )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} % ({part:,})" if whole else "0"


def _cost(result: Result, name: str, lang: Language) -> str:
    source = REQUESTS.source
    alone = replace(result, functions={name: result.functions[name]})
    return message(
        "concurrency.cost_text",
        lang,
        name=name,
        usd=f"{alone.monthly(free_tier=False).total:,.2f}",
        read="" if source is None else source.read.isoformat(),
    )
