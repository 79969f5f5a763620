"""What can go wrong with a benchmark, said to a person."""

from __future__ import annotations

from lambdalab.errors import LambdalabError

__all__ = ["BenchmarkError"]


class BenchmarkError(LambdalabError):
    """Something to measure is missing, did not start, or answered wrongly."""
