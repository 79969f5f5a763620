"""A function as moto keeps it, with what moto leaves out."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from moto.awslambda import models
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random

from lambdalab.rules import limits
from lambdalab.rules.recursion import RecursiveLoop
from lambdalab.sandbox.events import Notice
from lambdalab.sandbox.lambda_service import codestore, event_invoke, hooks, validation
from lambdalab.sandbox.lambda_service.errors import (
    ApiError,
    invalid_parameter,
    precondition_failed,
)
from lambdalab.sandbox.untyped import Untyped

__all__ = ["LabFunction", "check_code", "check_role"]

_VOLATILE = ("LastModified", "RevisionId", "Version", "FunctionArn", "LastUpdateStatus")
_STORED = {
    "DeadLetterConfig": "dead_letter_config",
    "FileSystemConfigs": "file_system_configs",
    "SnapStart": "snap_start",
}
"""Members kept as they come. (API name, attribute)"""


def check_role(account: str, arn: str) -> None:
    """Refuse a role that is not there, or that does not let Lambda assume it."""
    from lambdalab.sandbox import permissions

    if arn.split(":")[4] != account:
        raise ApiError(403, "AccessDeniedException", "Cross-account pass role is not allowed.")
    if not permissions.trusts(arn, "lambda.amazonaws.com"):
        raise invalid_parameter("The role defined for the function cannot be assumed by Lambda.")


def check_code(account: str, region: str, code: dict[str, Any]) -> bytes:
    """Return the zip that ``Code`` (or UpdateFunctionCode) names, and refuse a bad one."""
    if "ImageUri" in code:
        raise invalid_parameter(
            "ImageUri is not supported in this sandbox: it has no containers. Use ZipFile, or "
            "S3Bucket and S3Key."
        )
    direct = "ZipFile" in code
    if direct:
        data = _decoded(code["ZipFile"])
    elif "S3Bucket" in code and "S3Key" in code:
        data = _from_s3(account, region, code)
    else:
        raise invalid_parameter("Please provide a source for function code.")
    codestore.inspect(data, direct=direct)
    hooks.service().codes.unpacked(data)
    return data


def _decoded(text: Untyped) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ApiError(
            400, "SerializationException", "ZipFile must be a base64-encoded blob"
        ) from error


def _from_s3(account: str, region: str, code: dict[str, Any]) -> bytes:
    from moto.s3.exceptions import MissingBucket, MissingKey
    from moto.s3.models import s3_backends
    from moto.utilities.utils import get_partition

    failed = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
    backend = s3_backends[account][get_partition(region)]
    try:
        found = backend.get_object(
            code["S3Bucket"], code["S3Key"], version_id=code.get("S3ObjectVersion")
        )
    except MissingBucket as error:
        text = failed.format("NoSuchBucket", "The specified bucket does not exist")
        raise invalid_parameter(text) from error
    except MissingKey as error:
        found = None
        cause: Exception | None = error
    else:
        cause = None
    if found is None:
        text = failed.format("NoSuchKey", "The specified key does not exist.")
        raise invalid_parameter(text) from cause
    return bytes(found.value)


class LabFunction(models.LambdaFunction):  # type: ignore[misc]
    """moto's function, pickled under moto's own name."""

    __module__ = models.__name__
    __qualname__ = "LambdaFunction"

    provisioned: Mapping[str, tuple[int, str]] = MappingProxyType({})
    """On ``$LATEST``, for all versions and aliases: what each has provisioned, and since when.

    Always replaced, never changed: versions are copies. (A state saved by an older version
    has none.)
    """

    event_invoke: Mapping[str, dict[str, Any]] = MappingProxyType({})
    """On ``$LATEST``: asynchronous configuration of each qualifier that has one; replaced only."""
    permits: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType({})
    """On ``$LATEST``, the policies of all versions and aliases, and its own under ``""``.

    Revision, document, statement ids. Always replaced, never changed, too.
    """
    recursive_loop: str = RecursiveLoop.TERMINATE.value

    def __new__(cls, *_args: Untyped, **_options: Untyped) -> Self:
        """Make one of which moto keeps no note: it would hold the code of deleted functions."""
        return object.__new__(cls)

    def __init__(
        self, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1
    ) -> None:
        self.layer_versions: list[Any] = []
        super().__init__(account_id, spec, region, version)
        self.revision_id = str(mock_random.uuid4())
        self.last_version = 0
        """Number of the newest published version; numbers are never given again."""
        self.published_state = ""
        self.provisioned = {}
        self.permits = {}
        self.event_invoke = {}
        self.logging_config: dict[str, Any] = spec.get("LoggingConfig") or {}
        for name, attribute in _STORED.items():
            setattr(self, attribute, spec.get(name))

    @property
    def logs_backend(self) -> Untyped:
        """The logs of its account; a property, so that copies and files leave it out."""
        return logs_backends[self.account_id][self.region]

    @logs_backend.setter
    def logs_backend(self, _backend: Untyped) -> None:
        """Ignore what moto sets."""

    # -- facts ----------------------------------------------------------------------------

    @property
    def unqualified_arn(self) -> str:
        """ARN of the function, whatever version this is."""
        return ":".join(self.function_arn.split(":")[:7])

    @property
    def log_group(self) -> str:
        """Name of the log group it writes to."""
        return str(self.logging_config.get("LogGroup") or f"/aws/lambda/{self.function_name}")

    def state_digest(self) -> str:
        """Return what is equal for two states of code and configuration that are equal."""
        config = self.get_configuration()
        for name in _VOLATILE:
            config.pop(name, None)
        text = json.dumps(config, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        """Return the configuration as the API shows it."""
        config: dict[str, Any] = super().get_configuration(on_create)
        config["RevisionId"] = self.revision_id
        config["LastUpdateStatus"] = "Successful"
        config["LastModified"] = self.last_modified[:23] + "+0000"
        config["LoggingConfig"] = {"LogFormat": "Text", **self.logging_config} | {
            "LogGroup": self.log_group
        }
        if config["LoggingConfig"]["LogFormat"] == "JSON":
            config["LoggingConfig"].setdefault("ApplicationLogLevel", "INFO")
            config["LoggingConfig"].setdefault("SystemLogLevel", "INFO")
        config["RuntimeVersionConfig"] = {
            "RuntimeVersionArn": f"arn:{self.partition}:lambda:{self.region}::runtime:"
            f"{hashlib.sha256(str(self.run_time).encode()).hexdigest()}"
        }
        for name, attribute in _STORED.items():
            stored = getattr(self, attribute)
            if name == "SnapStart" and stored:
                config[name] = {**stored, "OptimizationStatus": "Off"}
            elif stored and stored != {"TargetArn": ""}:
                config[name] = stored
        return {name: value for name, value in config.items() if value is not None}

    def get_code(self) -> dict[str, Any]:
        """Return what GetFunction answers; a reservation of 0 is one, too."""
        answer: dict[str, Any] = super().get_code()
        if self.reserved_concurrency is not None:
            reserved = self.reserved_concurrency
            answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return answer

    def _get_layers_data(self, layers_versions_arns: list[str]) -> Untyped:
        data = super()._get_layers_data(layers_versions_arns)
        backend = models.lambda_backends[self.account_id][self.region]
        # A function keeps its layers even when the layer version is deleted later.
        self.layer_versions = [backend.layers_versions_by_arn(arn) for arn in layers_versions_arns]
        return data

    def check_size(self) -> None:
        """Refuse code and layers that are too large together."""
        total = codestore.inspect(self.code_bytes, direct=False) + sum(
            codestore.inspect(layer.code_bytes, direct=False) for layer in self.layer_versions
        )
        if total > limits.ZIP_UNPACKED.value:
            raise invalid_parameter(
                f"Function code combined with layers exceeds the maximum allowed size of "
                f"{limits.ZIP_UNPACKED.value} bytes. The actual size is {total} bytes."
            )

    # -- changes --------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Make ``data`` the code: moto passes over ``S3ObjectVersion``."""
        self.code_bytes = data
        self.code_size = len(data)
        self.code_digest = codestore.digest(data)
        self.code_sha_256 = base64.b64encode(bytes.fromhex(self.code_digest)).decode()

    def touch(self) -> None:
        """Note that this version has changed."""
        self.revision_id = str(mock_random.uuid4())
        self.last_modified = models.iso_8601_datetime_with_nanoseconds()

    def check_revision(self, given: str | None) -> None:
        """Refuse a change that was meant for another revision."""
        if given and given != self.revision_id:
            raise precondition_failed()

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        """Apply UpdateFunctionConfiguration; nothing changes if any part is refused."""
        self.check_revision(config_updates.get("RevisionId"))
        validation.check_configuration(config_updates, new=False)
        if "Role" in config_updates:
            check_role(self.account_id, config_updates["Role"])
        if "DeadLetterConfig" in config_updates:
            role = config_updates.get("Role") or self.role
            event_invoke.check_dead_letter(
                self.account_id, role, config_updates["DeadLetterConfig"]
            )
        updates = dict(config_updates)
        if "Environment" in updates:
            updates["Environment"] = {
                "Variables": (updates["Environment"] or {}).get("Variables") or {}
            }
        if "Layers" in updates:
            probe = copy.copy(self)
            probe.layers = probe._get_layers_data(updates["Layers"])
            probe.check_size()
        super().update_configuration(updates)
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        if "LoggingConfig" in updates:
            self.logging_config = updates["LoggingConfig"] or {}
        if "TracingConfig" in updates:
            self.tracing_config = updates["TracingConfig"] or {"Mode": "PassThrough"}
        if "KMSKeyArn" in updates:
            self.kms_key_arn = updates["KMSKeyArn"] or None
        for name, attribute in _STORED.items():
            if name in updates:
                setattr(self, attribute, updates[name] or None)
        self.touch()
        if "Runtime" in updates:
            self.notice_runtime()
        hooks.service().changed(self.unqualified_arn, "$LATEST")
        return self.get_configuration()

    def update_function_code(self, updated_spec: dict[str, Any]) -> dict[str, Any]:
        """Apply UpdateFunctionCode."""
        self.check_revision(updated_spec.get("RevisionId"))
        data = check_code(self.account_id, self.region, updated_spec)
        probe = copy.copy(self)
        probe.code_bytes = data
        probe.check_size()
        if updated_spec.get("DryRun"):
            return self.get_configuration()
        # A published version shares the dictionary until here.
        self.code: dict[str, Any] = dict(self.code)
        self._set_function_code(updated_spec)
        self.take(data)
        if updated_spec.get("Architectures"):
            self.architectures = updated_spec["Architectures"]
        self.touch()
        hooks.service().changed(self.unqualified_arn, "$LATEST")
        return self.get_configuration()

    def notice_runtime(self) -> None:
        """Tell the learner when the function's Python is not this machine's."""
        host = f"python{sys.version_info.major}.{sys.version_info.minor}"
        runtime = str(self.run_time)
        if runtime.startswith("python") and runtime != host:
            hooks.service().events.record(
                Notice(
                    key="notice.runtime_differs",
                    values={"function": self.function_name, "runtime": runtime, "host": host},
                )
            )

    def invoke(self, body: str, request_headers: Untyped, response_headers: Untyped) -> str | bytes:
        """Take an event from another service (SNS, Logs, custom resources): asynchronously."""
        return hooks.service().invoke_from_service(
            self, body, request_headers, response_headers, default_type="Event"
        )
