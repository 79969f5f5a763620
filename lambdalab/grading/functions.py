"""What checks of a learner's functions need: calls compared with what is right, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lambdalab.grading.evidence import joined, literal, say, shown
from lambdalab.grading.spec import Text
from lambdalab.grading.verdict import Verdict, incorrect, not_attempted, passed

if TYPE_CHECKING:
    from lambdalab.grading.values import CallResult

__all__ = ["Part", "examined", "judged", "same", "silent", "weighed"]

Part = tuple[float, float, Text | None]
"""Weight in the task, share earned of it, and what is wrong."""


def silent(calls: Sequence[CallResult]) -> bool:
    """Tell if no call gave anything: the function is as the starter left it."""
    return all(call.value is None and call.error is None for call in calls)


def same(got: object, right: object) -> bool:
    """Tell if two JSON values are equal: numbers nearly, and ``True`` is no 1."""
    if isinstance(got, bool) or isinstance(right, bool):
        return got is right
    if isinstance(right, float) and isinstance(got, int | float):
        return math.isclose(got, right, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(right, Mapping) and isinstance(got, Mapping):
        return got.keys() == right.keys() and all(same(got[key], right[key]) for key in right)
    if isinstance(right, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(right) and all(map(same, got, right))
    return got == right


def judged(
    name: str,
    calls: Sequence[CallResult],
    right: Callable[..., object],
    *,
    penalty: float = 1.0,
) -> tuple[float, Text | None]:
    """Compare a function's results with those of ``right``.

    Returns
    -------
    share, text
        1 less ``penalty`` times the share of wrong calls, at least 0; and an example of
        what is wrong, if anything is.
    """
    wanted = [right(*call.arguments) for call in calls]
    missed = [
        (call, value)
        for call, value in zip(calls, wanted, strict=True)
        if call.error is not None or not same(call.value, value)
    ]
    if not missed:
        return 1.0, None
    call, value = missed[0]
    asked = ", ".join(literal(one).strip("`") for one in call.arguments)
    got = literal(call.value) if call.error is None else shown(call.error)
    share = max(0.0, 1 - penalty * len(missed) / len(calls))
    return share, say(
        f"{len(calls)} 組裡有 {len(missed)} 組不對，例如 `{name}({asked})` 應該是 "
        f"{literal(value)}，得到的是 {got}。",
        f"{len(missed)} of {len(calls)} cases are wrong, for example `{name}({asked})` should be "
        f"{literal(value)}; it gave {got}.",
    )


def examined(calls: Sequence[CallResult], problem: Callable[[CallResult], Text | None]) -> Verdict:
    """Return the verdict of a task that is one function.

    Parameters
    ----------
    calls
        What it gave.
    problem
        Says what is wrong with one call; ``None`` if nothing is.
    """
    if silent(calls):
        return not_attempted()
    problems = [text for call in calls if (text := problem(call))]
    if not problems:
        return passed()
    return incorrect(problems[0], score=1 - len(problems) / len(calls))


def weighed(parts: Sequence[Part]) -> Verdict:
    """Return the verdict of a task of several parts, whose weights add up to 1."""
    problems = [text for _, _, text in parts if text is not None]
    if not problems:
        return passed()
    return incorrect(joined(problems), score=sum(weight * share for weight, share, _ in parts))
