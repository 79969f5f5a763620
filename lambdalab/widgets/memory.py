"""The memory-cost curve: what each memory size makes of duration and price."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from lambdalab.i18n import Language, as_language, language, message, messages
from lambdalab.rules import limits
from lambdalab.rules.lifecycle import BILLING_STEP
from lambdalab.rules.pricing import FREE_COMPUTE, FREE_REQUESTS, REQUESTS, Architecture
from lambdalab.widgets.concurrency_rules import prices_for_view
from lambdalab.widgets.live import asset
from lambdalab.widgets.memory_curve import (
    ARCHITECTURES,
    Curve,
    MeasurementError,
    Measurements,
    Point,
    curves,
)
from lambdalab.widgets.showing import shown

__all__ = ["MemoryCost"]


class MemoryCost(anywidget.AnyWidget):  # type: ignore[misc]
    """Draws duration and cost over memory, with a point to drag along.

    Parameters
    ----------
    measurements
        (memory in MB, duration in ms) pairs of one handler, or such a list for each of
        several handlers by name. They are measured on one architecture; the prices of the
        other are shown for the same durations.
    rate
        Invocations per second, for the cost of a month.
    architecture
        Whose prices are shown first.

    Raises
    ------
    MeasurementError
        Measurements that cannot be; the message says which.
    """

    _esm = asset("common.js", "pricing.js", "figures.js", "memory.js")
    _css = asset("common.css", "memory.css")

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    prices = traitlets.Dict().tag(sync=True)
    bounds = traitlets.Dict().tag(sync=True)
    shown_curves = traitlets.List().tag(sync=True)
    memory = traitlets.Int().tag(sync=True)
    """Where the point stands (MB)."""
    rate = traitlets.Float().tag(sync=True)
    """Invocations per second."""
    architecture = traitlets.Enum(ARCHITECTURES, "x86_64").tag(sync=True)
    free_tier = traitlets.Bool(False).tag(sync=True)
    """Take the free tier off the cost of a month."""

    def __init__(
        self,
        measurements: Measurements,
        *,
        rate: float = 10.0,
        architecture: Architecture = "x86_64",
    ) -> None:
        self.curves: tuple[Curve, ...] = curves(measurements)
        fine = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < 1e6
        if not fine:
            raise MeasurementError(message("memory.problem.rate", value=repr(rate)))
        if architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise MeasurementError(
                message("memory.problem.architecture", value=repr(architecture), known=known)
            )
        lang = language()
        super().__init__(
            labels=dict(messages("memory", lang)),
            lang=lang,
            prices=prices_for_view(),
            bounds={
                "low": limits.MEMORY_MIN.value,
                "high": limits.MEMORY_MAX.value,
                "vcpu": limits.VCPU_MEMORY.value,
                "vcpuPage": ""
                if limits.VCPU_MEMORY.source is None
                else limits.VCPU_MEMORY.source.url,
            },
            shown_curves=[one.to_json() for one in self.curves],
            memory=self.curves[0].cheapest(architecture).memory,
            rate=float(rate),
            architecture=architecture,
        )

    def to_text(self) -> str:
        """Return all measured points with their cost in words."""
        lang = as_language(self.lang)
        lines = [message("memory.title", lang)]
        for one in self.curves:
            cheapest = one.cheapest(self.architecture)
            lines.append(f"{one.name} ({self.architecture})")
            lines += [self._line(point, cheapest, lang) for point in one.measured]
        source = REQUESTS.source
        lines.append(
            message(
                "memory.note.prices",
                lang,
                read="" if source is None else source.read.isoformat(),
                step=BILLING_STEP.value,
                requests=f"{FREE_REQUESTS.value:,}",
                compute=f"{FREE_COMPUTE.value:,}",
            )
        )
        return "\n".join(lines)

    def _line(self, point: Point, cheapest: Point, lang: Language) -> str:
        mark = f"  {message('memory.cheapest', lang)}" if point is cheapest else ""
        million = point.usd[self.architecture] * 1e6
        return (
            f"  {point.memory:>6,} MB {point.duration:>10,.1f} ms {point.gb_s:>9.5f} GB-s"
            f" {million:>10,.2f} {message('memory.per_million', lang)}{mark}"
        )

    def __repr__(self) -> str:
        return f"<MemoryCost: {', '.join(one.name for one in self.curves)}>"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any] | None:
        return shown(self, self.to_text())
