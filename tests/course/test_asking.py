from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lambdalab.course import ask, asking, reveal
from lambdalab.course.errors import CourseError
from lambdalab.course.progress import Progress
from lambdalab.course.storage import write_atomically
from tests.course.conftest import Course


@pytest.fixture
def shown(installed: Course, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Be in a course folder with the tiny course; collect what is displayed."""
    data: list[Any] = []
    monkeypatch.setattr(asking, "_publish", data.append)
    monkeypatch.setattr(asking, "_store", asking._Store())
    monkeypatch.setattr(asking, "_live", {})
    return data


def view(name: str) -> Any:
    return asking._live[name].view


def choose(name: str, answer: object) -> Any:
    """Answer as the front end does; return the widget."""
    widget = view(name)
    widget._handle_custom_msg({"answer": answer}, [])
    return widget


def test_a_question_on_the_screen(shown: list[Any]) -> None:
    ask("01-cold-starts")
    widget = view("01-cold-starts")
    assert widget.prompt == "<p>How many <strong>cold starts</strong>?</p>"
    assert widget.choices == [{"id": "one", "html": "1"}, {"id": "five", "html": "5"}]
    assert (widget.value, widget.tone, widget.locked) == (None, "", False)
    (data,) = shown
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert "How many cold starts?" in data["text/plain"]
    assert "( ) 5" in data["text/plain"]


def test_a_number_on_the_screen(shown: list[Any]) -> None:
    ask("01-limit")
    assert view("01-limit").number == {"min": 0, "max": 900, "step": 1, "unit": "s"}


def test_a_quiz_is_answered_wrong_then_right(shown: list[Any], workspace: Path) -> None:
    ask("01-limit")
    widget = choose("01-limit", 3)
    assert widget.tone == "wrong"
    assert "3 seconds is the default function timeout." in widget.feedback
    assert widget.button == "Answer again"
    widget = choose("01-limit", 10)
    assert (widget.tone, widget.value, widget.locked) == ("right", 10, False)
    assert "The limit is 10 seconds." in widget.feedback
    kept = Progress(workspace).answer("01-limit")
    assert kept is not None and (kept.attempts, kept.solved) == (2, True)


@pytest.mark.parametrize("answer", [None, "seven", 5000, 1.5, {"x": 1}])
def test_what_is_no_answer_is_not_kept(shown: list[Any], workspace: Path, answer: object) -> None:
    ask("01-limit")
    widget = choose("01-limit", answer)
    assert widget.tone == "missing"
    assert widget.feedback
    assert Progress(workspace).answers() == {}


def test_other_messages_of_the_front_end_are_passed_over(shown: list[Any]) -> None:
    ask("01-limit")
    view("01-limit")._handle_custom_msg({"kind": "hello"}, [])
    view("01-limit")._handle_custom_msg("hello", [])
    assert view("01-limit").tone == ""


def test_a_prediction_is_open_until_its_reveal(shown: list[Any], workspace: Path) -> None:
    ask("01-cold-starts")
    choose("01-cold-starts", "one")
    widget = choose("01-cold-starts", "five")
    assert widget.tone == "kept"
    assert not widget.locked
    reveal("01-cold-starts", happened=1)
    assert widget.locked
    text = shown[-1]["text/plain"]
    assert "You predicted: 5" in text
    assert "What happened: 1" in text
    assert "The answer: 1" in text
    assert "was not right" in text
    assert "Only the first invocation needs init." in text
    choose("01-cold-starts", "one")  # as a stale page might
    kept = Progress(workspace).answer("01-cold-starts")
    assert kept is not None and (kept.value, kept.revealed) == ("five", True)


def test_a_reveal_before_the_prediction_offers_and_does_not_lock(
    shown: list[Any], workspace: Path
) -> None:
    reveal("01-cold-starts", happened=1)
    html, text = shown[-1]["text/html"], shown[-1]["text/plain"]
    before, _, inside = html.partition("<details>")
    assert "ask(&quot;01-cold-starts&quot;)" in before
    assert "Only the first invocation" in inside
    assert "Only the first invocation" not in before
    assert "Only the first invocation" in text
    ask("01-cold-starts")
    assert not choose("01-cold-starts", "five").locked


def test_the_answer_is_there_after_a_restart_and_in_the_twin(
    shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("01-limit")
    choose("01-limit", 3)
    monkeypatch.setattr(asking, "_store", asking._Store())
    monkeypatch.setattr(asking, "_live", {})
    monkeypatch.setenv("LAMBDALAB_LANG", "zh-TW")
    ask("01-limit")
    widget = view("01-limit")
    assert (widget.value, widget.tone, widget.lang) == (3, "wrong", "zh-TW")
    assert "3 秒是預設的函數逾時。" in widget.feedback
    assert widget.button == "再答一次"


def test_asking_again_leaves_one_widget(shown: list[Any]) -> None:
    ask("01-limit")
    first = view("01-limit")
    ask("01-limit")
    assert view("01-limit") is not first
    assert first.comm is None


def test_outside_of_a_course_folder_an_answer_lasts_as_long_as_the_kernel(
    shown: list[Any], workspace: Path
) -> None:
    shutil.rmtree(workspace / ".lambdalab")
    ask("01-cold-starts")
    widget = choose("01-cold-starts", "five")
    assert "kept only until the kernel stops" in widget.note
    reveal("01-cold-starts")
    assert widget.locked
    assert "You predicted: 5" in shown[-1]["text/plain"]
    assert list(workspace.iterdir()) == []


def test_a_full_disk_loses_nothing_in_this_kernel(
    shown: list[Any], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("01-cold-starts")
    choose("01-cold-starts", "one")

    def full(path: Path, data: bytes) -> None:
        if workspace in path.parents:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomically(path, data)

    with monkeypatch.context() as broken:
        broken.setattr("lambdalab.course.progress.write_atomically", full)
        widget = choose("01-cold-starts", "five")
        assert "disk is full" in widget.note
        assert widget.value == "five"
        ask("01-cold-starts")
        assert view("01-cold-starts").value == "five"
    assert choose("01-cold-starts", "five").note == ""
    kept = Progress(workspace).answer("01-cold-starts")
    assert kept is not None and kept.value == "five"


def test_a_reveal_that_cannot_be_kept_still_closes_the_prediction(
    shown: list[Any], workspace: Path
) -> None:
    ask("01-cold-starts")
    choose("01-cold-starts", "five")
    (workspace / ".lambdalab" / "progress.lock").unlink()
    (workspace / ".lambdalab" / "progress.lock").mkdir()
    reveal("01-cold-starts")
    assert "You predicted: 5" in shown[-1]["text/plain"]
    assert "cannot be used" in shown[-1]["text/plain"]
    assert view("01-cold-starts").locked


def test_a_damaged_file_is_told_beside_the_question(shown: list[Any], workspace: Path) -> None:
    (workspace / ".lambdalab" / "progress.json").write_text("{")
    ask("01-limit")
    assert "was damaged" in view("01-limit").note + shown[-1]["text/plain"]


@pytest.mark.parametrize("name", ["01-cold-start", "cold", "", "99-x", "../01"])
def test_an_unknown_question_names_those_there_are(shown: list[Any], name: str) -> None:
    for call in (ask, reveal):
        with pytest.raises(CourseError, match=r"01-"):
            call(name)


def test_a_quiz_has_no_reveal(shown: list[Any]) -> None:
    with pytest.raises(CourseError, match="is a quiz"):
        reveal("01-limit")


def test_html_in_a_question_is_shown_not_obeyed(shown: list[Any], installed: Course) -> None:
    evil = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) <script>"
    installed.change("questions.toml", lambda text: text.replace("How many", f"{evil} How many"))
    ask("01-cold-starts")
    prompt = view("01-cold-starts").prompt
    assert "<img" not in prompt and "<script" not in prompt and 'href="javascript' not in prompt


def test_without_ipython_it_is_printed(
    installed: Course, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("01-cold-starts")
    reveal("01-cold-starts", happened=1)
    out = capsys.readouterr().out
    assert "How many cold starts?" in out
    assert "The answer: 1" in out


def test_a_run_without_a_front_end_is_clean(course: Course, workspace: Path) -> None:
    """A kernel of its own runs the built lesson, top to bottom, with no browser at all."""
    from nbclient import NotebookClient

    course.write()
    place = workspace / "lessons" / "zh-TW"
    place.mkdir(parents=True)
    node = nbformat.reads(
        (course.root / "lessons/zh-TW/01_lifecycle.ipynb").read_text(encoding="utf-8"), 4
    )
    point = (
        "import pathlib\nfrom lambdalab.course import bank\n"
        f"bank.content_folder = lambda: pathlib.Path({str(course.content)!r})"
    )
    node.cells.insert(0, nbformat.v4.new_code_cell(point))
    client = NotebookClient(node, timeout=60, resources={"metadata": {"path": str(place)}})
    client.execute()
    texts = [
        output["data"]["text/plain"]
        for cell in node.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    assert any("會有幾次冷啟動？" in text and "( ) 5 次" in text for text in texts)
    assert any("初始化最多幾秒？" in text for text in texts)
    assert any("你還沒有預測" in text and "只有第一次調用需要初始化。" in text for text in texts)
    assert "error" not in json.dumps([cell.get("outputs") for cell in node.cells])
