from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab.course.errors import CourseError
from lambdalab.course.progress import Answer, Check, Progress, record_check
from lambdalab.course.questions import Kind


@pytest.fixture
def progress(workspace: Path) -> Progress:
    return Progress(workspace)


def test_nothing_is_known_of_a_new_folder(progress: Progress) -> None:
    assert progress.answers() == {}
    assert progress.answer("01-x") is None
    assert progress.checks("lab01") == {}
    assert not progress.path.exists()


def test_an_answer_survives_and_is_counted(progress: Progress) -> None:
    progress.record_answer("01-x", "quiz", "one", right=False)
    assert Progress(progress.workspace).answer("01-x") == Answer("01-x", "one", 1, solved=False)
    progress.record_answer("01-x", "quiz", "two", right=True)
    assert progress.answer("01-x") == Answer("01-x", "two", 2, solved=True)


def test_a_solved_quiz_stays_solved_and_a_prediction_is_the_last_word(progress: Progress) -> None:
    kinds: tuple[Kind, ...] = ("quiz", "prediction")
    for kind in kinds:
        progress.record_answer(f"01-{kind}", kind, "right", right=True)
        progress.record_answer(f"01-{kind}", kind, "wrong", right=False)
    answers = progress.answers()
    assert answers["01-quiz"].solved
    assert not answers["01-prediction"].solved


def test_a_revealed_prediction_cannot_be_changed(progress: Progress) -> None:
    progress.record_answer("01-x", "prediction", 3, right=None)
    revealed = progress.record_reveal("01-x")
    assert revealed == Answer("01-x", 3, revealed=True)
    before = progress.path.read_bytes()
    assert progress.record_answer("01-x", "prediction", 4, right=True) == revealed
    assert progress.record_reveal("01-x") == revealed
    assert progress.path.read_bytes() == before


def test_revealing_without_a_prediction_leaves_it_open(progress: Progress) -> None:
    assert progress.record_reveal("01-x") is None
    assert not progress.record_answer("01-x", "prediction", "a", right=True).revealed


def test_the_best_score_stays_and_the_last_outcome_is_told(progress: Progress) -> None:
    progress.record_check("lab01", "task-1", "passed", 10, 10)
    now = progress.record_check("lab01", "task-1", "not attempted", 0, 10)
    assert now == Check("task-1", "not attempted", 10, 10)
    assert progress.checks("lab01") == {"task-1": now}


def test_a_score_never_exceeds_points_that_became_fewer(progress: Progress) -> None:
    progress.record_check("lab01", "task-1", "passed", 20, 20)
    assert progress.record_check("lab01", "task-1", "incorrect", 3, 10).score == 10


def test_cannot_check_says_nothing_about_the_work(progress: Progress) -> None:
    assert progress.record_check("lab01", "t", "cannot check", 0, 5).outcome == "cannot check"
    progress.record_check("lab01", "t", "incorrect", 2, 5)
    assert progress.record_check("lab01", "t", "cannot check", 0, 5) == Check(
        "t", "incorrect", 2, 5
    )


def test_results_of_a_lab_can_be_taken_away_and_put_back(progress: Progress) -> None:
    progress.record_check("lab01", "t", "passed", 5, 5)
    progress.record_check("lab02", "t", "passed", 1, 1)
    kept = progress.raw_checks("lab01")
    progress.put_checks("lab01", {})
    assert progress.checks("lab01") == {}
    assert progress.checks("lab02")
    progress.put_checks("lab01", kept)
    assert progress.checks("lab01") == {"t": Check("t", "passed", 5, 5)}


def test_record_check_finds_the_course_folder(workspace: Path, tmp_path: Path) -> None:
    assert record_check("lab01", "t", "passed", 1, 2) == Check("t", "passed", 1, 2)
    assert Progress(workspace).checks("lab01")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".lambdalab").mkdir(parents=True)
    record_check("lab01", "t", "incorrect", 0, 2, workspace=elsewhere)
    assert Progress(elsewhere).checks("lab01")["t"].outcome == "incorrect"


