"""What was copied into a course folder: how a file the learner changed is told from one not.

``.lambdalab/manifest.json`` holds, for each file, the print of the version that was
copied and of the newest version that was put beside a changed one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdalab.course.storage import write_atomically

__all__ = ["Entry", "Manifest", "fingerprint"]

FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one file."""

    copied: str
    """Print of the version the learner got."""
    offered: str = ""
    """Print of the newer version that lies beside it."""


@dataclass(slots=True)
class Manifest:
    """The files of a course folder, by their path relative to it."""

    path: Path
    files: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in ``folder``; a missing or damaged one knows nothing.

        Knowing nothing is safe: a file it does not know counts as the learner's.
        """
        path = folder / FILE
        try:
            data: Any = json.loads(path.read_bytes())
            files = {
                str(name): Entry(str(entry["copied"]), str(entry.get("offered", "")))
                for name, entry in data["files"].items()
            }
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            files = {}
        return cls(path, files)

    def write(self) -> None:
        """Write it.

        Raises
        ------
        OSError
            It cannot be written.
        """
        files = {
            name: {"copied": entry.copied} | ({"offered": entry.offered} if entry.offered else {})
            for name, entry in sorted(self.files.items())
        }
        text = json.dumps({"version": 1, "files": files}, ensure_ascii=False, indent=1)
        write_atomically(self.path, f"{text}\n".encode())


def fingerprint(data: bytes) -> str:
    """Return what tells one version of a file from another.

    Of a notebook only the cells' kinds and texts count: running it, or opening it in
    another JupyterLab, does not make it the learner's own.
    """
    return hashlib.sha256(_cells(data) or data).hexdigest()


def _cells(data: bytes) -> bytes | None:
    try:
        cells = [
            [str(cell["cell_type"]), "".join(cell["source"])] for cell in json.loads(data)["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return None
    return json.dumps(cells).encode()
