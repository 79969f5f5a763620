"""``lambdalab grade``, as it is typed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambdalab import cli
from lambdalab.grading.labs import Course
from tests.grading.lab import SOLUTIONS, DemoLab, make_lab

DOUBLE = {"task-3-answer": SOLUTIONS["task-3-answer"]}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: Path) -> DemoLab:
    """Return the demo lab, which the commands take for the course's own."""
    made = make_lab(tmp_path / "course")
    monkeypatch.setattr(Course, "own", lambda: made.course)
    return made


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_a_table(
    lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.hand_in(tmp_path / "in/alice.ipynb", SOLUTIONS)
    lab.hand_in(tmp_path / "in/bob.ipynb")
    (tmp_path / "in/carol.ipynb").write_text("?")
    output, reports = tmp_path / "out.csv", tmp_path / "reports"
    status = cli.main(
        ["grade", str(tmp_path / "in"), "-o", str(output), "--reports", str(reports), "--jobs", "2"]
    )
    assert status == 0
    assert [(row["submission"], row["score"]) for row in read(output)] == [
        ("alice", "100"),
        ("bob", "0"),
        ("carol", "0"),
    ]
    said = capsys.readouterr()
    assert "3 graded" in said.out
    assert "carol: unreadable: not JSON" in said.out
    assert said.err == ""
    assert len(list(reports.iterdir())) == 3


def test_says_that_only_public_checks_count(
    lab: DemoLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.hand_in(tmp_path / "in/a.ipynb")
    empty = tmp_path / "none"
    empty.mkdir()
    words = ["grade", str(tmp_path / "in"), "-o", str(tmp_path / "o.csv"), "--hidden", str(empty)]
    assert cli.main(words) == 0
    assert "lab01: no hidden checks were found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["in", "--lab", "lab09"], "There are: lab01."),
        (["in", "--jobs", "0"], "more than 0"),
        (["in", "--timeout", "-1"], "more than 0"),
        (["in", "--hidden", "nowhere"], "not a folder"),
        (["in", "-o", "nowhere/g.csv"], "cannot be written"),
        (["nowhere"], "not a folder"),
        (["empty"], "nothing to grade"),
    ],
)
def test_wrong_use(
    lab: DemoLab,
    words: list[str],
    said: str,
    clean_environment: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab.hand_in(clean_environment / "in/a.ipynb")
    (clean_environment / "empty").mkdir()
    assert cli.main(["grade", *words]) == 1
    assert said in capsys.readouterr().err
    assert not (clean_environment / "grades.csv").exists()


def test_broken_hidden_checks_are_told_before_anything_is_graded(
    lab: DemoLab, clean_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.hand_in(clean_environment / "in/a.ipynb", DOUBLE)
    assert lab.course.hidden is not None
    (lab.course.hidden / "lab01.py").write_text("INPUTS = {'task-3': {'double': [1]}}")
    assert cli.main(["grade", "in"]) == 1
    assert "INPUTS" in capsys.readouterr().err


_RUN = """
import sys
from pathlib import Path
from lambdalab import cli
from lambdalab.grading.labs import Course
root = Path(sys.argv[1])
Course.own = lambda: Course(root / "lambdalab/course/content", root, None)
sys.exit(cli.main(["grade", *sys.argv[2:]]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_finished_and_leaves_nobody_behind(
    lab: DemoLab, tmp_path: Path, number: signal.Signals
) -> None:
    import psutil

    pids = tmp_path / "pid"
    endless = f"import os\nopen({str(pids)!r}, 'w').write('x')\nwhile True: pass"
    lab.hand_in(tmp_path / "in/a.ipynb", DOUBLE)
    lab.hand_in(tmp_path / "in/b.ipynb", {"task-1-answer": endless})
    lab.hand_in(tmp_path / "in/c.ipynb", DOUBLE)
    words = [str(lab.root), str(tmp_path / "in"), "-o", str(tmp_path / "g.csv"), "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"LAMBDALAB_LANG": "en"},
    )
    deadline = time.monotonic() + 60
    while not pids.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = psutil.Process(process.pid).children(recursive=True)
    assert started
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Not graded: b, c." in error
    assert [(row["submission"], row["score"]) for row in read(tmp_path / "g.csv")] == [("a", "30")]
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []
