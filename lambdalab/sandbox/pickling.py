"""Pickles moto's objects, and unpickles nothing but them."""

from __future__ import annotations

import copyreg
import functools
import importlib
import io
import json
import pickle
import re
import threading
import types
import weakref
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from lambdalab.sandbox.untyped import Untyped

__all__ = ["Prototype", "StatePickler", "StateUnpickler", "UnsafeStateError"]

_LOCK = type(threading.Lock())
_RLOCK = type(threading.RLock())
_OWN = __name__
_IAM = "moto.iam.models"
_POLICY = "AWSManagedPolicy"
_POLICY_FACTS = ("account_id", "partition", "name", "id", "attachment_count")

_STANDARD = frozenset(
    {
        ("builtins", "bytearray"),
        ("builtins", "complex"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("collections", "Counter"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("ipaddress", "IPv4Address"),
        ("ipaddress", "IPv4Network"),
        ("ipaddress", "IPv6Address"),
        ("ipaddress", "IPv6Network"),
        ("requests.structures", "CaseInsensitiveDict"),
        ("uuid", "UUID"),
        ("uuid", "SafeUUID"),
        ("zoneinfo", "ZoneInfo"),
        ("builtins", "list"),
        ("builtins", "dict"),
        ("builtins", "str"),
        ("builtins", "int"),
        ("builtins", "float"),
        ("builtins", "bool"),
        ("builtins", "tuple"),
        ("builtins", "bytes"),
        ("builtins", "object"),
        (_OWN, "Method"),
        (_OWN, "Prototype"),
        (_OWN, "new_condition"),
        (_OWN, "new_lock"),
        (_OWN, "new_pattern"),
        (_OWN, "new_private_key"),
        (_OWN, "new_rlock"),
        (_OWN, "new_weak_values"),
    }
)
"""What a state file may name outside of moto. No function but our own, which only make."""

_reading = threading.local()


class UnsafeStateError(Exception):
    """A state file names something that a state file never holds."""


class Prototype:
    """Makes equal things: stands for the local functions moto gives to ``defaultdict``."""

    def __init__(self, thing: Untyped) -> None:
        self.thing = thing

    def __call__(self) -> Untyped:
        """Return a fresh copy."""
        return deepcopy(self.thing)


class Method:
    """Stands for a bound method that moto keeps: the filters of EC2, a ``defaultdict`` of X-Ray.

    It cannot be called while a file is being read: reading must run nothing.
    """

    def __init__(self, owner: Untyped, name: str) -> None:
        self.owner = owner
        self.name = name

    def __call__(self, *arguments: Untyped, **options: Untyped) -> Untyped:
        """Call it."""
        if getattr(_reading, "active", False) or not str(type(self.owner).__module__).startswith(
            "moto."
        ):
            raise UnsafeStateError(f"a call of {self.name}")
        return getattr(self.owner, self.name)(*arguments, **options)


def new_condition() -> Untyped:
    """Return a condition nobody waits for: every queue of SQS has one."""
    return threading.Condition()


def new_lock() -> Untyped:
    """Return a free lock in the place of one that was pickled."""
    return threading.Lock()


def new_pattern(pattern: str, flags: int) -> re.Pattern[str]:
    """Return a regular expression: moto's IAM holds one, and Python would pickle a call."""
    return re.compile(str(pattern), int(flags))


def new_private_key(pem: bytes) -> Untyped:
    """Return the key: KMS and Cognito keep some."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(bytes(pem), None)


def new_rlock() -> Untyped:
    """Return a free reentrant lock in the place of one that was pickled."""
    return threading.RLock()


def new_weak_values(items: Iterable[tuple[Any, Any]]) -> weakref.WeakValueDictionary[Any, Any]:
    """Return a weak dictionary of what is pickled elsewhere."""
    return weakref.WeakValueDictionary(dict(items))


class StatePickler(pickle.Pickler):
    """Writes moto's objects.

    Parameters
    ----------
    file
        Where to.
    names
        ``id`` of each backend dictionary -> its place: an object that refers to one
        is restored to refer to the living one.
    lean
        Name AWS's own policies instead of writing them: there are a thousand, and the same
        version of moto has them all.
    """

    def __init__(self, file: io.BytesIO, names: Mapping[int, str], *, lean: bool = False) -> None:
        super().__init__(file, protocol=5)
        self._names = names
        self._lean = lean

    def persistent_id(self, obj: Untyped) -> Untyped:
        """Name a backend dictionary instead of writing it."""
        place = self._names.get(id(obj))
        if place is not None:
            return ("backends", place)
        if self._lean and type(obj).__name__ == _POLICY and type(obj).__module__ == _IAM:
            known = vars(obj)
            return (_POLICY, *(known[name] for name in _POLICY_FACTS))
        return None

    def reducer_override(self, obj: Untyped) -> Untyped:
        """Write down what Python itself cannot: locks, weak dictionaries, local functions."""
        if isinstance(obj, _LOCK):
            return new_lock, ()
        if isinstance(obj, _RLOCK):
            return new_rlock, ()
        if isinstance(obj, threading.Condition):
            return new_condition, ()
        if isinstance(obj, re.Pattern):
            return new_pattern, (obj.pattern, obj.flags)
        if isinstance(obj, weakref.WeakValueDictionary):
            return new_weak_values, (list(obj.items()),)
        if isinstance(obj, types.MethodType) and not isinstance(obj.__self__, type):
            return Method, (obj.__self__, obj.__func__.__name__)
        if hasattr(obj, "private_bytes") and type(obj).__module__.startswith("cryptography."):
            return new_private_key, (_pem(obj),)
        if isinstance(obj, defaultdict) and type(obj) is not defaultdict:
            # Its constructor asks for more than Python gives it; the factory is a slot.
            state = (obj.__dict__, {"default_factory": obj.default_factory})
            return copyreg.__newobj__, (type(obj),), state, None, iter(obj.items())  # type: ignore[attr-defined]
        if type(obj) is defaultdict and isinstance(obj.default_factory, types.FunctionType):
            factory = obj.default_factory
            if "." in factory.__qualname__:  # local, or a static method
                return defaultdict, (Prototype(factory()),), None, None, iter(obj.items())
        return NotImplemented


def _pem(key: Untyped) -> bytes:
    from cryptography.hazmat.primitives import serialization as forms

    pem: bytes = key.private_bytes(
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    return pem


class StateUnpickler(pickle.Unpickler):
    """Reads moto's objects; anything else is refused before it exists."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._policies: dict[tuple[str, str, str], Any] = {}

    def load(self) -> Untyped:
        """Read it all."""
        _reading.active = True
        try:
            return super().load()
        finally:
            _reading.active = False

    def find_class(self, module: str, name: str) -> Untyped:
        """Return a class of moto, or one of the few others that are allowed.

        Raises
        ------
        UnsafeStateError
            It is neither.
        """
        if (module, name) in _STANDARD:
            return getattr(importlib.import_module(module), name)
        if "." in name or not module.startswith("moto."):
            raise UnsafeStateError(f"{module}.{name}")
        found = getattr(importlib.import_module(module), name, None)
        if not isinstance(found, type) or found.__module__ != module:
            raise UnsafeStateError(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Untyped) -> Untyped:
        """Return the living backend dictionary, or the policy of AWS, that was named."""
        if pid[0] == _POLICY:
            return self._policy(*pid[1:])
        kind, place = pid
        module, _, attribute = str(place).partition(":")
        from moto.core.base_backend import BackendDict

        if kind == "backends" and module.startswith("moto."):
            found = getattr(importlib.import_module(module), attribute, None)
            if isinstance(found, BackendDict):
                return found
        raise UnsafeStateError(str(place))

    def _policy(self, account: str, partition: str, name: str, id_: str, attached: int) -> Untyped:
        from moto.iam.models import AWSManagedPolicy

        key = (str(account), str(partition), str(name))
        found = self._policies.get(key)
        if found is None:
            data = _policies_of_aws()[key[2]]
            found = AWSManagedPolicy.from_data(key[2], key[0], key[1], data)
            found.id, found.attachment_count = str(id_), int(attached)
            self._policies[key] = found
        return found


@functools.cache
def _policies_of_aws() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    found: dict[str, Any] = json.loads(aws_managed_policies_data)
    return found
