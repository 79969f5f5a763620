"""The on-failure destination of a stream's mapping: whether it is there, and may be used."""

from __future__ import annotations

from lambdalab.rules.destinations import (
    TargetKind,
    kind_of,
    permissions,
    target_invalid,
    unpermitted,
)
from lambdalab.sandbox import permissions as iam
from lambdalab.sandbox.asynchronous import targets

__all__ = ["destination_refusal"]


def destination_refusal(
    arn: str, *, account: str, role: str, key: str = "aws/lambda/*"
) -> str | None:
    """Say why a role cannot send to a target, or return ``None``; the caller passes the gate.

    Parameters
    ----------
    arn
        Queue, topic or bucket.
    account
        Of the function.
    role
        Its execution role.
    key
        What is put into a bucket.
    """
    if not targets.exists(arn, account=account):
        return target_invalid(arn)
    needed = permissions(arn)
    if kind_of(arn) is TargetKind.S3:
        needed = (("s3:PutObject", f"{arn}/{key}"), ("s3:ListBucket", arn))
    for action, resource in needed:
        if not iam.role_may(role, action, resource):
            return unpermitted(action, arn)
    return None
