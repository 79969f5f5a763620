"""The living pollers, and the states a mapping goes through.

A change of state takes a little service time, as on AWS: a mapping that is created or enabled
polls once it is ``Enabled``; one that is disabled or deleted first finishes what is in flight.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from moto.awslambda import models

from lambdalab.rules.mappings import TRANSITION
from lambdalab.sandbox.events import MappingStateChanged
from lambdalab.sandbox.pollers.mapping import LabMapping, Parts, Poller, State

if TYPE_CHECKING:
    from lambdalab.sandbox.scheduler import Timer

__all__ = ["Pollers", "pollers", "register"]

_factories: dict[str, Callable[[LabMapping, Parts], Poller]] = {}
_attached: list[Pollers] = []


def register(source: str, factory: Callable[[LabMapping, Parts], Poller]) -> None:
    """Have mappings of a kind of source (``sqs``, ``kinesis``, ``dynamodb``) polled."""
    _factories[source] = factory


def pollers() -> Pollers:
    """Return the running sandbox's: one per process, as moto's own state is."""
    return _attached[0]


class Pollers:
    """Makes, tells and ends pollers as mappings change. Thread-safe.

    Parameters
    ----------
    parts
        What every poller works with.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._lock = threading.RLock()
        self._living: dict[str, Poller] = {}
        self._moves: dict[str, Timer] = {}
        _attached[:] = [self]

    def get(self, uuid: str) -> Poller | None:
        """Return the living poller of a mapping."""
        return self._living.get(uuid)

    # -- what the API asks for ------------------------------------------------------------

    def created(self, mapping: LabMapping) -> None:
        """Begin a new mapping's life."""
        self._go(mapping, State.CREATING)
        self._later(mapping, self._settle)

    def updated(self, mapping: LabMapping, *, switched: bool) -> None:
        """Take new values over; ``switched``: it was enabled or disabled by that."""
        if not switched:
            self._go(mapping, State.UPDATING)
            poller = self._living.get(mapping.uuid)
            if poller is not None:
                poller.update()
            self._later(mapping, self._settle)
        elif mapping.enabled:
            self._go(mapping, State.ENABLING)
            self._later(mapping, self._settle)
        else:
            self._go(mapping, State.DISABLING)
            self._drain(mapping, self._settle)

    def deleted(self, mapping: LabMapping, forget: Callable[[], None]) -> None:
        """End a mapping's life; ``forget`` is called when nothing of it is in flight."""
        self._go(mapping, State.DELETING)
        timer = self._moves.pop(mapping.uuid, None)
        if timer is not None:
            timer.cancel()
        self._drain(mapping, lambda _mapping: forget())

    # -- on the way -----------------------------------------------------------------------

    def _go(self, mapping: LabMapping, state: State) -> None:
        mapping.state = str(state)  # a plain string: it is written down with all of moto's state
        self.parts.events.record(
            MappingStateChanged(
                mapping=mapping.uuid,
                function=mapping.function,
                source_arn=mapping.event_source_arn,
                state=str(state),
                reason=mapping.reason,
            )
        )

    def _later(self, mapping: LabMapping, move: Callable[[LabMapping], None]) -> None:
        def work() -> None:
            with self.parts.gate.passing():
                self._moves.pop(mapping.uuid, None)
                move(mapping)

        label = f"{mapping.function}: the mapping is {str(mapping.state).lower()}"
        with self._lock:
            self._moves[mapping.uuid] = self.parts.scheduler.after(
                float(TRANSITION.value), work, label=label
            )

    def _drain(self, mapping: LabMapping, then: Callable[[LabMapping], None]) -> None:
        with self._lock:
            poller = self._living.pop(mapping.uuid, None)
        if poller is None:
            self._later(mapping, then)
        else:
            poller.stop(lambda: self._later(mapping, then))

    def _settle(self, mapping: LabMapping) -> None:
        if mapping.state == State.DELETING:
            return
        self._go(mapping, State.ENABLED if mapping.enabled else State.DISABLED)
        if mapping.enabled:
            self._poll(mapping)

    def _poll(self, mapping: LabMapping) -> None:
        factory = _factories.get(mapping.source)
        with self._lock:
            if factory is None or mapping.uuid in self._living:
                return
            poller = self._living[mapping.uuid] = factory(mapping, self.parts)
        poller.start()

    # -- all at once ----------------------------------------------------------------------

    def rouse(self) -> None:
        """Let all look again: a function, or what a role may do, has changed."""
        for poller in list(self._living.values()):
            poller.update()

    def clear(self) -> None:
        """Forget all: the state is being thrown away."""
        with self._lock:
            living = list(self._living.values())
            self._living.clear()
            self._moves.clear()
        for poller in living:
            poller.close()

    def resume(self) -> None:
        """Poll for the mappings of a restored state; what was on its way goes on."""
        for mapping in list(_mappings()):
            if mapping.state == State.DELETING:
                backend = models.lambda_backends[mapping.account_id][mapping.region]
                backend.forget_event_source_mapping(mapping.uuid)
            elif mapping.state == State.ENABLED:
                self._poll(mapping)
            elif mapping.state != State.DISABLED:
                self._settle(mapping)


def _mappings() -> Iterable[LabMapping]:
    for regions in list(models.lambda_backends.values()):
        for backend in list(regions.values()):
            yield from list(backend._event_source_mappings.values())
