"""A lesson or a lab as its source states it: what the builder and the linters work on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lambdalab.i18n import Language

__all__ = ["FOLDER", "ID", "Code", "Document", "Front", "Kind", "Prose"]

Kind = Literal["lesson", "lab"]

ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
FOLDER = re.compile(r"(?P<number>\d\d)_(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)")


@dataclass(frozen=True, slots=True)
class Front:
    """What the head of a source says."""

    number: int
    slug: str
    minutes: int
    """How long it takes, in minutes."""
    title: Mapping[Language, str]

    @property
    def stem(self) -> str:
        """The name its folder and its notebooks share: ``01_lifecycle``."""
        return f"{self.number:02d}_{self.slug}"


@dataclass(frozen=True, slots=True)
class Prose:
    """One block of prose in both languages."""

    id: str
    text: Mapping[Language, str]
    lines: Mapping[Language, int]
    """Where the head of each stands (1-based)."""
    begins: Mapping[Language, int]
    """Where the text of each begins (1-based)."""
    solution: bool = False
    """Shown in the solution notebook only."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code cell, the same in both languages."""

    id: str
    tags: tuple[str, ...]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """One source file, read."""

    path: Path
    kind: Kind
    front: Front
    blocks: tuple[Prose | Code, ...]

    @property
    def id(self) -> str:
        """Its id: ``lesson01`` or ``lab01``."""
        return f"{self.kind}{self.front.number:02d}"

    @property
    def prose(self) -> Iterator[Prose]:
        """Its prose blocks, in order."""
        return (block for block in self.blocks if isinstance(block, Prose))

    @property
    def code(self) -> Iterator[Code]:
        """Its code cells, in order."""
        return (block for block in self.blocks if isinstance(block, Code))
