"""One shard as its mapping reads it: how far it was read, its lanes, and what is kept of both."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from lambdalab.rules.streams import lane_of
from lambdalab.sandbox.pollers.lane import Lane, Window
from lambdalab.sandbox.pollers.stream_source import StreamRecord

__all__ = ["Shard"]


@dataclass(slots=True)
class Shard:
    """One shard. ``read`` is the position behind what was read."""

    id: str
    lanes: list[Lane]
    read: int
    done: bool = False
    """It is closed, and nothing of it is left."""
    ended: bool = False
    """It is closed, and all of it was read."""

    @classmethod
    def at(cls, shard: str, position: int, factor: int, *, done: bool = False) -> Shard:
        """Return a shard that is read from a position on."""
        lanes = [Lane(position) for _ in range(factor)]
        return cls(shard, lanes, position, done=done)

    @classmethod
    def restored(cls, shard: str, kept: dict[str, Any], factor: int) -> Shard:
        """Return a shard that goes on where its checkpoint says.

        With another number of lanes than before, from the one that is furthest behind: what the
        others had done comes a second time.
        """
        positions = [int(one) for one in kept["lanes"]]
        first = min(positions)
        found = cls.at(shard, first, factor, done=bool(kept["done"]))
        if len(positions) == factor:
            for lane, position, window in zip(found.lanes, positions, kept["windows"], strict=True):
                lane.position = position
                lane.window = Window(**window) if window else None
        return found

    def checkpoint(self) -> dict[str, Any]:
        """Return what is kept of it: JSON values."""
        return {
            "lanes": [str(self.read if one.idle else one.position) for one in self.lanes],
            "windows": [
                {"start": one.window.start, "end": one.window.end, "state": one.window.state}
                if one.window
                else None
                for one in self.lanes
            ],
            "done": self.done,
        }

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do of what was read."""
        return all(lane.idle and lane.window is None for lane in self.lanes)

    @property
    def buffered(self) -> int:
        """Count the records that were read and not handed over."""
        return sum(len(lane.pending) for lane in self.lanes)

    def fresh(self, records: list[StreamRecord]) -> list[StreamRecord]:
        """Return those records that their lane has not done yet."""
        factor = len(self.lanes)
        return [
            one for one in records if one.sequence > self.lanes[lane_of(one.key, factor)].position
        ]

    def take(self, records: list[StreamRecord], now: float) -> None:
        """Put records into their lanes."""
        factor = len(self.lanes)
        for one in records:
            self.lanes[lane_of(one.key, factor)].pending.append((now, one))

    def relane(self, factor: int) -> None:
        """Deal what waits out over another number of lanes; none of them may be busy.

        Batches that failed begin anew.
        """
        waiting = [pair for lane in self.lanes for pair in lane.pending]
        waiting += [
            (0.0, one) for lane in self.lanes for batch in lane.again for one in batch.records
        ]
        waiting.sort(key=lambda pair: pair[1].sequence)
        first = min(self.read if lane.idle else lane.position for lane in self.lanes)
        self.lanes = [Lane(first, deque()) for _ in range(factor)]
        for read, one in waiting:
            self.lanes[lane_of(one.key, factor)].pending.append((read, one))
