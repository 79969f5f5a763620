"""Lanes and bars made of the event log: they tell what happened, completely and in order."""

from __future__ import annotations

import dataclasses
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab.sandbox import events as ev
from lambdalab.sandbox.events import EVENT_TYPES, Event
from lambdalab.widgets.lanes import Drawing, draw
from lambdalab.widgets.picture import Bar, Delta, Lane, Mark, Phase, Picture, Point
from tests.widgets.records import START, Log, Story, logs, numbered

PATIENT = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


def phases(picture: Picture, lane: str = "a" * 32) -> list[str]:
    return [
        f"({bar.phase})" if bar.suppressed else str(bar.phase.value) for bar in picture.bars(lane)
    ]


def bars(picture: Picture, phase: Phase) -> list[Bar]:
    return [item for item in picture.items if isinstance(item, Bar) and item.phase is phase]


def test_nothing_happened() -> None:
    assert draw([]) == Picture()


def test_cold_then_warm() -> None:
    story = Story(Log())
    first = story.invoke()
    story.log.now += 5
    second = story.invoke()
    picture = draw(story.log.events)
    assert phases(picture) == ["init", "invoke", "frozen", "invoke", "frozen"]
    init, cold, idle, warm, last = picture.bars(story.id)
    assert (cold.request_id, cold.cold, cold.init_ms) == (first, True, 70.0)
    assert (warm.request_id, warm.cold, warm.init_ms) == (second, False, None)
    assert cold.qualifier == warm.qualifier == "PROD"
    assert (cold.status, cold.billed_ms, cold.max_memory_mb) == ("success", 11, 40)
    assert init.duration_ms == 70.0
    assert idle.end is not None
    assert idle.end - idle.start == pytest.approx(5)
    assert last.end is None
    assert picture.start == START
    lane = picture.lanes[0]
    assert (lane.function, lane.version, lane.memory_mb, lane.ended) == (
        "hello",
        "$LATEST",
        128,
        None,
    )


def test_a_timeout_cuts_the_invoke_and_init_runs_again_inside_the_next() -> None:
    story = Story(Log())
    story.invoke("timeout", lasts=1.0)
    story.log.now += 2
    story.invoke()
    picture = draw(story.log.events)
    assert phases(picture) == [
        "init",
        "invoke",
        "shutdown",
        "reset",
        "invoke",
        "(init)",
        "frozen",
    ]
    _, cut, shutdown, reset, invoke, inner, _ = picture.bars(story.id)
    assert (cut.mark, cut.status) == (Mark.TIMEOUT, "timeout")
    assert cut.end == shutdown.start
    assert (shutdown.mark, shutdown.cause) == (None, "timeout")
    assert reset.end == invoke.start
    assert inner.end is not None
    assert invoke.end is not None
    assert invoke.start <= inner.start <= inner.end <= invoke.end


def test_a_crash_an_error_and_a_death_while_idle_have_their_marks() -> None:
    story = Story(Log())
    story.invoke("error")
    story.invoke("crash")
    story.invoke()
    story.retire("crash")
    picture = draw(story.log.events)
    assert [bar.mark for bar in bars(picture, Phase.INVOKE)] == [Mark.ERROR, Mark.CRASH, None]
    assert [bar.mark for bar in bars(picture, Phase.SHUTDOWN)] == [None, Mark.CRASH]
    assert picture.lanes[0].ended is not None


@pytest.mark.parametrize(("status", "mark"), [("error", Mark.CRASH), ("timeout", Mark.TIMEOUT)])
def test_a_failed_init_is_marked_and_leaves_no_empty_wait(status: str, mark: Mark) -> None:
    story = Story(Log())
    story.invoke(init=status)
    picture = draw(story.log.events)
    assert phases(picture) == ["init", "invoke", "(init)", "frozen"]
    assert [bar.mark for bar in bars(picture, Phase.INIT)] == [mark, None]


def test_extensions_belong_to_the_init_they_registered_in() -> None:
    story = Story(Log())
    story.create()
    story.add(ev.InitStarted)
    story.add(ev.ExtensionRegistered, extension="watch", events=("SHUTDOWN",), internal=False)
    story.add(ev.InitFinished, 0.1, duration_ms=100.0, status="success")
    assert bars(draw(story.log.events), Phase.INIT)[0].extensions == ("watch",)


