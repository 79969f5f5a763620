"""What IAM decides: whether policies let somebody do something to a resource.

Nothing is allowed that no statement allows, and an explicit deny outweighs every allow
(:data:`LOGIC`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lambdalab.rules.policy_conditions import Context, condition_mismatch, text_fits
from lambdalab.rules.policy_documents import (
    Document,
    Names,
    Statement,
    statements_of,
    value_text,
)
from lambdalab.rules.source import Source
from lambdalab.rules.wildcards import glob_fits

__all__ = ["LOGIC", "Decision", "Statement", "evaluate", "statements_of"]

LOGIC = Source(
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What came out, and why. True when it is allowed."""

    allowed: bool
    denied_explicitly: bool = False
    sid: str | None = None
    """``Sid`` of the statement that decided, or its number in its policy, from 1."""
    reason: str = ""
    """The end of the sentence that an ``AccessDenied`` error begins, in AWS's words."""
    misses: tuple[str, ...] = ()
    """Of each statement that could have allowed it: what kept it from applying."""

    def __bool__(self) -> bool:
        """Tell whether it is allowed."""
        return self.allowed


@dataclass(frozen=True, slots=True)
class _Request:
    action: str
    resource: str
    principal: tuple[str, str] | None
    context: Context


def evaluate(
    documents: Iterable[Document],
    *,
    action: str,
    resource: str,
    principal: tuple[str, str] | None = None,
    context: Mapping[str, object] | None = None,
    kind: str = "identity-based",
) -> Decision:
    """Decide by all ``documents`` together.

    Parameters
    ----------
    documents
        Policies, as JSON text (read once and remembered) or as objects.
    action
        ``lambda:InvokeFunction``.
    resource
        The ARN it is done to.
    principal
        Who asks, for a policy that names principals: ``("Service", "s3.amazonaws.com")``,
        ``("AWS", ARN)``. A statement that names some applies to nobody else.
    context
        Condition keys and their values, such as ``{"aws:SourceArn": ARN}``; a sequence is a
        key of many values.
    kind
        What the reason calls the policies: ``resource-based``, ``permissions boundary`` …

    Raises
    ------
    ValueError
        A document is not a policy.

    Examples
    --------
    >>> one = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    >>> policy = {"Version": "2012-10-17", "Statement": one}
    >>> evaluate([policy], action="sqs:SendMessage", resource="arn:aws:sqs:::q").allowed
    True
    """
    request = _Request(action, resource, principal, _context(context or {}))
    called = kind if kind.endswith("boundary") else f"{kind} policy"
    one = f"an {called}" if called[0] in "aeiou" else f"a {called}"
    allowing: Statement | None = None
    misses = []
    for document in documents:
        for statement in statements_of(document):
            if statement.allows and allowing is not None:
                continue
            missing = _mismatch(statement, request)
            if missing is None and not statement.allows:
                return Decision(
                    allowed=False,
                    denied_explicitly=True,
                    sid=statement.sid,
                    reason=f"with an explicit deny in {one}",
                )
            if missing is None:
                allowing = statement
            elif statement.allows:
                misses.append(f"{statement.sid}: {missing}")
    if allowing is None:
        reason = f"because no {called} allows the {action} action"
        return Decision(allowed=False, reason=reason, misses=tuple(misses))
    reason = f"because {one} allows the {action} action"
    return Decision(allowed=True, sid=allowing.sid, reason=reason)


def _mismatch(statement: Statement, request: _Request) -> str | None:
    """Say why a statement does not apply to a request."""
    names = statement.principals
    if names is not None and (
        request.principal is None or _named(names, request.principal) is statement.other_principals
    ):
        who = "nobody" if request.principal is None else request.principal[1]
        wanted = ", ".join(name for _, name in names)
        return f"it is for {'all but ' * statement.other_principals}{wanted}, not for {who}"
    action = request.action.lower()
    if any(glob_fits(one, action) for one in statement.actions) is statement.other_actions:
        return f"it is not about {request.action}"
    resources = statement.resources
    if (
        resources is not None
        and any(text_fits(one, request.resource, request.context) for one in resources)
        is statement.other_resources
    ):
        but = "all but " * statement.other_resources
        return f"it is about {but}{', '.join(resources)}, not about {request.resource}"
    unmet = condition_mismatch(statement.condition, request.context) if statement.condition else ""
    return f"its condition is not met: {unmet}" if unmet else None


def _named(names: Names, principal: tuple[str, str]) -> bool:
    kind, name = principal
    for wanted_kind, wanted in names:
        if wanted == "*" and wanted_kind in ("*", "AWS"):
            return True
        if wanted_kind != kind:
            continue
        if wanted == name or (kind == "Service" and _service(wanted) == _service(name)):
            return True
        if kind == "AWS" and _account(wanted) is not None:
            if _account(wanted) == _account(name) or _account(wanted) == _owner(name):
                return True
        elif kind == "AWS" and wanted == _role_of(name):
            return True
    return False


def _service(name: str) -> str:
    """Take the Region out of ``logs.us-east-1.amazonaws.com``."""
    first, _, rest = name.partition(".")
    region, _, domain = rest.partition(".")
    return f"{first}.{domain}" if region[-1:].isdigit() else name


def _account(name: str) -> str | None:
    """Return the account that a principal stands for as a whole."""
    if name.isdigit():
        return name
    return _owner(name) if name.endswith(":root") else None


def _owner(arn: str) -> str | None:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else None


def _role_of(arn: str) -> str | None:
    """Return the role of ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``."""
    head, found, rest = arn.partition(":assumed-role/")
    if not found:
        return None
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.rpartition('/')[0]}"


def _context(given: Mapping[str, object]) -> Context:
    return {
        key.lower(): tuple(value_text(one) for one in value)
        if isinstance(value, list | tuple | set | frozenset)
        else (value_text(value),)
        for key, value in given.items()
        if value is not None
    }
