"""Requests of SQS over our queues, and long polls that go by service time."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from moto.sqs import models

from lambdalab.sandbox.clock import Clock
from lambdalab.sandbox.motosqs import LabMessage, LabQueue, changed
from lambdalab.sandbox.untyped import Untyped

__all__ = ["LabSQSBackend", "install"]

_LOOK_S = 1.0
"""A long poll looks again at the latest after this, of the machine's time."""


class LabSQSBackend(models.SQSBackend):  # type: ignore[misc]
    """moto's backend, pickled under moto's own name."""

    __module__ = models.__name__
    __qualname__ = "SQSBackend"

    def create_queue(
        self, name: str, tags: dict[str, str] | None = None, **options: Untyped
    ) -> LabQueue:
        """Create a queue: a mapping may have waited for it."""
        queue: LabQueue = super().create_queue(name, tags, **options)
        changed(queue)
        return queue

    def delete_queue(self, queue_name: str) -> None:
        """Delete a queue with all that is in it."""
        queue: LabQueue = self.get_queue(queue_name)
        super().delete_queue(queue_name)
        queue.purge()
        changed(queue)

    def set_queue_attributes(self, queue_name: str, attributes: dict[str, Any]) -> LabQueue:
        """Change attributes."""
        queue: LabQueue = super().set_queue_attributes(queue_name, attributes)
        changed(queue)
        return queue

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[LabMessage]:
        """Receive; with a wait, until it has ended in service time or in the machine's."""
        queue: LabQueue = self.get_queue(queue_name)
        found = _polls.receive(queue, count, wait_seconds_timeout, int(visibility_timeout or 0))
        copies = [copy.copy(one) for one in found]
        for one in copies:
            models._filter_message_attributes(one, message_attribute_names or [])
        return copies

    def change_message_visibility(
        self, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        """Have a message come back at another time."""
        self.get_queue(queue_name).change_visibility(receipt_handle, int(visibility_timeout))

    def purge_queue(self, queue_name: str) -> None:
        """Empty a queue."""
        queue: LabQueue = self.get_queue(queue_name)
        super().purge_queue(queue_name)
        queue.purge()


class _Polls:
    """The long polls that wait now; a change of the clock wakes them."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.aside: Callable[[], AbstractContextManager[None]] = nullcontext
        self._lock = threading.Lock()
        self._waiting: list[threading.Condition] = []

    def hear(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()

    def receive(
        self, queue: LabQueue, count: int, wait_s: int, visibility_s: int
    ) -> list[LabMessage]:
        found = queue.receive(count, visibility_s)
        clock = self.clock
        if found or not wait_s or clock is None:
            return found
        end, last = clock.now() + wait_s, time.monotonic() + wait_s
        with self._lock:
            self._waiting.append(queue._messages_lock)
        try:
            while True:
                patience = last - time.monotonic()
                if found or patience <= 0 or clock.until(end) == 0.0:
                    return found
                with self.aside(), queue._messages_lock:
                    ready = queue.next_ready()
                    left = clock.until(end if ready is None else min(end, ready))
                    if not queue.messages:
                        queue._messages_lock.wait(
                            min(patience, _LOOK_S if left is None else min(left, _LOOK_S))
                        )
                found = queue.receive(count, visibility_s)
        finally:
            with self._lock:
                self._waiting.remove(queue._messages_lock)


_polls = _Polls()


def install(clock: Clock, aside: Callable[[], AbstractContextManager[None]]) -> None:
    """Put our queues in the place of moto's. Before the first is made.

    ``aside`` is entered while a long poll waits: all state may be written down or replaced.
    """
    _polls.aside = aside
    if _polls.clock is not clock:
        _polls.clock = clock
        clock.listen(_polls.hear)
    models.Message = LabMessage
    models.Queue = LabQueue
    models.SQSBackend = LabSQSBackend
    models.sqs_backends.backend = LabSQSBackend
