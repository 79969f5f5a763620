"""The order that asks the zygote for one process of an environment."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["PLACE_LAYERS", "PLACE_RUNTIME", "PLACE_TASK", "PLACE_TMP", "ProcessSpec"]

PLACE_TASK = "\0task\0"
PLACE_LAYERS = "\0layers\0"
PLACE_RUNTIME = "\0runtime\0"
PLACE_TMP = "\0tmp\0"
"""Stand for folders until the process knows where it sees them; no variable can hold a NUL."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process to make.

    Attributes
    ----------
    environment
        Id of the execution environment it belongs to.
    kind
        ``python`` (the managed runtime, forked) or ``exec`` (a program of the
        function's or a layer's).
    program
        For ``exec``: the candidates, the first that is executable runs.
    variables
        The environment variables; both may hold the placeholders above.
    code, layers, temporary
        The real folders.
    ephemeral_mb
        Size of ``/tmp``.
    client
        Which runtime client drives a Python handler: ``awslambdaric`` or ``python``.
    poll_in_thread
        Whether ``next`` is awaited in a thread, so that SIGTERM is seen meanwhile.
    """

    environment: str
    kind: str
    program: tuple[str, ...]
    variables: dict[str, str]
    code: str
    layers: str
    temporary: str
    ephemeral_mb: int
    client: str = "awslambdaric"
    poll_in_thread: bool = False

    def dumps(self) -> str:
        """Return the order as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, data: dict[str, Any]) -> ProcessSpec:
        """Return the order from parsed JSON."""
        return cls(**{**data, "program": tuple(data["program"])})
