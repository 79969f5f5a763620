"""The three ways into a function, and what each of them settles.

Which way a service takes decides who waits, who tries again and where an event that failed
can end up. The services themselves are listed in :mod:`lambdalab.rules.services`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdalab.rules.source import Fact, Source

__all__ = ["Keeper", "Label", "Mode", "Permission", "Repeat", "Service", "label"]

Label = Mapping[str, str]
"""A text in both languages, by ``zh-TW`` and ``en``."""


def label(zh: str, en: str) -> Label:
    """Return one text in both languages."""
    return {"zh-TW": zh, "en": en}


class Mode(StrEnum):
    """How an event reaches a function."""

    SYNC = "sync"
    """The caller waits for the function's answer."""
    ASYNC = "async"
    """The caller hands the event to Lambda's queue and goes on."""
    POLL = "poll"
    """Lambda reads the source itself and invokes the function with a batch."""


class Permission(StrEnum):
    """Whose policy has to allow the way in."""

    RESOURCE = "resource"
    """The function's resource-based policy names the service (push)."""
    IDENTITY = "identity"
    """An identity of the caller's: a user, a role, a schedule's or state machine's role."""
    EXECUTION = "execution"
    """The function's execution role reads the source (poll)."""


class Repeat(StrEnum):
    """Who has an event tried again after a function error."""

    CALLER = "caller"
    """Lambda does not; whoever called may."""
    QUEUE = "queue"
    """Lambda's own queue, a fixed number of times."""
    VISIBILITY = "visibility"
    """The source queue: what was not deleted becomes visible again."""
    SHARD = "shard"
    """The poller: the same batch again, and nothing behind it in its shard passes."""
    BATCH = "batch"
    """The poller: the same batch again until it succeeds or its messages expire."""


class Keeper(StrEnum):
    """Where an event that failed for good can be kept."""

    DESTINATION = "destination"
    """The function's on-failure destination, or its dead-letter queue: asynchronous events."""
    REDRIVE = "redrive"
    """The dead-letter queue of the source queue: SQS moves the message there itself."""
    MAPPING = "mapping"
    """The on-failure destination of the event source mapping."""
    CALLER = "caller"
    """Only the caller, which has the error in hand."""
    NOBODY = "nobody"
    """There is no place for it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service that has functions invoked.

    Attributes
    ----------
    id
        Short name for programs, such as ``api-gateway``.
    name
        What people call it.
    caller
        Who hands over the event: the left end of the path.
    waits
        Who waits for the function, if anybody does.
    patience
        How long the wait lasts at most, where AWS documents a number.
    repeats
        Who tries again after a function error.
    retry_error, retry_throttle
        The same in words: how often, and for how long; after a function error and after a 429.
    error_to
        Who learns of a function error.
    error_as
        What that looks like there, in a word or two.
    keepers
        Where an event that failed for good can be kept.
    permission, grants
        Whose policy must allow it, and the principal or the actions that stand in it.
    payload
        The limits on the size of an event; all of them hold.
    note
        What people get wrong.
    source
        The page that says how this service invokes.
    """

    id: str
    name: Label
    mode: Mode
    caller: Label
    waits: Label
    patience: Fact[int] | None
    repeats: Repeat
    retry_error: Label
    retry_throttle: Label
    error_to: Label
    error_as: Label
    keepers: tuple[Keeper, ...]
    permission: Permission
    grants: tuple[str, ...]
    payload: tuple[Fact[Any], ...]
    note: Label
    source: Source
