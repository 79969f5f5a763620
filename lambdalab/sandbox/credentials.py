"""The fake account and the variables that point AWS's own tools at the sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

__all__ = [
    "ACCESS_KEY",
    "ACCOUNT",
    "SECRET_KEY",
    "adopt",
    "default_region",
    "environment",
    "real_credentials",
    "unwanted",
    "write_files",
]

ACCOUNT = "123456789012"
ACCESS_KEY = "AKIALAMBDALABSANDBOX"
SECRET_KEY = "lambdalab-fake-secret"  # noqa: S105 - fake by design

_CREDENTIALS = (
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_DETOURS = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
_LOOPBACK = ("127.0.0.1", "localhost")


def default_region(variables: Mapping[str, str] | None = None) -> str:
    """Return the Region to work in: what the environment names, else ``us-east-1``."""
    values = os.environ if variables is None else variables
    return values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION") or "us-east-1"


def write_files(folder: Path) -> tuple[Path, Path]:
    """Write the two files AWS's tools read instead of the learner's own; return their paths."""
    config = folder / "aws-config"
    config.write_text("[default]\n", encoding="utf-8")
    credentials = folder / "aws-credentials"
    credentials.write_text(
        f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n",
        encoding="utf-8",
    )
    return config, credentials


def environment(
    url: str, folder: Path, record: Path, variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables a process needs to work in the sandbox.

    Parameters
    ----------
    url
        Address of the sandbox.
    folder
        Folder of its run, with the files of :func:`write_files`.
    record
        Its ``sandbox.json``.
    variables
        The environment they will be added to; the process's own if ``None``.
    """
    present = os.environ if variables is None else variables
    region = default_region(present)
    direct = present.get("NO_PROXY") or present.get("no_proxy") or ""
    hosts = [host.strip() for host in direct.split(",") if host.strip()]
    no_proxy = ",".join(hosts + [host for host in _LOOPBACK if host not in hosts])
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDALAB_SANDBOX": str(record),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def unwanted(variables: Iterable[str]) -> tuple[str, ...]:
    """Return the names, of those given, that would lead AWS's tools elsewhere."""
    names = set(_CREDENTIALS) | set(_DETOURS)
    return tuple(
        sorted(name for name in variables if name in names or name.startswith("AWS_ENDPOINT_URL_"))
    )


def real_credentials(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of variables that carry credentials which are not the sandbox's."""
    found = [name for name in _CREDENTIALS if variables.get(name)]
    if variables.get("AWS_ACCESS_KEY_ID", ACCESS_KEY) != ACCESS_KEY:
        found.append("AWS_ACCESS_KEY_ID")
    if variables.get("AWS_SECRET_ACCESS_KEY", SECRET_KEY) != SECRET_KEY:
        found.append("AWS_SECRET_ACCESS_KEY")
    return tuple(sorted(found))


def adopt(variables: MutableMapping[str, str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Make ``variables`` those of a sandbox; return the names of real credentials removed."""
    removed = real_credentials(variables)
    for name in unwanted(list(variables)):
        del variables[name]
    variables.update(values)
    return removed
