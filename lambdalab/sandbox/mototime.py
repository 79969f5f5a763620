"""moto's time is the sandbox's: every service stamps and waits by service time.

moto asks ``datetime`` and ``time`` in some hundred places. Each of its modules, whenever it is
imported, gets stand-ins of these two, which ask our clock for the present and are the real
ones in everything else. No object of a stand-in ever exists, so nothing of them can get into
saved state.
"""

from __future__ import annotations

import datetime
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from lambdalab.sandbox.clock import Clock, RealClock
from lambdalab.sandbox.untyped import Untyped

__all__ = ["install", "now"]

_PACKAGE = "moto"
_UTILS = "moto.core.utils"
_installing = threading.Lock()
_clock: list[Clock] = [RealClock()]
"""One per process, as moto's own state is."""


def now() -> float:
    """Return the time that moto goes by, seconds since the epoch."""
    return _clock[0].now()


def install(clock: Clock) -> None:
    """Let moto go by ``clock``, in the modules that are loaded and in those to come.

    The earlier the better: what a module makes while it is imported has the machine's time.
    """
    with _installing:
        _clock[0] = clock
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
            for name, module in list(sys.modules.items()):
                if name.partition(".")[0] == _PACKAGE:
                    _adapt(module)


class _OfReal(type):
    """Takes the real class's objects for its own."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__base__ or object)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__base__ or object)


class _ServiceDatetime(datetime.datetime, metaclass=_OfReal):
    """``datetime.datetime`` whose present is service time."""

    def __new__(cls, *args: Untyped, **values: Untyped) -> Untyped:
        return datetime.datetime(*args, **values)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Untyped:
        return datetime.datetime.fromtimestamp(now(), tz)

    @classmethod
    def utcnow(cls) -> Untyped:
        return datetime.datetime.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Untyped:
        return datetime.datetime.fromtimestamp(now())


class _ServiceDate(datetime.date, metaclass=_OfReal):
    """``datetime.date`` whose present is service time."""

    def __new__(cls, *args: Untyped, **values: Untyped) -> Untyped:
        return datetime.date(*args, **values)

    @classmethod
    def today(cls) -> Untyped:
        return datetime.date.fromtimestamp(now())


def _time_ns() -> int:
    return int(now() * 1e9)


def _stand_in(module: ModuleType, **changed: object) -> ModuleType:
    made = ModuleType(module.__name__, module.__doc__)
    vars(made).update(vars(module), **changed)
    return made


_STAND_INS: dict[int, object] = {
    id(datetime): _stand_in(datetime, datetime=_ServiceDatetime, date=_ServiceDate),
    id(datetime.datetime): _ServiceDatetime,
    id(datetime.date): _ServiceDate,
    id(time): _stand_in(time, time=now, time_ns=_time_ns),
    id(time.time): now,
    id(time.time_ns): _time_ns,
}


def _unix_times(real: Callable[[datetime.datetime | None], float]) -> dict[str, object]:
    """Return moto's two, which make no datetimes: SQS asks for every message it looks at."""

    def unix_time(dt: datetime.datetime | None = None) -> float:
        return now() if dt is None else real(dt)

    def unix_time_millis(dt: datetime.datetime | None = None) -> float:
        return unix_time(dt) * 1000.0

    return {"unix_time": unix_time, "unix_time_millis": unix_time_millis}


def _adapt(module: ModuleType) -> None:
    """Give a module of moto the stand-ins, under whatever names it imported the real ones."""
    names = vars(module)
    for name, value in list(names.items()):
        if (other := _STAND_INS.get(id(value))) is not None:
            names[name] = other
    if module.__name__ == _UTILS:
        names.update(_unix_times(names["unix_time"]))


class _Loader(SourceFileLoader):
    """Loads one of moto's modules and adapts it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _adapt(module)


class _Finder(MetaPathFinder):
    """Finds moto's modules where they are, for our loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != _PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec
