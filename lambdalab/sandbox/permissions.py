"""Who may do what in the sandbox: IAM's evaluation over the documents that moto holds.

moto lets everybody do everything. Callers ask here before they act for a role (pollers,
destinations, the Scheduler) or for a service that invokes a function (S3, SNS, EventBridge).
Decisions are remembered by the documents and the request, so asking per message is cheap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError
from moto.iam.models import iam_backends

from lambdalab.rules.policies import Decision, evaluate
from lambdalab.sandbox import mototime
from lambdalab.sandbox.credentials import ACCOUNT
from lambdalab.sandbox.lambda_service import permits
from lambdalab.sandbox.untyped import Untyped

__all__ = ["denied_text", "may_invoke", "role_may", "trusts"]

_INVOKE = "lambda:InvokeFunction"
_TIMES = ("aws:currenttime", "aws:epochtime")
_Items = tuple[tuple[str, str | tuple[str, ...]], ...]


def role_may(
    role_arn: str, action: str, resource: str, context: Mapping[str, object] | None = None
) -> Decision:
    """Decide by a role's inline and attached policies, and its permissions boundary.

    Parameters
    ----------
    role_arn
        The role that acts.
    action, resource
        ``sqs:ReceiveMessage`` and the ARN it is done to.
    context
        Further condition keys; those that tell of the role and the time are there already.
    """
    role = _role(role_arn)
    if role is None:
        return Decision(allowed=False, reason=f"because the role {role_arn} does not exist")
    documents = (
        *map(_text, role.policies.values()),
        *(one for policy in role.managed_policies.values() for one in _default(policy)),
    )
    known = {
        "aws:PrincipalArn": role_arn,
        "aws:PrincipalAccount": role.account_id,
        "aws:PrincipalType": "AssumedRole",
        "aws:ResourceAccount": resource.split(":")[4] if resource.count(":") >= 5 else None,
    }
    boundary: tuple[str, ...] | None = None
    if role.permissions_boundary_arn:
        iam = iam_backends[role.account_id][role.partition]
        boundary = _default(iam.managed_policies.get(role.permissions_boundary_arn))
    return _decided(
        documents=documents,
        boundary=boundary,
        action=action,
        resource=resource,
        principal=None,
        context=_items({**known, **(context or {})}, (*documents, *(boundary or ()))),
    )


def may_invoke(
    function: str,
    qualifier: str | None = None,
    *,
    service: str,
    source_arn: str,
    source_account: str | None = None,
    account: str = ACCOUNT,
    region: str = "us-east-1",
) -> Decision:
    """Decide by the resource-based policy of exactly this function, version or alias.

    A permission for the function is none for its alias, and the other way round.

    Parameters
    ----------
    function, qualifier
        Name or ARN, which may name a version or an alias itself.
    service
        ``s3.amazonaws.com``; the part before the first dot will do.
    source_arn
        What sends the event.
    source_account
        Whose that is; left out: the account in its ARN, and this one where there is none.
    account, region
        Where the function is, unless its ARN says so.
    """
    service = service if "." in service else f"{service}.amazonaws.com"
    partition = "aws"
    if function.startswith("arn:"):
        _, partition, _, region, account, _ = function.split(":", 5)
    name, qualifier = permits.split(function, qualifier)
    arn = f"arn:{partition}:lambda:{region}:{account}:function:{name}"
    owner = source_arn.split(":")[4] if source_arn.count(":") >= 5 else ""
    documents: tuple[str, ...] = ()
    try:
        held = permits.held(lambda_backends[account][region].get_function(name), qualifier)
        documents = (held.document,) if held else ()
    except (JsonRESTError, KeyError):  # no such function or Region: nothing allows it
        pass
    known = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": source_account or owner or account,
        "aws:PrincipalIsAWSService": True,
        "aws:PrincipalServiceName": service,
    }
    return _decided(
        documents=documents,
        boundary=None,
        action=_INVOKE,
        resource=f"{arn}:{qualifier}" if qualifier else arn,
        principal=("Service", service),
        context=_items(known, documents),
    )


def trusts(role_arn: str, service: str) -> Decision:
    """Decide by a role's trust policy whether a service may assume it.

    ``service``: ``scheduler.amazonaws.com``; the part before the first dot will do.
    """
    service = service if "." in service else f"{service}.amazonaws.com"
    role = _role(role_arn)
    if role is None:
        return Decision(allowed=False, reason=f"because the role {role_arn} does not exist")
    documents = (_text(role.assume_role_policy_document),)
    try:
        return _decided(
            documents=documents,
            boundary=None,
            action="sts:AssumeRole",
            resource=role_arn,
            principal=("Service", service),
            context=_items({"aws:SourceAccount": role.account_id}, documents),
        )
    except ValueError as error:  # moto takes any text for a trust policy
        return Decision(allowed=False, reason=f"because its trust policy is none: {error}")


def denied_text(principal: str, action: str, resource: str, decision: Decision) -> str:
    """Return what AWS's ``AccessDenied`` error says.

    ``principal``: ARN of a role, or name of a service.
    """
    kind = "User: " if principal.startswith("arn:") else ""
    return (
        f"{kind}{principal} is not authorized to perform: {action} on resource: {resource} "
        f"{decision.reason}"
    )


@lru_cache(maxsize=4096)
def _decided(
    *,
    documents: tuple[str, ...],
    boundary: tuple[str, ...] | None,
    action: str,
    resource: str,
    principal: tuple[str, str] | None,
    context: _Items,
) -> Decision:
    kind = "resource-based" if principal else "identity-based"
    values = dict(context)
    decision = evaluate(
        documents,
        action=action,
        resource=resource,
        principal=principal,
        context=values,
        kind=kind,
    )
    if boundary is None or not decision:
        return decision
    within = evaluate(
        boundary, action=action, resource=resource, context=values, kind="permissions boundary"
    )
    return decision if within else within


def _items(context: Mapping[str, object], documents: tuple[str, ...]) -> _Items:
    """Make a context that can be remembered; the time is in it only where a policy asks."""
    values = dict(context)
    if any(_asks_the_time(text) for text in documents):
        now = mototime.now()
        values.setdefault("aws:EpochTime", int(now))
        values.setdefault("aws:CurrentTime", f"{datetime.fromtimestamp(int(now), UTC):%FT%TZ}")
    return tuple(
        (key, tuple(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value))
        for key, value in values.items()
        if value is not None
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1024)
def _asks_the_time(text: str) -> bool:
    lower = text.lower()
    return any(key in lower for key in _TIMES)


def _role(arn: str) -> Untyped:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return None
    roles = iam_backends[parts[4]][parts[1]].roles
    return next((role for role in list(roles.values()) if role.arn == arn), None)


def _default(policy: Untyped) -> tuple[str, ...]:
    """Return the document of a managed policy's default version; nothing if it is gone."""
    versions = policy.versions if policy is not None else ()
    return tuple(
        _text(version.document)
        for version in versions
        if version.version_id == policy.default_version_id
    )


def _text(document: Untyped) -> str:
    return document if isinstance(document, str) else json.dumps(document)
