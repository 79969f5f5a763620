"""Lambda API operations whose requests moto reads in part, or not at all."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse

from lambdalab.rules import limits
from lambdalab.sandbox.lambda_service import hooks, provisioned
from lambdalab.sandbox.lambda_service.errors import ApiError
from lambdalab.sandbox.lambda_service.event_invoke_api import EventInvokeResponses
from lambdalab.sandbox.lambda_service.mapping_responses import MappingResponses
from lambdalab.sandbox.untyped import Untyped

__all__ = ["LabResponse", "install"]

_CODE_STORAGE = 80_530_636_800
"""Bytes of code an account may store (dg/gettingstarted-limits: 75 GB)."""


class LabResponse(MappingResponses, EventInvokeResponses, LambdaResponse):  # type: ignore[misc]
    """moto's reading of Lambda requests, completed."""

    @property
    def json_body(self) -> dict[str, Any]:
        """The request's JSON object."""
        try:
            body = json.loads(self.body or "{}")
        except ValueError as error:
            raise ApiError(
                400, "InvalidRequestContentException", f"Could not parse request body: {error}"
            ) from error
        if not isinstance(body, dict):
            raise ApiError(
                400, "InvalidRequestContentException", "The request body must be a JSON object"
            )
        return body

    def _name(self) -> str:
        return unquote(self.path.split("/functions/", 1)[1].split("/")[0])

    def create_function(self) -> Untyped:
        """Answer CreateFunction."""
        function = self.backend.create_function(self.json_body)
        return 201, {"status": 201}, json.dumps(function.get_configuration())

    def publish_version(self) -> Untyped:
        """Answer PublishVersion."""
        body = self.json_body
        function = self.backend.publish_version(
            self._name(), body.get("Description"), body.get("CodeSha256"), body.get("RevisionId")
        )
        return 201, {"status": 201}, json.dumps(function.get_configuration())

    def update_alias(self) -> Untyped:
        """Answer UpdateAlias."""
        body = self.json_body
        alias = self.backend.update_alias(
            name=unquote(self.path.rsplit("/", 1)[-1]),
            function_name=self._name(),
            function_version=body.get("FunctionVersion"),
            description=body.get("Description"),
            routing_config=body.get("RoutingConfig"),
            revision=body.get("RevisionId"),
        )
        return 200, {}, json.dumps(alias.to_json())

    def list_versions_by_function(self) -> str:
        """Answer ListVersionsByFunction."""
        self.backend.get_function(self._name())
        name = self._name().split(":function:")[-1].split(":")[0]
        found = self.backend.list_versions_by_function(name)
        return json.dumps({"Versions": [one.get_configuration() for one in found]})

    def put_function_concurrency(self) -> Untyped:
        """Answer PutFunctionConcurrency."""
        wanted = self.json_body.get("ReservedConcurrentExecutions")
        reserved = self.backend.put_function_concurrency(self._name(), wanted)
        return 200, {}, json.dumps({"ReservedConcurrentExecutions": reserved})

    def get_function_concurrency(self) -> Untyped:
        """Answer GetFunctionConcurrency; without a reservation the member is left out."""
        reserved = self.backend.get_function(self._name()).reserved_concurrency
        answer = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
        return 200, {}, json.dumps(answer)

    def _qualifier(self) -> str:
        qualifier = (self.querystring.get("Qualifier") or [""])[0]
        if not qualifier:
            raise ApiError(
                400,
                "ValidationException",
                "1 validation error detected: Value null at 'qualifier' failed to satisfy "
                "constraint: Member must not be null",
            )
        return str(qualifier)

    def put_provisioned_concurrency_config(self) -> Untyped:
        """Answer PutProvisionedConcurrencyConfig."""
        count = self.json_body.get("ProvisionedConcurrentExecutions")
        config = self.backend.put_provisioned_concurrency_config(
            self._name(), self._qualifier(), count
        )
        return 202, {"status": 202}, json.dumps(config)

    def get_provisioned_concurrency_config(self) -> Untyped:
        """Answer GetProvisionedConcurrencyConfig, and the list, which has the same path."""
        if "List" in self.querystring:
            found = self.backend.list_provisioned_concurrency_configs(self._name())
            return 200, {}, json.dumps({"ProvisionedConcurrencyConfigs": found})
        config = self.backend.get_provisioned_concurrency_config(self._name(), self._qualifier())
        return 200, {}, json.dumps(config)

    list_provisioned_concurrency_configs = get_provisioned_concurrency_config

    def delete_provisioned_concurrency_config(self) -> Untyped:
        """Answer DeleteProvisionedConcurrencyConfig."""
        self.backend.delete_provisioned_concurrency_config(self._name(), self._qualifier())
        return 204, {"status": 204}, ""

    def add_permission(self) -> Untyped:
        """Answer AddPermission."""
        qualifier = (self.querystring.get("Qualifier") or [None])[0]
        statement = self.backend.add_permission(self._name(), qualifier, json.dumps(self.json_body))
        text = json.dumps(statement, separators=(",", ":"))
        return 201, {"status": 201}, json.dumps({"Statement": text})

    def remove_permission(self) -> Untyped:
        """Answer RemovePermission."""
        qualifier, revision = (
            (self.querystring.get(name) or [None])[0] for name in ("Qualifier", "RevisionId")
        )
        sid = unquote(self.path.rsplit("/", 1)[-1])
        self.backend.remove_permission(self._name(), sid, revision, qualifier)
        return 204, {"status": 204}, ""

    def get_account_settings(self) -> Untyped:
        """Answer GetAccountSettings."""
        functions = list(self.backend.list_functions())
        taken = sum(provisioned.promised(one) for one in functions)
        total = hooks.service().account_concurrency
        answer = {
            "AccountLimit": {
                "TotalCodeSize": _CODE_STORAGE,
                "CodeSizeUnzipped": limits.ZIP_UNPACKED.value,
                "CodeSizeZipped": limits.ZIP_DIRECT.value,
                "ConcurrentExecutions": total,
                "UnreservedConcurrentExecutions": total - taken,
            },
            "AccountUsage": {
                "TotalCodeSize": sum(one.code_size for one in functions),
                "FunctionCount": len(functions),
            },
        }
        return 200, {}, json.dumps(answer)


def install() -> None:
    """Route Lambda's requests to :class:`LabResponse`. Before moto's first Lambda request."""
    for path in list(urls.url_paths):
        urls.url_paths[path] = LabResponse.dispatch
    function = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)"
    urls.url_paths[rf"{function}/provisioned-concurrency/?$"] = LabResponse.dispatch
    urls.url_paths[rf"{function}/recursion-config/?$"] = LabResponse.dispatch
    urls.url_paths[r"{0}/(?P<api_version>[^/]+)/account-settings/?$"] = LabResponse.dispatch
