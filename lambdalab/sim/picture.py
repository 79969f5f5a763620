"""The curves of a simulated function as one SVG picture: no library, no script, no network."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from lambdalab.i18n import message
from lambdalab.sim.result import FunctionResult
from lambdalab.sim.variates import Array

__all__ = ["Plot", "plot"]

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 34, 58
_LAYERS = (
    # Outlines differ as well as fills: colour alone would not reach everybody.
    ("provisioned", "var(--jp-success-color1, #388e3c)", "none"),
    ("on_demand", "var(--jp-brand-color1, #1976d2)", "6 3"),
    ("idle", "var(--jp-border-color1, #9e9e9e)", "1 3"),
)
_MARKS = (("cold", "M0 0 l4 9 h-8 z"), ("throttled", "M-4 0 l8 8 M4 0 l-8 8"))


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture that JupyterLab shows, with its description; ``svg`` can be written to a file."""

    svg: str
    description: str

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return self.description


def plot(name: str, result: FunctionResult) -> Plot:
    """Draw environments over time: provisioned and busy, on demand and busy, idle.

    Below the curves, marks stand where requests started cold or were throttled.

    Parameters
    ----------
    name
        Of the function, for the title.
    result
        What :func:`lambdalab.sim.simulate` found of it.
    """
    layers = np.cumsum([result.provisioned_running, result.running, result.idle], axis=0)
    most = max(float(layers[-1].max()) if layers.size else 0.0, 1.0)
    last = float(result.times[-1]) if len(result.times) else 1.0
    across = _LEFT + result.times / (last or 1.0) * (_WIDTH - _LEFT - _RIGHT)
    throttled = sum(result.throttles.values(), start=np.zeros(len(result.times), dtype=np.int64))
    description = message(
        "sim.plot.description",
        name=name,
        seconds=f"{last:,.0f}",
        concurrency=f"{result.mean_concurrency:,.1f}",
        environments=f"{result.mean_environments:,.1f}",
        cold=f"{result.cold:,}",
        throttled=f"{result.throttled:,}",
    )
    parts = [_axes(most, last)]
    below: Array = np.zeros(len(result.times))
    for number, (key, colour, dashes) in enumerate(_LAYERS):
        parts.append(_area(across, below, layers[number], most, colour=colour, dashes=dashes))
        parts.append(_legend(number, key, colour, dashes))
        below = layers[number]
    for number, (key, shape) in enumerate(_MARKS):
        counts = result.cold_starts if key == "cold" else throttled
        parts.append(_marks(across[np.flatnonzero(counts)], number, key, shape))
    return Plot(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(description)}" style="max-width: {_WIDTH}px; font: 12px '
        f'var(--jp-ui-font-family, sans-serif)" fill="currentColor">'
        f"<title>{escape(description)}</title>{''.join(parts)}</svg>",
        description,
    )


def _down(value: float, most: float) -> float:
    return _TOP + (1.0 - value / most) * (_HEIGHT - _TOP - _BOTTOM)


def _area(across: Array, low: Array, high: Array, most: float, *, colour: str, dashes: str) -> str:
    upper = [f"{x:.1f},{_down(y, most):.1f}" for x, y in zip(across, high, strict=True)]
    lower = [f"{x:.1f},{_down(y, most):.1f}" for x, y in zip(across, low, strict=True)]
    return (
        f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="{colour}" '
        f'fill-opacity="0.35"/><polyline points="{" ".join(upper)}" fill="none" '
        f'stroke="{colour}" stroke-dasharray="{dashes}"/>'
    )


def _axes(most: float, last: float) -> str:
    base = _down(0.0, most)
    unit = escape(message("sim.plot.seconds", seconds=f"{last:,.0f}"))
    return (
        f'<path d="M{_LEFT} {_TOP} V{base} H{_WIDTH - _RIGHT}" fill="none" '
        f'stroke="currentColor" stroke-opacity="0.5"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{most:,.0f}</text>'
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end">0</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">{unit}</text>'
    )


def _legend(number: int, key: str, colour: str, dashes: str) -> str:
    left = _LEFT + number * 220
    return (
        f'<rect x="{left}" y="8" width="20" height="10" fill="{colour}" fill-opacity="0.35" '
        f'stroke="{colour}" stroke-dasharray="{dashes}"/>'
        f'<text x="{left + 26}" y="17">{escape(message(f"sim.plot.{key}"))}</text>'
    )


def _marks(across: Array, number: int, key: str, shape: str) -> str:
    top = _HEIGHT - _BOTTOM + 12 + number * 18
    paths = "".join(f'<path d="{shape}" transform="translate({x:.1f} {top})"/>' for x in across)
    style = 'stroke="currentColor" fill="currentColor" fill-opacity="0.6"'
    label = escape(message(f"sim.plot.{key}"))
    return f'<g {style}>{paths}</g><text x="2" y="{top + 9}">{label}</text>'
