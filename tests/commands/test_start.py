"""``lambdalab start`` up to the moment it becomes JupyterLab (tests/course/test_launch.py)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lambdalab.course import catalogue, launch
from tests.commands.conftest import Said, Type


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Collect what the process would have become."""
    calls: list[tuple[list[str], dict[str, str]]] = []

    def execve(_program: str, words: list[str], variables: dict[str, str]) -> None:
        calls.append((list(words), dict(variables)))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    return calls


def start(typed: Type, *words: str) -> None:
    with pytest.raises(SystemExit):
        typed("start", *words)


def test_the_welcome_in_the_chosen_language(
    typed: Type, became: list[tuple[list[str], dict[str, str]]], clean_environment: Path
) -> None:
    start(typed, "there", "--lang", "zh-TW", "--no-browser")
    ((words, variables),) = became
    folder = clean_environment / "there"
    assert f"--root={folder}" in words
    assert f"--page=/lab/tree/{catalogue.welcome().path('zh-TW').as_posix()}" in words
    assert "--lang=zh-TW" in words and "--browser" not in words
    assert variables["LAMBDALAB_LANG"] == "zh-TW"
    assert (folder / "lessons/en/00_welcome.ipynb").exists()
    assert (folder / "labs/zh-TW/01_lifecycle.ipynb").exists()
    assert not list(folder.rglob("*hidden*"))


def test_the_usual_folder_and_the_one_we_are_in(
    typed: Type,
    became: list[tuple[list[str], dict[str, str]]],
    clean_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start(typed)
    monkeypatch.chdir(clean_environment / "lambdalab-course" / "labs")
    start(typed)
    roots = [next(word for word in words if word.startswith("--root=")) for words, _ in became]
    assert roots == [f"--root={clean_environment / 'lambdalab-course'}"] * 2


@pytest.mark.parametrize("display", [True, False])
def test_a_browser_opens_where_there_is_a_display(
    typed: Type,
    became: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    display: bool,
) -> None:
    monkeypatch.setattr(launch, "browser_available", lambda: display)
    start(typed)
    ((words, _),) = became
    assert ("--browser" in words) is display


def test_an_edit_is_told_when_a_new_version_comes(
    typed: Type, learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambdalab.course import workspace

    lab = learner / "labs/en/01_lifecycle.ipynb"
    lab.write_text(lab.read_text(encoding="utf-8").replace("YOUR CODE HERE", "MY CODE"))
    files = dict(workspace.course_files())
    files["labs/en/01_lifecycle.ipynb"] = b"new"
    files["README.md"] = b"new too"
    monkeypatch.setattr(workspace, "course_files", lambda: files)
    said = typed("start", "--copy-only")
    assert "You changed labs/en/01_lifecycle.ipynb, so it stays as it is." in said.out
    assert "labs/en/01_lifecycle.new.ipynb" in said.out
    assert "Brought up to date (you had not changed these):\n  README.md" in said.out
    (learner / "README.md").unlink()
    assert "Back again" in typed("start", "--copy-only").out


def test_the_learners_own_notebooks_are_no_obstacle(
    typed: Type, became: list[tuple[list[str], dict[str, str]]], learner: Path
) -> None:
    (learner / "lessons/en/00_welcome.ipynb").write_text("{damaged")
    (learner / "lessons/en/90_mine.ipynb").write_text("{}")
    start(typed)
    ((words, _),) = became
    assert "--page=/lab/tree/lessons/en/00_welcome.ipynb" in words


@pytest.mark.parametrize("word", ["0", "65536", "x", "-1"])
def test_what_is_no_port(typed: Type, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        typed("start", f"--port={word}")
    assert ended.value.code == 2
    assert "from 1 to 65535" in capsys.readouterr().err


def refused(said: Said, words: str) -> None:
    assert said.code == 1
    assert said.out == ""
    assert words in said.err


def test_places_that_are_refused(typed: Type, clean_environment: Path) -> None:
    (clean_environment / "file").write_text("")
    refused(typed("start", "file"), "is a file")
    clone = catalogue.clone_root()
    assert clone is not None
    refused(typed("start", str(clone / "lessons" / "mine")), "originals")
    assert not (clone / "lessons" / "mine").exists()


def test_windows_is_told_before_anything_is_copied(
    typed: Type, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    refused(typed("start", "--lang", "zh-TW"), "WSL")
    assert list(clean_environment.iterdir()) == []
