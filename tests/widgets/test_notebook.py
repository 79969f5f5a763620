"""A notebook that is run without any browser: no error, no wait, and words to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from lambdalab.sandbox import Sandbox
from tests.conftest import Functions

CELLS = [
    """
    from lambdalab.sandbox import Sandbox
    from lambdalab.widgets import Monitor, Timeline, diagram, facts
    from lambdalab.rules import limits
    box = Sandbox.connect(workspace={workspace!r})
    timeline = Timeline(box)
    timeline
    """,
    "Monitor(box)",
    "diagram('lifecycle')",
    "facts(limits.MEMORY_MAX)",
    """
    import boto3
    assert boto3.client("lambda").invoke(FunctionName="f")["StatusCode"] == 200
    Timeline.of(box.events(), "f")
    """,
    """
    import time
    until = time.monotonic() + 20
    while not timeline.picture.items and time.monotonic() < until:
        time.sleep(0.01)
    timeline.to_text()
    """,
]


@pytest.mark.filterwarnings("default")  # the kernel's own libraries may warn
def test_run_all_without_a_browser(sandbox: Sandbox, functions: Functions, tmp_path: Path) -> None:
    functions.create()
    folder = tmp_path / "lessons" / "zh-TW"
    folder.mkdir(parents=True)
    notebook: Any = nbformat.v4.new_notebook()
    for source in CELLS:
        lines = [line.removeprefix("    ") for line in source.strip("\n").splitlines()]
        text = "\n".join(lines).replace("{workspace!r}", repr(str(sandbox.workspace)))
        notebook.cells.append(nbformat.v4.new_code_cell(text.strip()))
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()  # ends the kernel as well: a thread that held it up would make this hang

    def shown(number: int) -> dict[str, str]:
        (output,) = notebook.cells[number].outputs
        return dict(output["data"])

    widget = "application/vnd.jupyter.widget-view+json"
    assert "還沒有任何動靜" in shown(0)["text/plain"]
    assert widget in shown(0)
    assert "沙盒監看" in shown(1)["text/plain"]
    assert "flowchart" in shown(2)["text/vnd.mermaid"]
    assert "10,240 MB" in shown(3)["text/html"]
    assert "冷啟動" in shown(4)["text/plain"]
    assert "f:$LATEST" in shown(5)["text/plain"]
