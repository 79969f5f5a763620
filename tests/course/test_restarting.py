from __future__ import annotations

from pathlib import Path

import pytest

from lambdalab.course import catalogue, restarting
from lambdalab.course import workspace as ws
from lambdalab.course.errors import CourseError
from lambdalab.course.progress import Progress
from lambdalab.i18n import LANGUAGES
from tests.course.conftest import Course
from tests.course.test_workspace import edited

EN, ZH = Path("labs/en/01_lifecycle.ipynb"), Path("labs/zh-TW/01_lifecycle.ipynb")


@pytest.fixture
def place(installed: Course, tmp_path: Path) -> Path:
    made = ws.bring_up_to_date(tmp_path / "mine", ws.course_files()).workspace
    Progress(made).record_check("lab02", "task-1", "passed", 1, 1)
    return made


@pytest.fixture
def lab(place: Path, course: Course) -> catalogue.Entry:
    return catalogue.entry("lab01", course.root)


def reset(place: Path, lab: catalogue.Entry, course: Course) -> restarting.Done:
    return restarting.reset(place, lab, LANGUAGES, course.root)


def test_back_to_the_start_and_back_again(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    mine = edited(place / EN)
    other = edited(place / "lessons/en/01_lifecycle.ipynb")
    Progress(place).record_check("lab01", "task-1", "passed", 40, 40)
    assert not restarting.is_fresh(place, lab, LANGUAGES, course.root)

    done = reset(place, lab, course)
    assert set(done.notebooks) == {EN, ZH}
    assert (place / EN).read_bytes() == (course.root / EN).read_bytes()
    assert Progress(place).checks("lab01") == {}
    assert Progress(place).checks("lab02")
    assert (place / "lessons/en/01_lifecycle.ipynb").read_bytes() == other
    assert done.backup is not None and (done.backup / EN).read_bytes() == mine
    assert restarting.is_fresh(place, lab, LANGUAGES, course.root)

    back = restarting.restore(place, lab, course.root)
    assert (place / EN).read_bytes() == mine
    assert (place / ZH).read_bytes() == (course.root / ZH).read_bytes()
    assert Progress(place).checks("lab01")["task-1"].score == 40
    assert back.backup is None


def test_restoring_over_new_work_keeps_that_too(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    first = edited(place / EN, "# first")
    reset(place, lab, course)
    second = edited(place / EN, "# second")
    Progress(place).record_check("lab01", "task-1", "incorrect", 3, 40)
    restarting.restore(place, lab, course.root)
    assert (place / EN).read_bytes() == first
    assert Progress(place).checks("lab01") == {}
    restarting.restore(place, lab, course.root)
    assert (place / EN).read_bytes() == second
    assert Progress(place).checks("lab01")["task-1"].score == 3


def test_restoring_twice_is_restoring_once(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    mine = edited(place / EN)
    Progress(place).record_check("lab01", "task-1", "passed", 40, 40)
    reset(place, lab, course)
    restarting.restore(place, lab, course.root)
    again = restarting.restore(place, lab, course.root)
    assert again.backup is None
    assert (place / EN).read_bytes() == mine


def test_one_language_leaves_the_other_alone(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    mine, other = edited(place / EN), edited(place / ZH)
    done = restarting.reset(place, lab, ["zh-TW"], course.root)
    assert done.notebooks == (ZH,)
    assert (place / EN).read_bytes() == mine
    assert done.backup is not None
    assert (done.backup / ZH).read_bytes() == other
    assert not (done.backup / EN).exists()


def test_results_alone_are_worth_a_backup(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    Progress(place).record_check("lab01", "task-1", "passed", 40, 40)
    assert reset(place, lab, course).backup is not None
    restarting.restore(place, lab, course.root)
    assert Progress(place).checks("lab01")["task-1"].score == 40


def test_a_deleted_notebook_comes_back_without_a_backup(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    (place / EN).unlink()
    assert not restarting.is_fresh(place, lab, LANGUAGES, course.root)
    assert reset(place, lab, course).backup is None
    assert (place / EN).read_bytes() == (course.root / EN).read_bytes()


def test_a_reset_lab_is_upgraded_like_an_untouched_one(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    edited(place / ZH)
    reset(place, lab, course)
    course.change("lab.md", lambda text: text.replace("請寫 `double`。", "請完成 `double`。"))
    course.write()
    report = ws.bring_up_to_date(place, ws.course_files())
    assert ZH.as_posix() in report.updated


def test_without_a_backup_nothing_is_restored(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    with pytest.raises(CourseError, match=r"lab01"):
        restarting.restore(place, lab, course.root)


def test_a_backup_that_cannot_be_written_stops_the_reset(
    place: Path, lab: catalogue.Entry, course: Course
) -> None:
    mine = edited(place / EN)
    (place / ".lambdalab/backups").write_text("in the way")
    with pytest.raises(CourseError, match="backups"):
        reset(place, lab, course)
    assert (place / EN).read_bytes() == mine
