"""Where the files of a lab are: what it asks, how it is checked, its notebooks."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lambdalab
from lambdalab.course.catalogue import clone_root, course_root
from lambdalab.course.errors import CourseError
from lambdalab.errors import LambdalabError
from lambdalab.grading.checking import Source
from lambdalab.grading.left import Inputs
from lambdalab.grading.spec import LabSpec, load_spec
from lambdalab.grading.values import NotJsonError, plain
from lambdalab.i18n import LANGUAGES, Language, message

__all__ = ["Cell", "Course", "Hidden", "LabFiles", "hidden_checks"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell of a lab's notebook, as it is handed out."""

    id: str
    source: str
    tags: frozenset[str]


@dataclass(frozen=True)
class LabFiles:
    """One lab."""

    id: str
    folder: Path
    """With ``lab.toml`` and ``checks.py``."""
    notebooks: Path
    """With ``labs/zh-TW`` and ``labs/en``."""

    @property
    def stem(self) -> str:
        """The name of its notebooks: ``01_lifecycle``."""
        return self.folder.name

    @cached_property
    def checks(self) -> Source:
        """Its public checks.

        Raises
        ------
        LambdalabError
            They cannot be read.
        """
        return Source.read(self.folder / "checks.py")

    @cached_property
    def spec(self) -> LabSpec:
        """What it asks.

        Raises
        ------
        SourceError
            Its ``lab.toml`` is missing or wrong.
        """
        return load_spec(self.folder / "lab.toml")

    def notebook(self, lang: Language) -> Path:
        """Return the place of the notebook that is handed out."""
        return self.notebooks / "labs" / lang / f"{self.stem}.ipynb"

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The code cells that are handed out, the same in both languages.

        Raises
        ------
        LambdalabError
            The notebook is missing or damaged.
        """
        path = self.notebook(LANGUAGES[0])
        try:
            cells = json.loads(path.read_bytes())["cells"]
            return tuple(_cell(cell) for cell in cells if cell["cell_type"] == "code")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LambdalabError(message("grading.lab.notebook", path=path)) from error

    @cached_property
    def starters(self) -> Mapping[str, str]:
        """Each answer cell as it is handed out.

        Raises
        ------
        LambdalabError
            The notebook is missing or damaged.
        """
        wanted = {name for task in self.spec.tasks for name in task.answer_cells}
        return {cell.id: cell.source for cell in self.cells if cell.id in wanted}


def _cell(data: Mapping[str, Any]) -> Cell:
    source = data["source"]
    tags = data["metadata"].get("tags", [])
    return Cell(
        id=str(data["id"]),
        source=source if isinstance(source, str) else "".join(source),
        tags=frozenset(map(str, tags)),
    )


@dataclass(frozen=True, slots=True)
class Course:
    """A course whose labs are checked and graded: this package's own, unless a test makes one."""

    content: Path
    notebooks: Path
    hidden: Path | None
    """Folder of the hidden checks, if they are here."""

    @classmethod
    def own(cls) -> Course:
        """Return the course this package holds.

        Raises
        ------
        CourseError
            This installation came without the notebooks.
        """
        content = Path(lambdalab.__file__).resolve().parent / "course" / "content"
        clone = clone_root()
        hidden = clone / "solutions" / "hidden" if clone else None
        return cls(content, course_root(), hidden if hidden and hidden.is_dir() else None)

    def lab_ids(self) -> tuple[str, ...]:
        """Return the ids of all labs, in order."""
        folders = sorted(path.parent.name for path in self.content.glob("[0-9][0-9]_*/lab.toml"))
        return tuple(f"lab{name[:2]}" for name in folders)

    def lab(self, name: str) -> LabFiles:
        """Return a lab by its id, ``lab01``, or the name of its notebooks.

        Raises
        ------
        CourseError
            There is none; the message lists those there are.
        """
        for known in self.lab_ids():
            (folder,) = self.content.glob(f"{known.removeprefix('lab')}_*")
            if name in (known, folder.name):
                return LabFiles(known, folder, self.notebooks)
        names = ", ".join(self.lab_ids()) or "-"
        raise CourseError(message("grading.lab.unknown", name=name, names=names))


@dataclass(frozen=True, slots=True)
class Hidden:
    """The hidden checks of one lab."""

    source: Source
    inputs: Mapping[str, Inputs]
    """Task -> function -> further inputs."""


def hidden_checks(folder: Path, lab: str) -> Hidden | None:
    """Return the hidden checks of a lab, ``None`` if the folder has none.

    Raises
    ------
    LambdalabError
        The file cannot be loaded, or its ``INPUTS`` are not what docs/writing-labs.md says.
    """
    path = folder / f"{lab}.py"
    if not path.is_file():
        return None
    source = Source.read(path)
    try:
        found = runpy.run_path(str(path), run_name=f"lambdalab_hidden_{lab}")
        return Hidden(source, _inputs(found.get("INPUTS", {})))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise LambdalabError(message("grading.lab.hidden", path=path, reason=reason)) from error


def _inputs(data: object) -> Mapping[str, Inputs]:
    try:
        tables = plain(data)
        good = all(
            isinstance(every, list) and all(isinstance(one, list) for one in every)
            for functions in tables.values()
            for every in functions.values()
        )
    except (AttributeError, NotJsonError) as error:
        raise ValueError(f"INPUTS: {error}") from error
    if not good:
        raise ValueError("INPUTS: task -> function -> list of argument lists")
    found: Mapping[str, Inputs] = tables
    return found
