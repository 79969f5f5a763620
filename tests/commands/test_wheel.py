"""The wheel that ``pip install .`` makes: what is in it, what is not, and that it works alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdalab.course import catalogue
from lambdalab.i18n import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
IGNORED = ["--disable-pip-version-check", "--no-cache-dir", "--no-index", "--no-deps", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of this clone, made without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", *IGNORED, "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel: Path) -> frozenset[str]:
    with zipfile.ZipFile(wheel) as file:
        return frozenset(file.namelist())


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the programs of a fresh environment with the wheel and our dependencies."""
    place = tmp_path_factory.mktemp("alone")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", *IGNORED]
    subprocess.run([*pip, str(wheel)], check=True)
    found = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    # .pth files of a folder that is added by one are not read: this clone stays out.
    (Path(found.stdout.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    yield place / "bin"


def run(alone: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [str(alone / words[0]), *words[1:]],
        cwd=cwd,
        env=keep | {"LAMBDALAB_LANG": "en", "PWD": str(cwd)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_every_lesson_and_lab_is_in_it(names: frozenset[str]) -> None:
    entries = catalogue.catalogue(ROOT)
    expected = {
        f"lambdalab/_course/{one.path(lang).as_posix()}" for one in entries for lang in LANGUAGES
    }
    assert len(expected) >= 6
    assert {name for name in names if name.startswith("lambdalab/_course/")} == expected


def test_what_is_read_at_run_time_is_in_it(names: frozenset[str]) -> None:
    content = ROOT / "lambdalab" / "course" / "content"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for kind in ("questions.toml", "lab.toml", "checks.py")
        for path in content.glob(f"*/{kind}")
    }
    wanted |= {
        path.relative_to(ROOT).as_posix()
        for folder in ("locale", "course/static", "widgets/static")
        for path in (ROOT / "lambdalab" / folder).rglob("*")
        if path.is_file()
    }
    assert len(wanted) > 20
    assert wanted <= names
    assert "lambdalab/py.typed" in names


def test_no_solution_is_in_it(wheel: Path, names: frozenset[str]) -> None:
    assert [name for name in names if name.endswith("lab.md") or "lesson.md" in name] == []
    assert [name for name in names if "solutions" in name or "hidden/" in name] == []
    assert [name for name in names if name.startswith(("tests", "benchmarks"))] == []
    hidden = [path.read_text(encoding="utf-8") for path in (ROOT / "solutions/hidden").glob("*.py")]
    assert hidden
    with zipfile.ZipFile(wheel) as file:
        for name in names:
            text = file.read(name).decode("utf-8", errors="replace")
            assert text not in hidden
            if name.endswith(".ipynb"):
                cells = json.loads(text)["cells"]
                source = "".join("".join(cell["source"]) for cell in cells)
                assert "BEGIN SOLUTION" not in source


def test_it_works_alone(alone: Path, wheel: Path, names: frozenset[str], tmp_path: Path) -> None:
    where = run(
        alone, "python", "-c", "import lambdalab; print(lambdalab.__file__)", cwd=tmp_path
    ).stdout
    assert str(ROOT) not in where
    said = run(alone, "lambdalab", "start", "course", "--copy-only", cwd=tmp_path)
    assert "Your course folder" in said.stdout
    course = tmp_path / "course"
    with zipfile.ZipFile(wheel) as file:
        for name in names:
            if name.startswith("lambdalab/_course/"):
                copied = course / name.removeprefix("lambdalab/_course/")
                assert copied.read_bytes() == file.read(name)
    shown = json.loads(run(alone, "lambdalab", "progress", "--json", cwd=course).stdout)
    assert [one["id"] for one in shown] == [one.id for one in catalogue.catalogue(ROOT)]
    asked = run(
        alone,
        "python",
        "-c",
        "from lambdalab.course import ask; ask('00-error-status')",
        cwd=course / "lessons" / "zh-TW",
    )
    assert asked.stdout.startswith("預測:")
