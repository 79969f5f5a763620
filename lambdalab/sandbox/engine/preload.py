"""What the managed Python runtime brings along, imported once before any environment.

AWS's runtime ships boto3 and its own runtime client, and nothing else: a handler that
imports ``requests`` must package it. So environments get a search path with just those.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from lambdalab.sandbox.engine import servicedata

__all__ = ["SHIPPED", "forget", "link_runtime", "load", "search_path", "shadowed"]

SHIPPED = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot_restore_py",
    "urllib3",
)
"""Top-level modules of the runtime."""

_EAGER = ("boto3", "botocore.client", "botocore.httpsession", "botocore.signers")


def link_runtime(folder: Path) -> None:
    """Fill ``folder`` with links to the shipped packages of this interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        link = folder / target.name
        if not link.is_symlink():
            link.symlink_to(target)


def load() -> None:
    """Import what every environment will need.

    ``runtime_client`` is left out: it reads ``AWS_LAMBDA_RUNTIME_API`` once, when it
    is loaded, so each environment has to load its own.
    """
    for name in _EAGER:
        importlib.import_module(name)
    servicedata.share()
    for name in ("http.client", "concurrent.futures", "uuid", "decimal", "traceback"):
        importlib.import_module(name)
    sys.modules["runtime_client"] = None  # type: ignore[assignment]
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("awslambdaric.bootstrap")
    finally:
        del sys.modules["runtime_client"]


def search_path(task: str, layers: str, runtime: str) -> list[str]:
    """Return ``sys.path`` of the managed runtime: function, layers, runtime, standard library."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    standard = [
        path
        for path in sys.path
        if path.startswith(sys.base_prefix)
        and not path.endswith(("site-packages", "dist-packages"))
    ]
    return list(
        dict.fromkeys(
            [
                task,
                f"{layers}/python/lib/{version}/site-packages",
                f"{layers}/python",
                runtime,
                *standard,
            ]
        )
    )


def shadowed(folders: Iterable[str]) -> bool:
    """Tell whether the function or a layer ships a package the runtime also ships."""
    for folder in folders:
        try:
            names = {
                name.removesuffix(".py")
                for name in os.listdir(folder)  # noqa: PTH208 - in every cold start
            }
        except OSError:  # no layer brings that folder
            continue
        if not names.isdisjoint(SHIPPED):
            return True
    return False


def forget() -> None:
    """Drop all shipped packages, so that the function's own are imported afresh."""
    for name in list(sys.modules):
        if name.partition(".")[0] in SHIPPED:
            del sys.modules[name]
