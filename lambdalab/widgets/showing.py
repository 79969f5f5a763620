"""How a widget is shown: itself where there is a browser, words everywhere."""

from __future__ import annotations

from typing import Any

import anywidget

__all__ = ["shown"]


def shown(widget: anywidget.AnyWidget, text: str) -> dict[str, Any]:
    """Return the MIME bundle of a widget that reads as ``text`` where it cannot run."""
    bundle: dict[str, Any] = {"text/plain": text}
    if widget.comm is not None:
        bundle["application/vnd.jupyter.widget-view+json"] = {
            "version_major": 2,
            "version_minor": 1,
            "model_id": widget.model_id,
        }
    return bundle
