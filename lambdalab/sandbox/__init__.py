"""The sandbox: AWS Lambda on this machine, in one process on one loopback port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdalab.sandbox.client import NoSandboxError, Sandbox
    from lambdalab.sandbox.registry import SandboxError

__all__ = ["NoSandboxError", "Sandbox", "SandboxError"]


def __getattr__(name: str) -> object:
    # Handlers' processes come through here as well, and carry what it imports.
    if name in __all__:
        from lambdalab.sandbox import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
