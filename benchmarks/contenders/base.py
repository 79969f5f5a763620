"""What the benchmark needs of a contender, and the client all of them are called with."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["Client", "Contender", "lambda_client", "service_client"]

Client = Any
"""A boto3 client: botocore makes its methods at run time."""

REGION = "us-east-1"
ACCESS_KEY = "AKIALAMBDALABSANDBOX"
_TIMEOUT_S = 60


class Contender(abc.ABC):
    """Something that runs functions and answers Lambda's Invoke API on loopback.

    Parameters
    ----------
    folder
        An empty folder for its files; whoever made it removes it.
    functions
        How many functions of each kind will be asked for at most.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, functions: int) -> None:
        self.folder = folder
        self.functions = functions

    @classmethod
    @abc.abstractmethod
    def missing(cls) -> str | None:
        """Say what is not installed; ``None`` if it can start."""

    @abc.abstractmethod
    def versions(self) -> dict[str, str]:
        """Return the versions of what takes part."""

    @abc.abstractmethod
    def start(self) -> None:
        """Start it; returns when it answers.

        Raises
        ------
        BenchmarkError
            It did not come up.
        """

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """Where its Lambda API is, once it has started."""

    @abc.abstractmethod
    def fresh_function(self, kind: str) -> str:
        """Return the name of a function that nobody has invoked yet."""

    @abc.abstractmethod
    def discard(self, name: str) -> None:
        """Be done with a function; its worker may end."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End it and every process it made. Twice is fine."""


def service_client(service: str, url: str) -> Client:
    """Return a boto3 client: the same for everyone, and it never tries twice."""
    import boto3
    from botocore.config import Config

    session: Client = boto3.Session()
    return session.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key="fake",
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=_TIMEOUT_S,
        ),
    )


def lambda_client(url: str) -> Client:
    """Return the client that invokes."""
    return service_client("lambda", url)
