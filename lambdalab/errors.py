"""The one base class of every error meant for a person."""

from __future__ import annotations

__all__ = ["LambdalabError"]


class LambdalabError(Exception):
    """Something a person can put right.

    The message says what was wrong, where, and what to do; commands print it
    without a traceback.
    """
