"""Event source mappings: their limits, and what the API refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdalab.rules.event_pattern import pattern_problem
from lambdalab.rules.source import Fact, Source

__all__ = [
    "BATCH_DEFAULT",
    "BATCH_MAX",
    "CONCURRENCY_MAX",
    "CONCURRENCY_MIN",
    "ERRORS",
    "FILTERS_MAX",
    "PARTIAL",
    "SCALING",
    "SCALING_LIMIT",
    "SCALING_PER_MINUTE",
    "SCALING_START",
    "TRANSITION",
    "VISIBILITY_ADVICE",
    "WINDOW_MAX",
    "WINDOW_NEEDED_ABOVE",
    "Problem",
    "access_problem",
    "conflict_text",
    "defaults",
    "kind_of",
    "mapping_problem",
    "read_actions",
    "visibility_problem",
]

_API = Source("botocore:CreateEventSourceMapping")
_PARAMETERS = Source("dg:services-sqs-parameters")
_CONFIGURE = Source("dg:services-sqs-configure")
SCALING = Source("dg:services-sqs-scaling")
ERRORS = Source("dg:services-sqs-errorhandling")
_FILTERING = Source("dg:invocation-eventfiltering")

PARTIAL = "ReportBatchItemFailures"
"""The one value of ``FunctionResponseTypes``."""


def _fact(value: int, unit: str, zh: str, en: str, source: Source | None) -> Fact[int]:
    return Fact(value, unit, {"zh-TW": zh, "en": en}, source)


BATCH_DEFAULT: Mapping[str, Fact[int]] = {
    "sqs": _fact(10, "messages", "SQS 批次大小預設值", "default batch size, SQS", _API),
    "kinesis": _fact(100, "records", "Kinesis 批次大小預設值", "default batch size, Kinesis", _API),
    "dynamodb": _fact(
        100, "records", "DynamoDB Streams 批次大小預設值", "default batch size, DynamoDB", _API
    ),
}
BATCH_DEFAULT = {**BATCH_DEFAULT, "sqs-fifo": BATCH_DEFAULT["sqs"]}
BATCH_MAX: Mapping[str, Fact[int]] = {
    "sqs": _fact(
        10_000, "messages", "標準佇列的批次大小上限", "largest batch, standard queue", _PARAMETERS
    ),
    "sqs-fifo": _fact(
        10, "messages", "FIFO 佇列的批次大小上限", "largest batch, FIFO queue", _PARAMETERS
    ),
    "kinesis": _fact(10_000, "records", "Kinesis 批次大小上限", "largest batch, Kinesis", _API),
    "dynamodb": _fact(
        10_000, "records", "DynamoDB Streams 批次大小上限", "largest batch, DynamoDB", _API
    ),
}
WINDOW_MAX = _fact(300, "s", "批次時段上限", "longest batching window", _API)
WINDOW_NEEDED_ABOVE = _fact(
    10,
    "messages",
    "超過此批次大小就要有批次時段",
    "batch size above which a window is needed",
    _API,
)
CONCURRENCY_MIN = _fact(2, "", "最大並行的下限", "least MaximumConcurrency", SCALING)
CONCURRENCY_MAX = _fact(1_000, "", "最大並行的上限", "most MaximumConcurrency", SCALING)
SCALING_START = _fact(
    5, "batches", "SQS 映射一開始同時處理的批次", "batches an SQS mapping starts with", SCALING
)
SCALING_PER_MINUTE = _fact(
    300, "batches", "SQS 映射每分鐘增加的批次", "batches more per minute, SQS", SCALING
)
SCALING_LIMIT = _fact(
    1_250, "batches", "SQS 映射同時處理的批次上限", "most batches at a time, SQS", SCALING
)
VISIBILITY_ADVICE = _fact(
    6,
    "",
    "可見性逾時建議為函數逾時的倍數",
    "visibility timeout recommended, times the function's timeout",
    _CONFIGURE,
)
FILTERS_MAX = _fact(5, "", "每個映射的篩選條件數", "filters of a mapping", _FILTERING)
TRANSITION = _fact(
    2, "s", "映射改變狀態所需的時間（假設）", "how long a mapping changes its state (assumed)", None
)
"""AWS says "several seconds" of Deleting, and nothing of the others."""

_RANGES: Mapping[str, tuple[int, int]] = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, WINDOW_MAX.value),
    "ParallelizationFactor": (1, 10),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumRetryAttempts": (-1, 10_000),
    "TumblingWindowInSeconds": (0, 900),
}
"""botocore:CreateEventSourceMapping."""
_STREAMS_ONLY = (
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
)
_QUEUES_ONLY = ("ScalingConfig",)
_POSITIONS: Mapping[str, tuple[str, ...]] = {
    "kinesis": ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"),
    "dynamodb": ("TRIM_HORIZON", "LATEST"),
}
_READ: Mapping[str, tuple[str, ...]] = {
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
    "kinesis": ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards"),
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"),
}
"""dg:services-sqs-configure, dg:services-kinesis-create, dg:with-ddb."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the API refuses a mapping: the exception's name and what it says."""

    text: str
    error: str = "InvalidParameterValueException"


