"""Resource-based policies: what AddPermission adds to a function, a version or an alias.

Each has a policy of its own. They lie on ``$LATEST``, so that they are saved and deleted with
the function.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.awslambda import models
from moto.moto_api._internal import mock_random

from lambdalab.rules import limits
from lambdalab.rules.routing import LATEST
from lambdalab.sandbox.lambda_service.errors import (
    ApiError,
    conflict,
    invalid_parameter,
    not_found,
    refused_value,
)
from lambdalab.sandbox.untyped import Untyped

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = ["Held", "add", "drop", "held", "install", "remove", "shown", "split"]

_SID = re.compile(r"[a-zA-Z0-9-_]+")
_ACTION = re.compile(r"lambda:[*]|lambda:[a-zA-Z]+|[*]")
_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)")
_ACCOUNT = re.compile(r"\d{12}")
_IDENTITY = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role)/\S+)")
_CONDITIONS = {
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
}
"""What the request's members become: operator and key."""


@dataclass(frozen=True, slots=True)
class Held:
    """One policy."""

    revision: str
    document: str
    """JSON text."""
    sids: tuple[str, ...]


def split(name: str, qualifier: str | None) -> tuple[str, str | None]:
    """Take name and qualifier of a function from what a request says.

    ``$LATEST`` has no policy of its own: it is the function.
    """
    function, _, named = name.rpartition("function:")[2].partition(":")
    if named and qualifier and named != qualifier:
        raise invalid_parameter(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    found = named or qualifier
    return function, None if found == LATEST else found


def held(function: LabFunction, qualifier: str | None) -> Held | None:
    """Return the policy of a function (``$LATEST``) or of one of its versions or aliases."""
    stored = function.permits.get(qualifier or "")
    return None if stored is None else Held(*stored)


def add(
    function: LabFunction, arn: str, qualifier: str | None, body: dict[str, Any]
) -> dict[str, Any]:
    """Add a statement; return it.

    Parameters
    ----------
    arn
        The resource: with the qualifier, if there is one.
    body
        The request's.
    """
    statement = _statement(arn, body)
    there = held(function, qualifier)
    _check_revision(there, body.get("RevisionId"))
    if there and statement["Sid"] in there.sids:
        raise conflict(
            f"The statement id ({statement['Sid']}) provided already exists. Please provide a new "
            f"statement id, or remove the existing statement."
        )
    _keep(function, qualifier, [*_statements(there), statement])
    return statement


def remove(function: LabFunction, qualifier: str | None, sid: str, revision: str | None) -> None:
    """Take a statement away."""
    there = held(function, qualifier)
    if there is None or sid not in there.sids:
        raise not_found(f"Statement {sid} is not found in resource policy.")
    _check_revision(there, revision)
    _keep(function, qualifier, [one for one in _statements(there) if one["Sid"] != sid])


def shown(function: LabFunction, qualifier: str | None) -> dict[str, str]:
    """Return what GetPolicy answers."""
    there = held(function, qualifier)
    if there is None:
        raise not_found("The resource you requested does not exist.")
    return {"Policy": there.document, "RevisionId": there.revision}


def drop(function: LabFunction, qualifier: str) -> None:
    """Forget the policy of a version or an alias, which goes away."""
    function.permits = {name: one for name, one in function.permits.items() if name != qualifier}


def _statements(there: Held | None) -> list[dict[str, Any]]:
    return list(json.loads(there.document)["Statement"]) if there else []


def _keep(function: LabFunction, qualifier: str | None, statements: list[dict[str, Any]]) -> None:
    drop(function, qualifier or "")
    if not statements:
        return
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > limits.RESOURCE_POLICY.value:
        raise ApiError(
            400,
            "PolicyLengthExceededException",
            f"The final policy size ({len(text)}) is bigger than the limit "
            f"({limits.RESOURCE_POLICY.value}).",
        )
    sids = tuple(one["Sid"] for one in statements)
    kept = (str(mock_random.uuid4()), text, sids)
    function.permits = {**function.permits, qualifier or "": kept}


def _check_revision(there: Held | None, given: str | None) -> None:
    if given and (there is None or there.revision != given):
        raise ApiError(
            412,
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId for the Lambda function "
            "or alias. Call the GetFunction or the GetAlias API to retrieve the latest RevisionId "
            "for your resource.",
        )


def _statement(arn: str, body: dict[str, Any]) -> dict[str, Any]:
    sid, action = str(body.get("StatementId", "")), str(body.get("Action", ""))
    for given, name, pattern in ((sid, "statementId", _SID), (action, "action", _ACTION)):
        if not pattern.fullmatch(given):
            raise refused_value(
                given, name, f"Member must satisfy regular expression pattern: {pattern.pattern}"
            )
    if body.get("FunctionUrlAuthType") and action != "lambda:InvokeFunctionUrl":
        raise invalid_parameter(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
        )
    condition: dict[str, dict[str, str]] = {}
    for member, (operator, key) in _CONDITIONS.items():
        value = body.get(member)
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            condition.setdefault(operator, {})[key] = text
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(str(body.get("Principal", ""))),
        "Action": action,
        "Resource": arn,
    }
    return statement | ({"Condition": condition} if condition else {})


def _principal(named: str) -> str | dict[str, str]:
    if named == "*":
        return named
    if _SERVICE.fullmatch(named):
        return {"Service": named}
    if _ACCOUNT.fullmatch(named):
        return {"AWS": f"arn:aws:iam::{named}:root"}
    if _IDENTITY.fullmatch(named):
        return {"AWS": named}
    raise invalid_parameter(
        "The provided principal was invalid. Please check the principal and try again."
    )


def install() -> None:
    """Have CloudFormation's permissions kept here, too. Before moto's first is made."""

    def create(
        _cls: type[Untyped],
        /,
        _name: str,
        template: dict[str, Any],
        account_id: str,
        region_name: str,
        **_options: Untyped,
    ) -> Untyped:
        properties = {"StatementId": str(mock_random.uuid4()), **template["Properties"]}
        backend = models.lambda_backends[account_id][region_name]
        backend.add_permission(properties["FunctionName"], None, json.dumps(properties))
        return models.Permission(region=region_name)

    models.Permission.create_from_cloudformation_json = classmethod(create)
