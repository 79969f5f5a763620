"""``check()`` and ``hint()`` in a real kernel, spoken to as JupyterLab does."""

from __future__ import annotations

import ast
import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from tests.grading.lab import SOLUTIONS, DemoLab

_WIDGET = "application/vnd.jupyter.widget-view+json"
OPEN = """
from pathlib import Path
from lambdalab.grading import open_lab
from lambdalab.grading.labs import Course
root = Path({root!r})
lab = open_lab("lab01", course=Course(root / "lambdalab/course/content", root, None))
check = lab.check
"""


class Kernel:
    """A kernel in a course folder; cells are run under their ids."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def run(self, code: str, cell: str | None = None) -> dict[str, Any]:
        """Return the data of the cell's result, ``{"error": …}`` if it raised."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {"cellId": cell} if cell else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        data: dict[str, Any] = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                found = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if found["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if found["msg_type"] == "execute_result":
                data = found["content"]["data"]
            elif found["msg_type"] == "error":
                data = {"error": f"{found['content']['ename']}: {found['content']['evalue']}"}
            elif found["content"].get("execution_state") == "idle":
                return data
        raise AssertionError("the kernel did not finish")

    def text(self, code: str) -> str:
        data = self.run(code)
        return str(data.get("text/plain") or data.get("error"))

    @property
    def progress(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.folder / ".lambdalab/progress.json").read_bytes())
        return data["labs"]["lab01"]  # type: ignore[no-any-return]


@pytest.fixture
def kernel(demo: DemoLab, sandbox: Sandbox, tmp_path: Path) -> Iterator[Kernel]:
    """Return a kernel of an English notebook, joined to the shared sandbox."""
    import os

    from jupyter_client.manager import KernelManager

    folder = tmp_path / "workspace"
    (folder / ".lambdalab").mkdir(parents=True)
    place = folder / "labs/en"
    place.mkdir(parents=True)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("JPY_")}
    variables |= sandbox.environment(variables) | {"PWD": str(place)}
    manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(tmp_path / "k"))
    manager.start_kernel(env=variables, cwd=str(place))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        made = Kernel(client, folder)
        assert "error" not in made.run(OPEN.format(root=str(demo.root)))
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def setup_cell(demo: DemoLab) -> str:
    (source,) = [one["source"] for one in demo.starter()["cells"] if one["id"] == "setup"]
    text = source if isinstance(source, str) else "".join(source)
    return text.replace('check = open_lab("lab01").check', "")


def starter(demo: DemoLab, name: str) -> str:
    (source,) = [one["source"] for one in demo.starter()["cells"] if one["id"] == name]
    return source if isinstance(source, str) else "".join(source)


def test_wrong_then_right(kernel: Kernel, demo: DemoLab) -> None:
    assert kernel.run(setup_cell(demo)) == {}
    for name in SOLUTIONS:
        kernel.run(starter(demo, name), name)
    for task in ("task-1", "task-2", "task-3"):
        assert kernel.text(f'check("{task}")').startswith("Not attempted · ")
    assert "`# YOUR CODE HERE`" in kernel.text('check("task-1")')

    kernel.run("cold_starts = 5", "task-1-answer")
    shown = kernel.run('check("task-1")')
    assert shown["text/plain"].splitlines() == [
        "Not right yet · Count cold starts · 0 of 30 points",
        "Not `1`.",
        'Hints, one at a time: open_lab(…).hint("task-1")',
    ]
    assert "<code>1</code>" in shown["text/html"]
    assert "var(--jp-" in shown["text/html"]
    assert _WIDGET in shown

    kernel.run(SOLUTIONS["task-2-answer"].replace("256", "512"), "task-2-answer")
    assert "20 of 40 points" in kernel.text('check("task-2")')

    kernel.run("cold_starts = 1", "task-1-answer")
    said = kernel.text('check("task-1")')
    assert said == "Public checks passed · Count cold starts · 30 of 30 points"
    kernel.run("def double(number): return 1 / 0", "task-3-answer")
    assert "ZeroDivisionError" in kernel.text('check("task-3")')
    assert {name: entry["outcome"] for name, entry in kernel.progress.items()} == {
        "task-1": "passed",
        "task-2": "incorrect",
        "task-3": "incorrect",
    }
    assert kernel.progress["task-2"]["score"] == 20


def test_check_is_quick(kernel: Kernel) -> None:
    kernel.run("cold_starts = 1", "task-1-answer")
    kernel.run('check("task-1")')
    started = time.monotonic()
    assert "passed" in kernel.text('check("task-1")')
    assert time.monotonic() - started < 3  # alone on a machine 0.1 s; here others work as well


