"""lab.toml: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course.errors import SourceError
from lambdalab.grading.spec import check_name, load_spec
from tests.grading.lab import HINT, TOML


def spec_file(folder: Path, text: str) -> Path:
    path = folder / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_is_read(tmp_path: Path) -> None:
    spec = load_spec(spec_file(tmp_path, TOML))
    assert (spec.timeout, spec.check_timeout, spec.points) == (20, 5, 100)
    assert [task.id for task in spec.tasks] == ["task-1", "task-2", "task-3"]
    first, _, third = spec.tasks
    assert first.outputs == ("cold_starts",)
    assert first.title == {"zh-TW": "數冷啟動", "en": "Count cold starts"}
    assert [hint["en"] for hint in first.hints] == ["Hint one", "Hint two", "Hint three"]
    assert third.functions[0].name == "double"
    assert third.functions[0].inputs == ((2,), (3,))
    assert spec.task("task-2") == spec.tasks[1]
    assert spec.task("task-9") is None
    assert check_name("task-2") == "check_task_2"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("points = 40", "points = 41", "add up to 101, not 100"),
        ("points = 40", 'points = "40"', "task-2: points is a number above 0"),
        ("points = 40", "points = true", "task-2: points is a number above 0"),
        ("timeout = 20", "timeout = 0", "timeout is a number of seconds"),
        ("timeout = 20", "timeouts = 20", '"timeouts" is unknown'),
        ('id = "task-2"', 'id = "task-1"', 'the id "task-1" is used twice'),
        ('id = "task-2"', 'id = "Task 2"', "lower-case letters"),
        ('["task-2-answer"]', '["task-1-answer"]', '"task-1-answer" is used twice'),
        ('["task-2-answer"]', "[]", "names at least one cell"),
        ('["task-2-answer"]', '"task-2-answer"', "answer_cells is a list of names"),
        ('["cold_starts"]', '["cold starts"]', "not the name of a variable"),
        ('title.en = "Double"', "", "title needs a text for each of zh-TW, en"),
        ('title.en = "Double"', 'title.en = " "', "title needs a text"),
        ('title.en = "Double"', 'title.en = "D"\ntitle.fr = "D"', '"fr" is unknown'),
        (HINT, HINT.rpartition("[[task.hint]]")[0], "2 hints: give 3"),
        ('name = "double"', 'name = "no name"', "not the name of a function"),
        ("inputs = [[2], [3]]", "inputs = [2, 3]", "each of the inputs is a list of JSON"),
        ("inputs = [[2], [3]]", "inputs = [[2026-01-01]]", "each of the inputs is a list of JSON"),
        ("inputs = [[2], [3]]", "inputs = [[nan]]", "each of the inputs is a list of JSON"),
        ("inputs = [[2], [3]]", "inputs = []", "inputs is a list of argument lists"),
        ("[[task.function]]", "[task.function]", "write it [[task.function]]"),
        ("timeout = 20", "timeout =", "is not TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in TOML
    with pytest.raises(SourceError) as caught:
        load_spec(spec_file(tmp_path, TOML.replace(old, new, 1)))
    assert words in str(caught.value)


def test_mistakes_have_their_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load_spec(spec_file(tmp_path, TOML.replace("points = 40", "points = -1")))
    line = TOML.splitlines().index('id = "task-2"') + 1
    assert any(problem.line == line for problem in caught.value.problems)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_spec(tmp_path / "lab.toml")


def test_no_tasks(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="at least one"):
        load_spec(spec_file(tmp_path, "timeout = 5\n"))
