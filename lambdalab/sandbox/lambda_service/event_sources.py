"""Event source mappings in the Lambda API: what is asked for is checked, then stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.awslambda import models

from lambdalab.i18n import message
from lambdalab.rules import discards
from lambdalab.rules import mappings as rules
from lambdalab.rules.mappings import Problem
from lambdalab.sandbox import motosqs, mototime, permissions
from lambdalab.sandbox.asynchronous import targets
from lambdalab.sandbox.lambda_service import hooks
from lambdalab.sandbox.lambda_service.errors import ApiError, conflict, invalid_parameter, not_found
from lambdalab.sandbox.pollers.mapping import LabMapping, State
from lambdalab.sandbox.pollers.registry import pollers
from lambdalab.sandbox.untyped import Untyped

if TYPE_CHECKING:
    from lambdalab.sandbox.lambda_service.backend import LabBackend
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = ["create", "delete", "get", "listed", "missing_permissions", "role_of", "update"]

_ELSEWHERE = {
    "kafka": "Amazon MSK",
    "mq": "Amazon MQ",
    "rds": "Amazon DocumentDB",
}
_ATTRIBUTES = {
    "BatchSize": "batch_size",
    "BisectBatchOnFunctionError": "bisect_on_error",
    "DestinationConfig": "destination_config",
    "Enabled": "enabled",
    "FilterCriteria": "filter_criteria",
    "FunctionResponseTypes": "function_response_types",
    "KMSKeyArn": "kms_key",
    "MaximumBatchingWindowInSeconds": "max_batch_window",
    "MaximumRecordAgeInSeconds": "max_record_age",
    "MaximumRetryAttempts": "max_retry_attempts",
    "MetricsConfig": "metrics",
    "ParallelizationFactor": "parallelization_factor",
    "ScalingConfig": "scaling_config",
    "TumblingWindowInSeconds": "tumbling_window",
}
"""Members of UpdateEventSourceMapping and moto's attributes for them."""
_STABLE = (State.ENABLED, State.DISABLED)


def create(backend: LabBackend, spec: dict[str, Any]) -> LabMapping:
    """Create a mapping; it polls once it is ``Enabled``."""
    _refuse_elsewhere(spec)
    if not spec.get("FunctionName"):
        raise invalid_parameter("Missing FunctionName")
    source = str(spec.get("EventSourceArn") or "")
    kind = rules.kind_of(source)
    if kind is None:
        raise invalid_parameter(
            f"Unrecognized event source, must be kinesis, dynamodb stream or sqs: {source}"
        )
    spec = rules.defaults(kind) | {name: value for name, value in spec.items() if value is not None}
    _raise(rules.mapping_problem(kind, spec, new=True))
    function, arn = _function(backend, str(spec["FunctionName"]))
    _check_source(backend, source)
    _check_role(kind, source, function)
    _check_visibility(source, function)
    _check_destination(spec, arn, str(function.role))
    for other in backend._event_source_mappings.values():
        if (other.event_source_arn, other.function_arn) == (source, arn):
            raise conflict(rules.conflict_text(source, function.function_name, other.uuid))
    mapping = LabMapping(
        spec
        | {
            "RegionName": backend.region_name,
            "AccountId": backend.account_id,
            "FunctionArn": arn,
            "FunctionName": function.function_name,
        }
    )
    backend._event_source_mappings[mapping.uuid] = mapping
    pollers().created(mapping)
    return mapping


def update(backend: LabBackend, uuid: str, spec: dict[str, Any]) -> LabMapping:
    """Change a mapping; refused while an earlier change is on its way."""
    mapping = get(backend, uuid)
    if mapping.state not in _STABLE:
        raise _in_use("update")
    kind = str(rules.kind_of(mapping.event_source_arn))
    asked = {name: value for name, value in spec.items() if value is not None and name != "UUID"}
    now = {
        name: getattr(mapping, attribute)
        for name, attribute in _ATTRIBUTES.items()
        if getattr(mapping, attribute) is not None
    }
    _raise(rules.mapping_problem(kind, now | asked, new=False))
    if asked.get("FunctionName"):
        function, arn = _function(backend, str(asked["FunctionName"]))
        _check_role(kind, mapping.event_source_arn, function)
        _check_visibility(mapping.event_source_arn, function)
        mapping.function_name, mapping.function_arn = function.function_name, arn
    if asked.get("DestinationConfig"):
        _check_destination(asked, str(mapping.function_arn), role_of(mapping))
    switched = "Enabled" in asked and bool(asked["Enabled"]) != bool(mapping.enabled)
    for name, attribute in _ATTRIBUTES.items():
        if name in asked:
            setattr(mapping, attribute, asked[name] or None if name in _EMPTIED else asked[name])
    mapping.last_modified = mototime.now()
    pollers().updated(mapping, switched=switched)
    return mapping


_EMPTIED = ("FilterCriteria", "ScalingConfig")
"""An empty value takes them away."""


def get(backend: LabBackend, uuid: str) -> LabMapping:
    """Return a mapping."""
    found: LabMapping | None = backend._event_source_mappings.get(uuid)
    if found is None:
        raise not_found("The resource you requested does not exist.")
    return found


def delete(backend: LabBackend, uuid: str) -> LabMapping:
    """Delete a mapping; it stays ``Deleting`` while something of it is in flight."""
    mapping = get(backend, uuid)
    if mapping.state in (State.UPDATING, State.DELETING):
        raise _in_use("delete")
    pollers().deleted(mapping, lambda: backend.forget_event_source_mapping(uuid))
    return mapping


def listed(backend: LabBackend, source: str | None, function: str | None) -> list[LabMapping]:
    """Return the mappings of a source, or of a function by name or ARN, or all."""
    found = list(backend._event_source_mappings.values())
    if source:
        found = [one for one in found if one.event_source_arn == source]
    if function:
        name, qualifier = _split(function)
        found = [
            one
            for one in found
            if one.function == name and (qualifier is None or one.qualifier == qualifier)
        ]
    return found


# -- checks -------------------------------------------------------------------------------


def missing_permissions(kind: str, source: str, role: str) -> list[str]:
    """Return what a role may not do that a poller of this source has to."""
    return [
        action
        for action in rules.read_actions(kind)
        if not permissions.role_may(role, action, source)
    ]


def role_of(mapping: LabMapping) -> str:
    """Return the execution role of the version a mapping invokes.

    Raises
    ------
    ApiError
        The function, or its version or alias, is not there.
    """
    account, region = str(mapping.function_arn).split(":")[4:2:-1]
    target = hooks.service().target(account, region, mapping.function, mapping.qualifier)
    function = models.lambda_backends[account][region].get_function(
        mapping.function, target.primary
    )
    return str(function.role)


def _refuse_elsewhere(spec: dict[str, Any]) -> None:
    words = str(spec.get("EventSourceArn") or "").split(":")
    what = _ELSEWHERE.get(words[2]) if len(words) > 2 else None
    if spec.get("SelfManagedEventSource") or spec.get("SelfManagedKafkaEventSourceConfig"):
        what = "Apache Kafka"
    elif spec.get("DocumentDBEventSourceConfig"):
        what = _ELSEWHERE["rds"]
    if what:
        raise invalid_parameter(message("sandbox.mapping.elsewhere", source=what))


def _raise(problem: Problem | None) -> None:
    if problem:
        raise ApiError(400, problem.error, problem.text)


def _in_use(verb: str) -> ApiError:
    return ApiError(
        400,
        "ResourceInUseException",
        f"Cannot {verb} the event source mapping because it is in use.",
    )


def _split(name: str) -> tuple[str, str | None]:
    words = name.split(":function:", 1)[-1].split(":")
    if len(words) > 1 and words[0].isdigit():  # 123456789012:name
        words = words[1:]
    return words[0], words[1] if len(words) > 1 else None


def _function(backend: LabBackend, name: str) -> tuple[LabFunction, str]:
    """Return the version that serves a name, alias or ARN, and the ARN a mapping keeps."""
    plain, qualifier = _split(name)
    try:
        target = hooks.service().target(backend.account_id, backend.region_name, plain, qualifier)
    except ApiError as error:
        raise invalid_parameter("Function does not exist") from error
    return backend.get_function(plain, target.primary), target.invoked_arn


def _check_source(backend: LabBackend, source: str) -> None:
    if source.split(":")[3:5] != [backend.region_name, backend.account_id]:
        raise invalid_parameter(message("sandbox.mapping.other_region", source=source))
    kind = rules.kind_of(source)
    if kind == "kinesis":
        from moto.kinesis.models import kinesis_backends

        streams = kinesis_backends[backend.account_id][backend.region_name].streams.values()
        there = any(source in (one.arn, *_consumers(one)) for one in streams)
    elif kind == "dynamodb":
        from moto.dynamodbstreams.models import dynamodbstreams_backends

        streams = dynamodbstreams_backends[backend.account_id][backend.region_name]
        there = any(one["StreamArn"] == source for one in streams.list_streams())
    else:
        there = motosqs.queue_of(source) is not None
    if not there and str(kind).startswith("sqs"):
        raise invalid_parameter(
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue "
            "does not exist."
        )
    if not there:
        raise not_found(f"Stream not found: {source}")


def _consumers(stream: Untyped) -> list[str]:
    return [one.consumer_arn for one in getattr(stream, "consumers", [])]


def _check_role(kind: str, source: str, function: LabFunction) -> None:
    missing = missing_permissions(kind, source, function.role)
    if missing:
        _raise(rules.access_problem(kind, source, missing))


def _check_destination(spec: dict[str, Any], function_arn: str, role: str) -> None:
    config = spec.get("DestinationConfig") or {}
    words = function_arn.split(":")
    problem = discards.destination_problem(config, function=":".join(words[:7]))
    if problem:
        raise ApiError(400, *problem)
    arn = (config.get("OnFailure") or {}).get("Destination")
    if not arn:
        return
    refusal = targets.refusal(arn, account=words[4], role=role, key=discards.OBJECT_KEYS)
    if refusal is not None:
        raise invalid_parameter(refusal)


def _check_visibility(source: str, function: LabFunction) -> None:
    queue = motosqs.queue_of(source)
    if queue is not None:
        _raise(rules.visibility_problem(int(queue.visibility_timeout), int(function.timeout)))