def test_hints_come_one_at_a_time(kernel: Kernel) -> None:
    assert kernel.text('lab.hint("task-1")') == "Hint 1 of 3: Hint one"
    assert kernel.text('lab.hint("task-1")').splitlines() == [
        "Hint 1 of 3: Hint one",
        "Hint 2 of 3: Hint two",
    ]
    for _ in range(2):
        assert len(kernel.text('lab.hint("task-1")').splitlines()) == 3
    assert kernel.text('lab.hint("task-2")') == "Hint 1 of 3: Hint one"


def test_button_shows_the_next_hint(kernel: Kernel) -> None:
    kernel.run("cold_starts = 5", "task-1-answer")
    code = """
view = check("task-1")
outcome, hints = view.widget().children
shown, button = hints.children
seen = [outcome.value.count('role="status"')]
for _ in range(4):
    seen.append([button.description, button.layout.display, shown.value.count(" of 3")])
    button.click()
import json
json.dumps(seen)
"""
    assert json.loads(ast.literal_eval(kernel.text(code))) == [
        1,
        ["Show hint 1 of 3", "", 0],
        ["Show hint 2 of 3", "", 1],
        ["Show hint 3 of 3", "", 2],
        ["Show hint 3 of 3", "none", 3],
    ]


def test_language_of_the_notebook(kernel: Kernel) -> None:
    kernel.run("cold_starts = 5", "task-1-answer")
    kernel.run("import os; os.environ['JPY_SESSION_NAME'] = '/w/labs/zh-TW/01_demo.ipynb'")
    assert kernel.text('check("task-1")').splitlines()[:2] == [
        "還不對 · 數冷啟動 · 0 / 30 分",
        "不是 1。",
    ]
    assert kernel.text('lab.hint("task-1")') == "提示 1／3: 第一個提示"


def test_saved_notebook_counts_for_cells_not_run_here(kernel: Kernel, demo: DemoLab) -> None:
    path = kernel.folder / "labs/en/01_demo.ipynb"
    kernel.run("cold_starts = 1")  # somewhere else: only the answer cell is graded
    kernel.run(f"import os; os.environ['JPY_SESSION_NAME'] = {str(path)!r}")
    demo.hand_in(path)
    assert kernel.text('check("task-1")').startswith("Not attempted")
    demo.hand_in(path, {"task-1-answer": "cold_starts = 1"})
    assert kernel.text('check("task-1")').startswith("Public checks passed")


def test_without_cell_ids_the_values_tell(kernel: Kernel) -> None:
    assert kernel.text('check("task-1")').startswith("Not attempted")
    kernel.run("cold_starts = None\ndef double(number): pass")
    assert kernel.text('check("task-1")').startswith("Not attempted")
    assert kernel.text('check("task-3")').startswith("Not attempted")
    kernel.run("cold_starts = 0\ndef double(number): return 2 * number")
    assert kernel.text('check("task-1")').startswith("Not right yet")
    assert kernel.text('check("task-3")').startswith("Public checks passed")


def test_cannot_check(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run("cold_starts = {1}", "task-1-answer")
    said = kernel.text('check("task-1")')
    assert said.startswith("Cannot check")
    assert "`cold_starts`" in said
    kernel.run("import os; os.environ['LAMBDALAB_SANDBOX'] = '/nowhere'")
    said = kernel.text('check("task-1")')
    assert said.startswith("Cannot check")
    assert "Run the setup cell" in said


def test_patched_kernel_changes_its_own_view_only(kernel: Kernel) -> None:
    """The check's process imports nothing from where the learner can write to it."""
    kernel.run(
        "import json, lambdalab.grading.verdict as verdict\n"
        "verdict.incorrect = lambda *_, **__: verdict.passed()\n"
        "open('json.py', 'w').write('1/0')\n"
        "open('sitecustomize.py', 'w').write('1/0')\n"
        "cold_starts = 5",
        "task-1-answer",
    )
    assert (kernel.folder / "labs/en/json.py").exists()
    assert kernel.text('check("task-1")').startswith("Not right yet")


def test_unknown_names(kernel: Kernel) -> None:
    assert "It has: task-1, task-2, task-3." in kernel.text('check("task-9")')
    assert "There are: lab01." in kernel.text(
        'open_lab("lab09", course=Course(root / "lambdalab/course/content", root, None))'
    )


def test_progress_that_cannot_be_kept_is_told(kernel: Kernel) -> None:
    path = kernel.folder / ".lambdalab/progress.json"
    path.mkdir()
    kernel.run("cold_starts = 1", "task-1-answer")
    said = kernel.text('check("task-1")')
    assert said.startswith("Public checks passed")
    assert str(path) in said


def test_nbgrader_gets_the_points_alone(kernel: Kernel) -> None:
    kernel.run("import os; os.environ['NBGRADER_EXECUTION'] = 'autograde'; cold_starts = 1")
    assert kernel.text('check("task-1")') == "30.0"
    kernel.run("cold_starts = 2")
    assert kernel.text('check("task-1")') == "0.0"