def test_refused_requests_are_points_without_a_lane() -> None:
    log = Log()
    log.add(ev.Throttled, function="f", qualifier="1", request_id="r", reason="Because")
    picture = draw(log.events)
    assert picture.lanes == ()
    assert picture.items == (Point("1", START, "f", "1", "r", "Because"),)


def test_only_one_function() -> None:
    log = Log()
    Story(log, id="a" * 32, function="hello").invoke()
    Story(log, id="b" * 32, function="orders").invoke()
    log.add(ev.Throttled, function="orders", qualifier="1", request_id="r", reason="Because")
    picture = draw(log.events, "hello")
    assert [lane.function for lane in picture.lanes] == ["hello"]
    assert picture.points() == []
    assert len(draw(log.events).lanes) == 2


def test_a_reset_clears_the_picture_and_what_ends_later_stays_out() -> None:
    story = Story(Log())
    story.invoke()
    story.add(ev.InvokeStarted, request_id="late", cold=False)
    story.log.add(ev.SandboxReset)
    story.add(ev.EnvironmentFrozen)
    story.retire("reset")
    assert draw(story.log.events) == Picture()
    fresh = Story(story.log, id="b" * 32)
    fresh.invoke()
    assert [lane.id for lane in draw(story.log.events).lanes] == ["b" * 32]


def test_a_log_that_begins_in_the_middle_is_drawn_from_there() -> None:
    story = Story(Log())
    story.invoke()
    story.invoke()
    later = [event for event in story.log.events if event.seq >= 9]
    assert isinstance(later[0], ev.InvokeStarted)
    assert phases(draw(later)) == ["invoke", "frozen"]


def test_the_oldest_are_dropped_and_counted() -> None:
    story = Story(Log())
    for _ in range(50):
        story.invoke()
    story.retire()
    last = Story(story.log, id="b" * 32)
    for _ in range(10):
        last.invoke()
    picture = draw(story.log.events, limit=12)
    whole = draw(story.log.events)
    assert len(picture.items) == 12
    assert picture.items == whole.items[-12:]
    assert picture.dropped == len(whole.items) - 12
    assert [lane.id for lane in picture.lanes] == ["b" * 32]
    first = picture.items[0]
    assert isinstance(first, Bar)
    assert picture.start == first.start


def test_what_still_goes_on_is_never_dropped() -> None:
    log = Log()
    open_one = Story(log, id="a" * 32)
    open_one.create()
    open_one.add(ev.InitStarted)
    other = Story(log, id="b" * 32)
    for _ in range(20):
        other.invoke()
    picture = draw(log.events, limit=5)
    assert phases(picture) == ["init"]


# -- properties ---------------------------------------------------------------------------


@PATIENT
@given(logs())
def test_bars_of_a_lane_never_overlap(log: list[Event]) -> None:
    picture = draw(log)
    for lane in picture.lanes:
        outer = [bar for bar in picture.bars(lane.id) if not bar.suppressed]
        for one, two in pairwise(outer):
            assert one.end is not None
            assert one.start <= one.end <= two.start
        for bar in outer:
            assert bar.start >= lane.created
            assert lane.ended is None or (bar.end is not None and bar.end <= lane.ended)
        for inner in picture.bars(lane.id):
            if inner.suppressed:
                assert any(
                    bar.phase is Phase.INVOKE
                    and bar.start <= inner.start
                    and (bar.end is None or (inner.end is not None and inner.end <= bar.end))
                    for bar in outer
                )


@PATIENT
@given(logs())
def test_every_request_has_exactly_one_bar_or_point(log: list[Event]) -> None:
    picture = draw(log)
    started = [event.request_id for event in log if isinstance(event, ev.InvokeStarted)]
    refused = [event.request_id for event in log if isinstance(event, ev.Throttled)]
    assert [bar.request_id for bar in bars(picture, Phase.INVOKE)] == started
    assert [point.request_id for point in picture.points()] == refused
    finished = {event.request_id: event for event in log if isinstance(event, ev.InvokeFinished)}
    for bar in bars(picture, Phase.INVOKE):
        assert bar.request_id is not None
        assert bar.status == finished[bar.request_id].status
        assert (bar.mark is None) == (bar.status == "success")
    inits = [event for event in log if isinstance(event, ev.InitStarted)]
    assert len(bars(picture, Phase.INIT)) == len(inits)