def test_nothing_is_kept_outside_of_a_course_folder(clean_environment: Path) -> None:
    assert record_check("lab01", "t", "passed", 1, 1) is None
    assert list(clean_environment.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[1]",
        b"null",
        b"7",
        b'{"questions": []}',
        b'{"labs": "x"}',
        b'{"questions": {"a"',
    ],
)
def test_a_damaged_file_is_moved_aside_whole(workspace: Path, damage: bytes) -> None:
    told: list[str] = []
    progress = Progress(workspace, told.append)
    progress.path.write_bytes(damage)
    assert progress.answers() == {}
    aside = list(progress.path.parent.glob("progress.damaged-*.json"))
    assert [path.read_bytes() for path in aside] == [damage]
    assert len(told) == 1
    assert str(aside[0]) in told[0]
    progress.record_answer("01-x", "quiz", "a", right=True)
    assert progress.answer("01-x")
    assert len(told) == 1


def test_damage_found_while_writing_loses_nothing(workspace: Path) -> None:
    progress = Progress(workspace, lambda _: None)
    progress.path.write_bytes(b"{oops")
    progress.record_check("lab01", "t", "passed", 1, 1)
    assert progress.checks("lab01")
    assert next(progress.path.parent.glob("progress.damaged-*")).read_bytes() == b"{oops"


def test_strange_entries_are_passed_over_and_kept(progress: Progress) -> None:
    data = {
        "version": 1,
        "later": {"x": 1},
        "questions": {
            "01-a": {"answer": True},
            "01-b": "one",
            "01-c": {"answer": 5, "attempts": "many", "mood": "good"},
        },
        "labs": {"lab01": {"t": {"outcome": "passed", "score": "1", "max": 1}, "u": None}},
    }
    progress.path.write_text(json.dumps(data))
    assert list(progress.answers()) == ["01-c"]
    assert progress.checks("lab01") == {}
    progress.record_answer("01-c", "quiz", 6, right=False)
    after = json.loads(progress.path.read_text())
    assert after["later"] == {"x": 1}
    assert after["questions"]["01-b"] == "one"
    assert after["questions"]["01-c"]["mood"] == "good"


def test_a_folder_that_cannot_be_written_is_told(workspace: Path) -> None:
    (workspace / ".lambdalab").rmdir()
    (workspace / ".lambdalab").write_text("a file")
    with pytest.raises(CourseError, match=r"\.lambdalab"):
        Progress(workspace).record_answer("01-x", "quiz", "a", right=True)


def test_many_processes_write_at_once_and_none_is_lost(progress: Progress) -> None:
    code = (
        "import sys, pathlib\n"
        "from lambdalab.course.progress import Progress\n"
        "for n in range(20):\n"
        "    Progress(pathlib.Path(sys.argv[1])).record_answer("
        "f'01-{sys.argv[2]}-{n}', 'quiz', n, right=True)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(progress.workspace), str(number)])
        for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len(progress.answers()) == 80


VALUES = st.one_of(st.text(max_size=8), st.integers(-9, 9), st.floats(-1e6, 1e6))
STEPS = st.lists(st.tuples(st.sampled_from("ab"), VALUES, st.booleans(), st.booleans()), max_size=8)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_a_prediction_is_what_was_said_last_before_the_reveal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | float, bool, bool]]
) -> None:
    progress = Progress(tmp_path_factory.mktemp("w"))
    model: dict[str, tuple[str | float, bool]] = {}
    for name, value, right, reveal in steps:
        if name not in model or not model[name][1]:
            model[name] = (value, False)
        progress.record_answer(name, "prediction", value, right=right)
        if reveal:
            progress.record_reveal(name)
            model[name] = (model[name][0], True)
    assert {
        name: (answer.value, answer.revealed) for name, answer in progress.answers().items()
    } == model
