"""Ways to say that a parameter makes no sense: where, what is wrong, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isfinite

import numpy as np
import numpy.typing as npt

from lambdalab.errors import LambdalabError
from lambdalab.i18n import message
from lambdalab.rules.source import Fact

__all__ = [
    "ScenarioError",
    "ascending",
    "between",
    "check",
    "number",
    "one_of",
    "refuse",
    "whole",
]


class ScenarioError(LambdalabError):
    """A parameter makes no sense; the message holds AWS's own words where AWS has some."""


def check(condition: bool, place: str, problem: str, **values: object) -> None:
    """Raise :class:`ScenarioError` unless ``condition``.

    Parameters
    ----------
    place
        Which parameter, as a path: ``function.api.reserved``.
    problem, values
        The message ``sim.problem.<problem>`` and what it is filled with.
    """
    if not condition:
        raise ScenarioError(f"{place}: {message(f'sim.problem.{problem}', **values)}")


def refuse(said: str | None, place: str, why: str, **values: object) -> None:
    """Raise :class:`ScenarioError` with AWS's message, if there is one, and the reason.

    Parameters
    ----------
    said
        AWS's words; ``None``: nothing is wrong.
    why, values
        The message ``sim.why.<why>`` and what it is filled with.
    """
    if said is not None:
        raise ScenarioError(f"{place}: {said}\n{message(f'sim.why.{why}', **values)}")


def number(value: object, place: str, *, least: float = 0.0, above: bool = False) -> None:
    """Check for a finite number of at least ``least``; with ``above``, greater than that."""
    fine = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    fine = fine and isfinite(value) and (value > least if above else value >= least)  # type: ignore[arg-type, operator]
    check(fine, place, "above" if above else "number", value=repr(value), least=f"{least:g}")


def whole(value: object, place: str, *, least: int | None = 0) -> None:
    """Check for a whole number of at least ``least``; ``None``: any."""
    fine = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if least is None:
        check(fine, place, "any_whole", value=repr(value))
    else:
        check(fine and value >= least, place, "whole", value=repr(value), least=least)  # type: ignore[operator]


def between(value: object, low: Fact[int], high: Fact[int], place: str) -> None:
    """Check for a whole number within two limits of AWS's."""
    fine = isinstance(value, int | np.integer) and not isinstance(value, bool)
    check(
        fine and low.value <= value <= high.value,  # type: ignore[operator]
        place,
        "between",
        value=repr(value),
        low=low.value,
        high=high.text(),
    )


def one_of(value: object, choices: Collection[str], place: str) -> None:
    """Check for one of some words."""
    check(value in choices, place, "choice", value=repr(value), choices=", ".join(choices))


def ascending(times: Sequence[float] | npt.NDArray[np.float64], place: str) -> None:
    """Check for finite numbers from 0 on that never go back."""
    try:
        array = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    check(array.ndim == 1 and len(array) == len(times), place, "times")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0.0)))
    if len(bad):
        number(float(array[bad[0]]), place)
    back = np.flatnonzero(np.diff(array) < 0.0)
    if len(back):
        first = int(back[0])
        check(False, place, "order", time=f"{array[first + 1]:g}", before=f"{array[first]:g}")
