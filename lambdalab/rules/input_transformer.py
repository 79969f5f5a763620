"""What EventBridge makes of an event for a target: as it is, a part of it, or a text of one's own.

``InputPath`` and ``InputTransformer`` know a part of JSONPath: names after dots, indices and
``*`` in brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lambdalab.rules.source import Source

__all__ = ["SOURCE", "path_problem", "select", "target_input", "transform"]

SOURCE = Source(
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"
)

_MISSING = object()
_STEP = re.compile(
    r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\*)\]|\[(?P<q>['\"])(?P<key>.+?)(?P=q)\]"
)
_VARIABLE = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def _steps(path: str) -> list[str | int] | None:
    """Return the steps of a path, ``*`` for all of an array; ``None`` if it is none."""
    if not path.startswith("$"):
        return None
    steps: list[str | int] = []
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return None
        index = step["index"]
        if index is None:
            steps.append(step["name"] or step["key"])
        else:
            steps.append(index if index == "*" else int(index))
        place = step.end()
    return steps


def path_problem(path: str) -> str | None:
    """Say why a path cannot be followed, or return ``None`` when it can."""
    if _steps(path) is None:
        return f"Invalid JSONPath: {path}"
    return None


def select(path: str, event: object, default: object = None) -> object:
    """Return what is at a path of the event, ``default`` if nothing is there."""
    steps = _steps(path)
    if steps is None:
        return default
    found = _follow(steps, event)
    return default if found is _MISSING else found


def _follow(steps: list[str | int], value: object) -> object:
    for number, step in enumerate(steps):
        if step == "*":
            if isinstance(value, Mapping):
                parts = list(value.values())
            elif isinstance(value, list):
                parts = value
            else:
                return _MISSING
            rest = [_follow(steps[number + 1 :], part) for part in parts]
            return [one for one in rest if one is not _MISSING]
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return _MISSING
            value = value[step]
        else:
            if not isinstance(value, Mapping) or step not in value:
                return _MISSING
            value = value[step]
    return value


def transform(
    paths: Mapping[str, str],
    template: str,
    event: Mapping[str, Any],
    *,
    rule_arn: str,
    rule_name: str,
    ingested: str,
) -> str:
    """Return the text a template gives (:data:`SOURCE`).

    In a template that is JSON, a variable outside of quotation marks becomes a JSON value and
    one inside of them text; a variable whose path leads nowhere becomes empty text. Objects and
    arrays inside of text lose their quotation marks.

    Parameters
    ----------
    paths
        ``InputPathsMap``: variable to path.
    template
        ``InputTemplate``.
    event
        The event that matched.
    rule_arn, rule_name, ingested
        ``<aws.events.rule-arn>``, ``<aws.events.rule-name>``, and when EventBridge got the event,
        as ISO 8601 text, ``<aws.events.event.ingestion-time>``.
    """
    values: dict[str, object] = {name: select(path, event, "") for name, path in paths.items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": ingested,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": dict(event),
    }

    def in_text(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)[1:-1]
        return _compact(value).replace('"', "")

    def as_value(match: re.Match[str]) -> str:
        return _compact(values.get(match[1], ""))

    parts: list[str] = []
    place = 0
    for text in _TEXT.finditer(template):
        parts.append(_VARIABLE.sub(as_value, template[place : text.start()]))
        parts.append(_VARIABLE.sub(in_text, text.group()))
        place = text.end()
    parts.append(_VARIABLE.sub(as_value, template[place:]))
    return "".join(parts)


def target_input(
    target: Mapping[str, Any],
    event: Mapping[str, Any],
    *,
    rule_arn: str,
    rule_name: str,
    ingested: str,
) -> str:
    """Return what a target gets: its own text, a part of the event, or all of it.

    Parameters
    ----------
    target
        As ``PutTargets`` takes it.
    event, rule_arn, rule_name, ingested
        As in :func:`transform`.
    """
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        return _compact(select(str(target["InputPath"]), event))
    transformer = target.get("InputTransformer")
    if transformer:
        return transform(
            transformer.get("InputPathsMap") or {},
            str(transformer.get("InputTemplate") or ""),
            event,
            rule_arn=rule_arn,
            rule_name=rule_name,
            ingested=ingested,
        )
    return _compact(event)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
