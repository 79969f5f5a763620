"""Whose request it is: the key that signed it must be one the sandbox gave out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from lambdalab.i18n import message
from lambdalab.sandbox.credentials import ACCESS_KEY, ACCOUNT
from lambdalab.sandbox.lambda_service.http_invoke import Answer

__all__ = ["Refusal", "Signature", "signature"]

_V4 = re.compile(r"Credential=([^/]+)/\d{8}/([^/]*)/([^/]*)/aws4_request")
_V2 = re.compile(r"AWS ([^:]+):")
_QUERY_SERVICES = frozenset(
    (
        "autoscaling",
        "cloudformation",
        "ec2",
        "elasticache",
        "elasticbeanstalk",
        "elasticloadbalancing",
        "iam",
        "monitoring",
        "rds",
        "redshift",
        "ses",
        "sdb",
        "sns",
        "sts",
    )
)
_ISSUED_ALWAYS = frozenset({"AKIAIOSFODNN7EXAMPLE", "test-key"})
"""Keys that moto's STS and instance metadata hand out, the same to everybody."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request's signature says: account, Region and service."""

    account: str
    region: str
    service: str
    json_protocol: bool = False

    def error(self, status: int, kind: str, text: str) -> Answer:
        """Return an error in the form the service's clients read."""
        if self.service == "s3" or self.service in ("cloudfront", "route53"):
            inner = f"<Code>{kind}</Code><Message>{escape(text)}</Message>"
            body = f"<Error>{inner}</Error>"
            if self.service != "s3":
                body = f"<ErrorResponse>{body}</ErrorResponse>"
            return Answer(status, (("Content-Type", "application/xml"),), body.encode())
        if self.service in _QUERY_SERVICES and not self.json_protocol:
            inner = f"<Type>Sender</Type><Code>{kind}</Code><Message>{escape(text)}</Message>"
            body = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
            return Answer(status, (("Content-Type", "text/xml"),), body.encode())
        headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", kind))
        return Answer(status, headers, json.dumps({"__type": kind, "message": text}).encode())


class Refusal(Exception):
    """The request is not let in."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def signature(path: str, headers: Mapping[str, str]) -> Signature:
    """Return what signed a request; an unsigned one is from the sandbox's own account.

    Raises
    ------
    Refusal
        The access key is not one of the sandbox's: perhaps a real one.
    """
    found = _read(headers.get("authorization", ""))
    if found is None and "?" in path:
        found = _read_query(path)
    json_protocol = "x-amz-target" in headers
    if found is None:
        return Signature(ACCOUNT, "us-east-1", "", json_protocol)
    key, region, service = found
    account = ACCOUNT if key == ACCESS_KEY else _account(key)
    signed = Signature(account or ACCOUNT, region, service, json_protocol)
    if account is None:
        shown = f"{key[:4]}…{key[-4:]}" if len(key) > 8 else key
        text = message("sandbox.refuse.credentials", key=shown)
        raise Refusal(signed.error(403, "UnrecognizedClientException", text))
    return signed


@lru_cache(maxsize=256)
def _scope(scope: str) -> tuple[str, str, str] | None:
    match = _V4.search(scope)
    return (match[1], match[2], match[3]) if match else None


def _read(header: str) -> tuple[str, str, str] | None:
    if not header:
        return None
    scope = header.partition(",")[0]
    if scope.startswith("AWS4-"):
        return _scope(scope)
    match = _V2.match(header)
    return (match[1], "us-east-1", "s3") if match else None


def _read_query(path: str) -> tuple[str, str, str] | None:
    values = parse_qs(urlsplit(path).query)
    if "X-Amz-Credential" in values:
        parts = values["X-Amz-Credential"][0].split("/")
        if len(parts) == 5:
            return parts[0], parts[2], parts[3]
    if "AWSAccessKeyId" in values:
        return values["AWSAccessKeyId"][0], "us-east-1", "s3"
    return None


def _account(key: str) -> str | None:
    """Return the account of a key that moto's IAM or STS made; ``None`` if neither did."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    if key in _ISSUED_ALWAYS:
        return ACCOUNT
    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            if key in backend.access_keys:
                return str(account)
    for account, partitions in list(sts_backends.items()):
        for backend in list(partitions.values()):
            if any(role.access_key_id == key for role in list(backend.assumed_roles)):
                return str(account)
    return None
