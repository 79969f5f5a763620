"""What a stream is to its poller: shards, and records behind a position in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["ShardInfo", "StreamGoneError", "StreamRecord", "StreamSource"]


class StreamGoneError(Exception):
    """There is no such stream any more."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record.

    Attributes
    ----------
    sequence
        Its sequence number.
    key
        Records of one key are processed in order.
    arrived
        When it entered the stream, epoch seconds.
    event
        The record as a function gets it.
    text
        That, as JSON text.
    """

    sequence: int
    key: str
    arrived: float
    event: Mapping[str, Any]
    text: str

    @property
    def name(self) -> str:
        """Its sequence number, as the API writes it."""
        return str(self.sequence)


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """One shard, those it came out of, and whether records still enter it."""

    id: str
    parents: tuple[str, ...]
    open: bool


class StreamSource(Protocol):
    """Reads one stream from moto's state; the caller passes the gate.

    Positions are sequence numbers: what is read comes behind them. 0 is before everything.
    """

    batch_info: str
    """What an on-failure record calls the place of the records."""

    def shards(self) -> list[ShardInfo]:
        """Return all shards, those that are closed too.

        Raises
        ------
        StreamGoneError
            The stream was deleted.
        """
        ...

    def retention(self) -> float:
        """Return how long records are kept, in seconds."""
        ...

    def read(
        self, shard: str, after: int, *, now: float, limit: int, role_arn: str
    ) -> list[StreamRecord]:
        """Return the records behind a position that are still kept, oldest first.

        ``role_arn``: who reads; records say so.
        """
        ...

    def behind(self, shard: str, after: int) -> int:
        """Count the records behind a position."""
        ...

    def tip(self, shard: str) -> int:
        """Return the position behind all records."""
        ...

    def before(self, shard: str, time: float) -> int:
        """Return the position before the first record that arrived at a time or later."""
        ...

    def filtered(self, record: StreamRecord) -> tuple[Mapping[str, Any], str | None]:
        """Return what filters look at, and which member of it is text from the producer."""
        ...
