"""What CreateFunction and UpdateFunctionConfiguration refuse, in AWS's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.rules import limits
from lambdalab.sandbox.lambda_service.errors import ApiError, invalid_parameter, refused_value

__all__ = [
    "RESERVED_VARIABLES",
    "check_configuration",
    "check_name",
    "check_number",
    "check_runtime",
]

RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
"""Names the service sets itself (dg/configuration-envvars, "Reserved environment variables")."""

_NAME = re.compile(r"[a-zA-Z0-9-_]+")
_NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
_ROLE_PATTERN = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
_HANDLER_PATTERN = r"[^\s]+"
_VARIABLE_PATTERN = r"[a-zA-Z]([a-zA-Z0-9_])+"
_REGEX = "Member must satisfy regular expression pattern: "

_PYTHON = re.compile(r"python3\.\d{1,2}")
_UNABLE = (
    "Lambda was unable to configure your environment variables because the environment "
    "variables you have provided "
)


def check_name(name: str) -> None:
    """Refuse a function name that is none (at most 64 characters)."""
    if not _NAME.fullmatch(name):
        raise refused_value(name, "functionName", _REGEX + _NAME_PATTERN)
    if len(name) > 64:
        raise refused_value(
            name, "functionName", "Member must have length less than or equal to 64"
        )


def check_runtime(runtime: str | None) -> None:
    """Refuse a runtime that cannot run here, naming those that can."""
    if runtime and (_PYTHON.fullmatch(runtime) or runtime.split(".")[0] == "provided"):
        return
    raise invalid_parameter(
        f"The runtime parameter of {runtime} is not supported in this sandbox. It runs "
        f"python3.x (on this machine's own Python) and provided.al2023 or provided.al2 "
        f"(an executable file named bootstrap)."
    )


def check_configuration(spec: Mapping[str, Any], *, new: bool) -> None:
    """Refuse a configuration that AWS would refuse.

    Parameters
    ----------
    spec
        The request's body.
    new
        It is CreateFunction: the role, the runtime and the handler must be there.

    Raises
    ------
    ApiError
        The first thing that is wrong.
    """
    if spec.get("PackageType", "Zip") != "Zip":
        raise invalid_parameter(
            "PackageType Image is not supported in this sandbox: it has no containers. "
            "Use Zip with a deployment package."
        )
    check_number(spec, "MemorySize", "memorySize", limits.MEMORY_MIN.value, limits.MEMORY_MAX.value)
    check_number(spec, "Timeout", "timeout", 1, limits.TIMEOUT_MAX.value)
    check_number(
        spec.get("EphemeralStorage") or {},
        "Size",
        "ephemeralStorage.size",
        limits.EPHEMERAL_MIN.value,
        limits.EPHEMERAL_MAX.value,
    )
    if new and not (spec.get("Runtime") and spec.get("Handler")):
        raise invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with "
            "deployment packages."
        )
    if new or "Role" in spec:
        role = spec.get("Role") or ""
        if not re.fullmatch(_ROLE_PATTERN, role):
            raise refused_value(role, "role", _REGEX + _ROLE_PATTERN)
    if "Handler" in spec:
        _handler(str(spec["Handler"]))
    if "Runtime" in spec:
        check_runtime(spec["Runtime"])
    if "Environment" in spec:
        _variables((spec["Environment"] or {}).get("Variables") or {})
    if "LoggingConfig" in spec:
        _logging(spec["LoggingConfig"] or {})
    _layers(spec.get("Layers") or [])


def check_number(spec: Mapping[str, Any], key: str, place: str, least: int, most: int) -> None:
    """Refuse a whole number out of bounds; ``place`` is the member's name, ``memorySize``."""
    if key not in spec:
        return
    value = spec[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ApiError(
            400, "SerializationException", f"{key} must be an integer, and {value!r} is none"
        )
    if value < least:
        raise refused_value(
            value, place, f"Member must have value greater than or equal to {least}"
        )
    if value > most:
        raise refused_value(value, place, f"Member must have value less than or equal to {most}")


def _handler(handler: str) -> None:
    if not re.fullmatch(_HANDLER_PATTERN, handler):
        raise refused_value(handler, "handler", _REGEX + _HANDLER_PATTERN)
    if len(handler) > 128:
        raise refused_value(handler, "handler", "Member must have length less than or equal to 128")


def _variables(variables: Mapping[str, str]) -> None:
    for name in variables:
        if name in RESERVED_VARIABLES:
            continue
        if not re.fullmatch(_VARIABLE_PATTERN, name):
            raise refused_value(
                f"[{name}]",
                "environment.variables",
                f"Map keys must satisfy constraint: [{_REGEX}{_VARIABLE_PATTERN}]",
            )
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        raise invalid_parameter(
            f"{_UNABLE}contains reserved keys that are currently not supported for "
            f"modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if variables and len(measured.encode()) > limits.ENVIRONMENT_VARIABLES.value:
        raise invalid_parameter(f"{_UNABLE}exceeded the 4KB limit. String measured: {measured}")


def _logging(config: Mapping[str, Any]) -> None:
    enums: dict[str, Sequence[str]] = {
        "LogFormat": ("JSON", "Text"),
        "ApplicationLogLevel": ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        "SystemLogLevel": ("DEBUG", "INFO", "WARN"),
    }
    for key, values in enums.items():
        if key in config and config[key] not in values:
            raise refused_value(
                config[key],
                f"loggingConfig.{key[0].lower()}{key[1:]}",
                f"Member must satisfy enum value set: [{', '.join(values)}]",
            )
    levels = [key for key in ("ApplicationLogLevel", "SystemLogLevel") if key in config]
    if levels and config.get("LogFormat", "Text") != "JSON":
        raise invalid_parameter(
            f"{levels[0]} is not supported when LogFormat is set to Text. "
            f"Remove {levels[0]} from your request or change the LogFormat to JSON and try again."
        )


def _layers(arns: Sequence[str]) -> None:
    if len(arns) > limits.LAYERS.value:
        raise invalid_parameter(f"Cannot reference more than {limits.LAYERS.value} layers.")
    seen: set[str] = set()
    for arn in arns:
        layer = arn.rpartition(":")[0]
        if arn.count(":") != 7:
            raise refused_value(
                f"[{arn}]",
                "layers",
                "Member must satisfy constraint: [Member must be the ARN of a layer version: "
                "arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION]",
            )
        if layer in seen:
            raise invalid_parameter(
                "Two different versions of the same layer are not allowed to be referenced in "
                f"the same function. {layer}"
            )
        seen.add(layer)
