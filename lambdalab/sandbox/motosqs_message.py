"""A message of SQS as moto keeps it, with what moto leaves out."""

from __future__ import annotations

import base64
import os
from typing import Self

from moto.sqs import models

from lambdalab.sandbox import mototime
from lambdalab.sandbox.untyped import Untyped

__all__ = ["MS", "ROUNDING_MS", "LabMessage", "now_ms"]

MS = 1000.0
ROUNDING_MS = 1e-3
"""More than two ways to reckon one moment can differ by."""


def now_ms() -> float:
    """Return service time, epoch milliseconds, as moto reckons."""
    return mototime.now() * MS


class LabMessage(models.Message):  # type: ignore[misc]
    """moto's message, pickled under moto's own name."""

    __module__ = models.__name__
    __qualname__ = "Message"

    approximate_first_receive_timestamp: int | None
    receipt_handle: str | None
    dead_letter_source: str | None = None
    """ARN of the queue that gave it up."""
    received_ms: float = 0.0
    """When it was received last, epoch milliseconds."""

    def __new__(cls, *_args: Untyped, **_options: Untyped) -> Self:
        """Make one of which moto keeps no note: it would keep deleted messages."""
        return object.__new__(cls)

    @property
    def ready_ms(self) -> float:
        """When it can be received, epoch milliseconds; past or present: now."""
        return float(max(self.visible_at, self.delayed_until))

    @property
    def visible(self) -> bool:
        """Whether it is not in flight."""
        return bool(self.visible_at <= now_ms() + ROUNDING_MS)

    @property
    def delayed(self) -> bool:
        """Whether its delay has not passed."""
        return bool(self.delayed_until > now_ms() + ROUNDING_MS)

    def receive(self, now_ms: float, visibility_s: int) -> None:
        """Count one more receive, under a new handle."""
        if not self.approximate_first_receive_timestamp:
            self.approximate_first_receive_timestamp = int(now_ms)
        self.approximate_receive_count += 1
        self.received_ms = now_ms
        self.visible_at = now_ms + visibility_s * MS if visibility_s else 0.0
        if self.receipt_handle is not None:
            self._old_receipt_handles.append(self.receipt_handle)
        self.receipt_handle = "AQEB" + base64.b64encode(os.urandom(138)).decode()
