"""The concurrency lab: drag rates, durations and limits, and watch the pools fill."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, get_args

import anywidget
import traitlets

from lambdalab.i18n import as_language, language, message, messages
from lambdalab.sim import Result, Scenario, simulate
from lambdalab.sim.variates import stream
from lambdalab.widgets.concurrency_presets import PRESETS
from lambdalab.widgets.concurrency_rules import prices_for_view, rules_for_view
from lambdalab.widgets.concurrency_setting import MOST_REQUESTS, LabError, Setting
from lambdalab.widgets.concurrency_text import as_text
from lambdalab.widgets.live import asset
from lambdalab.widgets.showing import shown

__all__ = ["ConcurrencyLab", "unit_draws"]

Draw = Literal["arrivals", "exponential", "normal"]

_WHY = ("negative", "reserved", "provisioned_reserved", "provisioned_account")


@lru_cache(maxsize=16)
def unit_draws(seed: int, name: str, kind: Draw, count: int) -> bytes:
    """Return the numbers that the simulator scales, as little-endian doubles.

    Parameters
    ----------
    seed, name
        Of the scenario; of the function.
    kind
        ``arrivals``: exponential gaps; ``exponential``, ``normal``: for durations of that kind.
    """
    if kind == "arrivals":
        numbers = stream(seed, name, "arrivals").standard_exponential(count)
    elif kind == "exponential":
        numbers = stream(seed, name, "duration").standard_exponential(count)
    else:
        numbers = stream(seed, name, "duration").standard_normal(count)
    return numbers.astype("<f8").tobytes()


class ConcurrencyLab(anywidget.AnyWidget):  # type: ignore[misc]
    """Simulates a function, and a second one beside it, while sliders move.

    The requests are simulated in the browser, by a twin of :mod:`lambdalab.sim` that gets the
    same random draws: what it counts is what :attr:`result` says.

    Parameters
    ----------
    scenario
        Where to begin: one function, or two that share an account.
    preset
        Or the name of one of the lab's own settings: ``five-seconds`` (the default),
        ``half-second``, ``burst``, ``spillover-unreserved``, ``spillover-reserved``,
        ``noisy-neighbour``, ``neighbour-reserved``, ``seldom``.
    compare
        A second scenario or preset, drawn beside the first one.

    Raises
    ------
    LabError
        There is no such preset, or the lab has no slider for something in the scenario.
    ScenarioError
        A parameter of the scenario makes no sense.
    """

    _esm = asset(
        "common.js",
        "twin.js",
        "pricing.js",
        "tally.js",
        "figures.js",
        "concurrency_setting.js",
        "concurrency_chart.js",
        "concurrency_controls.js",
        "concurrency.js",
    )
    _css = asset("common.css", "concurrency.css")

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    rules = traitlets.Dict().tag(sync=True)
    prices = traitlets.Dict().tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    """Where "reset" leads to: a setting."""
    preset = traitlets.Unicode("").tag(sync=True)
    """Name of the preset that was chosen last; empty: the scenario that was given."""
    setting = traitlets.Dict().tag(sync=True)
    """Where the sliders stand, as :class:`Setting` has it; follows when one is let go."""
    other = traitlets.Dict(None, allow_none=True).tag(sync=True)
    """The setting it is compared with."""

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        preset: str | None = None,
        compare: Scenario | str | None = None,
    ) -> None:
        if scenario is not None and preset is not None:
            raise LabError(message("concurrency.problem.both"))
        if scenario is None:
            preset = preset or next(iter(PRESETS))
        setting = Setting.of(scenario) if scenario is not None else _preset(preset or "")
        other = None
        if compare is not None:
            other = _preset(compare) if isinstance(compare, str) else Setting.of(compare)
        lang = language()
        why = {f"why.{key}": messages("sim", lang)[f"why.{key}"] for key in _WHY}
        super().__init__(
            labels={**messages("concurrency", lang), **why},
            lang=lang,
            rules=rules_for_view(),
            prices=prices_for_view(),
            presets={name: one.to_json() for name, one in PRESETS.items()},
            preset=preset or "",
            start=setting.to_json(),
            setting=setting.to_json(),
            other=None if other is None else other.to_json(),
        )
        self.on_msg(self._asked)

    @property
    def scenario(self) -> Scenario:
        """What the sliders stand at, for :func:`lambdalab.sim.simulate`."""
        return Setting.from_json(self.setting).scenario()

    @property
    def compared(self) -> Scenario | None:
        """The scenario it is compared with, if there is one."""
        return None if self.other is None else Setting.from_json(self.other).scenario()

    @property
    def result(self) -> Result:
        """What the simulator says of :attr:`scenario`.

        Raises
        ------
        ScenarioError
            AWS would refuse it.
        """
        return simulate(self.scenario)

    def to_text(self) -> str:
        """Return setting and numbers in words."""
        lang = as_language(self.lang)
        told = as_text(Setting.from_json(self.setting), lang)
        if self.other is None:
            return told
        return f"A\n{as_text(Setting.from_json(self.other), lang)}\n\nB\n{told}"

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:  # noqa: ANN401
        if not isinstance(content, dict) or content.get("do") != "draws":
            return
        seed, name, kind, count = (content.get(key) for key in ("seed", "name", "kind", "count"))
        fine = (
            isinstance(seed, int)
            and isinstance(name, str)
            and kind in get_args(Draw)
            and isinstance(count, int)
            and 0 < count <= MOST_REQUESTS
        )
        if fine:
            told = {"kind": "draws", "key": content.get("key")}
            self.send(told, buffers=[unit_draws(seed, name, kind, count)])

    def __repr__(self) -> str:
        return f"<ConcurrencyLab: {self.preset or Setting.from_json(self.setting).name}>"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any] | None:
        return shown(self, self.to_text())


def _preset(name: str) -> Setting:
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise LabError(message("concurrency.problem.preset", name=name, known=known))
    return PRESETS[name]
