from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from lambdalab.course import builder
from lambdalab.course.errors import SourceError
from lambdalab.course.source import read_document
from lambdalab.course.tasks import LabTask
from tests.course.conftest import TASKS, Course


def problems(course: Course, tasks: list[LabTask] = TASKS) -> str:
    with pytest.raises(SourceError) as caught:
        builder.build(course.sources(tasks))
    return str(caught.value)


def test_every_language_and_kind_is_built(course: Course) -> None:
    assert sorted(map(str, course.build())) == sorted(
        [
            f"lessons/{lang}/{name}.ipynb"
            for lang in ("en", "zh-TW")
            for name in ("01_lifecycle", "02_roles")
        ]
        + [
            f"{kind}/{lang}/01_lifecycle.ipynb"
            for kind in ("labs", "solutions")
            for lang in ("en", "zh-TW")
        ]
    )


def test_two_builds_are_the_same_bytes(course: Course) -> None:
    assert course.build() == course.build()


def test_code_is_the_same_in_both_languages_and_prose_is_not(course: Course) -> None:
    files = course.build()
    zh, en = (
        nbformat.reads(files[Path(f"lessons/{lang}/01_lifecycle.ipynb")].decode(), 4)
        for lang in ("zh-TW", "en")
    )
    assert [cell.id for cell in zh.cells] == [cell.id for cell in en.cells]
    for ours, theirs in zip(zh.cells, en.cells, strict=True):
        assert (ours.source == theirs.source) is (ours.cell_type == "code")
        assert ours.metadata == theirs.metadata
    assert zh.metadata.lambdalab.lang == "zh-TW"
    assert en.metadata.lambdalab == {
        "id": "lesson01",
        "lang": "en",
        "minutes": 45,
        "source": "lambdalab/course/content/01_lifecycle/lesson.md",
        "title": "The life of an execution environment",
    }