@PATIENT
@given(logs(), st.lists(st.integers(1, 7), max_size=60), st.integers(3, 40))
def test_deltas_add_up_to_the_picture(log: list[Event], sizes: list[int], limit: int) -> None:
    drawing = Drawing(limit=limit)
    lanes: dict[str, Lane] = {}
    items: dict[str, Bar | Point] = {}
    rest = list(log)
    for size in [*sizes, len(rest)]:
        drawing.feed(rest[:size])
        rest = rest[size:]
        apply(drawing.delta(), lanes, items)
        picture = drawing.picture()
        assert lanes == {lane.id: lane for lane in picture.lanes}
        assert items == {item.id: item for item in picture.items}
    assert not drawing.delta()
    whole_lanes: dict[str, Lane] = {}
    whole_items: dict[str, Bar | Point] = {"stale": next(iter(items.values()))} if items else {}
    apply(drawing.whole(), whole_lanes, whole_items)
    assert (whole_lanes, whole_items) == (lanes, items)


def apply(delta: Delta, lanes: dict[str, Lane], items: dict[str, Bar | Point]) -> None:
    """Do what the browser does with a delta."""
    if delta.cleared:
        lanes.clear()
        items.clear()
    for name in delta.removed:
        items.pop(name, None)
    for name in delta.removed_lanes:
        lanes.pop(name, None)
    lanes.update({lane.id: lane for lane in delta.lanes})
    items.update({item.id: item for item in delta.items})


@PATIENT
@given(logs(), st.randoms(use_true_random=False))
def test_any_order_and_any_loss_is_drawn_without_overlap(
    log: list[Event], chance: random.Random
) -> None:
    """A log with holes, or of a version that records in another order, breaks nothing."""
    kept = [event for event in log if chance.random() < 0.7]
    chance.shuffle(kept)
    picture = draw(numbered(kept))
    for lane in picture.lanes:
        outer = [bar for bar in picture.bars(lane.id) if not bar.suppressed]
        ends = [(bar.start, bar.end) for bar in outer]
        assert all(end is not None for _, end in ends[:-1])
        assert all(one[1] is not None and one[1] <= two[0] for one, two in pairwise(ends))


def test_a_phase_in_which_time_stood_still_lasts_what_it_took() -> None:
    """While time is put forward step by step, begin and end of an invoke are one moment."""
    log = Log()
    story = Story(log)
    story.invoke()
    log.now += 3600
    story.invoke()
    events = [dataclasses.replace(event, time=START) for event in log.events]
    for event in events[-3:]:
        object.__setattr__(event, "time", START + 3600)
    picture = draw(events)
    bars = picture.bars(story.id)
    assert [bar.phase for bar in bars] == [
        Phase.INIT,
        Phase.INVOKE,
        Phase.FROZEN,
        Phase.INVOKE,
        Phase.FROZEN,
    ]
    init, first, frozen, second, _ = bars
    assert init.end == first.start == pytest.approx(START + 0.07)
    for invoke in (first, second):
        assert invoke.end is not None and invoke.duration_ms
        assert invoke.end - invoke.start == pytest.approx(invoke.duration_ms / 1000)
    assert frozen.end == second.start == START + 3600
    assert picture.end == second.end


def test_a_step_between_two_events_is_no_wait_though_time_runs_faster() -> None:
    def phases(*before: Event) -> list[Phase]:
        log = Log(events=list(before))
        story = Story(log)
        story.invoke("crash")
        log.now += 0.03  # half a millisecond of the machine's
        story.invoke()
        return [bar.phase for bar in draw(numbered(log.events)).bars(story.id)]

    assert Phase.RESET in phases()
    assert Phase.RESET not in phases(ev.ClockChanged(scale=60.0, paused=False))


def test_every_kind_of_event_is_drawn_or_passed_over() -> None:
    """A kind that the log learns later must not break the picture."""
    values: dict[str, Any] = {
        "str": "x",
        "float": 1.0,
        "int": 1,
        "bool": False,
        "tuple[str, ...]": (),
        "tuple[int, ...]": (),
        "tuple[int, int]": (1, 2),
        "Mapping[str, str]": {},
    }
    for kind in EVENT_TYPES.values():
        given_ = {
            one.name: values[str(one.type).removesuffix(" | None")]
            for one in dataclasses.fields(kind)
        }
        draw([kind(**given_)])
