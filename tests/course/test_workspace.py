from __future__ import annotations

import errno
import json
from pathlib import Path

import nbformat
import pytest

from lambdalab.course import workspace as ws
from lambdalab.course.errors import CourseError
from lambdalab.course.manifest import Manifest, fingerprint
from lambdalab.course.storage import write_atomically
from tests.course.conftest import Course

LESSON = "lessons/en/01_lifecycle.ipynb"
LAB = "labs/zh-TW/01_lifecycle.ipynb"


@pytest.fixture
def place(installed: Course, tmp_path: Path) -> Path:
    return tmp_path / "learner" / "course"


def copied(place: Path) -> ws.Report:
    return ws.bring_up_to_date(ws.check_place(place), ws.course_files())


def edited(path: Path, word: str = "# mine") -> bytes:
    """Change the text of a cell, as a learner does."""
    node = nbformat.read(path, 4)
    node.cells[1].source += f"\n{word}"
    nbformat.write(node, path)
    return path.read_bytes()


def ran(path: Path) -> bytes:
    """Run a cell and save, as JupyterLab does."""
    node = nbformat.read(path, 4)
    cell = next(cell for cell in node.cells if cell.cell_type == "code")
    cell.execution_count = 3
    cell.outputs = [nbformat.v4.new_output("stream", text="hello\n")]
    node.metadata.language_info = {"name": "python", "version": "3.11.7"}
    path.write_text(json.dumps(node))
    return path.read_bytes()


def upgraded(course: Course) -> None:
    """Publish a new version of the course."""
    course.change("lesson.md", lambda text: text.replace("How many cold starts?", "How many?"))
    course.change("lesson.md", lambda text: text.replace("會有幾次冷啟動", "有幾次冷啟動"))
    course.change("lab.md", lambda text: text.replace("請寫 `double`。", "請完成 `double`。"))
    course.write()


def test_a_new_folder_has_everything(place: Path, installed: Course) -> None:
    report = copied(place)
    assert report.fresh
    for name in (LESSON, LAB, "lessons/zh-TW/02_roles.ipynb", "labs/en/01_lifecycle.ipynb"):
        assert (place / name).read_bytes() == (installed.root / name).read_bytes()
        assert name in report.added
    assert "lambdalab start" in (place / "README.md").read_text(encoding="utf-8")
    assert not (place / "solutions").exists()


def test_a_second_run_does_nothing(place: Path) -> None:
    copied(place)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*.ipynb")}
    assert copied(place) == ws.Report(place, fresh=False)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.ipynb")} == before


def test_an_edit_outlives_a_second_run(place: Path) -> None:
    copied(place)
    mine = edited(place / LAB)
    report = copied(place)
    assert (report.kept, report.updated) == ({}, [])
    assert (place / LAB).read_bytes() == mine


def test_an_upgrade_replaces_what_nobody_changed(place: Path, installed: Course) -> None:
    copied(place)
    upgraded(installed)
    report = copied(place)
    assert LESSON in report.updated and LAB in report.updated
    assert (place / LESSON).read_bytes() == (installed.root / LESSON).read_bytes()
    assert report.backups is None
    assert copied(place) == ws.Report(place, fresh=False)


def test_an_upgrade_puts_the_new_version_beside_an_edit(place: Path, installed: Course) -> None:
    copied(place)
    mine = edited(place / LAB)
    upgraded(installed)
    report = copied(place)
    assert report.kept == {LAB: "labs/zh-TW/01_lifecycle.new.ipynb"}
    assert (place / LAB).read_bytes() == mine
    beside = place / "labs/zh-TW/01_lifecycle.new.ipynb"
    assert beside.read_bytes() == (installed.root / LAB).read_bytes()


def test_a_new_version_is_offered_once(place: Path, installed: Course) -> None:
    copied(place)
    edited(place / LAB)
    upgraded(installed)
    copied(place)
    (place / "labs/zh-TW/01_lifecycle.new.ipynb").unlink()
    assert copied(place).kept == {}
    assert not (place / "labs/zh-TW/01_lifecycle.new.ipynb").exists()


def test_an_edited_new_version_is_not_overwritten_either(place: Path, installed: Course) -> None:
    copied(place)
    edited(place / LAB)
    upgraded(installed)
    copied(place)
    beside = place / "labs/zh-TW/01_lifecycle.new.ipynb"
    mine = edited(beside)
    installed.change("lab.md", lambda text: text.replace("請完成", "請實作"))
    installed.write()
    assert copied(place).kept == {LAB: "labs/zh-TW/01_lifecycle.new2.ipynb"}
    assert beside.read_bytes() == mine


def test_the_learner_may_take_the_new_version(place: Path, installed: Course) -> None:
    copied(place)
    edited(place / LAB)
    upgraded(installed)
    copied(place)
    (place / "labs/zh-TW/01_lifecycle.new.ipynb").rename(place / LAB)
    installed.change("lab.md", lambda text: text.replace("請完成", "請實作"))
    installed.write()
    assert LAB in copied(place).updated


