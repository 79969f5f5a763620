"""Deployment packages with aws-lambda-powertools in them, as it comes from PyPI."""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path

import pytest

from lambdalab.packaging import deployment_package

__all__ = ["powertools", "vendored"]

_DISTRIBUTIONS = ("aws-lambda-powertools", "jmespath", "typing-extensions")
_SUFFIXES = (".py", ".json", ".typed")


@functools.cache
def vendored() -> dict[str, bytes]:
    """Return the files of Powertools and what it needs, by their name in a package.

    They are what ``pip install --target`` would put beside the handler. boto3 comes with the
    runtime.
    """
    found: dict[str, bytes] = {}
    for distribution in _DISTRIBUTIONS:
        for path in importlib.metadata.files(distribution) or ():
            place = Path(str(path.locate()))
            if path.parts[0] != ".." and place.suffix in _SUFFIXES:
                found[path.as_posix()] = place.read_bytes()
    return found


class Powertools:
    """Makes packages."""

    def package(self, code: str, **files: str) -> bytes:
        """Return a package with ``app.py`` and Powertools in it."""
        return deployment_package({"app.py": code, **files, **vendored()})


@pytest.fixture(scope="session")
def powertools() -> Powertools:
    """Return what makes packages with Powertools in them."""
    return Powertools()
