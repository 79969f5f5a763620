"""What SQS does by time and moto does not: long polls, retention, the deduplication interval.

moto's long poll looks at the clock once a second of the machine's. Here it hears of every
message, of every change of the clock, and knows when a message comes back into sight.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.sqs import models

from lambdalab.sandbox import mototime
from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install"]

_MS = 1000.0
_ROUNDING_MS = 1e-3
"""More than two ways to reckon one moment can differ by."""
_LOOK_S = 1.0
"""A long poll looks again at the latest after this, of the machine's time."""


class _Polls:
    """The long polls that wait now; a change of the clock wakes them."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self._lock = threading.Lock()
        self._waiting: list[threading.Condition] = []

    def hear(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()

    def wait(self, queue: Untyped, clock: Clock, until: float, patience_s: float) -> None:
        """Wait for a message to be there, or for a service time; at most so long."""
        condition: threading.Condition = queue._messages_lock
        with self._lock:
            self._waiting.append(condition)
        try:
            with condition:
                if queue.messages:
                    return
                moments = [max(one.visible_at, one.delayed_until) for one in queue._messages]
                due = min([until, *(moment / _MS for moment in moments)])
                left = clock.until(due)
                condition.wait(min(patience_s, _LOOK_S, patience_s if left is None else left))
        finally:
            with self._lock:
                self._waiting.remove(condition)


_polls = _Polls()
_moto_receive = models.SQSBackend.receive_message
_moto_change_visibility = models.SQSBackend.change_message_visibility
_moto_delete = models.Queue.delete_message
_moto_add = models.Queue.add_message


def install(clock: Clock) -> None:
    """Let moto's SQS go by ``clock``; :func:`lambdalab.sandbox.mototime.install` comes before."""
    if _polls.clock is not clock:
        _polls.clock = clock
        clock.listen(_polls.hear)
    models.SQSBackend.receive_message = _receive
    models.SQSBackend.change_message_visibility = _change_visibility
    models.Queue.delete_message = _delete
    models.Queue.add_message = _add
    models.Queue.messages = property(_messages)
    models.Message.visible = property(lambda one: _passed(one.visible_at, _now_ms()))
    models.Message.delayed = property(lambda one: not _passed(one.delayed_until, _now_ms()))


def _now_ms() -> float:
    return mototime.now() * _MS


def _passed(moment_ms: float, now_ms: float) -> bool:
    return moment_ms <= now_ms + _ROUNDING_MS


def _messages(queue: Untyped) -> list[Any]:
    """Return what can be received; what was kept its time is gone (MessageRetentionPeriod)."""
    now = _now_ms()
    oldest = now - queue.message_retention_period * _MS
    if any(one.sent_timestamp <= oldest for one in queue._messages):
        with queue._messages_lock:
            queue._messages = [one for one in queue._messages if one.sent_timestamp > oldest]
            queue._pending_messages &= set(queue._messages)
    return [
        one
        for one in queue._messages
        if _passed(one.visible_at, now) and _passed(one.delayed_until, now)
    ]


def _receive(  # noqa: PLR0917 - moto's own signature
    backend: Untyped,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Any]:
    """Receive; with a wait, until it has ended in service time or in the machine's."""
    queue = backend.get_queue(queue_name)
    clock = _polls.clock
    assert clock is not None  # noqa: S101 - installed
    end, last = clock.now() + wait_seconds_timeout, time.monotonic() + wait_seconds_timeout
    while True:
        with queue._messages_lock:  # or two receivers would get the same message
            found: list[Any] = _moto_receive(
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
        patience = last - time.monotonic()
        if found or patience <= 0 or clock.until(end) == 0.0:
            return found
        _polls.wait(queue, clock, end, patience)


def _change_visibility(
    backend: Untyped, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    queue = backend.get_queue(queue_name)
    with queue._messages_lock:
        _moto_change_visibility(backend, queue_name, receipt_handle, visibility_timeout)
        queue._messages_lock.notify_all()


def _delete(queue: Untyped, receipt_handle: str) -> None:
    # moto puts a new list in the place of the old one: a message sent meanwhile would be lost.
    with queue._messages_lock:
        _moto_delete(queue, receipt_handle)
        queue._messages_lock.notify_all()  # its group may go on


def _add(queue: Untyped, message: Untyped) -> None:
    """Add a message, unless one of its deduplication id was sent in the last five minutes.

    moto compares with what is still in the queue; SQS remembers deleted messages, too.
    """
    if not queue.fifo_queue or not message.deduplication_id:
        _moto_add(queue, message)
        return
    scope = message.group_id if queue.deduplication_scope == "messageGroup" else ""
    key = f"{scope}\0{message.deduplication_id}"
    with queue._messages_lock:
        sent: dict[str, float] = queue.__dict__.setdefault("_sent", {})
        oldest = message.sent_timestamp - models.DEDUPLICATION_TIME_IN_SECONDS * _MS
        while sent and next(iter(sent.values())) <= oldest:
            del sent[next(iter(sent))]
        if key in sent:
            return
        sent[key] = message.sent_timestamp
        _moto_add(queue, message)