def test_running_a_notebook_does_not_make_it_an_edit(place: Path, installed: Course) -> None:
    copied(place)
    outputs = ran(place / LESSON)
    upgraded(installed)
    report = copied(place)
    assert LESSON in report.updated
    assert report.backups is not None
    assert (report.backups / LESSON).read_bytes() == outputs


def test_what_was_deleted_comes_back(place: Path) -> None:
    copied(place)
    (place / LESSON).unlink()
    assert copied(place).restored == [LESSON]
    assert (place / LESSON).exists()


def test_the_learners_own_files_are_never_touched(place: Path, installed: Course) -> None:
    place.mkdir(parents=True)
    (place / "lessons/en").mkdir(parents=True)
    (place / LESSON).write_text("mine")
    (place / "notes.txt").write_text("mine too")
    assert copied(place).kept == {LESSON: "lessons/en/01_lifecycle.new.ipynb"}
    upgraded(installed)
    copied(place)
    assert (place / LESSON).read_text() == "mine"
    assert (place / "notes.txt").read_text() == "mine too"


def test_a_lost_or_damaged_manifest_makes_everything_the_learners(
    place: Path, installed: Course
) -> None:
    copied(place)
    (place / ".lambdalab/manifest.json").write_text("{")
    upgraded(installed)
    old = (place / LAB).read_bytes()
    report = copied(place)
    assert LAB in report.kept and report.updated == []
    assert (place / LAB).read_bytes() == old


def test_what_left_the_course_is_moved_unless_it_was_changed(
    place: Path, installed: Course
) -> None:
    copied(place)
    mine = edited(place / "lessons/en/02_roles.ipynb")
    for lang in ("zh-TW", "en"):
        (installed.root / f"lessons/{lang}/02_roles.ipynb").unlink()
    report = copied(place)
    assert report.retired == ["lessons/zh-TW/02_roles.ipynb"]
    assert report.backups is not None
    assert (report.backups / "lessons/zh-TW/02_roles.ipynb").exists()
    assert not (place / "lessons/zh-TW/02_roles.ipynb").exists()
    assert (place / "lessons/en/02_roles.ipynb").read_bytes() == mine


def test_a_copy_that_was_cut_short_is_finished(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    def full(path: Path, data: bytes) -> None:
        nonlocal written
        written += 1
        if written > 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write_atomically(path, data)

    with monkeypatch.context() as broken:
        broken.setattr(ws, "write_atomically", full)
        with pytest.raises(CourseError, match=r"the disk is full"):
            copied(place)
    assert not list(place.rglob("*.tmp"))
    report = copied(place)
    assert len(report.added) == len(ws.course_files()) - 3
    assert copied(place) == ws.Report(place, fresh=False)


@pytest.mark.parametrize("inner", ["", "lessons", "labs/en", "solutions", "lambdalab/x", "docs"])
def test_the_originals_are_no_course_folder(place: Path, installed: Course, inner: str) -> None:
    with pytest.raises(CourseError, match="originals"):
        ws.check_place(installed.root / inner)


def test_a_folder_of_its_own_in_the_clone_is_fine(place: Path, installed: Course) -> None:
    assert ws.check_place(installed.root / "workspace") == (installed.root / "workspace").resolve()


def test_other_places_that_are_refused(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(CourseError, match="is a file"):
            ws.check_place(path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (Path("/"), tmp_path, Path("~")):
        with pytest.raises(CourseError, match="of its own"):
            ws.check_place(path)
    copied(place)
    with pytest.raises(CourseError, match="inside the course folder"):
        ws.check_place(place / "lessons" / "mine")
    package = Path(ws.__file__).parent.parent / "_course"
    monkeypatch.setattr("lambdalab.course.catalogue.clone_root", lambda: None)
    with pytest.raises(CourseError, match="originals"):
        ws.check_place(package)


def test_a_folder_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(place))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CourseError, match=r"Make it writable|可以寫入"):
        copied(place)


def test_the_print_of_a_notebook_is_its_cells(place: Path) -> None:
    copied(place)
    fresh = fingerprint((place / LESSON).read_bytes())
    assert fingerprint(ran(place / LESSON)) == fresh
    assert fingerprint(edited(place / LESSON)) != fresh
    assert fingerprint(b"plain") != fingerprint(b"plain ")
    assert fingerprint(b'{"cells": [{"source": 3}]}') != fingerprint(b'{"cells": []}')


def test_the_manifest_is_read_back(tmp_path: Path, place: Path) -> None:
    copied(place)
    known = Manifest.read(place / ".lambdalab")
    assert set(known.files) == set(ws.course_files())
    known.write()
    assert Manifest.read(place / ".lambdalab") == known
