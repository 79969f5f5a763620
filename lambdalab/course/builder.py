"""All notebooks of the course from their sources: built, compared, written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lambdalab.course import lint
from lambdalab.course.document import Code, Document
from lambdalab.course.errors import CourseError, Problem, SourceError
from lambdalab.course.labs import check_lab, lab_notebook, release
from lambdalab.course.notebooks import Outline, code_cell, notebook, prose_cell, to_bytes
from lambdalab.course.questions import Question, read_questions
from lambdalab.course.source import read_document
from lambdalab.course.storage import write_atomically
from lambdalab.course.syntax import syntax_problem
from lambdalab.course.tasks import LabTask, read_tasks
from lambdalab.i18n import LANGUAGES, Language

__all__ = ["Drift", "Sources", "build", "drift", "read_sources", "source_folder", "write"]

_OUTPUT = ("lessons", "labs", "solutions")
TaskReader = Callable[[Path], Sequence[LabTask]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything notebooks are made from, read and linted."""

    documents: tuple[Document, ...]
    tasks: Mapping[str, Sequence[LabTask]]
    """Lab id -> its tasks."""

    @property
    def outline(self) -> Outline:
        """What links can lead to."""
        return Outline(self.documents)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the notebooks on disk differ from what the sources say; paths relative to the root."""

    missing: tuple[Path, ...]
    changed: tuple[Path, ...]
    stale: tuple[Path, ...]
    """Notebooks without a source."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.stale)


def source_folder(root: Path) -> Path:
    """Return the folder of the sources in a clone.

    Raises
    ------
    CourseError
        There are none: the course is built in a clone, not where it is installed.
    """
    folder = root / "lambdalab" / "course" / "content"
    if not folder.is_dir():
        raise CourseError(
            f"no sources in {folder}: the notebooks are built in a clone of the repository. "
            "Go to its top folder, or name it: lambdalab build --root FOLDER"
        )
    return folder


@dataclass(slots=True)
class _Gathered:
    documents: list[Document] = field(default_factory=list)
    tasks: dict[str, Sequence[LabTask]] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_sources(
    folder: Path, *, only: str | None = None, tasks: TaskReader = read_tasks
) -> Sources:
    """Read and lint the sources.

    Parameters
    ----------
    folder
        ``…/content``, with a folder for each lesson.
    only
        Lint only the lesson of this number (``"01"``) and its lab. The others still have
        to be readable, if they can be, for the links; those that cannot are left out.
    tasks
        Reads a ``lab.toml``.

    Raises
    ------
    SourceError
        With every problem of every file.
    """
    found = _Gathered()
    for lesson in sorted(path for path in folder.iterdir() if path.is_dir()):
        if lesson.name.startswith(("_", ".")):
            continue
        mine = _Gathered()
        _read_lesson(lesson, mine, tasks, check=only in (None, lesson.name[:2]))
        if only not in (None, lesson.name[:2]):
            mine.problems.clear()
        for name in set(mine.questions) & set(found.questions):
            mine.problems.append(
                Problem(lesson / "questions.toml", 0, f'"{name}" is taken by another lesson')
            )
        found.documents += mine.documents
        found.problems += mine.problems
        found.tasks |= mine.tasks
        found.questions |= mine.questions
    if found.problems:
        raise SourceError(found.problems)
    return Sources(tuple(found.documents), found.tasks)


def _read_lesson(lesson: Path, found: _Gathered, tasks: TaskReader, *, check: bool) -> None:
    try:
        document = read_document(lesson / "lesson.md", "lesson")
        found.documents.append(document)
        found.questions |= read_questions(lesson / "questions.toml")
        if check:
            found.problems += lint.lint_document(document)
            found.problems += lint.lint_questions_use(document, found.questions)
            if found.questions:
                found.problems += lint.lint_toml(lesson / "questions.toml")
    except SourceError as error:
        found.problems += error.problems
    if not (lesson / "lab.md").exists():
        return
    try:
        lab = read_document(lesson / "lab.md", "lab")
        found.tasks[lab.id] = tasks(lesson / "lab.toml")
        found.documents.append(lab)
        if check:
            found.problems += lint.lint_document(lab)
            found.problems += lint.lint_toml(lesson / "lab.toml")
        found.problems += check_lab(lab, found.tasks[lab.id])
    except SourceError as error:
        found.problems += error.problems


def build(sources: Sources, *, only: str | None = None) -> Mapping[Path, bytes]:
    """Return every notebook: its path relative to the root, and its bytes.

    Raises
    ------
    SourceError
        A lab's starter would not be Python any more.
    """
    files: dict[Path, bytes] = {}
    for document in sources.documents:
        if only not in (None, document.front.stem[:2]):
            continue
        for lang in LANGUAGES:
            name = Path(lang) / f"{document.front.stem}.ipynb"
            if document.kind == "lesson":
                files["lessons" / name] = _lesson(document, lang, sources.outline)
                continue
            solution = lab_notebook(document, lang, sources.outline, sources.tasks[document.id])
            starter = release(solution)
            _check_starter(document, starter.cells)
            files["solutions" / name] = to_bytes(solution)
            files["labs" / name] = to_bytes(starter)
    return files


def _lesson(document: Document, lang: Language, outline: Outline) -> bytes:
    cells = [
        code_cell(block) if isinstance(block, Code) else prose_cell(block.id, block.text[lang])
        for block in document.blocks
    ]
    return to_bytes(notebook(document, lang, outline, cells))


def _check_starter(document: Document, cells: Sequence[object]) -> None:
    problems = []
    lines = {code.id: code.line for code in document.code}
    for cell in cells:
        source, name = getattr(cell, "source", ""), getattr(cell, "id", "")
        wrong = syntax_problem(source) if name in lines else None
        if wrong:
            problems.append(
                Problem(
                    document.path,
                    lines[name],
                    f'"{name}" without its solution is not Python ({wrong[1]}): '
                    "leave a docstring or a default above ### BEGIN SOLUTION",
                )
            )
    if problems:
        raise SourceError(problems)


def _existing(root: Path, only: str | None) -> Iterator[Path]:
    pattern = "*.ipynb" if only is None else f"{only}_*.ipynb"
    for folder in _OUTPUT:
        for lang in LANGUAGES:
            for path in (root / folder / lang).glob(pattern):
                yield path.relative_to(root)


def drift(root: Path, files: Mapping[Path, bytes], *, only: str | None = None) -> Drift:
    """Compare what was built with what is on disk, byte for byte."""
    existing = set(_existing(root, only))
    return Drift(
        missing=tuple(sorted(set(files) - existing)),
        changed=tuple(
            sorted(
                path for path in set(files) & existing if (root / path).read_bytes() != files[path]
            )
        ),
        stale=tuple(sorted(existing - set(files))),
    )


def write(root: Path, files: Mapping[Path, bytes], difference: Drift) -> None:
    """Bring the notebooks on disk to what was built.

    Raises
    ------
    CourseError
        They cannot be written.
    """
    path = root
    try:
        for name in (*difference.missing, *difference.changed):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, files[name])
        for name in difference.stale:
            path = root / name
            path.unlink()
    except OSError as error:
        raise CourseError(f"cannot write {path}: {error.strerror or error}") from error
