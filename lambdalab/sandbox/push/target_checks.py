"""What EventBridge refuses of a rule's targets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambdalab.rules.input_transformer import path_problem

__all__ = ["TARGETS", "targets_problem"]

TARGETS = 5
"""Targets of one rule."""
_INPUTS = ("Input", "InputPath", "InputTransformer")


def targets_problem(targets: Sequence[Mapping[str, Any]], there: Sequence[str]) -> str | None:
    """Say why targets are refused, or return ``None``.

    ``there``: ids of the targets that the rule has.
    """
    if len({*there, *(str(target["Id"]) for target in targets)}) > TARGETS:
        return f"The requested resource exceeds the maximum number allowed: {TARGETS} targets"
    return next((text for text in map(_problem, targets) if text is not None), None)


def _problem(target: Mapping[str, Any]) -> str | None:
    name = target["Id"]
    if sum(target.get(one) is not None for one in _INPUTS) > 1:
        return (
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}."
        )
    if target.get("Input") is not None:
        try:
            json.loads(target["Input"])
        except ValueError:
            return f"JSON syntax error in input for target {name}"
    transformer = target.get("InputTransformer") or {}
    paths = dict(transformer.get("InputPathsMap") or {})
    if target.get("InputPath") is not None:
        paths["InputPath"] = target["InputPath"]
    if any(key.startswith("aws.") for key in paths):
        return f"Names of input paths must not begin with aws. in target {name}."
    if any(path_problem(str(path)) for path in paths.values()):
        return f"Invalid InputPath for target {name}."
    if transformer and not transformer.get("InputTemplate"):
        return f"InputTemplate must be provided for target {name}."
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and (queue.split(":")[2:3] != ["sqs"] or queue.endswith(".fifo")):
        return f"The dead-letter queue of target {name} must be a standard SQS queue."
    return None
