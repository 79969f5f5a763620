"""The process that runs a learner's answers: ``python -I -m lambdalab.grading.runner``.

The request comes on standard input. What leaves is told line by line, as JSON, while the
cells run, so that an answer that never ends takes nothing from the ones before it. Whoever
reads it must not trust it: the learner's code runs in here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lambdalab.grading import confine, left
from lambdalab.grading.calling import collect

__all__ = ["main"]

_TEXT_MAX = 400
Told = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Run the cells of one request in a confined child."""
    request: dict[str, Any] = json.load(sys.stdin)
    # Popped: what is hidden is not named in the process that it is hidden from.
    hidden = [Path(name) for name in request.pop("hidden")]
    writable = {Path.cwd(), Path("/tmp"), Path("/dev/shm")}  # noqa: S108 - cells may use them
    confine.supervise(
        lambda: _work(request),
        writable=[folder for folder in sorted(writable) if folder.is_dir()],
        hidden=hidden,
    )


def _work(request: Mapping[str, Any]) -> None:
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")  # not inherited by what cells start

    def tell(data: Mapping[str, Any]) -> None:
        channel.write(json.dumps(data) + "\n")
        channel.flush()

    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from lambdalab.sandbox import guard

    guard.install()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = _quiet
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    _cells(shell, request, tell)


def _quiet(*_: object, **__: object) -> None:
    """Stand in for the display of tracebacks: nobody is there to read them."""


def _cells(shell: Any, request: Mapping[str, Any], tell: Told) -> None:  # noqa: ANN401 - IPython's
    last = {task["last"]: task for task in request["tasks"]}
    for cell in request["cells"]:
        tell({"cell": cell["id"]})
        error = _run(shell, cell["source"])
        tell({"ended": cell["id"], "error": None if error is None else _words(error)})
        task = last.get(cell["id"])
        if task is not None:
            found = collect(shell.user_ns, task["outputs"], task["inputs"])
            tell({"task": task["id"], "left": left.to_json(found)})
    tell({"done": True})


def _run(shell: Any, source: str) -> BaseException | None:  # noqa: ANN401
    try:
        result = shell.run_cell(source, store_history=False)
    except BaseException as error:  # noqa: BLE001 - what a cell does to IPython itself
        return error
    failed: BaseException | None = result.error_before_exec or result.error_in_exec
    return failed


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_TEXT_MAX]
    except Exception:  # noqa: BLE001 - an exception's own text may raise
        return type(error).__name__


if __name__ == "__main__":
    main()
