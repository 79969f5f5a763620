"""All of moto's state, and what the keepers hold: emptied, written to a file, read back."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lambdalab
from lambdalab.i18n import message
from lambdalab.sandbox.keepers import Value
from lambdalab.sandbox.pickling import StatePickler, StateUnpickler, UnsafeStateError
from lambdalab.sandbox.registry import SandboxError
from lambdalab.sandbox.untyped import Untyped

__all__ = ["Backends", "Parsed", "clear", "dump", "parse", "places", "read", "restore", "write"]

Backends = dict[str, dict[str, dict[str, Any]]]
"""``module:name`` of a backend dictionary -> account -> Region -> backend."""

_Tracked = list[tuple[Any, list[Any]]]
"""Classes of moto and objects of theirs that its reset has to know of."""

_MAGIC = b"LAMBDALAB SANDBOX STATE\n"
_FORMAT = 2
_READABLE = ("1", "2")
"""Format 1 has no keepers: the parts of our own begin with nothing."""
_HEADER_MAX = 4096


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a state file holds, not yet in place."""

    backends: Backends
    tracked: _Tracked
    keepers: Mapping[str, Value] = field(default_factory=dict)


def _known() -> Iterator[tuple[str, Any]]:
    """Yield every backend dictionary of moto that holds something, by its place."""
    from moto.core.base_backend import BackendDict

    used = {id(one): one for one in BackendDict._instances}
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.") or not name.endswith("models"):
            continue
        for attribute, value in list(vars(module).items()):
            if id(value) in used and isinstance(value, BackendDict):
                del used[id(value)]
                yield f"{name}:{attribute}", value


def clear() -> None:
    """Empty every service."""
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()


@contextlib.contextmanager
def _untracked() -> Iterator[_Tracked]:
    """Take back what moto notes of every object that comes into being inside; yield it.

    moto's own reset ends those it has noted. Half an object from a file that cannot be
    read would break it, and it would end whole ones before they are in place.
    """
    from moto.core.model_instances import model_data

    models: list[Any] = [model for found in model_data.values() for model in found.values()]
    before = [(model, len(model.instances_tracked)) for model in models]
    tracked: _Tracked = []
    try:
        yield tracked
    finally:
        for model, count in before:
            tracked.append((model, model.instances_tracked[count:]))
            del model.instances_tracked[count:]


def places() -> set[str]:
    """Return the places of all services in use."""
    return {place for place, _ in _known()}