def test_no_outputs_no_counts(course: Course) -> None:
    for data in course.build().values():
        for cell in json.loads(data)["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None


def test_links_lead_to_notebooks_that_exist(course: Course) -> None:
    files = course.build()
    seen = 0
    for path, data in files.items():
        for cell in nbformat.reads(data.decode(), 4).cells:
            if not cell.id.startswith("lambdalab-"):
                continue
            for part in cell.source.split("](")[1:]:
                target = (Path("/") / path.parent / part.split(")")[0]).resolve()
                assert target.relative_to("/") in files, f"{path}: {part}"
                seen += 1
    assert seen >= 16


def test_drift_is_seen_and_put_right(course: Course) -> None:
    course.write()
    files = course.build()
    assert not builder.drift(course.root, files)
    edited = course.root / "lessons/en/01_lifecycle.ipynb"
    edited.write_bytes(edited.read_bytes() + b"\n")
    stale = course.root / "labs/en/09_gone.ipynb"
    stale.write_text("{}")
    (course.root / "solutions/hidden").mkdir()
    (course.root / "solutions/hidden/lab01.py").write_text("# stays\n")
    (course.root / "lessons/zh-TW/02_roles.ipynb").unlink()
    found = builder.drift(course.root, files)
    assert found.changed == (Path("lessons/en/01_lifecycle.ipynb"),)
    assert found.stale == (Path("labs/en/09_gone.ipynb"),)
    assert found.missing == (Path("lessons/zh-TW/02_roles.ipynb"),)
    builder.write(course.root, files, found)
    assert not builder.drift(course.root, files)
    assert not stale.exists()
    assert (course.root / "solutions/hidden/lab01.py").exists()


EN = '+++ {"id": "question", "lang": "en"}'
ASK = ":id: ask-cold"
ANSWER = ":id: task-1-answer"


@pytest.mark.parametrize(
    ("name", "edit", "anchor", "words"),
    [
        ("lesson.md", (EN, EN.replace("ques", "qeus")), EN, "zh-TW twin"),
        ("lesson.md", (EN, EN.replace('"en"', '"eng"')), EN, "'eng'"),
        ("lesson.md", (EN, "+++ {id: 1}"), EN, "could not be read"),
        ("lesson.md", (EN, "+++"), EN, "text outside of a block"),
        ("lesson.md", (f"{ASK}\n", ""), ASK, "without an id"),
        ("lesson.md", (":id: reveal-cold", ASK), ":id: reveal-cold", '"ask-cold" is taken'),
        ("lesson.md", ("[setup]", "[setpu]"), ASK, 'no tag "setpu"'),
        ("lesson.md", ("[setup]", "setup"), ":tags: [setup]", "is a list"),
        ("lesson.md", ("[setup]", "[setup, setup"), ASK, "Invalid YAML"),
        ("lesson.md", ("number: 1", "number: 2"), "---", "repeat"),
        ("lesson.md", ("minutes: 45", "minutes: soon"), "---", "whole number"),
        ("lesson.md", ("  en: The life", "  fr: The life"), "---", "title"),
        ("lesson.md", ("  en: The life", "  en: 壽命"), "---", "holds Chinese"),
        ("lesson.md", ("import ask, reveal", "import ask,"), ASK, "its line 1"),
        (
            "lesson.md",
            ('ask("01-limit")', 'ask("01-limits")'),
            ":id: quiz",
            'no question "01-limits"',
        ),
        ("lesson.md", ("## The question", "### The question"), EN, "heading levels"),
        ("lesson.md", ("ten seconds", "five seconds"), EN, "numbers only in zh-TW: 10"),
        ("lesson.md", ("invoke `hello` 5", "invoke hello 5"), EN, "only in zh-TW: hello"),
        (
            "lesson.md",
            ('a["Init"] -->', 'a["Init"] ---'),
            '"picture", "lang": "en"',
            "diagrams differ",
        ),
        ("lesson.md", ("會有幾次冷啟動", "會有幾次函数"), "會有幾次冷啟動", "函數"),
        ("questions.toml", ('kind = "quiz"', 'kind = "exam"'), '"01-limit"', "'exam'"),
        ("questions.toml", ('id = "01-limit"', 'id = "02-limit"'), '"01-limit"', "begin with 01-"),
        ("questions.toml", ("right = true", "right = false"), '"01-cold-starts"', "exactly one"),
        ("questions.toml", ("right = 10", "right = 1000"), '"01-limit"', "outside of min and max"),
        ("questions.toml", ("value = 3", "value = 10"), '"01-limit"', "counts as right"),
        ("questions.toml", ("3 seconds is", "4 seconds is"), "why.zh-TW", "numbers only in en: 4"),
        ("lab.md", ("### END SOLUTION", "### END SOLUTON"), ANSWER, "put the solution between"),
        ("lab.md", ("tags: [answer]", "tags: [free]"), "", 'no cell "task-1-answer"'),
        ("lab.md", ('    """Return twice x."""\n', ""), ANSWER, "leave a docstring"),
        ("lab.toml", ('title.en = "Double"', ""), "title.zh-TW", "no en text"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    course: Course, name: str, edit: tuple[str, str], anchor: str, words: str
) -> None:
    path = course.content / "01_lifecycle" / name
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next(number for number, line in enumerate(lines, 1) if anchor in line)
    if anchor.startswith(":id:"):
        line -= 1  # a code cell is named by the line of its fence
    course.change(name, lambda text: text.replace(*edit, 1))
    assert path.read_text(encoding="utf-8").splitlines() != lines
    told = problems(course)
    if anchor:
        assert f"{path}:{line}: " in told
    assert words in told


def test_prose_outside_of_a_block_is_refused(course: Course) -> None:
    course.change("lesson.md", lambda text: text + "\nLost words.\n")
    assert "text outside of a block" in problems(course)


def test_every_problem_is_told_at_once(course: Course) -> None:
    course.change("lesson.md", lambda text: text.replace("[setup]", "[setpu]"))
    course.change("lab.md", lambda text: text.replace("minutes: 60", "minutes: -1"))
    told = problems(course)
    assert "2 problems" in told
    assert "setpu" in told
    assert "minutes" in told


def test_an_answer_belongs_to_one_task(course: Course) -> None:
    twice = [TASKS[0], LabTask("task-2", 60, ("task-1-answer",))]
    assert "claimed by task-1 and task-2" in problems(course, twice)
    assert "no task of lab.toml" in problems(course, [])


def test_a_source_may_have_windows_line_ends(course: Course) -> None:
    before = course.build()
    path = course.content / "01_lifecycle" / "lesson.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert course.build() == before


def test_front_matter_is_read(course: Course) -> None:
    document = read_document(course.content / "01_lifecycle" / "lesson.md", "lesson")
    assert (document.id, document.front.stem) == ("lesson01", "01_lifecycle")
    assert document.front.title["zh-TW"] == "執行環境的生命週期"
