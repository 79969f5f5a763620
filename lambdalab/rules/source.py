"""A documented number or statement, with the page it was read on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

__all__ = ["Fact", "Source"]

T = TypeVar("T", int, float)

_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read.

    Attributes
    ----------
    page
        The address of the page; ``dg:NAME`` is a page of the Lambda developer guide,
        ``botocore:SHAPE`` a shape of the API model that every boto3 carries.
    read
        The day it was read.
    """

    page: str
    read: date = date(2026, 11, 1)

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        kind, _, name = self.page.partition(":")
        if kind == "dg":
            return f"{_GUIDE}{name}.html"
        if kind == "botocore":
            return f"https://docs.aws.amazon.com/lambda/latest/api/API_{name}.html"
        return self.page


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A number AWS documents.

    Attributes
    ----------
    value
        The number, in ``unit``.
    unit
        ``s``, ``ms``, ``MB``, ``bytes``, ``environments`` … or ``""`` for a plain count.
    label
        What it is, in both languages.
    source
        The page that says so; ``None`` where AWS publishes nothing and the number
        is an assumption of ours (say so wherever it is shown).
    """

    value: T
    unit: str
    label: Mapping[str, str]
    source: Source | None

    def text(self) -> str:
        """Return the number with its unit, thousands separated: ``10,240 MB``."""
        return f"{self.value:,} {self.unit}".strip()