def kind_of(source_arn: str) -> str | None:
    """Return ``sqs``, ``sqs-fifo``, ``kinesis`` or ``dynamodb``; ``None`` for any other source."""
    words = source_arn.split(":")
    service = words[2] if len(words) > 5 else ""
    if service == "sqs":
        return "sqs-fifo" if source_arn.endswith(".fifo") else "sqs"
    return service if service in ("kinesis", "dynamodb") else None


def defaults(kind: str) -> dict[str, Any]:
    """Return the members a mapping has if nobody asks for others (:func:`kind_of`)."""
    found: dict[str, Any] = {
        "BatchSize": BATCH_DEFAULT[kind].value,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
    }
    if not kind.startswith("sqs"):
        found |= {
            "ParallelizationFactor": 1,
            "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1,
            "BisectBatchOnFunctionError": False,
            "TumblingWindowInSeconds": 0,
        }
    return found


# -- what the API refuses -----------------------------------------------------------------


def mapping_problem(kind: str, spec: Mapping[str, Any], *, new: bool) -> Problem | None:
    """Say why a mapping cannot be like this, or return ``None`` when it can.

    Parameters
    ----------
    kind
        What :func:`kind_of` returned.
    spec
        Members of the API's request, over those the mapping has already.
    new
        It is being created, so that what a stream cannot do without must be there.
    """
    for name, (least, most) in _RANGES.items():
        value = spec.get(name)
        if value is not None:
            problem = _range_problem(name[0].lower() + name[1:], value, least, most)
            if problem:
                return problem
    queue = kind.startswith("sqs")
    for name in _STREAMS_ONLY if queue else _QUEUES_ONLY:
        if spec.get(name):
            return Problem(f"Unsupported {name} parameter for given event source mapping type.")
    found = _queue_problem(kind, spec) if queue else _stream_problem(kind, spec, new=new)
    return found or _responses_problem(spec) or _filter_problem(spec.get("FilterCriteria"))


def _range_problem(place: str, value: object, least: int, most: int) -> Problem | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return Problem(f"Expected an integer at '{place}', not {value!r}", "SerializationException")
    if least <= value <= most:
        return None
    bound = (
        f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
    )
    return Problem(
        f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy "
        f"constraint: Member must have value {bound}",
        "ValidationException",
    )


def _queue_problem(kind: str, spec: Mapping[str, Any]) -> Problem | None:
    size = spec.get("BatchSize") or BATCH_DEFAULT[kind].value
    window = spec.get("MaximumBatchingWindowInSeconds") or 0
    if size > BATCH_MAX[kind].value:
        most = BATCH_MAX[kind].value
        return Problem(f"Batch size must be less than or equal to {most} for a FIFO queue")
    if kind == "sqs-fifo" and window:
        return Problem("Batching window is not supported for FIFO queues")
    if size > WINDOW_NEEDED_ABOVE.value and not window:
        return Problem(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            f"greater than {WINDOW_NEEDED_ABOVE.value}"
        )
    scaling = spec.get("ScalingConfig") or {}
    wanted = scaling.get("MaximumConcurrency") if isinstance(scaling, Mapping) else None
    if wanted is None:
        return None
    return _range_problem(
        "scalingConfig.maximumConcurrency", wanted, CONCURRENCY_MIN.value, CONCURRENCY_MAX.value
    )


