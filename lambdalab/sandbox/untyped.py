"""A name for what moto, werkzeug and pickle hand over: they do not say its type."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Untyped"]

Untyped: TypeAlias = Any
