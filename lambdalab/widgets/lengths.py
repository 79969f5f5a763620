"""Lengths of time and names of targets, as a person reads them; ``lengths.js`` says the same."""

from __future__ import annotations

import math

from lambdalab.i18n import Language, message

__all__ = ["length", "short_arn"]


def length(seconds: float, lang: Language) -> str:
    """Return a length of time as a person reads it: ``4.2 s``, ``1 min 3 s``, ``6 h``."""

    def say(unit: str, number: float) -> str:
        return message(f"retry_timeline.unit.{unit}", lang, n=f"{number:g}")

    if seconds < 59.95:
        # Less than a millisecond is what the sandbox needs, and no wait.
        short = f"{seconds:.{3 if seconds < 0.1 else 2}f}" if seconds < 1 else f"{seconds:.3g}"
        return say("s", float(short))
    small, big, size = ("s", "min", 1) if seconds < 3599.5 else ("min", "h", 60)
    high, low = divmod(math.floor(seconds / size + 0.5), 60)
    parts = [say(big, high)] + ([say(small, low)] if low else [])
    return " ".join(parts)


def short_arn(arn: str) -> str:
    """Return a target as a person names it: ``sqs dead-letters``."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    return f"{parts[2]} {parts[5].rpartition(':')[2].rpartition('/')[2]}"
