"""The course: its notebooks, its questions, the learner's folder and progress.

Notebooks say ``from lambdalab.course import ask, reveal``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.course.asking import ask, reveal

__all__ = ["ask", "reveal"]


def __getattr__(name: str) -> object:
    if name in __all__:  # widgets are loaded when a question is asked, not before
        from lambdalab.course import asking

        return getattr(asking, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
