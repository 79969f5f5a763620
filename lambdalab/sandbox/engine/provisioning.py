"""Provisioned concurrency: environments initialised ahead of requests, and kept so many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lambdalab.sandbox.engine.environment import ABANDONED, Environment
from lambdalab.sandbox.model import FunctionVersion

__all__ = ["Provisioned", "Provisioner", "Wanted"]

_STARTERS = 2
"""How many environments of one version are initialised at a time."""

Key = tuple[str, str]
"""ARN of the function and version."""
Wanted = Mapping[Key, tuple[FunctionVersion, int]]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """How far the provisioning of a version is."""

    requested: int
    allocated: int
    failure: str | None = None
    """Error type of the init that failed."""


@dataclass(slots=True)
class _Allotment:
    function: FunctionVersion
    wanted: int
    ready: dict[str, Environment] = field(default_factory=dict)
    """Initialised, busy ones included."""
    idle: list[Environment] = field(default_factory=list)
    starting: dict[str, Environment] = field(default_factory=dict)
    starters: int = 0
    failure: str | None = None

    @property
    def missing(self) -> int:
        return self.wanted - len(self.ready) - self.starters


class Provisioner:
    """Keeps as many provisioned environments as are wanted.

    Parameters
    ----------
    lock
        Guards everything here; methods say whether it must be held.
    make
        Makes an environment; without the lock.
    retire
        Ends one beside the caller, with a cause; without the lock.
    """

    def __init__(
        self,
        lock: threading.Condition,
        make: Callable[[FunctionVersion], Environment],
        retire: Callable[[Environment, str], threading.Thread],
    ) -> None:
        self._lock = lock
        self._make = make
        self._retire = retire
        self._allotments: dict[Key, _Allotment] = {}

    def want(
        self, wanted: Wanted, *, retry: Key | None = None, cause: str = "update"
    ) -> list[threading.Thread]:
        """Make it so; environments come up, and go, beside the caller.

        Parameters
        ----------
        wanted
            All that is wanted, of all functions.
        retry
            Version whose init may be tried again though it failed.
        cause
            Why those go that are not wanted any more.

        Returns
        -------
        list
            What to wait for until idle ones that are not wanted are gone.
        """
        surplus: list[Environment] = []
        with self._lock:
            for key in list(self._allotments):
                allotment = self._allotments[key]
                there = wanted.get(key)
                if there is None or there[0].revision != allotment.function.revision:
                    del self._allotments[key]
                    surplus += allotment.idle
                    for environment in allotment.starting.values():
                        environment.abandon()
            for key, (function, count) in wanted.items():
                allotment = self._allotments.setdefault(key, _Allotment(function, count))
                if allotment.wanted != count or key == retry:
                    allotment.wanted, allotment.failure = count, None
                while allotment.idle and len(allotment.ready) > count:
                    environment = allotment.idle.pop(0)
                    del allotment.ready[environment.id]
                    surplus.append(environment)
                self._grow(key, allotment)
        return [self._retire(environment, cause) for environment in surplus]

    def take(self, key: Key) -> tuple[Environment | None, list[Environment]]:
        """Return an environment for a request, if one is ready, and those found dead; locked."""
        allotment = self._allotments.get(key)
        if allotment is None:
            return None, []
        dead: list[Environment] = []
        found: Environment | None = None
        while allotment.idle and found is None:
            candidate = allotment.idle.pop()
            if candidate.alive:
                found = candidate
            else:
                del allotment.ready[candidate.id]
                dead.append(candidate)
        if dead:
            self._grow(key, allotment)
        return found, dead

    def give_back(self, environment: Environment) -> bool:
        """Keep an environment after a request; false: it is dead or not wanted; locked."""
        key = environment.function.key
        allotment = self._allotments.get(key)
        if allotment is None or environment.id not in allotment.ready:
            return False
        if environment.alive and len(allotment.ready) <= allotment.wanted:
            allotment.idle.append(environment)
            return True
        del allotment.ready[environment.id]
        self._grow(key, allotment)
        return False

    def look(self, key: Key) -> Provisioned | None:
        """Return how far a version is; one that died meanwhile is replaced."""
        dead: list[Environment] = []
        with self._lock:
            allotment = self._allotments.get(key)
            if allotment is None:
                return None
            for environment in list(allotment.idle):
                if not environment.alive:
                    allotment.idle.remove(environment)
                    del allotment.ready[environment.id]
                    dead.append(environment)
            self._grow(key, allotment)
            said = Provisioned(allotment.wanted, len(allotment.ready), allotment.failure)
        for environment in dead:
            self._retire(environment, "crash")
        return said

    def waiting(self) -> list[Environment]:
        """Return those that are starting or idle; locked."""
        return [
            environment
            for allotment in self._allotments.values()
            for environment in (*allotment.idle, *allotment.starting.values())
        ]

    def _grow(self, key: Key, allotment: _Allotment) -> None:
        while (
            allotment.failure is None and allotment.missing > 0 and allotment.starters < _STARTERS
        ):
            allotment.starters += 1
            threading.Thread(
                target=self._start, args=(key, allotment), name="provision", daemon=True
            ).start()

    def _start(self, key: Key, allotment: _Allotment) -> None:
        environment: Environment | None = None
        failure: str | None = "the environment could not be made"
        try:
            environment = self._make(allotment.function)
            with self._lock:
                current = self._allotments.get(key) is allotment
                allotment.starting[environment.id] = environment
            failure = environment.initialise() if current else None
        finally:
            kept = self._started(key, allotment, environment, failure)
        if environment is not None and not kept:
            abandoned = failure in (None, ABANDONED)
            self._retire(environment, "update" if abandoned else "crash")

    def _started(
        self,
        key: Key,
        allotment: _Allotment,
        environment: Environment | None,
        failure: str | None,
    ) -> bool:
        with self._lock:
            allotment.starters -= 1
            if environment is not None:
                allotment.starting.pop(environment.id, None)
            if self._allotments.get(key) is not allotment:
                return False
            kept = False
            if failure is not None:
                allotment.failure = failure
            elif environment is not None and len(allotment.ready) < allotment.wanted:
                allotment.ready[environment.id] = environment
                allotment.idle.append(environment)
                kept = True
            self._grow(key, allotment)
            return kept
