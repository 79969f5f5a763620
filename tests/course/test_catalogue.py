from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lambdalab.course import catalogue
from lambdalab.course.errors import CourseError
from tests.course.conftest import Course


def test_lessons_and_labs_in_order(installed: Course) -> None:
    found = catalogue.catalogue()
    assert [one.id for one in found] == ["lesson01", "lab01", "lesson02"]
    lab = found[1]
    assert lab.title == {"zh-TW": "生命週期", "en": "Life cycle"}
    assert lab.minutes == 60
    assert lab.path("zh-TW") == Path("labs/zh-TW/01_lifecycle.ipynb")
    assert catalogue.welcome().id == "lesson01"
    assert catalogue.entry("lab01") == lab


def test_an_unknown_name_lists_the_known(installed: Course, clean_environment: Path) -> None:
    with pytest.raises(CourseError, match="lesson01, lab01, lesson02"):
        catalogue.entry("lab1")


@pytest.mark.parametrize("damage", ["", "{}", '{"metadata": {"lambdalab": {"title": 3}}}', None])
def test_a_damaged_or_missing_notebook_is_named(
    installed: Course, clean_environment: Path, damage: str | None
) -> None:
    path = installed.root / "lessons/en/02_roles.ipynb"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    with pytest.raises(CourseError, match=r"lessons/en/02_roles\.ipynb"):
        catalogue.catalogue()


def test_other_files_are_passed_over(installed: Course) -> None:
    folder = installed.root / "lessons/en"
    (folder / "notes.ipynb").write_text("mine")
    (folder / "01_lifecycle.txt").write_text("mine")
    assert len(catalogue.catalogue()) == 3


def test_an_installation_without_lessons(
    installed: Course, clean_environment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match="no lessons"):
        catalogue.welcome(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr("lambdalab.__file__", str(tmp_path / "lambdalab" / "__init__.py"))
    with pytest.raises(CourseError, match="_course"):
        catalogue.course_root()


def test_the_root_of_a_clone_and_of_a_wheel(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    course.write()
    monkeypatch.setattr("lambdalab.__file__", str(course.root / "lambdalab" / "__init__.py"))
    assert catalogue.clone_root() is None  # no pyproject.toml
    (course.root / "pyproject.toml").write_text("")
    assert catalogue.clone_root() == catalogue.course_root() == course.root.resolve()
    package = tmp_path / "site-packages" / "lambdalab"
    shutil.copytree(course.root / "lessons", package / "_course" / "lessons")
    monkeypatch.setattr("lambdalab.__file__", str(package / "__init__.py"))
    assert catalogue.course_root() == package.resolve() / "_course"
    assert json.dumps([one.id for one in catalogue.catalogue()]) == '["lesson01", "lesson02"]'
