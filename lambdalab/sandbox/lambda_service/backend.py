"""moto's Lambda backend with our functions in it, and the changes that must be heard of."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Mapping
from typing import Any

from moto.awslambda import models
from moto.moto_api._internal import mock_random

from lambdalab.rules import concurrency
from lambdalab.rules.routing import LATEST, routing_problem
from lambdalab.sandbox.lambda_service import (
    event_invoke,
    event_sources,
    hooks,
    permits,
    provisioned,
    validation,
)
from lambdalab.sandbox.lambda_service.errors import (
    conflict,
    invalid_parameter,
    not_found,
    precondition_failed,
    refused_value,
)
from lambdalab.sandbox.lambda_service.function import LabFunction, check_code, check_role
from lambdalab.sandbox.pollers.mapping import LabMapping
from lambdalab.sandbox.untyped import Untyped

__all__ = ["LabBackend", "install"]

_ALIAS = re.compile(r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)")
_changing = threading.RLock()
"""One change at a time: versions are numbered, and quotas counted, over what is there."""


class LabBackend(models.LambdaBackend):  # type: ignore[misc]
    """moto's backend, pickled under moto's own name."""

    __module__ = models.__name__
    __qualname__ = "LambdaBackend"

    # -- functions ------------------------------------------------------------------------

    def create_function(self, spec: dict[str, Any]) -> Untyped:
        """Create a function; everything is checked before anything is stored."""
        spec = dict(spec)
        name = str(spec.get("FunctionName") or "").rsplit(":", 1)[-1]
        validation.check_name(name)
        validation.check_configuration(spec, new=True)
        check_role(self.account_id, spec["Role"])
        event_invoke.check_dead_letter(self.account_id, spec["Role"], spec.get("DeadLetterConfig"))
        code = dict(spec.get("Code") or {})
        data = check_code(self.account_id, self.region_name, code)
        spec |= {"FunctionName": name, "Code": code}
        publish = spec.pop("Publish", False)
        with _changing:
            if name in self._lambdas._functions:
                raise conflict(f"Function already exist: {name}")
            function: LabFunction = LabFunction(
                account_id=self.account_id, spec=spec, region=self.region_name, version=LATEST
            )
            function.take(data)
            function.check_size()
            self._lambdas.put_function(function)
            hooks.service().changed(function.unqualified_arn, LATEST)
        function.notice_runtime()
        if not publish:
            return function
        return self.publish_version(name, spec.get("VersionDescription", ""))

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function with all it has, or one version of it."""
        with _changing:
            function = self.get_function(function_name, qualifier)
            if ":" in function_name and not function_name.startswith("arn:"):
                qualifier = function_name.split(":")[1]
            elif function_name.startswith("arn:") and function_name.count(":") == 7:
                qualifier = function_name.split(":")[7]
            arn = function.unqualified_arn
            if qualifier == LATEST:
                raise invalid_parameter(
                    "$LATEST version cannot be deleted without deleting the function."
                )
            if qualifier and not qualifier.isdigit():
                raise invalid_parameter(
                    f"Deletion of aliases is not currently supported. Use DeleteAlias: {qualifier}"
                )
            if qualifier:
                users = [
                    alias.name
                    for alias in self._lambdas._aliases[arn].values()
                    if qualifier in (alias.function_version, *_weights(alias.routing_config))
                ]
                if users:
                    raise conflict(
                        f"Unable to delete version because the following aliases reference it: "
                        f"[{', '.join(users)}]"
                    )
            if qualifier:
                provisioned.drop(self._latest(function.function_name), qualifier)
                event_invoke.drop(self._latest(function.function_name), qualifier)
                permits.drop(self._latest(function.function_name), qualifier)
            super().delete_function(function.function_name, qualifier)
            hooks.service().changed(arn, qualifier, cause="delete")

    def update_function_code(
        self, function_name: str, qualifier: str | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Give ``$LATEST`` new code; with ``Publish``, publish it as well."""
        with _changing:
            function = self._latest(function_name)
            config: dict[str, Any] = function.update_function_code(body)
            if body.get("Publish") and not body.get("DryRun"):
                config = self.publish_version(function.function_name).get_configuration()
            return config

    def update_function_configuration(
        self, function_name: str, qualifier: str | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Change the configuration of ``$LATEST``."""
        with _changing:
            updated: dict[str, Any] = self._latest(function_name).update_configuration(body)
            return updated

    def _latest(self, name: str) -> LabFunction:
        function: LabFunction = self.get_function(name)
        if str(function.version) != LATEST:
            raise invalid_parameter("This operation is only supported for $LATEST")
        return function

    # -- versions and aliases -------------------------------------------------------------

    def publish_version(
        self,
        function_name: str,
        description: str | None = "",
        code_sha256: str | None = None,
        revision: str | None = None,
    ) -> LabFunction:
        """Publish ``$LATEST``, unless nothing changed since the last version was."""
        with _changing:
            latest = self._latest(function_name)
            latest.check_revision(revision)
            if code_sha256 and code_sha256 != latest.code_sha_256:
                raise invalid_parameter(
                    f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST "
                    f"({latest.code_sha_256}). Please try again with the CodeSHA256 in $LATEST."
                )
            group = self._lambdas._functions[latest.function_name]
            state = latest.state_digest()
            newest: LabFunction | None = group["versions"][-1] if group["versions"] else None
            if newest is not None and newest.published_state == state:
                return newest
            latest.last_version += 1
            published: LabFunction = copy.copy(latest)
            published.set_version(latest.last_version)
            published.published_state = state
            published.revision_id = str(mock_random.uuid4())
            if description:
                published.description = description
            group["versions"].append(published)
            self._lambdas._arns[published.function_arn] = published
            latest.revision_id = str(mock_random.uuid4())
            hooks.service().changed(latest.unqualified_arn, None, recycle=False)
            return published

    def create_alias(
        self,
        name: str,
        function_name: str,
        function_version: str,
        description: str,
        routing_config: Untyped,
    ) -> Untyped:
        """Create an alias of a version."""
        if not _ALIAS.fullmatch(name or ""):
            raise refused_value(
                name, "name", f"Member must satisfy regular expression pattern: {_ALIAS.pattern}"
            )
        with _changing:
            function = self._latest(function_name)
            self._check_route(function, function_version, routing_config)
            if name in self._lambdas._aliases[function.unqualified_arn]:
                raise conflict(f"Alias already exists: {function.unqualified_arn}:{name}")
            alias = super().create_alias(
                name, function.function_name, function_version, description, routing_config
            )
            hooks.service().changed(function.unqualified_arn, None, recycle=False)
            return alias

    def update_alias(
        self,
        *,
        name: str,
        function_name: str,
        function_version: str | None,
        description: str | None,
        routing_config: Untyped,
        revision: str | None = None,
    ) -> Untyped:
        """Change an alias."""
        with _changing:
            function = self._latest(function_name)
            alias = self.get_alias(name, function.function_name)
            if revision and revision != alias.revision_id:
                raise precondition_failed()
            version = function_version or alias.function_version
            routing = alias.routing_config if routing_config is None else routing_config
            self._check_route(function, version, routing)
            provisioned.check_alias(self, function, name, version, weighted=bool(_weights(routing)))
            alias.update(description, function_version, routing_config)
            alias.revision_id = str(mock_random.uuid4())
            hooks.service().changed(function.unqualified_arn, None, recycle=False)
            return alias

    def delete_alias(self, name: str, function_name: str) -> None:
        """Delete an alias; one that is not there is fine."""
        with _changing:
            function = self._latest(function_name)
            super().delete_alias(name, function.function_name)
            provisioned.drop(function, name)
            event_invoke.drop(function, name)
            permits.drop(function, name)
            hooks.service().changed(function.unqualified_arn, None, recycle=False)

    def _check_route(self, function: LabFunction, version: str, routing: Untyped) -> None:
        weights = _weights(routing)
        problem = routing_problem(version, weights)
        if problem:
            raise invalid_parameter(problem)
        known = {
            str(one.version) for one in self._lambdas._functions[function.function_name]["versions"]
        }
        for wanted in (version, *weights):
            if wanted != LATEST and wanted not in known:
                raise not_found(f"Function not found: {function.unqualified_arn}:{wanted}")

    # -- concurrency ----------------------------------------------------------------------

    def put_function_concurrency(
        self, function_name: str, reserved_concurrency: Untyped
    ) -> Untyped:
        """Reserve concurrency; 100 of the account's must stay unreserved."""
        with _changing:
            function = self._latest(function_name)
            wanted = reserved_concurrency
            if not isinstance(wanted, int) or isinstance(wanted, bool):
                raise refused_value(
                    wanted,
                    "reservedConcurrentExecutions",
                    "Member must have value greater than or equal to 0",
                )
            problem = concurrency.reserved_problem(
                wanted,
                account=hooks.service().account_concurrency,
                others=sum(
                    provisioned.promised(one)
                    for one in self._lambdas.latest()
                    if one is not function
                ),
                provisioned=provisioned.total(function),
            )
            if problem:
                raise provisioned.refusal(problem)
            function.reserved_concurrency = wanted
            hooks.service().changed(function.unqualified_arn, None, recycle=False)
            return wanted

    def delete_function_concurrency(self, function_name: str) -> None:
        """Give reserved concurrency back."""
        with _changing:
            function = self._latest(function_name)
            function.reserved_concurrency = None
            hooks.service().changed(function.unqualified_arn, None, recycle=False)

    def put_provisioned_concurrency_config(
        self, function_name: str, qualifier: str, count: Untyped
    ) -> dict[str, Any]:
        """Have environments initialised ahead of requests, for a version or an alias."""
        with _changing:
            function = self._latest(function_name)
            provisioned.put(self, function, qualifier, count)
            return provisioned.get(self, function, qualifier)

    def get_provisioned_concurrency_config(
        self, function_name: str, qualifier: str
    ) -> dict[str, Any]:
        """Say how far it is."""
        with _changing:
            return provisioned.get(self, self._latest(function_name), qualifier)

    def list_provisioned_concurrency_configs(self, function_name: str) -> list[dict[str, Any]]:
        """Say so of all versions and aliases that have some."""
        with _changing:
            return provisioned.configurations(self, self._latest(function_name))

    def delete_provisioned_concurrency_config(self, function_name: str, qualifier: str) -> None:
        """Have no environments kept any more."""
        with _changing:
            provisioned.delete(self, self._latest(function_name), qualifier)

    # -- permissions ----------------------------------------------------------------------

    def add_permission(self, function_name: str, qualifier: str | None, raw: str) -> dict[str, Any]:
        """Let somebody do something with a function, a version or an alias."""
        with _changing:
            function, arn, qualifier = self._resource(function_name, qualifier)
            return permits.add(function, arn, qualifier, json.loads(raw))

    def remove_permission(
        self, function_name: str, sid: str, revision: str = "", qualifier: str | None = None
    ) -> None:
        """Take such a statement back."""
        with _changing:
            function, _, qualifier = self._resource(function_name, qualifier)
            permits.remove(function, qualifier, sid, revision)

    def get_policy(self, function_name: str, qualifier: str | None = None) -> str:
        """Return the policy of a function, a version or an alias, as the API answers."""
        function, _, qualifier = self._resource(function_name, qualifier)
        return json.dumps(permits.shown(function, qualifier))

    def _resource(self, named: str, qualifier: str | None) -> tuple[LabFunction, str, str | None]:
        name, qualifier = permits.split(named, qualifier)
        function = self._latest(name)
        if qualifier is None:
            return function, function.unqualified_arn, None
        self.get_function(name, qualifier)
        return function, f"{function.unqualified_arn}:{qualifier}", qualifier

    # -- layers ---------------------------------------------------------------------------

    def publish_layer_version(self, spec: dict[str, Any]) -> Untyped:
        """Publish a layer; its zip is checked as a function's is."""
        check_code(self.account_id, self.region_name, dict(spec.get("Content") or {}))
        with _changing:
            return super().publish_layer_version(spec)

    def delete_layer_version(self, layer_name: str, layer_version: str) -> None:
        """Delete a layer version; functions that have it keep it."""
        with _changing:
            super().delete_layer_version(layer_name, layer_version)
        hooks.service().collect()

    def digests(self) -> set[str]:
        """Return the digests of all zips that functions and layers refer to."""
        found: set[str] = set()
        for group in list(self._lambdas._functions.values()):
            for function in [group["latest"], *group["versions"]]:
                found.add(function.code_digest)
                found.update(one.code_digest for one in function.layer_versions)
        for layer in list(self._layers._layers.values()):
            found.update(one.code_digest for one in list(layer.layer_versions.values()))
        return found

    # -- event source mappings, events from other services --------------------------------

    def create_event_source_mapping(self, spec: dict[str, Any]) -> LabMapping:
        """Create a mapping; it polls once it is ``Enabled``."""
        with _changing:
            return event_sources.create(self, spec)

    def update_event_source_mapping(self, uuid: str, spec: dict[str, Any]) -> LabMapping:
        """Change a mapping, switch it on or off."""
        with _changing:
            return event_sources.update(self, uuid, spec)

    def delete_event_source_mapping(self, uuid: str) -> LabMapping:
        """Delete a mapping, as soon as nothing of it is in flight."""
        with _changing:
            return event_sources.delete(self, uuid)

    def forget_event_source_mapping(self, uuid: str) -> None:
        """Take a mapping away whose deletion has come to its end."""
        self._event_source_mappings.pop(uuid, None)

    def get_event_source_mapping(self, uuid: str) -> LabMapping:
        """Return a mapping."""
        return event_sources.get(self, uuid)

    def list_event_source_mappings(
        self, event_source_arn: str | None, function_name: str | None
    ) -> list[LabMapping]:
        """Return the mappings of a source, or of a function, or all."""
        return event_sources.listed(self, event_source_arn, function_name)

    def send_sqs_batch(self, function_arn: str, messages: Untyped, queue_arn: str) -> bool:
        """Do nothing: mappings are polled, not pushed."""
        return False

    def send_kinesis_message(self, *_args: Untyped, **_kwargs: Untyped) -> None:
        """Do nothing: mappings are polled, not pushed."""

    def send_dynamodb_items(self, function_arn: str, items: list[Any], source: str) -> str | bytes:
        """Do nothing: mappings are polled, not pushed."""
        return b""

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Untyped,
        headers: Untyped,
        response_headers: Untyped,
    ) -> str | bytes:
        """Take an event from another service, such as Secrets Manager or S3."""
        function = self.get_function(function_name, qualifier)
        # S3 and EventBridge do not wait; a rotation's four steps must come one after the other.
        event = body if isinstance(body, str) else (body or b"").decode()
        waits = '"ClientRequestToken"' in event and '"Step"' in event
        return hooks.service().invoke_from_service(
            function,
            event,
            headers,
            response_headers,
            default_type="RequestResponse" if waits else "Event",
        )


def _weights(routing: Untyped) -> Mapping[str, float]:
    return (routing or {}).get("AdditionalVersionWeights") or {}


def install() -> None:
    """Put our backend and our function in the place of moto's. Before the first is made."""
    models.lambda_backends.backend = LabBackend
    models.LambdaFunction = LabFunction
    models.LambdaBackend = LabBackend
    models.EventSourceMapping = LabMapping
    permits.install()
