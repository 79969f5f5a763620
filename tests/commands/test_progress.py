from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambdalab.course.progress import Progress
from tests.commands.conftest import Type


def test_a_new_folder_and_one_that_was_worked_in(typed: Type, learner: Path) -> None:
    before = {one["id"]: one for one in json.loads(typed("progress", "--json").out)}
    assert {"lesson00", "lesson01", "lab01"} <= set(before)
    assert before["lab01"]["max_score"] == 100
    assert before["lab01"]["score"] == before["lesson00"]["quiz"]["done"] == 0
    assert before["lesson00"]["predictions"]["total"] >= 1

    progress = Progress(learner)
    task = before["lab01"]["tasks"][0]
    progress.record_check("lab01", task["id"], "passed", task["max_score"], task["max_score"])
    progress.record_check("lab01", "gone-task", "passed", 50, 50)
    progress.record_answer("00-error-status", "prediction", "500", right=False)
    progress.record_answer("00-handler", "quiz", "x", right=False)
    progress.record_answer("00-print", "quiz", "x", right=True)
    after = {one["id"]: one for one in json.loads(typed("progress", "--json").out)}
    assert after["lesson00"]["predictions"]["done"] == 1
    assert after["lesson00"]["quiz"]["done"] == 1
    assert after["lab01"]["score"] == task["max_score"]
    assert after["lab01"]["tasks"][0]["outcome"] == "passed"
    most = sum(one.get("max_score", 0) for one in after.values())
    assert f"Lab points: {task['max_score']:g} of {most:g}" in typed("progress").out


@pytest.mark.parametrize(("lang", "words"), [("en", "Lesson 0: "), ("zh-TW", "第 0 課：")])
def test_in_both_languages_from_anywhere_in_the_folder(
    typed: Type, learner: Path, monkeypatch: pytest.MonkeyPatch, lang: str, words: str
) -> None:
    monkeypatch.setenv("LAMBDALAB_LANG", lang)
    monkeypatch.chdir(learner / "labs")
    said = typed("progress")
    assert words in said.out
    assert "0 / 100" in said.out


def test_outside_of_a_course_folder(typed: Type, learner: Path, tmp_path: Path) -> None:
    said = typed("progress", str(tmp_path))
    assert said.code == 1
    assert "lambdalab start" in said.err


def test_damage_is_told_and_json_stays_json(typed: Type, learner: Path) -> None:
    Progress(learner).path.write_text("{")
    said = typed("progress", "--json")
    assert json.loads(said.out)
    assert "was damaged" in said.err
