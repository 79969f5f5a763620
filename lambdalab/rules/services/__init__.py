"""Which service invokes a function in which way, and what that settles, each with its page."""

from __future__ import annotations

from lambdalab.rules.invoking import Mode, Service
from lambdalab.rules.services.pushed import ASYNC
from lambdalab.rules.services.read import POLL
from lambdalab.rules.services.waiting import SYNC
from lambdalab.rules.source import Source

__all__ = ["MODES", "SERVICES", "by_mode", "find"]

MODES = Source("dg:lambda-services")
"""The table of all services with their way in."""

SERVICES: tuple[Service, ...] = (*SYNC, *ASYNC, *POLL)

_BY_ID = {service.id: service for service in SERVICES}


def find(name: str) -> Service:
    """Return the service of that id.

    Raises
    ------
    KeyError
        There is none.

    >>> find("cloudformation").mode.value
    'async'
    """
    return _BY_ID[name]


def by_mode(mode: Mode) -> tuple[Service, ...]:
    """Return the services that invoke in that way, in the order they are listed."""
    return tuple(service for service in SERVICES if service.mode is mode)
