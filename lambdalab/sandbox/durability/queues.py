"""Notes what happens to the messages of SQS, and puts it into the queues of a restored state.

Messages come from everywhere: from senders, topics, rules, destinations, other queues. So they
are noted where they are, and not by the request that brought them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.sandbox.keepers import Keepers, Value
from lambdalab.sandbox.motosqs import LabMessage, LabQueue, QueueListener, listen, queue_of

__all__ = ["KeptMessages", "count"]

_BYTES = "$bytes"
_NESTED = ("message_attributes", "system_attributes")


def count() -> int:
    """Count the messages in all queues."""
    from moto.sqs.models import sqs_backends

    return sum(
        len(queue._messages)
        for regions in sqs_backends.values()
        for backend in regions.values()
        for queue in backend.queues.values()
    )


class KeptMessages(QueueListener):
    """Hears of all messages, and notes them. Their queues are in moto's own state.

    Parameters
    ----------
    keepers
        Writes the facts down.
    """

    def __init__(self, keepers: Keepers) -> None:
        self._note = keepers.register("messages", dict, self._load, self._replay)
        self._found: dict[str, tuple[LabQueue, dict[str, LabMessage]]] = {}
        """While facts are replayed: queues by ARN, and their messages by id, in their order."""
        self._early: dict[str, dict[str, LabMessage]] = {}
        """Messages of queues whose creation comes later in the journal."""
        listen(self)

    # -- noting -----------------------------------------------------------------------------

    def added(self, queue: LabQueue, message: LabMessage) -> None:
        """Note a message."""
        self._note([queue.queue_arn, "add", _told(message)])

    def removed(self, queue: LabQueue, messages: Sequence[LabMessage]) -> None:
        """Note that messages are gone."""
        if messages:
            self._note([queue.queue_arn, "remove", [one.id for one in messages]])

    def touched(self, queue: LabQueue, messages: Sequence[LabMessage]) -> None:
        """Note that messages were received, or come back at another time."""
        self._note(
            [
                queue.queue_arn,
                "touch",
                [
                    [
                        one.id,
                        one.approximate_receive_count,
                        one.approximate_first_receive_timestamp,
                        one.visible_at,
                        one.received_ms,
                        one.receipt_handle,
                    ]
                    for one in messages
                ],
            ]
        )

    # -- restoring --------------------------------------------------------------------------

    def _load(self, _value: Value) -> None:
        self._found.clear()
        self._early.clear()

    def _replay(self, fact: Value) -> None:
        arn, what, value = fact
        messages = self._messages(arn)
        if what == "add":
            message = _message(value)
            messages[message.id] = message
        elif what == "remove":
            for name in value:
                messages.pop(name, None)
        else:
            for name, received, first, visible_at, received_ms, handle in value:
                one = messages.get(name)
                if one is None:
                    continue
                if one.receipt_handle not in (None, handle):
                    one._old_receipt_handles.append(one.receipt_handle)
                one.approximate_receive_count = received
                one.approximate_first_receive_timestamp = first
                one.visible_at, one.received_ms = visible_at, received_ms
                one.receipt_handle = handle

    def _messages(self, arn: str) -> dict[str, LabMessage]:
        queue = queue_of(arn)
        if queue is None:
            return self._early.setdefault(arn, {})
        known = self._found.get(arn)
        if known is None or known[0] is not queue:
            known = queue, {one.id: one for one in queue._messages}
            self._found[arn] = known
        known[1].update(self._early.pop(arn, {}))
        return known[1]

    def settle(self) -> int:
        """Put what was replayed into the queues; return how many messages have none any more."""
        for arn in list(self._early):
            self._messages(arn)
        for queue, messages in self._found.values():
            queue._messages = list(messages.values())
            if queue.fifo_queue:
                for message in queue._messages:
                    queue.remember(message)
        lost = sum(map(len, self._early.values()))
        self._load(None)
        return lost


def _told(message: LabMessage) -> dict[str, Any]:
    found = dict(vars(message))
    for name in _NESTED:
        if found.get(name):
            found[name] = _encoded(found[name])
    return found


def _message(told: dict[str, Any]) -> LabMessage:
    for name in _NESTED:
        if told.get(name):
            told[name] = _decoded(told[name])
    message: LabMessage = object.__new__(LabMessage)
    message.__dict__.update(told)
    return message


def _encoded(value: Value) -> Value:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {name: _encoded(one) for name, one in value.items()}
    return value


def _decoded(value: Value) -> Value:
    if isinstance(value, dict):
        if value.keys() == {_BYTES}:
            return base64.b64decode(value[_BYTES])
        return {name: _decoded(one) for name, one in value.items()}
    return value
