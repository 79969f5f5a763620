"""IAM as the sandbox has it: AWS's own policies are there, and roles survive save and load."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab.sandbox import Sandbox
from lambdalab.sandbox.pickling import StatePickler, StateUnpickler, UnsafeStateError
from tests.conftest import TRUST

_BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_role_with_an_aws_policy_survives_save_reset_and_load(
    sandbox: Sandbox, clients: Callable[..., Any], tmp_path: Path
) -> None:
    iam = clients("iam")
    iam.create_role(RoleName="kept", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="kept", PolicyArn=_BASIC)
    saved = sandbox.save(tmp_path / "state.lab")
    sandbox.reset()
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == []
    sandbox.load(saved)
    (policy,) = iam.list_attached_role_policies(RoleName="kept")["AttachedPolicies"]
    assert policy["PolicyArn"] == _BASIC
    version = iam.get_policy(PolicyArn=_BASIC)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=_BASIC, VersionId=version)["PolicyVersion"]
    assert "logs:PutLogEvents" in document["Document"]["Statement"][0]["Action"]


def test_pattern_is_written_without_naming_a_function_of_python() -> None:
    file = io.BytesIO()
    StatePickler(file, {}).dump(re.compile("a+b", re.IGNORECASE))
    restored = StateUnpickler(io.BytesIO(file.getvalue())).load()
    assert restored.fullmatch("AAB")


def test_pattern_pickled_the_usual_way_is_refused() -> None:
    with pytest.raises(UnsafeStateError, match=r"re\._compile"):
        StateUnpickler(io.BytesIO(pickle.dumps(re.compile("a")))).load()
