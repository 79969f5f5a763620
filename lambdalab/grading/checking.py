"""Having checks run in a process of their own, and reading what they say."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lambdalab.errors import LambdalabError
from lambdalab.grading import left
from lambdalab.grading.processes import Child, base_environment
from lambdalab.grading.verdict import Verdict, cannot_check
from lambdalab.i18n import LANGUAGES, message
from lambdalab.sandbox import credentials
from lambdalab.sandbox.registry import Record

__all__ = ["Check", "Source", "StoppedError", "run_checks"]

_START_S = 15.0


class StoppedError(LambdalabError):
    """It was told to stop."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of checks as it was read, before any code of a learner ran."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a file of checks.

        Raises
        ------
        LambdalabError
            It cannot be read.
        """
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise LambdalabError(
                message("grading.lab.checks", path=path, reason=str(error))
            ) from error


@dataclass(frozen=True, slots=True)
class Check:
    """One check to run."""

    task: str
    source: Source
    left: left.Left
    """What the answer left."""
    needed: bool = True
    """Whether its absence is a fault."""


def run_checks(
    lab: str,
    checks: Sequence[Check],
    record: Record,
    *,
    seconds: float,
    stop: threading.Event | None = None,
) -> list[Verdict | None]:
    """Run checks, one after the other, in one fresh process.

    Parameters
    ----------
    lab
        Its id.
    checks
        What to run.
    record
        The sandbox they look at.
    seconds
        Time for each.
    stop
        Once set, the process is ended.

    Returns
    -------
    list
        A verdict for each check; ``None`` where there is none and none is needed.

    Raises
    ------
    StoppedError
        ``stop`` was set.
    """
    verdicts: dict[int, Verdict | None] = {}
    with tempfile.TemporaryDirectory(prefix="lambdalab-check-") as folder:
        environment = base_environment(
            HOME=folder, **credentials.environment(record.url, record.folder, record.path, {})
        )
        child = Child(
            "lambdalab.grading.checker",
            _request(lab, checks, record, seconds),
            environment=environment,
            folder=Path(folder),
            seconds=_START_S + seconds * len(checks),
            stop=stop,
        )
        with child:
            for line in child.lines():
                said: dict[str, Any] = json.loads(line)
                found = said["verdict"]
                verdicts[said["index"]] = None if found is None else Verdict(**found)
        if child.ending == "stopped":
            raise StoppedError(message("grading.stopped"))
        if child.ending == "timed out":
            lost = _lost("slow", seconds=f"{seconds:g}")
        else:
            reason = child.error_text.rpartition("\n")[2] or f"exit status {child.status}"
            lost = _lost("broken", reason=reason)
    return [verdicts.get(index, lost) for index in range(len(checks))]


def _lost(key: str, **values: object) -> Verdict:
    return cannot_check(
        {lang: message(f"grading.cannot.{key}", lang, **values) for lang in LANGUAGES}
    )


def _request(lab: str, checks: Sequence[Check], record: Record, seconds: float) -> bytes:
    sandbox = {name: str(value) for name, value in asdict(record).items()}
    return json.dumps(
        {
            "lab": lab,
            "sandbox": sandbox | {"pid": record.pid, "port": record.port},
            "seconds": seconds,
            "checks": [
                {
                    "task": check.task,
                    "file": [str(check.source.path), check.source.text],
                    "needed": check.needed,
                    "left": left.to_json(check.left),
                    "inputs": {
                        name: [one.arguments for one in results]
                        for name, results in check.left.calls.items()
                    },
                }
                for check in checks
            ],
        }
    ).encode()
