"""The Lambda API's operations on event source mappings."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from lambdalab.sandbox.lambda_service.errors import refused_value
from lambdalab.sandbox.untyped import Untyped

__all__ = ["MappingResponses"]

_PAGE = 100
_PAGE_MAX = 10_000


class MappingResponses:
    """To be mixed into moto's reading of Lambda requests."""

    def create_event_source_mapping(self: Untyped) -> Untyped:
        """Answer CreateEventSourceMapping."""
        return _accepted(self.backend.create_event_source_mapping(self.json_body))

    def update_event_source_mapping(self: Untyped) -> Untyped:
        """Answer UpdateEventSourceMapping."""
        return _accepted(self.backend.update_event_source_mapping(self._uuid(), self.json_body))

    def delete_event_source_mapping(self: Untyped) -> Untyped:
        """Answer DeleteEventSourceMapping."""
        return _accepted(self.backend.delete_event_source_mapping(self._uuid()))

    def get_event_source_mapping(self: Untyped) -> Untyped:
        """Answer GetEventSourceMapping."""
        found = self.backend.get_event_source_mapping(self._uuid())
        return 200, {}, json.dumps(found.get_configuration())

    def list_event_source_mappings(self: Untyped) -> str:
        """Answer ListEventSourceMappings, page by page."""
        source, function, marker, items = (
            (self.querystring.get(name) or [""])[0]
            for name in ("EventSourceArn", "FunctionName", "Marker", "MaxItems")
        )
        found = [
            one.get_configuration()
            for one in self.backend.list_event_source_mappings(source, function)
        ]
        size = min(int(items), _PAGE_MAX) if items.isdigit() and int(items) else _PAGE
        if marker and not marker.isdigit():
            raise refused_value(marker, "marker", "Member must be a NextMarker of this list")
        start = int(marker or 0)
        answer: dict[str, Any] = {"EventSourceMappings": found[start : start + size]}
        if start + size < len(found):
            answer["NextMarker"] = str(start + size)
        return json.dumps(answer)

    def _uuid(self: Untyped) -> str:
        return unquote(str(self.path).rstrip("/").rsplit("/", 1)[-1])


def _accepted(mapping: Untyped) -> Untyped:
    return 202, {"status": 202}, json.dumps(mapping.get_configuration())
