"""Compiles a loop if numba is there."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["compiled"]


def compiled(function: Any) -> Any:  # noqa: ANN401 - numba's own type, or the function itself
    """Return a function compiled by numba; without numba, the function.

    It is ordinary Python either way, and the tests run it as such.
    """
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return function
    return numba.njit(cache=True)(function)
