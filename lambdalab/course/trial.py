"""A trial of the sandbox: ``python -m lambdalab.course.trial``.

Starts one in a folder of its own, runs a function in it, and ends it. Prints what was
measured as one line of JSON: ``ready_s``, ``cold_ms``, ``warm_ms``, ``isolation``; or
``error``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import Any

from lambdalab.errors import LambdalabError

__all__ = ["main"]

_CODE = "def handler(event, context):\n    return {'seen': event}\n"
_WARM_INVOKES = 5
_EVENT = {"question": 42}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def main() -> int:
    """Make the trial; return 0 if the function answered as it should."""
    try:
        with tempfile.TemporaryDirectory(prefix="lambdalab-doctor-") as folder:
            said = _try(folder)
    except Exception as error:  # noqa: BLE001 - whatever went wrong is the finding
        text = str(error) if isinstance(error, LambdalabError) else repr(error)
        said = {"error": text}
    print(json.dumps(said))
    return 1 if "error" in said else 0


def _try(folder: str) -> dict[str, Any]:
    from lambdalab.sandbox import Sandbox

    began = time.perf_counter()
    box = Sandbox.start(workspace=folder, owner=os.getpid(), quiet=True)
    ready = time.perf_counter() - began
    try:
        client = _prepared()
        cold = _timed_ms(client)
        warm = min(_timed_ms(client) for _ in range(_WARM_INVOKES))
        isolation = box.status()["isolation"]
    finally:
        box.stop()
    return {"ready_s": ready, "cold_ms": cold, "warm_ms": warm, "isolation": isolation}


def _prepared() -> Any:  # noqa: ANN401 - boto3 makes its classes as it goes
    import boto3

    from lambdalab.packaging import deployment_package

    role = boto3.client("iam").create_role(
        RoleName="doctor", AssumeRolePolicyDocument=json.dumps(_TRUST)
    )
    client = boto3.client("lambda")
    client.create_function(
        FunctionName="doctor",
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": deployment_package({"app.py": _CODE})},
    )
    return client


def _timed_ms(client: Any) -> float:  # noqa: ANN401 - see above
    began = time.perf_counter()
    answer = client.invoke(FunctionName="doctor", Payload=json.dumps(_EVENT))
    payload = json.loads(answer["Payload"].read())
    if payload != {"seen": _EVENT}:
        raise RuntimeError(f"the function answered {payload}")
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
