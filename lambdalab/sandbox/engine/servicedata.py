"""botocore's data files, parsed once for all environments.

Making a client costs tens of milliseconds, nearly all of it for parsing the endpoints of
every service and one service's model, and most of a cold start would go there. A botocore
session shares what it has parsed among its clients (they only read it), so the sessions
of all environments may share it as well.
"""

from __future__ import annotations

from typing import Any

import botocore.loaders
import botocore.session

from lambdalab.sandbox.untyped import Untyped

__all__ = ["share"]

_SERVICES = ("dynamodb", "s3", "sns", "sqs")
"""Whose models are kept parsed: those that most functions of a course use. Any other costs
its parsing. Each one adds to the memory of every environment."""


def share() -> None:
    """Parse what clients need now, and let all sessions of later forks begin with it."""
    session = botocore.session.Session()
    # Keys that are given are not looked for, and a client that is only made sends nothing.
    for service in _SERVICES:
        session.create_client(
            service,
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - says that there is none
        ).close()
    parsed: dict[Any, Any] = session.get_component("data_loader")._cache
    make = botocore.loaders.create_loader

    def create_loader(search_path_string: str | None = None) -> Untyped:
        loader: Any = make(search_path_string)
        if search_path_string is None:  # or the function may bring data of its own
            loader._cache.update(parsed)
        return loader

    botocore.session.create_loader = create_loader
