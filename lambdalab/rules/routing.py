"""Which version an alias with weights sends a request to."""

from __future__ import annotations

from collections.abc import Mapping

from lambdalab.rules.source import Source

__all__ = ["SOURCE", "choose_version", "routing_problem"]

SOURCE = Source("dg:configuring-alias-routing")

LATEST = "$LATEST"


def choose_version(primary: str, additional: Mapping[str, float], draw: float) -> str:
    """Return the version that serves one request.

    Parameters
    ----------
    primary
        ``FunctionVersion`` of the alias.
    additional
        ``AdditionalVersionWeights``: version to weight, 0.0-1.0; the primary takes
        what is left.
    draw
        A number drawn uniformly from [0, 1).
    """
    edge = 0.0
    for version, weight in additional.items():
        edge += weight
        if draw < edge:
            return version
    return primary


def routing_problem(primary: str, additional: Mapping[str, float]) -> str | None:
    """Say why an alias cannot route like this, or return ``None`` when it can.

    One additional version, numbered like the primary, with a weight from 0.0 to 1.0
    (:data:`SOURCE`).
    """
    if not additional:
        return None
    if len(additional) > 1:
        return "Number of items in AdditionalVersionWeights cannot be greater than 1"
    version, weight = next(iter(additional.items()))
    if LATEST in (primary, version):
        return "$LATEST is not supported for an alias pointing to more than 1 version"
    if not version.isdigit():
        return f"Invalid value for AdditionalVersionWeights: {version} is not a version number"
    if version == primary:
        return (
            f"Invalid function version {version}. Function version {version} is already "
            f"included in routing configuration."
        )
    if not 0.0 <= weight <= 1.0:
        return f"Invalid weight {weight} for version {version}: weights go from 0.0 to 1.0"
    return None
