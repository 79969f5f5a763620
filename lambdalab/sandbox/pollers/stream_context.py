"""What all who work on one stream for one mapping need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.event_sources import missing_permissions, role_of
from lambdalab.sandbox.pollers.lane import Settings
from lambdalab.sandbox.pollers.mapping import LabMapping, Parts
from lambdalab.sandbox.pollers.stream_source import StreamSource

__all__ = ["Polled", "Where"]


class Where(TypedDict):
    """What every event of a mapping says."""

    mapping: str
    function: str
    source_arn: str
    shard: str


@dataclass(slots=True)
class Polled:
    """One stream, polled for one mapping."""

    mapping: LabMapping
    parts: Parts
    source: StreamSource
    closed: bool = False
    """The state it was made for is gone: touch nothing more."""

    @property
    def arn(self) -> str:
        """ARN the mapping names: of the stream, or of a consumer of it."""
        return str(self.mapping.event_source_arn)

    @property
    def function_arn(self) -> str:
        """ARN of the function, with version or alias if the mapping names one."""
        return str(self.mapping.function_arn)

    @property
    def settings(self) -> Settings:
        """What the mapping asks for now."""
        return Settings.of(self.mapping)

    def where(self, shard: str) -> Where:
        """Return what every event about a shard says."""
        return {
            "mapping": self.mapping.uuid,
            "function": self.mapping.function,
            "source_arn": self.arn,
            "shard": shard,
        }

    def role_arn(self) -> str | None:
        """Return the function's execution role, if it is there; the caller passes the gate."""
        try:
            return role_of(self.mapping)
        except ApiError:
            return None

    def missing(self, role_arn: str) -> list[str]:
        """Return what a role may not do but must, to read; the caller passes the gate."""
        return missing_permissions(self.mapping.source, self.arn, role_arn)
