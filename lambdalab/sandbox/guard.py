"""Keeps botocore on this machine: a request to any other host is refused in this process.

Depends on nothing but the standard library once imported, because handler processes
drop the course's own modules and still keep the guard.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from lambdalab.errors import LambdalabError
from lambdalab.sandbox.untyped import Untyped

__all__ = ["RemoteCallRefusedError", "install", "is_loopback"]

_MODULE = "botocore.httpsession"
_MARK = "_lambdalab_guarded"

ENGLISH = (
    "The sandbox stopped a request to {host}: nothing here may leave this machine. "
    "Make the client after Sandbox.start(), and pass it no endpoint_url of another host."
)
"""What to say where the course's messages cannot be read: in a handler's process."""


class RemoteCallRefusedError(LambdalabError):
    """A request would have left this machine."""


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address (no port, no brackets) is this machine."""
    host = host.lower().rstrip(".")
    if host in ("localhost", "::1") or host.endswith(".localhost"):
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts)


def _refusal(host: str) -> RemoteCallRefusedError:
    try:
        from lambdalab.i18n import message

        text = message("sandbox.guard.refused", host=host)
    except Exception:  # noqa: BLE001 - the refusal matters, not its language
        text = ENGLISH.format(host=host)
    return RemoteCallRefusedError(text)


def _wrap(module: ModuleType) -> None:
    session: Any = module.URLLib3Session
    original = session.send
    if getattr(original, _MARK, False):
        return

    def send(self: Untyped, request: Untyped) -> Untyped:
        host = urlsplit(request.url).hostname or ""
        if not is_loopback(host):
            raise _refusal(host)
        return original(self, request)

    setattr(send, _MARK, True)
    session.send = send


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _wrap(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps botocore's HTTP session the moment it is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


def install() -> None:
    """Guard botocore in this process, now or as soon as it is imported; repeat as you like."""
    module = sys.modules.get(_MODULE)
    if module is not None:
        _wrap(module)
    elif not any(type(finder).__name__ == _Finder.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
