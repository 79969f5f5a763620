"""SQS as a consumer sees it, where moto's differs; and word to whoever waits for a message.

moto hands one message to two receivers at once, knows nothing of a group whose first message
is in flight when it looks twice, forgets a deduplication id with its message, keeps what is
past its retention, and looks at every message several times for each that is sent. Queues and
messages of ours are moto's own, with these put right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid, SQSException

from lambdalab.sandbox.motosqs_message import MS, ROUNDING_MS, LabMessage, now_ms

__all__ = ["LabMessage", "LabQueue", "QueueListener", "changed", "listen", "queue_of", "unlisten"]

_HANDLE = re.compile(r"AQEB[A-Za-z0-9+/]{180,}={0,2}")
_VISIBILITY_MAX_MS = 43_200 * MS
_FIRST_SEQUENCE = 18_870_000_000_000_000_000
_EXPIRE_MS = 1_000.0
"""How often a queue looks for messages past their retention."""


class QueueListener:
    """Hears what happens to queues, after it did and before it is answered; returns at once."""

    def added(self, queue: LabQueue, message: LabMessage) -> None:
        """Hear of a message that came, from a sender or from a queue that gave it up."""

    def removed(self, queue: LabQueue, messages: Sequence[LabMessage]) -> None:
        """Hear of messages that are gone: deleted, purged, past their retention, moved away."""

    def touched(self, queue: LabQueue, messages: Sequence[LabMessage]) -> None:
        """Hear of messages that were received, or come back at another time."""

    def moved(self, source: LabQueue, target: LabQueue, message: LabMessage) -> None:
        """Hear of a message that was received too often; ``added`` to its target came before."""

    def changed(self, queue: LabQueue) -> None:
        """Hear that more can be received than before, or that the queue has come or gone."""


_listeners: list[QueueListener] = []


def listen(listener: QueueListener) -> None:
    """Have a listener hear of all queues; those that came first hear first."""
    _listeners.append(listener)


def unlisten(listener: QueueListener) -> None:
    """Have it hear no more."""
    if listener in _listeners:
        _listeners.remove(listener)


def queue_of(arn: str) -> LabQueue | None:
    """Return the queue of an ARN, if there is one."""
    words = arn.split(":")
    if len(words) != 6:
        return None
    regions = dict.get(models.sqs_backends, words[4])
    backend = None if regions is None else dict.get(regions, words[3])
    found: LabQueue | None = None if backend is None else backend.queues.get(words[5])
    return found


class _Attributes(Mapping[str, Any]):
    """A queue's attributes, counted when they are asked for: moto asks for others all the time."""

    def __init__(self, queue: LabQueue, names: Iterable[str]) -> None:
        self._queue = queue
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as moto has them
        if name not in self._names:
            raise KeyError(name)
        value = getattr(self._queue, camelcase_to_underscores(name))
        if name == "RedrivePolicy" and value:
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class LabQueue(models.Queue):  # type: ignore[misc]
    """moto's queue, pickled under moto's own name. Thread-safe: its lock is held for each step."""

    __module__ = models.__name__
    __qualname__ = "Queue"

    _messages: list[Any]

    # -- facts ----------------------------------------------------------------------------

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Its attributes, as GetQueueAttributes has them."""
        names = list(self.BASE_ATTRIBUTES)
        if self.fifo_queue:
            names += self.FIFO_ATTRIBUTES
        if self.kms_master_key_id:
            names += self.KMS_ATTRIBUTES
        return _Attributes(self, names)

    @property
    def messages(self) -> list[LabMessage]:
        """What can be received now."""
        with self._messages_lock:
            gone = self._expire()
            latest = now_ms() + ROUNDING_MS
            found = [one for one in self._messages if one.ready_ms <= latest]
        if gone:
            _removed(self, gone)
        return found

    def has_ready(self) -> bool:
        """Tell whether something can be received now."""
        with self._messages_lock:
            return next(self._in_turn(now_ms() + ROUNDING_MS), None) is not None

    def next_ready(self) -> float | None:
        """Return when something can be received that cannot be now, in epoch seconds."""
        latest = now_ms() + ROUNDING_MS
        with self._messages_lock:
            moments = [one.ready_ms for one in self._messages]
        return min((one / MS for one in moments if one > latest), default=None)

    # -- sending --------------------------------------------------------------------------

    def add_message(self, message: LabMessage) -> None:
        """Take a message; a FIFO queue takes none of the same deduplication id for 5 minutes.

        SQS remembers the id of a deleted message, too.
        """
        with self._messages_lock:
            if self.fifo_queue and self._duplicate(message):
                return
            self._append(message)
        _added(self, message)

    def _append(self, message: LabMessage) -> None:
        with self._messages_lock:
            self._messages.append(message)
            self._messages_lock.notify_all()

    def remember(self, message: LabMessage) -> None:
        """Take a message of a restored FIFO queue for one that was sent to it."""
        number = int(message.sequence_number or 0)
        self.__dict__["_sequence"] = max(self.__dict__.get("_sequence", _FIRST_SEQUENCE), number)
        sent: dict[str, tuple[float, str, str | None]] = self.__dict__.setdefault("_sent", {})
        if message.deduplication_id:
            known = (message.sent_timestamp, message.id, message.sequence_number)
            sent.setdefault(self._sent_as(message), known)

    def _sent_as(self, message: LabMessage) -> str:
        key = message.deduplication_id or ""
        return f"{message.group_id}\0{key}" if self.deduplication_scope == "messageGroup" else key

    def _duplicate(self, message: LabMessage) -> bool:
        key = self._sent_as(message)
        sent: dict[str, tuple[float, str, str]] = self.__dict__.setdefault("_sent", {})
        oldest = message.sent_timestamp - models.DEDUPLICATION_TIME_IN_SECONDS * MS
        while sent and next(iter(sent.values()))[0] <= oldest:
            del sent[next(iter(sent))]
        if message.deduplication_id and key in sent:
            _, message.id, message.sequence_number = sent[key]
            return True
        number: int = self.__dict__.get("_sequence", _FIRST_SEQUENCE) + 256
        self.__dict__["_sequence"] = number
        message.sequence_number = str(number)
        sent[key] = (message.sent_timestamp, message.id, message.sequence_number)
        return False

    # -- receiving ------------------------------------------------------------------------

    def receive(self, count: int, visibility_s: int) -> list[LabMessage]:
        """Take up to ``count`` messages into flight; give up those received too often.

        Of a FIFO queue's group nothing is taken while one of its messages is in flight.
        """
        taken: list[LabMessage] = []
        given_up: list[LabMessage] = []
        target = self._target()
        most = self.redrive_policy["maxReceiveCount"] if target is not None else 0
        with self._messages_lock:
            gone = self._expire()
            now = now_ms()
            for message in self._in_turn(now + ROUNDING_MS):
                if target is not None and message.approximate_receive_count >= most:
                    given_up.append(message)
                    continue
                message.receive(now, visibility_s)
                taken.append(message)
                if len(taken) >= count:
                    break
            for message in given_up:
                self._messages.remove(message)
        if gone:
            _removed(self, gone)
        if target is not None and given_up:
            self._give_up(target, given_up)
        if taken:
            _touched(self, taken)
        return taken

    def _target(self) -> LabQueue | None:
        """Return the dead-letter queue; a message is never given up to one that is gone."""
        policy = self.redrive_policy
        return queue_of(policy["deadLetterTargetArn"]) if policy else None

    def _in_turn(self, latest: float) -> Iterator[LabMessage]:
        """Yield what can be received, a FIFO queue's by group: as many of one as there are."""
        if not self.fifo_queue:
            for message in self._messages:
                if message.visible_at <= latest and message.delayed_until <= latest:
                    yield message
            return
        groups: dict[str | None, list[LabMessage]] = {}
        locked: set[str | None] = set()
        for message in self._messages:
            if message.ready_ms > latest:
                locked.add(message.group_id)
            groups.setdefault(message.group_id, []).append(message)
        for name, messages in groups.items():
            if name not in locked:
                yield from messages

    def _give_up(self, target: LabQueue, messages: list[LabMessage]) -> None:
        for message in messages:
            message.dead_letter_source = self.queue_arn
            message.visible_at = 0.0
            if self.fifo_queue:  # a standard queue's message keeps its age
                message.sent_timestamp = int(now_ms())
            target._append(message)
            _added(target, message)
            for listener in list(_listeners):
                listener.moved(self, target, message)
        _removed(self, messages)

    def _expire(self) -> list[LabMessage]:
        """Drop what was kept its time (MessageRetentionPeriod); the lock is held."""
        now = now_ms()
        if abs(now - self.__dict__.get("_looked", 0.0)) < _EXPIRE_MS:
            return []
        self.__dict__["_looked"] = now
        oldest = now - self.message_retention_period * MS
        gone = [one for one in self._messages if one.sent_timestamp <= oldest]
        if gone:
            self._messages = [one for one in self._messages if one.sent_timestamp > oldest]
        return gone

    # -- afterwards -----------------------------------------------------------------------

    def delete_message(self, receipt_handle: str) -> None:
        """Delete a message; once more is fine. A FIFO queue's handle ends with its flight."""
        with self._messages_lock:
            message = self._held_by(receipt_handle)
            if message is None:
                if _HANDLE.fullmatch(receipt_handle or ""):
                    return
                raise ReceiptHandleIsInvalid
            if self._handle_ended(message, receipt_handle):
                raise _expired(receipt_handle)
            self._messages.remove(message)
        _removed(self, [message])
        if self.fifo_queue:
            changed(self)

    def delete_received(self, received: Mapping[str, LabMessage]) -> None:
        """Delete what was received, by receipt handle, all at once.

        What is gone already is left alone, and a FIFO queue's message that is visible again.
        """
        with self._messages_lock:
            here = set(self._messages)
            gone = [
                message
                for handle, message in received.items()
                if message in here and not self._handle_ended(message, handle)
            ]
            for message in gone:
                self._messages.remove(message)
        if gone:
            _removed(self, gone)
            if self.fifo_queue:
                changed(self)

    def _handle_ended(self, message: LabMessage, handle: str) -> bool:
        return bool(self.fifo_queue) and (message.visible or message.receipt_handle != handle)

    def change_visibility(self, receipt_handle: str, seconds: int) -> None:
        """Have a message in flight come back so many seconds from now."""
        with self._messages_lock:
            message = self._held_by(receipt_handle)
            if message is None:
                raise ReceiptHandleIsInvalid
            if message.visible:
                raise SQSException(
                    "MessageNotInflight",
                    f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: "
                    "Message does not exist or is not available for visibility timeout change.",
                )
            now = now_ms()
            if now + seconds * MS - message.received_ms > _VISIBILITY_MAX_MS:
                raise InvalidParameterValue(
                    f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total "
                    "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
                )
            message.visible_at = now + seconds * MS if seconds else 0.0
            self._messages_lock.notify_all()
        _touched(self, [message])
        changed(self)

    def purge(self) -> None:
        """Drop all messages."""
        with self._messages_lock:
            gone, self._messages = self._messages, []
        _removed(self, gone)

    def _held_by(self, handle: str) -> LabMessage | None:
        for message in self._messages:
            if message.receipt_handle == handle:
                return message  # type: ignore[no-any-return]
        for message in self._messages:
            if handle in message._old_receipt_handles:
                return message  # type: ignore[no-any-return]
        return None


def _expired(handle: str) -> SQSException:
    return InvalidParameterValue(
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has "
        "expired."
    )


def _added(queue: LabQueue, message: LabMessage) -> None:
    for listener in list(_listeners):
        listener.added(queue, message)


def _removed(queue: LabQueue, messages: Sequence[LabMessage]) -> None:
    for listener in list(_listeners):
        listener.removed(queue, messages)


def _touched(queue: LabQueue, messages: Sequence[LabMessage]) -> None:
    for listener in list(_listeners):
        listener.touched(queue, messages)


def changed(queue: LabQueue) -> None:
    """Tell that more can be received than before, or that a queue has come or gone."""
    for listener in list(_listeners):
        listener.changed(queue)
