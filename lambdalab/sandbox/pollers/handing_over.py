"""Has one batch of a lane processed once, and decides what becomes of it."""

from __future__ import annotations

from lambdalab.rules import streams as rules
from lambdalab.rules import tumbling
from lambdalab.rules.discards import Condition
from lambdalab.rules.streams import Fate
from lambdalab.sandbox.events import BatchSplit, ShardBlocked
from lambdalab.sandbox.pollers.discarding import discard
from lambdalab.sandbox.pollers.lane import Batch, Lane, Settings
from lambdalab.sandbox.pollers.mapping import OK
from lambdalab.sandbox.pollers.shard import Shard
from lambdalab.sandbox.pollers.stream_attempt import Outcome, attempt
from lambdalab.sandbox.pollers.stream_context import Polled

__all__ = ["hand_over"]

_FAILED = "PROBLEM: Function call failed"


def hand_over(polled: Polled, shard: Shard, lane: Lane, batch: Batch) -> None:
    """Invoke the function with a batch; the lane is busy, so nobody else touches it.

    Raises
    ------
    StreamGoneError
        The stream was deleted meanwhile.
    """
    settings = polled.settings
    try:
        _drop_old(polled, shard, lane, batch, settings)
        if polled.closed or not (batch.records or batch.final):
            return
        outcome = attempt(polled, shard.id, batch, lane.window, settings)
        if not polled.closed:
            _conclude(polled, shard, lane, batch, outcome)
    except Exception:
        # Whatever is wrong here, no record is lost.
        if all(one is not batch for one in lane.again):
            batch.due = polled.parts.clock.now() + rules.BACKOFF_LIMIT.value
            lane.again.appendleft(batch)
        raise


def _drop_old(polled: Polled, shard: Shard, lane: Lane, batch: Batch, settings: Settings) -> None:
    with polled.parts.gate.passing():
        if polled.closed:
            return
        limit = rules.age_limit(settings.max_age, polled.source.retention())
    now = polled.parts.clock.now()
    old = [one for one in batch.records if rules.expired(one.arrived, now, limit)]
    if old:
        discard(polled, shard.id, batch, old, Condition.AGE)
        batch.records = batch.records[len(old) :]
        lane.position = old[-1].sequence


def _conclude(polled: Polled, shard: Shard, lane: Lane, batch: Batch, outcome: Outcome) -> None:
    if outcome.status in ("success", "partial"):
        _carry(lane, batch, outcome)
    if outcome.failed:
        lane.position = batch.records[outcome.failed - 1].sequence
    if outcome.status == "success":
        polled.mapping.note(OK)
        return
    polled.mapping.note(_FAILED)
    if not outcome.ran or batch.final:
        # Nothing was invoked, or a window could not be closed: no quota is used.
        _come_again(polled, shard, lane, batch)
        return
    settings = polled.settings
    whole, rest = len(batch.records), batch.records[outcome.failed :]
    verdict = rules.after_error(
        whole,
        batch.retries,
        failed=outcome.failed,
        bisect_on_error=settings.bisect,
        max_retries=settings.max_retries,
    )
    if verdict.fate is Fate.SPLIT:
        sizes = (verdict.at, whole - verdict.at)
        polled.parts.events.record(
            BatchSplit(**polled.where(shard.id), batch=batch.id, parts=sizes)
        )
        if not outcome.failed:
            lane.again.appendleft(batch.part(batch.records[verdict.at :]))
            rest = batch.records[: verdict.at]
        _come_again(polled, shard, lane, batch.part(rest))
    elif verdict.fate is Fate.DISCARD:
        discard(polled, shard.id, batch, rest, Condition.RETRIES)
        lane.position = rest[-1].sequence
    else:
        batch.records = rest
        batch.retries += 1
        _come_again(polled, shard, lane, batch)


def _carry(lane: Lane, batch: Batch, outcome: Outcome) -> None:
    """Take a function's state over to its next invocation in the tumbling window."""
    window = lane.window
    if window is None:
        return
    if batch.early:
        window.state = {}
    elif batch.final:
        lane.window = None
    elif outcome.state is not None:
        window.state = outcome.state
        if tumbling.overflows(outcome.state):
            lane.again.appendleft(Batch([], final=True, early=True))


def _come_again(polled: Polled, shard: Shard, lane: Lane, batch: Batch) -> None:
    """Have a batch tried before anything else in its lane."""
    batch.failures += 1
    batch.due = polled.parts.clock.now() + rules.backoff(batch.failures)
    lane.again.appendleft(batch)
    with polled.parts.gate.passing():
        if polled.closed:
            return
        unread = polled.source.behind(shard.id, shard.read)
    polled.parts.events.record(
        ShardBlocked(
            **polled.where(shard.id),
            batch=batch.id,
            attempt=batch.attempt + 1,
            due=batch.due,
            waiting=lane.waiting + unread,
        )
    )
