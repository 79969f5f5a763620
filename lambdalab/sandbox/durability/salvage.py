"""What a sandbox that died leaves in its workspace's folder, until its successor has it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ASIDE", "FOLDER", "LEFT", "Salvage", "forget_old", "remove_tree", "salvage"]

FOLDER = "kept"
"""The folder, in a run's own, of what it keeps for its successor."""
LEFT = "left"
"""Where that is, in the workspace's folder, when the run is over."""
ASIDE = "unrecovered-"
_TRIES = "tries"
_TRIES_MAX = 2
_DAYS = 7
"""How long it waits for its workspace."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What a sandbox that died had kept, taken out of its run's folder."""

    path: Path

    def begin(self) -> bool:
        """Count one more attempt to restore it; say whether there should be one.

        What has ended those that tried before is not tried for ever.
        """
        counter = self.path / _TRIES
        tries = counter.stat().st_size if counter.exists() else 0
        with counter.open("ab") as file:
            file.write(b".")
        return tries < _TRIES_MAX

    def put_aside(self) -> Path:
        """Move it to where nothing touches it for some days; return that place."""
        target = self.path.with_name(f"{ASIDE}{int(time.time())}-{os.getpid()}")
        self.path.rename(target)
        target.touch()
        return target


def salvage(folder: Path, runs: Iterable[Path]) -> Salvage | None:
    """Take what the newest of some dead runs had kept to the workspace's folder.

    ``None``: there is nothing, and nothing waits there from before.
    """
    left = folder / LEFT
    kept = [run / FOLDER for run in runs if (run / FOLDER).is_dir()]
    kept.sort(key=lambda path: path.stat().st_mtime)
    while kept and not left.exists():
        newest = kept.pop()
        if any(file.stat().st_size for file in newest.iterdir()):
            newest.rename(left)
            left.touch()
    return Salvage(left) if left.exists() else None


def forget_old(paths: Iterable[Path]) -> None:
    """Remove what nobody came back for."""
    oldest = time.time() - _DAYS * 86_400
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                remove_tree(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything in it, read-only parts included; gone is fine."""

    def unlock(_function: object, path: str, _error: object) -> None:
        parent = Path(path).parent
        with contextlib.suppress(OSError):
            parent.chmod(0o700)
            place = Path(path)
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o700)
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)

    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=unlock)
    else:
        shutil.rmtree(folder, onerror=unlock)
