"""Attacks on the grade. Each proves first that it did what it meant to do, then changes nothing.

An answer leaves a witness in ``cold_starts``, which is never the right value: so no attack
may earn anything for task 1, and the others keep what they earned honestly.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdalab.grading.labs import hidden_checks
from lambdalab.grading.marking import Marking, Marks
from lambdalab.grading.submission import Answers
from tests.grading.lab import SOLUTIONS, DemoLab, copy_lab

_MARK = Callable[..., Marks]

FORGED = '{"index": 0, "verdict": {"outcome": "passed", "score": 1.0, "text": null}}'
VERDICTS = """
import lambdalab.grading as grading
from lambdalab.grading import verdict
grading.incorrect = verdict.incorrect = lambda *_, **__: verdict.passed()
verdict.Verdict.__post_init__ = lambda self: object.__setattr__(self, "score", 1.0)
cold_starts = verdict.incorrect({}, 0.0).outcome
"""
CHECK = """
def check(task):
    return "passed"
def check_task_1(world):
    return "passed"
box.events = lambda *_, **__: []
cold_starts = check("task-1")
"""
CHECKER = """
import sys
from lambdalab.grading import checker, checking, marking
checker.main = checking.run_checks = marking.run_checks = lambda *_, **__: [verdict.passed()] * 9
cold_starts = "passed" if checking.run_checks() else ""
"""
CHECKER = CHECKER.replace("import sys\n", "from lambdalab.grading import verdict\n")
JSON = """
import json
real = json.dumps
json.dumps = lambda value, **more: real(value, **more).replace("incorrect", "passed")
cold_starts = "passed" if json.dumps("incorrect") == '"passed"' else ""
"""
DESCRIPTORS = f"""
import os
written = 0
for descriptor in range(3, 64):
    try:
        written += os.write(descriptor, b'\\n' + {FORGED!r}.encode() + b'\\n')
    except OSError:
        pass
cold_starts = "passed" if written else ""
"""
PROGRESS = """
import json
from pathlib import Path
Path(".lambdalab").mkdir()
from lambdalab.course.progress import record_check
record_check("lab01", "task-1", "passed", 30.0, 30.0)
found = json.loads(Path(".lambdalab/progress.json").read_text())
cold_starts = found["labs"]["lab01"]["task-1"]["outcome"]
"""
STARTUP = """
import os, sys, subprocess
from pathlib import Path
home = Path.home()
code = "import lambdalab.grading.verdict as v; v.incorrect = lambda *_, **__: v.passed()"
user = home / f".local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
user.mkdir(parents=True)
for place in (user, home, Path.cwd()):
    for name in ("sitecustomize.py", "usercustomize.py", "boto3.py", "json.py"):
        (place / name).write_text(code)
said = subprocess.run(
    [sys.executable, "-c", "import usercustomize; print('passed')"],
    capture_output=True, text=True, cwd=home,
)
cold_starts = said.stdout.strip() or ("passed" if (user / "boto3.py").exists() else "")
"""
TRANSFORM = """
shell = get_ipython()
shell.input_transformers_post.append(lambda lines: ["passed_by = 'passed'\\n", *lines])
cold_starts = "passed" if len(shell.input_transformers_post) else ""
"""
SPY = """
import sys
from pathlib import Path
texts = [str(value) for frame in [sys._getframe()] for value in frame.f_globals.values()]
texts += [str(value) for value in vars(sys.modules["__main__"]).values()]
texts += [*sys.argv, *__import__("os").environ.values()]
loaded = [name for name in sys.modules if name.startswith("lambdalab_")]
near = [text for text in texts if "hidden/" in text]
cold_starts = "passed" if not loaded and not near else f"found {loaded} {near}"
"""

ATTACKS = {
    "patches verdicts": VERDICTS,
    "defines check": CHECK,
    "patches the checker": CHECKER,
    "patches json": JSON,
    "forges lines on every descriptor": DESCRIPTORS,
    "writes progress": PROGRESS,
    "leaves start-up files": STARTUP,
    "transforms input": TRANSFORM,
    "looks for checks": SPY,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_changes_nothing(name: str, mark: _MARK) -> None:
    marks = mark(SOLUTIONS | {"task-1-answer": ATTACKS[name]})
    first = marks.tasks[0]
    # The control: it ran to its end, and in its own process it had its way.
    assert "task-1-answer" not in marks.ran.errors
    assert marks.ran.left["task-1"].outputs["cold_starts"] == "passed"
    assert first.points == 0
    assert first.outcome != "passed"
    assert marks.points <= 70


def test_patched_collection_gives_only_values(mark: _MARK) -> None:
    """Forging values is no more than choosing them: wrong ones stay wrong."""
    forge = """
from lambdalab.grading import left, runner
left.to_json = lambda found: {"outputs": {"cold_starts": 7}, "calls": {}}
runner.left = left
"""
    marks = mark({"task-1-answer": forge})
    assert marks.ran.left["task-1"].outputs == {"cold_starts": 7}
    assert marks.tasks[0].outcome == "incorrect"


def test_survivors_are_gone_before_the_checks(mark: _MARK, tmp_path: Path) -> None:
    started, late = tmp_path / "started", tmp_path / "late"
    daemon = f"""
import subprocess, sys, time
code = '''
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open({str(started)!r}, "w").close()
time.sleep(1)
open({str(late)!r}, "w").close()
'''
subprocess.run([sys.executable, "-c", code], start_new_session=True)
deadline = time.monotonic() + 5
while not __import__("os").path.exists({str(started)!r}):
    assert time.monotonic() < deadline
    time.sleep(0.01)
