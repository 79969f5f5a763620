"""What the learner watches and drags: they draw the event log and ask questions.

Notebooks say ``from lambdalab.widgets import Timeline, Monitor, diagram, facts``, and
``ConcurrencyLab``, ``MemoryCost``, ``CallPath`` or ``RetryTimeline``, which need no sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.widgets.call_path import CallPath
    from lambdalab.widgets.concurrency import ConcurrencyLab
    from lambdalab.widgets.drawing import diagram
    from lambdalab.widgets.memory import MemoryCost
    from lambdalab.widgets.monitor import Monitor
    from lambdalab.widgets.poller_view import PollerView
    from lambdalab.widgets.record_explorer import RecordExplorer
    from lambdalab.widgets.retry_timeline import RetryTimeline
    from lambdalab.widgets.rulebook import facts
    from lambdalab.widgets.timeline import Timeline

__all__ = [
    "CallPath",
    "ConcurrencyLab",
    "MemoryCost",
    "Monitor",
    "PollerView",
    "RecordExplorer",
    "RetryTimeline",
    "Timeline",
    "diagram",
    "facts",
]

_HOMES = {
    "CallPath": "call_path",
    "ConcurrencyLab": "concurrency",
    "MemoryCost": "memory",
    "Monitor": "monitor",
    "PollerView": "poller_view",
    "RecordExplorer": "record_explorer",
    "RetryTimeline": "retry_timeline",
    "Timeline": "timeline",
    "diagram": "drawing",
    "facts": "rulebook",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:  # each is loaded when it is used: a table needs no widgets
        from importlib import import_module

        return getattr(import_module(f"lambdalab.widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
