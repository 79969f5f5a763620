"""In the learner's process: reading an answer's variables, and calling its functions."""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lambdalab.grading.left import Inputs, Left
from lambdalab.grading.spec import JsonValue
from lambdalab.grading.values import CallResult, NotJsonError, plain

__all__ = ["CALLS_S", "collect"]

CALLS_S = 5.0
"""Seconds for all calls of one task together."""
_TEXT_MAX = 500


class _TooLongError(BaseException):
    """Not an ``Exception``, so that an answer's own ``except`` does not keep it."""


def collect(namespace: Mapping[str, Any], outputs: Sequence[str], inputs: Inputs) -> Left:
    """Read the variables and call the functions of one task.

    Parameters
    ----------
    namespace
        Where the answer cells ran.
    outputs
        Names of variables.
    inputs
        Function -> the positional arguments of each call; it gets copies.
    """
    values: dict[str, JsonValue] = {}
    refused: dict[str, NotJsonError] = {}
    for name in outputs:
        if name in namespace:
            try:
                values[name] = plain(namespace[name])
            except NotJsonError as error:
                refused[name] = error
    missing = frozenset(name for name in inputs if not callable(namespace.get(name)))
    calls: dict[str, list[CallResult]] = {name: [] for name in inputs}
    with _Limit(CALLS_S) as limit:
        for name, every in inputs.items():
            for arguments in every:
                calls[name].append(_call(namespace, name, list(arguments), limit))
    return Left(values, refused, calls, missing)


class _Limit:
    """Interrupts what runs in the main thread once the time is up; elsewhere it cannot."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.over = False
        self._inside = False
        self._works = (
            hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        )

    def __enter__(self) -> _Limit:
        if self._works:
            self._before = signal.signal(signal.SIGALRM, self._alarm)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
        return self

    def __exit__(self, *_: object) -> None:
        if self._works:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)

    def _alarm(self, _number: int, _frame: FrameType | None) -> None:
        self.over = True
        if self._inside:
            raise _TooLongError

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let the alarm interrupt this block."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False


def _call(
    namespace: Mapping[str, Any], name: str, arguments: list[JsonValue], limit: _Limit
) -> CallResult:
    function = namespace.get(name)
    if not callable(function):
        return CallResult(arguments, None, f"NameError: name {name!r} is not a function")
    if limit.over:
        return CallResult(arguments, None, _slow(limit))
    try:
        with limit.inside():
            value = plain(function(*copy.deepcopy(arguments)))
    except _TooLongError:
        return CallResult(arguments, None, _slow(limit))
    except KeyboardInterrupt:
        raise
    except NotJsonError as error:
        return CallResult(arguments, None, f"TypeError: not JSON: {error.text('en')}")
    except BaseException as error:  # noqa: BLE001 - an answer may raise anything, SystemExit too
        return CallResult(arguments, None, f"{type(error).__name__}: {_words(error)}")
    return CallResult(arguments, value, None)


def _slow(limit: _Limit) -> str:
    return f"TimeoutError: the calls took more than {limit.seconds:g} s"


def _words(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_MAX]
    except Exception:  # noqa: BLE001 - an exception's own text may raise
        return "?"