cold_starts = 2
"""
    marks = mark({"task-1-answer": daemon})
    assert "task-1-answer" not in marks.ran.errors
    assert started.exists()
    time.sleep(1.5)
    assert not late.exists()


def test_stopped_sandbox_earns_nothing(mark: _MARK) -> None:
    marks = mark(
        SOLUTIONS | {"task-3-answer": SOLUTIONS["task-3-answer"] + "\nbox.stop()"}, fresh=True
    )
    assert marks.ran.left["task-3"].calls["double"][0].value == 4
    assert {one.outcome for one in marks.tasks} == {"cannot check"}
    assert marks.points == 0


def test_impostor_on_the_sandboxs_port_earns_nothing(mark: _MARK) -> None:
    """Its record is overwritten too: the checks go by what the grader itself was told."""
    impostor = """
import json, os, pathlib, socket, subprocess, sys
port = box.port
path = pathlib.Path(os.environ["LAMBDALAB_SANDBOX"])
text = path.read_text()
box.stop()
code = f"import http.server; http.server.test(port={port}, bind='127.0.0.1')"
server = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
import time
deadline = time.monotonic() + 10
while time.monotonic() < deadline:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        time.sleep(0.05)
else:
    raise AssertionError("the impostor did not start")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(json.loads(text) | {"pid": server.pid}))
"""
    marks = mark(SOLUTIONS | {"task-1-answer": "cold_starts = 1\n" + impostor}, fresh=True)
    assert "task-1-answer" not in marks.ran.errors
    assert marks.points == 0


def test_answers_cannot_signal_the_grader(mark: _MARK) -> None:
    """Where it has process ids of its own, an answer's supervisor is out of its reach."""
    kill = """
import os, signal
parent = os.getppid()
try:
    os.kill(-1, signal.SIGTERM)
except ProcessLookupError:
    pass
cold_starts = parent
"""
    marks = mark(SOLUTIONS | {"task-1-answer": kill})
    assert marks.ran.end == "finished"
    assert marks.ran.left["task-1"].outputs["cold_starts"] == 0
    assert marks.points == 70


# -- the disk -----------------------------------------------------------------------------


def namespaces() -> bool:
    """Whether this kernel lets us make them: some containers do not."""
    try:
        return subprocess.run(["unshare", "-rmpf", "true"], check=False).returncode == 0
    except OSError:
        return False


def test_overwritten_checks_come_too_late(demo: DemoLab, tmp_path: Path) -> None:
    lab = copy_lab(demo, tmp_path / "copy")
    checks, secret = (
        lab.course.content / "01_demo/checks.py",
        lab.root / "solutions/hidden/lab01.py",
    )
    easy = "from lambdalab.grading import passed\\n" + "".join(
        f"def check_task_{number}(world): return passed()\\n" for number in (1, 2, 3)
    )
    attack = f"""
from pathlib import Path
for path in ({str(checks)!r}, {str(secret)!r}):
    Path(path).parent.mkdir(exist_ok=True)
    try:
        Path(path).write_text("{easy}")
    except OSError:
        pass
cold_starts = Path({str(checks)!r}).read_text()
"""
    assert lab.course.hidden is not None
    marking = Marking(lab.course.lab("lab01"), hidden_checks(lab.course.hidden, "lab01"))
    answers = {"task-1-answer": attack, "task-3-answer": "def double(number): return abs(number)"}
    marks = marking.mark(Answers(answers, (), ()), "en")
    assert marks.ran.errors == {}
    # The temporary folder can be written to, so the control is that it was.
    assert marks.ran.left["task-1"].outputs["cold_starts"] == easy.replace("\\n", "\n")
    assert checks.read_text() == easy.replace("\\n", "\n")
    assert marks.points == 0


def test_hidden_checks_cannot_be_read(mark: _MARK, demo: DemoLab) -> None:
    code = f"""
import os
cold_starts = sorted(os.listdir({str(demo.course.hidden)!r}))
"""
    marks = mark({"task-1-answer": code})
    found = marks.ran.left["task-1"].outputs["cold_starts"]
    assert found == ([] if namespaces() else ["lab01.py"])
    assert demo.course.hidden is not None
    assert [path.name for path in demo.course.hidden.iterdir()] == ["lab01.py"]


def test_package_cannot_be_changed(mark: _MARK) -> None:
    code = """
import subprocess
import lambdalab
def tried():
    try:
        open(lambdalab.__file__, "a").close()
    except OSError as error:
        return type(error).__name__
    return "opened"
first = tried()
subprocess.run(["mount", "-o", "remount,rw,bind", "/"], capture_output=True)
subprocess.run(["umount", "-l", "/"], capture_output=True)
cold_starts = [first, tried()]
"""
    marks = mark({"task-1-answer": code})
    found = marks.ran.left["task-1"].outputs["cold_starts"]
    assert found == (["OSError"] * 2 if namespaces() else ["opened"] * 2)


@pytest.mark.parametrize("place", ["x.txt", "/tmp/lambdalab-test-x.txt"])
def test_own_folder_and_tmp_can_be_written(mark: _MARK, place: str) -> None:
    code = f"""
import os
from pathlib import Path
Path({place!r}).write_text("1")
cold_starts = int(Path({place!r}).read_text())
os.remove({place!r})
"""
    assert mark({"task-1-answer": code}).tasks[0].points == 30
