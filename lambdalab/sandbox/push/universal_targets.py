"""Universal targets of EventBridge Scheduler: an API call in place of a resource.

Of all that AWS has, the three that stand for targets of their own: ``lambda:invoke``,
``sqs:sendMessage`` and ``sns:publish``.
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.sandbox.push.delivery import Failure

__all__ = ["resolved"]

_MARK = ":scheduler:::aws-sdk:"


def resolved(arn: str, text: str, *, account: str, region: str) -> tuple[str, str] | Failure:
    """Return the resource's ARN and what it gets; other targets come back as they are.

    Parameters
    ----------
    arn, text
        The target, and its input: the parameters of the call.
    account, region
        Where resources without an ARN are.
    """
    partition, mark, call = arn.partition(_MARK)
    if not mark:
        return arn, text
    try:
        given: Any = json.loads(text)
        here = f"{region}:{account}"
        match call:
            case "lambda:invoke":
                name = str(given["FunctionName"])
                whole = (
                    name
                    if name.startswith("arn:")
                    else f"{partition}:lambda:{here}:function:{name}"
                )
                payload = given.get("Payload", "{}")
                return whole, payload if isinstance(payload, str) else json.dumps(payload)
            case "sqs:sendMessage":
                queue = str(given["QueueUrl"]).rpartition("/")[2]
                return f"{partition}:sqs:{here}:{queue}", str(given["MessageBody"])
            case "sns:publish":
                return str(given["TopicArn"]), str(given["Message"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Failure("INVALID_PARAMETER", f"{call} cannot be called with {text}: {error!r}")
    return arn, text