def dump(
    keepers: Mapping[str, Value], *, proved: bool = True, level: int = 1, lean: bool = False
) -> bytes:
    """Return the state of all services in use, and what the keepers hold, as the file has it.

    Parameters
    ----------
    keepers
        What :meth:`lambdalab.sandbox.keepers.Keepers.dump` returned.
    proved
        Read it back once: a file that cannot be read is none.
    level
        How hard to compress it, 0 to 9.
    lean
        Leave out what the same version of moto has anyway.

    Raises
    ------
    SandboxError
        A service's state cannot be written down; it is named.
    """
    services = dict(_known())
    whole: Backends = {
        place: {account: dict(regions.items()) for account, regions in backends.items()}
        for place, backends in services.items()
    }
    names = {id(backends): place for place, backends in services.items()}
    try:
        body = _pickled(whole, names, lean=lean)
        if proved:
            _prove(body)
    except Exception as error:
        raise _culprit(whole, names) or SandboxError(
            message("sandbox.state.unsavable", service="moto", reason=error)
        ) from error
    kept = zlib.compress(json.dumps(keepers, allow_nan=False).encode(), 1)
    packed = kept + zlib.compress(body, level)
    header = {
        "format": _FORMAT,
        "lambdalab": lambdalab.__version__,
        "moto": importlib.metadata.version("moto"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "keepers": len(kept),
        "sha256": hashlib.sha256(packed).hexdigest(),
    }
    return _MAGIC + json.dumps(header).encode() + b"\n" + packed


def _pickled(data: object, names: dict[int, str], *, lean: bool = False) -> bytes:
    buffer = io.BytesIO()
    StatePickler(buffer, names, lean=lean).dump(data)
    return buffer.getvalue()


def _prove(body: bytes) -> None:
    with _untracked():
        StateUnpickler(io.BytesIO(body)).load()


def _culprit(whole: Backends, names: dict[int, str]) -> SandboxError | None:
    for place, accounts in whole.items():
        try:
            _prove(_pickled(accounts, names))
        except Exception as error:  # noqa: BLE001 - whatever it is, its service gets named
            service = place.split(".")[1]
            return SandboxError(message("sandbox.state.unsavable", service=service, reason=error))
    return None


def write(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Write a state file: all of it or nothing.

    ``lasting``: it is on the disk when this returns, and not only with the kernel.

    Raises
    ------
    SandboxError
        It cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SandboxError(
            message("sandbox.state.unwritable", path=path, reason=error.strerror or error)
        ) from error


def read(path: Path) -> bytes:
    """Return the bytes of a state file.

    Raises
    ------
    SandboxError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SandboxError(
            message("sandbox.state.unreadable", path=path, reason=error.strerror or error)
        ) from error


def parse(data: bytes, path: Path) -> Parsed:
    """Return what a state file holds; the current state is not touched.

    Raises
    ------
    SandboxError
        It is foreign, damaged, of another version, or holds what it must not.
    """
    if not data.startswith(_MAGIC):
        raise SandboxError(message("sandbox.state.foreign", path=path))
    head, newline, packed = data[len(_MAGIC) :].partition(b"\n")
    try:
        if not newline or len(head) > _HEADER_MAX:
            raise ValueError("header")
        header = json.loads(head)
        theirs = {name: str(header[name]) for name in ("format", "moto", "python")}
        checksum = str(header["sha256"])
        kept = int(header.get("keepers", 0))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, "header") from error
    ours = {
        "format": theirs["format"] if theirs["format"] in _READABLE else str(_FORMAT),
        "moto": importlib.metadata.version("moto"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    for name, value in ours.items():
        if theirs[name] != value:
            raise SandboxError(
                message(
                    "sandbox.state.version", path=path, what=name, theirs=theirs[name], ours=value
                )
            )
    if hashlib.sha256(packed).hexdigest() != checksum:
        raise _damaged(path, "checksum")
    try:
        keepers = json.loads(zlib.decompress(packed[:kept])) if kept else {}
        if not isinstance(keepers, dict):
            raise TypeError("keepers")
        with _untracked() as tracked:
            backends: Backends = StateUnpickler(io.BytesIO(zlib.decompress(packed[kept:]))).load()
            _check(backends)
        return Parsed(backends, tracked, keepers)
    except UnsafeStateError as error:
        raise SandboxError(message("sandbox.state.unsafe", path=path, what=error)) from error
    except Exception as error:  # a damaged pickle fails in every way there is
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(path: Path, reason: str) -> SandboxError:
    return SandboxError(message("sandbox.state.damaged", path=path, reason=reason))


def _check(backends: Backends) -> None:
    from moto.core.base_backend import BaseBackend

    for place, accounts in backends.items():
        _dictionary(place)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                if not (
                    isinstance(backend, BaseBackend)
                    and isinstance(account, str)
                    and isinstance(region, str)
                ):
                    raise TypeError(f"{place} holds no backends")


def _dictionary(place: str) -> Untyped:
    from moto.core.base_backend import BackendDict

    module, _, attribute = place.partition(":")
    if not module.startswith("moto.") or not module.endswith("models"):
        raise UnsafeStateError(place)
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, BackendDict):
        raise UnsafeStateError(place)
    return found


def restore(parsed: Parsed) -> None:
    """Put parsed state in the place of the current one, which must be empty."""
    for model, instances in parsed.tracked:
        model.instances_tracked.extend(instances)
    for place, accounts in parsed.backends.items():
        dictionary = _dictionary(place)
        for account, regions in accounts.items():
            account_backends = dictionary[account]
            for region, backend in regions.items():
                dict.__setitem__(account_backends, region, backend)