def _stream_problem(kind: str, spec: Mapping[str, Any], *, new: bool) -> Problem | None:
    position = spec.get("StartingPosition")
    if position is None and new:
        return Problem(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    if position is not None and position not in _POSITIONS[kind]:
        return Problem(f"Unsupported starting position for {kind}: {position}")
    if (position == "AT_TIMESTAMP") != (spec.get("StartingPositionTimestamp") is not None):
        return Problem("StartingPositionTimestamp is needed with AT_TIMESTAMP, and only with it.")
    age = spec.get("MaximumRecordAgeInSeconds")
    if age is not None and -1 < age < 60:
        return Problem("MaximumRecordAgeInSeconds must be -1 or at least 60 seconds.")
    factor = spec.get("ParallelizationFactor") or 1
    if spec.get("TumblingWindowInSeconds") and factor > 1:
        return Problem("Tumbling windows are not supported with a ParallelizationFactor above 1.")
    return None


def _responses_problem(spec: Mapping[str, Any]) -> Problem | None:
    for one in spec.get("FunctionResponseTypes") or []:
        if one != PARTIAL:
            return Problem(
                f"1 validation error detected: Value '[{one}]' at 'functionResponseTypes' failed "
                f"to satisfy constraint: Member must satisfy enum value set: [{PARTIAL}]",
                "ValidationException",
            )
    return None


def _filter_problem(criteria: object) -> Problem | None:
    if not criteria:
        return None
    filters = criteria.get("Filters") if isinstance(criteria, Mapping) else None
    if filters is None:
        return None
    if not isinstance(filters, Sequence) or len(filters) > FILTERS_MAX.value:
        return Problem(f"Number of filters must be less than or equal to {FILTERS_MAX.value}")
    for one in filters:
        try:
            pattern = json.loads(one["Pattern"])
        except (ValueError, KeyError, TypeError):
            return Problem("Invalid filter pattern definition.")
        if not isinstance(pattern, dict) or not pattern:
            return Problem("Invalid filter pattern definition.")
        reason = pattern_problem(pattern)
        if reason:
            return Problem(f"Invalid filter pattern definition. {reason}")
    return None


def visibility_problem(visibility_s: int, timeout_s: int) -> Problem | None:
    """Refuse a queue whose messages could come back while the function still has them.

    Both in seconds (:data:`VISIBILITY_ADVICE` says how much longer it should be).
    """
    if visibility_s >= timeout_s:
        return None
    return Problem(
        f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: "
        f"{timeout_s} seconds"
    )


def conflict_text(source_arn: str, function: str, uuid: str) -> str:
    """Return what the API says of a second mapping of a source to a function."""
    if kind_of(source_arn) in ("sqs", "sqs-fifo"):
        what = f'An event source mapping with SQS arn (" {source_arn} ") and function '
        return (
            f'{what}(" {function} ") already exists. Please update or delete the existing '
            f"mapping with UUID {uuid}"
        )
    return (
        f'The event source arn (" {source_arn} ") and function (" {function} ") provided mapping '
        f"already exists. Please update or delete the existing mapping with UUID {uuid}"
    )


def read_actions(kind: str) -> tuple[str, ...]:
    """Return what the execution role must be allowed to do: ``sqs:ReceiveMessage`` and so on."""
    service = kind.removesuffix("-fifo")
    return tuple(f"{service}:{action}" for action in _READ[service])


def access_problem(kind: str, source_arn: str, missing: Sequence[str]) -> Problem:
    """Return the refusal of a role that may not do all of :func:`read_actions`."""
    service = kind.removesuffix("-fifo")
    if service == "sqs":
        action = missing[0].partition(":")[2]
        return Problem(
            f"The provided execution role does not have permissions to call {action} on SQS"
        )
    *first, last = _READ[service]
    return Problem(
        f"Cannot access stream {source_arn}. Please ensure the role can perform the "
        f"{', '.join(first)}, and {last} Actions on your stream in IAM."
    )
