"""The one way into a function: who is meant, which version serves, and off to the engine."""

from __future__ import annotations

import contextlib
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.awslambda import models

from lambdalab.rules import recursion
from lambdalab.rules.destinations import REFUSED
from lambdalab.rules.recursion import RecursiveLoop
from lambdalab.rules.routing import LATEST, choose_version
from lambdalab.sandbox.asynchronous import configuration
from lambdalab.sandbox.asynchronous.queue import AsyncQueue
from lambdalab.sandbox.eventlog import EventLog
from lambdalab.sandbox.events import InvokeReceived, RecursionDetected
from lambdalab.sandbox.lambda_service import provisioned
from lambdalab.sandbox.lambda_service.call import Call
from lambdalab.sandbox.lambda_service.codestore import CodeStore
from lambdalab.sandbox.lambda_service.errors import RECURSIVE, ApiError, not_found
from lambdalab.sandbox.logsink import LogGroupName
from lambdalab.sandbox.model import (
    FunctionVersion,
    InvokeRequest,
    InvokeResult,
    LoggingConfig,
    ThrottledError,
    UnsupportedRuntimeError,
)
from lambdalab.sandbox.scheduler import Scheduler
from lambdalab.sandbox.untyped import Untyped

if TYPE_CHECKING:
    from lambdalab.sandbox.engine.executor import Executor
    from lambdalab.sandbox.engine.provisioning import Provisioned
    from lambdalab.sandbox.lambda_service.backend import LabBackend
    from lambdalab.sandbox.lambda_service.function import LabFunction

__all__ = ["Call", "LambdaService", "Target"]

_SEED = 20150331


@dataclass(frozen=True, slots=True)
class Target:
    """What a name and a qualifier stand for right now."""

    invoked_arn: str
    qualifier: str
    primary: str
    additional: dict[str, float]
    versions: dict[str, FunctionVersion]
    reserved: int | None
    reserved_total: int
    provisioned: int
    provisioned_unreserved: int


