"""Turns the event log into the timeline's lanes and bars. Pure: no clock, no I/O, no widget.

One lane per execution environment. The bars of a lane follow one another without
overlapping; only a suppressed init lies inside another bar, the invoke that had to
wait for it. Refused requests have no environment: they are points of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import Event
from lambdalab.widgets.picture import Bar, Delta, Lane, Mark, Phase, Picture, Point

__all__ = ["LIMIT", "Drawing", "draw"]

LIMIT = 2_000
"""Bars and points that are kept; the oldest go first."""

_BLINK_S = 0.001
"""A wait for another init shorter than this is only the step from one event to the next.

In the machine's seconds: where service time runs faster, the step seems longer.
"""
_STILL_S = 1e-6
"""Service time that passes less in a whole phase stands still: it was put forward by steps."""
_REQUESTS = 1_000


def draw(events: Iterable[Event], function: str | None = None, limit: int = LIMIT) -> Picture:
    """Return the picture of a list of events, in the order of their ``seq``.

    Parameters
    ----------
    events
        What happened; kinds that are not drawn are passed over.
    function
        Only this function's environments and requests.
    limit
        Keep at most so many bars and points, the newest.
    """
    drawing = Drawing(function, limit)
    drawing.feed(events)
    return drawing.picture()


@dataclass(slots=True)
class _Track:
    """A lane while it is being drawn: what is open in it."""

    lane: Lane
    now: float
    """Nothing of this lane may begin earlier: clocks of two threads may disagree a little."""
    bar: str | None = None
    inner: str | None = None
    """The suppressed init inside ``bar``."""
    invoke: str | None = None
    """The invoke whose end was not reported yet; a shutdown may already have cut it."""


class Drawing:
    """A picture that grows with the event log.

    Parameters
    ----------
    function, limit
        As for :func:`draw`.
    """

    def __init__(self, function: str | None = None, limit: int = LIMIT) -> None:
        self._function = function
        self._limit = limit
        self._strict = False
        """After a reset, leftovers of environments from before it are not drawn."""
        self._tracks: dict[str, _Track] = {}
        self._items: dict[str, Bar | Point] = {}
        self._qualifiers: dict[str, str] = {}
        self._start: float | None = None
        self._end: float | None = None
        self._dropped = 0
        self._scale = 1.0
        """Seconds of service time in one of the machine's."""
        self._forget_changes()

    def _forget_changes(self) -> None:
        self._cleared = False
        self._removed: dict[str, None] = {}
        self._removed_lanes: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._changed_lanes: dict[str, None] = {}

    # -- reading --------------------------------------------------------------------------

    def picture(self) -> Picture:
        """Return everything drawn so far."""
        return Picture(
            tuple(track.lane for track in self._tracks.values()),
            tuple(self._items.values()),
            self._start,
            self._end,
            self._dropped,
        )

    def whole(self) -> Delta:
        """Return the delta that makes the picture out of nothing."""
        picture = self.picture()
        return Delta(
            True, (), (), picture.lanes, picture.items, picture.start, picture.end, picture.dropped
        )

    def delta(self) -> Delta:
        """Return what changed since this was last asked."""
        delta = Delta(
            self._cleared,
            tuple(self._removed),
            tuple(self._removed_lanes),
            tuple(self._tracks[name].lane for name in self._changed_lanes),
            tuple(self._items[name] for name in self._changed),
            self._start,
            self._end,
            self._dropped,
        )
        self._forget_changes()
        return delta

    # -- growing --------------------------------------------------------------------------

    def feed(self, events: Iterable[Event]) -> None:
        """Draw more events."""
        for event in events:
            if isinstance(event, ev.SandboxReset):
                self._clear()
            elif isinstance(event, ev.ClockChanged):
                self._scale = event.scale
            elif isinstance(event, ev.EnvironmentEvent):
                self._environment(event)
            elif isinstance(event, ev.InvocationEvent):
                self._invocation(event)
        self._trim()

    def _clear(self) -> None:
        self._tracks.clear()
        self._items.clear()
        self._qualifiers.clear()
        self._start = self._end = None
        self._dropped = 0
        self._strict = True
        self._forget_changes()
        self._cleared = True

    def _seen(self, time: float) -> None:
        self._start = time if self._start is None else min(self._start, time)
        self._end = time if self._end is None else max(self._end, time)

    def _invocation(self, event: ev.InvocationEvent) -> None:
        if self._function not in (None, event.function):
            return
        if isinstance(event, ev.Throttled):
            self._seen(event.time)
            self._put(
                Point(
                    str(event.seq),
                    event.time,
                    event.function,
                    event.qualifier,
                    event.request_id,
                    event.reason,
                )
            )
        elif isinstance(event, ev.InvokeReceived):
            self._qualifiers[event.request_id] = event.qualifier
            if len(self._qualifiers) > _REQUESTS:  # dry runs, and those that never began
                del self._qualifiers[next(iter(self._qualifiers))]

    def _environment(self, event: ev.EnvironmentEvent) -> None:
        if self._function not in (None, event.function) or isinstance(event, ev.LogLine):
            return
        track = self._tracks.get(event.environment)
        if track is None:
            if self._strict and not isinstance(event, ev.EnvironmentCreated):
                return
            lane = Lane(event.environment, event.function, event.version, event.time)
            track = self._tracks[lane.id] = _Track(lane, event.time)
            self._changed_lanes[lane.id] = None
            self._removed_lanes.pop(lane.id, None)
        elif track.lane.ended is not None:
            return
        self._seen(event.time)
        track.now = max(track.now, event.time)
        match event:
            case ev.EnvironmentCreated():
                self._update_lane(track, memory_mb=event.memory_mb, log_stream=event.log_stream)
            case ev.InitStarted():
                self._init_started(track, event)
            case ev.ExtensionRegistered():
                self._extension(track, event)
            case ev.InitFinished():
                self._init_finished(track, event)
            case ev.InvokeStarted():
                self._invoke_started(track, event)
            case ev.InvokeFinished():
                self._invoke_finished(track, event)
            case ev.EnvironmentFrozen():
                self._open(track, Bar(str(event.seq), track.lane.id, Phase.FROZEN, track.now))
            case ev.ShutdownStarted():
                self._shutdown_started(track, event)
            case ev.EnvironmentTerminated():
                self._terminated(track, event)

    def _init_started(self, track: _Track, event: ev.InitStarted) -> None:
        bar = Bar(str(event.seq), track.lane.id, Phase.INIT, track.now, suppressed=event.suppressed)
        if event.suppressed and self._is_open(track, Phase.INVOKE):
            self._close_inner(track)
            self._put(bar)
            track.inner = bar.id
        else:
            self._open(track, dataclasses.replace(bar, suppressed=False))

    def _extension(self, track: _Track, event: ev.ExtensionRegistered) -> None:
        bar = self._items.get(track.inner or track.bar or "")
        if isinstance(bar, Bar) and bar.phase is Phase.INIT:
            names = (*bar.extensions, event.extension)
            self._put(dataclasses.replace(bar, extensions=names))

    def _init_finished(self, track: _Track, event: ev.InitFinished) -> None:
        inner = self._items.get(track.inner or "")
        bar = inner or self._items.get(track.bar or "")
        if not isinstance(bar, Bar) or bar.phase is not Phase.INIT:
            return
        self._last(track, bar, event)
        mark = None
        if event.status != "success" and not bar.suppressed:
            mark = Mark.TIMEOUT if event.status == "timeout" else Mark.CRASH
        self._put(
            dataclasses.replace(
                bar,
                end=track.now,
                status=event.status,
                error_type=event.error_type,
                duration_ms=event.duration_ms,
                mark=mark,
            )
        )
        if bar is inner:
            track.inner = None
        else:
            track.bar = None

    def _invoke_started(self, track: _Track, event: ev.InvokeStarted) -> None:
        bar = Bar(
            str(event.seq),
            track.lane.id,
            Phase.INVOKE,
            track.now,
            request_id=event.request_id,
            qualifier=self._qualifiers.pop(event.request_id, None),
            cold=event.cold,
        )
        self._open(track, bar)
        track.invoke = bar.id

    def _invoke_finished(self, track: _Track, event: ev.InvokeFinished) -> None:
        bar = self._items.get(track.invoke or "")
        track.invoke = None
        if not isinstance(bar, Bar) or bar.request_id != event.request_id:
            return
        if track.bar == bar.id:
            self._last(track, bar, event)
            self._close(track)
            bar = dataclasses.replace(bar, end=track.now)
        mark = bar.mark
        if mark is None and event.status != "success":
            mark = Mark.TIMEOUT if event.status == "timeout" else Mark.ERROR
        self._put(
            dataclasses.replace(
                bar,
                mark=mark,
                status=event.status,
                error_type=event.error_type,
                duration_ms=event.duration_ms,
                billed_ms=event.billed_ms,
                max_memory_mb=event.max_memory_mb,
                init_ms=event.init_ms,
            )
        )

    def _shutdown_started(self, track: _Track, event: ev.ShutdownStarted) -> None:
        mark = {"timeout": Mark.TIMEOUT, "crash": Mark.CRASH}.get(event.cause)
        bar = self._items.get(track.bar or "")
        if isinstance(bar, Bar) and bar.phase is Phase.INVOKE:
            # What went wrong belongs to the invoke that it cut short.
            self._put(dataclasses.replace(bar, mark=mark))
            mark = None
        self._open(
            track,
            Bar(
                str(event.seq),
                track.lane.id,
                Phase.SHUTDOWN,
                track.now,
                mark=mark,
                reason=event.reason,
                cause=event.cause,
            ),
        )

    def _terminated(self, track: _Track, event: ev.EnvironmentTerminated) -> None:
        if event.restarts:
            self._open(track, Bar(str(event.seq), track.lane.id, Phase.RESET, track.now))
            return
        self._close(track)
        self._update_lane(track, ended=track.now)

    # -- bars -----------------------------------------------------------------------------

    def _is_open(self, track: _Track, phase: Phase) -> bool:
        bar = self._items.get(track.bar or "")
        return isinstance(bar, Bar) and bar.phase is phase

    def _open(self, track: _Track, bar: Bar) -> None:
        """Begin a bar; what was open in the lane ends where it begins."""
        self._close(track)
        self._put(bar)
        track.bar = bar.id

    def _close(self, track: _Track) -> None:
        self._close_inner(track)
        bar = self._items.get(track.bar or "")
        track.bar = None
        if not isinstance(bar, Bar):
            return
        if bar.phase is Phase.RESET and track.now - bar.start < _BLINK_S * max(1.0, self._scale):
            self._remove(bar.id)
        else:
            self._put(dataclasses.replace(bar, end=track.now))

    def _last(self, track: _Track, bar: Bar, event: ev.InitFinished | ev.InvokeFinished) -> None:
        """Let a phase last what it took, if service time stood still meanwhile."""
        if event.time - bar.start < _STILL_S:
            track.now = max(track.now, bar.start + event.duration_ms / 1000)
            self._seen(track.now)

    def _close_inner(self, track: _Track) -> None:
        inner = self._items.get(track.inner or "")
        track.inner = None
        if isinstance(inner, Bar):
            self._put(dataclasses.replace(inner, end=track.now))

    def _put(self, item: Bar | Point) -> None:
        self._items[item.id] = item
        self._changed[item.id] = None
        self._removed.pop(item.id, None)

    def _update_lane(self, track: _Track, **values: float | str) -> None:
        track.lane = dataclasses.replace(track.lane, **values)  # type: ignore[arg-type]
        self._changed_lanes[track.lane.id] = None

    # -- bounds ---------------------------------------------------------------------------

    def _remove(self, name: str) -> None:
        del self._items[name]
        self._changed.pop(name, None)
        self._removed[name] = None

    def _trim(self) -> None:
        """Drop the oldest items above the limit, and lanes that ended and are empty."""
        surplus = len(self._items) - self._limit
        if surplus <= 0:
            return
        open_now = {
            name for track in self._tracks.values() for name in (track.bar, track.inner) if name
        }
        for name in list(self._items):
            if surplus <= 0:
                break
            if name not in open_now:
                self._remove(name)
                self._dropped += 1
                surplus -= 1
        kept = {item.lane for item in self._items.values() if isinstance(item, Bar)}
        for name, track in list(self._tracks.items()):
            if name not in kept and track.lane.ended is not None:
                del self._tracks[name]
                self._changed_lanes.pop(name, None)
                self._removed_lanes[name] = None
        self._start = min(
            (item.start if isinstance(item, Bar) else item.time for item in self._items.values()),
            default=None,
        )
