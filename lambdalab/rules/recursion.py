"""How Lambda notices that a function sets itself off, and stops it.

Every invocation hands a function a trace header whose ``Lineage`` counts how often each
function has run in this chain of requests. The AWS SDKs send the header along with what the
function does, SQS, SNS and Lambda pass it on, and Lambda counts one more. Source:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

The header's ``Lineage`` is not documented; it is written here as it was seen,
``Lineage=1:fe460cdd:0``, with further functions behind ``|``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from lambdalab.rules import limits
from lambdalab.rules.source import Source

__all__ = ["PAGE", "STOPPED", "Entry", "RecursiveLoop", "deepest", "enter", "lineage", "root"]

PAGE = Source("dg:invocation-recursion")
_PLACES = re.compile(r"(?:\d+:)?((?:[0-9a-f]{8}:\d+)(?:\|[0-9a-f]{8}:\d+)*)")

STOPPED = (
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web "
    "Services resources and stopped your function's invocation."
)
"""What the caller of a stopped invocation is told (the API model's own words)."""


class RecursiveLoop(StrEnum):
    """What happens to a loop, by PutFunctionRecursionConfig."""

    TERMINATE = "Terminate"
    ALLOW = "Allow"


@dataclass(frozen=True, slots=True)
class Entry:
    """A function as it is invoked in a chain of requests.

    Attributes
    ----------
    header
        The trace header it gets.
    invocations
        How often it has run in this chain, this time included.
    """

    header: str
    invocations: int

    @property
    def loops(self) -> bool:
        """Whether that is more often than Lambda lets a loop go on."""
        return self.invocations > limits.RECURSION.value


def lineage(header: str | None) -> dict[str, int]:
    """Return what a trace header says: print of a function -> its count, 0 for one run."""
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        # The AWS SDK for Python quotes the bar.
        match = _PLACES.fullmatch(unquote(value)) if name == "Lineage" else None
        if match:
            found = (place.split(":") for place in match[1].split("|"))
            return {key: int(count) for key, count in found}
    return {}


def deepest(headers: Iterable[str | None]) -> str | None:
    """Return the trace header with the longest chain: a batch goes on with that one.

    AWS does not say which of a batch's messages counts.
    """
    found = [header for header in headers if header]
    return max(found, key=lambda header: max(lineage(header).values(), default=-1), default=None)


def root(time: float, unique: str) -> str:
    """Return the trace header of a request that comes from nowhere.

    Parameters
    ----------
    time
        Epoch seconds.
    unique
        24 hex digits.
    """
    return f"Root=1-{int(time):08x}-{unique};Sampled=0"


def enter(header: str, function: str) -> Entry:
    """Return how a function is invoked by a request with this trace header.

    Parameters
    ----------
    header
        What came with the request, or a new :func:`root`.
    function
        Unqualified ARN of the function.
    """
    counts = lineage(header)
    key = f"{zlib.crc32(function.encode()):08x}"
    counts[key] = counts.get(key, -1) + 1
    kept = [part.strip() for part in header.split(";")]
    kept = [part for part in kept if part and not part.startswith("Lineage=")]
    return Entry(";".join([*kept, f"Lineage={_written(counts)}"]), counts[key] + 1)


def _written(counts: Mapping[str, int]) -> str:
    return "1:" + "|".join(f"{key}:{count}" for key, count in counts.items())
