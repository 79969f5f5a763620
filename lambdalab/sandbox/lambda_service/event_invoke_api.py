"""The API operations of asynchronous configuration: from the request to the answer."""

from __future__ import annotations

import json
from urllib.parse import unquote

from lambdalab.sandbox.lambda_service import event_invoke
from lambdalab.sandbox.untyped import Untyped

__all__ = ["EventInvokeResponses"]


class EventInvokeResponses:
    """To be mixed into moto's reading of Lambda requests."""

    def _function(self: Untyped) -> str:
        return unquote(self.path.split("/functions/", 1)[1].split("/")[0])

    def _asked(self: Untyped, name: str) -> str | None:
        found: list[str | None] = self.querystring.get(name) or [None]
        return found[0]

    def put_function_event_invoke_config(self: Untyped) -> Untyped:
        """Answer PutFunctionEventInvokeConfig."""
        found = event_invoke.put(
            self.backend, self._function(), self._asked("Qualifier"), self.json_body
        )
        return 200, {}, json.dumps(found)

    def update_function_event_invoke_config(self: Untyped) -> Untyped:
        """Answer UpdateFunctionEventInvokeConfig."""
        found = event_invoke.update(
            self.backend, self._function(), self._asked("Qualifier"), self.json_body
        )
        return 200, {}, json.dumps(found)

    def get_function_event_invoke_config(self: Untyped) -> Untyped:
        """Answer GetFunctionEventInvokeConfig."""
        found = event_invoke.get(self.backend, self._function(), self._asked("Qualifier"))
        return 200, {}, json.dumps(found)

    def delete_function_event_invoke_config(self: Untyped) -> Untyped:
        """Answer DeleteFunctionEventInvokeConfig."""
        event_invoke.delete(self.backend, self._function(), self._asked("Qualifier"))
        return 204, {"status": 204}, ""

    def list_function_event_invoke_configs(self: Untyped) -> Untyped:
        """Answer ListFunctionEventInvokeConfigs."""
        most = self._asked("MaxItems")
        found = event_invoke.configurations(
            self.backend, self._function(), self._asked("Marker"), int(most) if most else None
        )
        return 200, {}, json.dumps(found)

    def put_function_recursion_config(self: Untyped) -> Untyped:
        """Answer PutFunctionRecursionConfig."""
        latest = self.backend.get_function(self._function())
        wanted = event_invoke.set_recursive_loop(latest, self.json_body.get("RecursiveLoop"))
        return 200, {}, json.dumps({"RecursiveLoop": wanted})

    def get_function_recursion_config(self: Untyped) -> Untyped:
        """Answer GetFunctionRecursionConfig."""
        latest = self.backend.get_function(self._function())
        return 200, {}, json.dumps({"RecursiveLoop": latest.recursive_loop})