class LambdaService:
    """Resolves and runs invocations; hears of every change. Thread-safe.

    Parameters
    ----------
    executor, events, scheduler
        What the sandbox's parts share.
    folder
        Where packages are unpacked.
    passing
        Entered while moto's state is touched outside of a request.
    """

    def __init__(
        self,
        executor: Executor,
        events: EventLog,
        folder: Path,
        scheduler: Scheduler,
        passing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.events = events
        self.codes = CodeStore(
            folder,
            self._digests,
            lambda: [(one.id, one.function) for one in executor.environments()],
        )
        self._executor = executor
        self._targets: dict[tuple[str, str, str, str | None], Target] = {}
        self._generation = 0
        self._resolving = threading.Lock()
        self._random = random.Random(_SEED)  # noqa: S311 - which version serves is no secret
        self._clock = scheduler.clock
        self.queue = AsyncQueue(self, scheduler, events, lambda: executor.settings, passing)
        self.invocations = 0
        self._past = False
        self.listeners: list[Callable[[], None]] = []
        """Called after every change of a function; they return at once."""

    # -- changes --------------------------------------------------------------------------

    def changed(
        self, arn: str, version: str | None, *, cause: str = "update", recycle: bool = True
    ) -> None:
        """Forget what was resolved, and retire environments that serve an old state.

        Parameters
        ----------
        arn
            Unqualified ARN of the function.
        version
            What changed of it; ``None`` for all.
        cause
            ``update`` or ``delete``.
        recycle
            Code or configuration changed, not just names and numbers around it.
        """
        self.forget()
        self.provision()
        if recycle:
            self.collect(arn.rpartition(":")[2])
            self._executor.recycle(arn, version, cause)
        for heard in self.listeners:
            heard()

    def provision(self, retry: tuple[str, str] | None = None) -> None:
        """Have the engine keep the provisioned environments that are asked for now.

        ``retry``: ARN and version whose init may be tried again though it failed.
        """
        wanted: dict[tuple[str, str], tuple[FunctionVersion, int]] = {}
        for backend in self._backends():
            for name, qualifier, count in provisioned.wanted(backend):
                try:
                    target = self.target(backend.account_id, backend.region_name, name, qualifier)
                except ApiError:
                    continue  # what it names is being deleted
                function = target.versions[target.primary]
                wanted[function.key] = (function, count)
        self._executor.provision(wanted, retry)

    def retry(self, function: LabFunction, version: str) -> None:
        """Try again what failed to initialise, because it was asked for again."""
        self.provision((function.unqualified_arn, version))

    def provisioned(self, arn: str, version: str) -> Provisioned | None:
        """Return how far the provisioning of a version is."""
        return self._executor.provisioned((arn, version))

    def forget(self) -> None:
        """Drop everything that was resolved."""
        with self._resolving:
            self._generation += 1
            self._targets.clear()

    def collect(self, function: str | None = None) -> None:
        """Remove unpacked code that nothing refers to."""
        self.codes.collect(function)

    def clear(self) -> None:
        """Forget all, and all events that wait to run."""
        self.queue.clear()
        self.forget()

    def close(self) -> None:
        """Run no more events."""
        self.queue.close()

    # -- facts ----------------------------------------------------------------------------

    def now(self) -> float:
        """Return the service time, epoch seconds."""
        return self._clock.now()

    @property
    def account_concurrency(self) -> int:
        """Concurrent requests of the whole account."""
        return self._executor.settings.account_concurrency

    @staticmethod
    def _backends() -> Iterator[LabBackend]:
        for regions in list(models.lambda_backends.values()):
            yield from list(regions.values())

    def functions(self) -> int:
        """Count the functions."""
        return sum(len(backend._lambdas._functions) for backend in self._backends())

    def _digests(self) -> set[str]:
        return {name for backend in self._backends() for name in backend.digests()}

    # -- resolving ------------------------------------------------------------------------

    def target(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        """Return what a function's name and qualifier stand for.

        Raises
        ------
        ApiError
            ``ResourceNotFoundException``.
        """
        key = (account, region, name, qualifier)
        found = self._targets.get(key)
        if found is not None:
            return found
        generation = self._generation
        found = self._resolve(*key)
        with self._resolving:
            if generation == self._generation:
                self._targets[key] = found
        return found

    def _resolve(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        try:
            backend: LabBackend = models.lambda_backends[account][region]
        except KeyError as error:
            raise not_found(f"There is no Region {region}") from error
        arn = f"arn:{backend.partition}:lambda:{region}:{account}:function:{name}"
        missing = not_found(
            f"Function not found: {arn}:{qualifier}" if qualifier else f"Function not found: {arn}"
        )
        group = backend._lambdas._functions.get(name)
        if group is None:
            raise missing
        numbered = {str(one.version): one for one in group["versions"]}
        numbered[LATEST] = group["latest"]
        primary = qualifier or LATEST
        additional: dict[str, float] = {}
        if primary not in numbered:
            alias = backend._lambdas._aliases[arn].get(primary)
            if alias is None:
                raise missing
            primary = alias.function_version
            additional = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
        if not numbered.keys() >= {primary, *additional}:
            raise missing
        latest: LabFunction = group["latest"]
        functions = list(backend._lambdas.latest())
        return Target(
            invoked_arn=f"{arn}:{qualifier}" if qualifier else arn,
            qualifier=qualifier or LATEST,
            primary=primary,
            additional=dict(additional),
            versions={
                number: self._version(numbered[number], arn) for number in (primary, *additional)
            },
            reserved=latest.reserved_concurrency,
            reserved_total=sum(one.reserved_concurrency or 0 for one in functions),
            provisioned=provisioned.total(latest),
            provisioned_unreserved=sum(
                provisioned.total(one) for one in functions if one.reserved_concurrency is None
            ),
        )

    def _version(self, function: LabFunction, arn: str) -> FunctionVersion:
        logging = function.logging_config
        return FunctionVersion(
            account=function.account_id,
            region=function.region,
            name=function.function_name,
            version=str(function.version),
            arn=arn,
            revision=function.revision_id,
            runtime=str(function.run_time),
            handler=str(function.handler),
            memory_mb=int(function.memory_size),
            timeout_s=int(function.timeout),
            ephemeral_mb=int(function.ephemeral_storage),
            code=self.codes.folder_of(function.code_digest, function.code_bytes),
            layers=tuple(
                self.codes.folder_of(layer.code_digest, layer.code_bytes)
                for layer in function.layer_versions
            ),
            logging=LoggingConfig(
                LogGroupName(function.log_group, function.account_id, function.region),
                logging.get("LogFormat", "Text"),
                logging.get("ApplicationLogLevel"),
                logging.get("SystemLogLevel"),
            ),
            environment=tuple(function.environment_vars.items()),
        )

    # -- invoking -------------------------------------------------------------------------

    @contextlib.contextmanager
    def past(self) -> Iterator[None]:
        """Run nothing meanwhile: what is done again had its functions run the first time."""
        self._past = True
        try:
            yield
        finally:
            self._past = False

    def invoke(self, call: Call) -> tuple[str, InvokeResult | None]:
        """Run one invocation; return its request id and, for RequestResponse, its result.

        Raises
        ------
        ApiError
            The function is not there, no concurrency is left, or it cannot run here.
        """
        request_id = call.request_id or str(uuid.uuid4())
        if self._past:
            return request_id, None
        target = self.target(call.account, call.region, call.name, call.qualifier)
        self.invocations += 1
        self.events.record(
            InvokeReceived(
                function=call.name,
                qualifier=target.qualifier,
                request_id=request_id,
                invocation_type=call.invocation_type,
                source=call.source,
            )
        )
        if call.invocation_type == "DryRun":
            return request_id, None
        if call.invocation_type == "Event":
            self.queue.accept(call, request_id)
            return request_id, None
        return request_id, self._run(call, request_id, target)

    def attempt(self, call: Call, request_id: str) -> InvokeResult:
        """Run an event that the asynchronous queue hands out, on what it stands for now.

        Raises
        ------
        ApiError
            The function is not there, no concurrency is left, it cannot run here, or it would
            go on with a loop.
        """
        target = self.target(call.account, call.region, call.name, call.qualifier)
        return self._run(call, request_id, target)

    def _run(self, call: Call, request_id: str, target: Target) -> InvokeResult:
        number = target.primary
        if target.additional:
            number = choose_version(number, target.additional, self._random.random())
        request = InvokeRequest(
            request_id=request_id,
            payload=call.payload,
            invoked_arn=target.invoked_arn,
            qualifier=target.qualifier,
            invocation_type=call.invocation_type,
            client_context=call.client_context,
            tail=call.tail,
            reserved=target.reserved,
            reserved_total=target.reserved_total,
            provisioned=target.provisioned,
            provisioned_unreserved=target.provisioned_unreserved,
            trace_id=self._trace(call, request_id, target),
        )
        try:
            return self._executor.invoke(target.versions[number], request)
        except ThrottledError as error:
            raise ApiError(
                429, "TooManyRequestsException", REFUSED[1], Reason=error.reason
            ) from error
        except UnsupportedRuntimeError as error:
            raise ApiError(502, "InvalidRuntimeException", str(error)) from error

    def _trace(self, call: Call, request_id: str, target: Target) -> str:
        """Return the trace header the function gets; stop a loop."""
        header = call.trace_id or recursion.root(self._clock.now(), uuid.uuid4().hex[:24])
        entry = recursion.enter(header, target.versions[target.primary].arn)
        if entry.loops and configuration.recursive_loop(call) is RecursiveLoop.TERMINATE:
            self.events.record(
                RecursionDetected(
                    function=call.name,
                    qualifier=target.qualifier,
                    request_id=request_id,
                    count=entry.invocations - 1,
                )
            )
            raise ApiError(400, RECURSIVE, recursion.STOPPED)
        return entry.header

    def invoke_from_service(
        self,
        function: LabFunction,
        body: str | bytes,
        headers: Untyped,
        response_headers: dict[str, Any],
        *,
        default_type: str,
    ) -> bytes:
        """Run an invocation that another of moto's services asks for."""
        asked = {str(name).lower(): value for name, value in dict(headers or {}).items()}
        version = str(function.version)
        _, result = self.invoke(
            Call(
                name=function.function_name,
                payload=(body.encode() if isinstance(body, str) else body) or b"{}",
                qualifier=None if version == LATEST else version,
                account=function.account_id,
                region=function.region,
                invocation_type=asked.get("x-amz-invocation-type", default_type),
                source="service",
            )
        )
        if result is None:
            return b""
        if result.function_error:
            response_headers["x-amz-function-error"] = result.function_error
        return result.payload
