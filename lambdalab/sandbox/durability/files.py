"""The files of what is kept: numbered snapshots, and the journal that follows each."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from lambdalab.sandbox import state

__all__ = ["Files"]

_NAME = re.compile(r"(state|journal)-(\d{8})")


class Files:
    """A folder of snapshots and journals. Journal *n* says what happened after snapshot *n*.

    Parameters
    ----------
    folder
        Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def state(self, number: int) -> Path:
        """Return where a snapshot is, or would be."""
        return self.folder / f"state-{number:08}"

    def journal(self, number: int) -> Path:
        """Return where a journal is, or would be."""
        return self.folder / f"journal-{number:08}"

    def write_state(self, number: int, data: bytes) -> None:
        """Write a snapshot: all of it or nothing.

        Raises
        ------
        SandboxError
            It cannot be written.
        """
        state.write(self.state(number), data, lasting=False)

    def newest_state(self) -> int:
        """Return the number of the newest snapshot; 0 if there is none."""
        return max(self._numbers("state"), default=0)

    def journals_from(self, number: int) -> list[Path]:
        """Return the journals from a number on, oldest first."""
        return [self.journal(one) for one in sorted(self._numbers("journal")) if one >= number]

    def forget_before(self, number: int) -> None:
        """Remove what a newer snapshot has made needless."""
        for kind in ("state", "journal"):
            for one in self._numbers(kind):
                if one < number:
                    with contextlib.suppress(OSError):
                        (self.folder / f"{kind}-{one:08}").unlink()

    def _numbers(self, kind: str) -> list[int]:
        found = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return [int(one[2]) for one in found if one is not None and one[1] == kind]
