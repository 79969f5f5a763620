"""Everything a check knows: the sandbox as it stands, and what the answer left as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lambdalab.grading.spec import JsonValue
from lambdalab.grading.values import CallResult, Outputs
from lambdalab.sandbox.events import Event, LogLine

if TYPE_CHECKING:
    from lambdalab.sandbox import Sandbox
    from lambdalab.sandbox.service_clock import ServiceClock

__all__ = ["Invocation", "World"]

_PAGE = 10_000
_Kind = TypeVar("_Kind", bound=Event)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one synchronous invocation."""

    value: JsonValue
    """What the handler returned; ``None`` if it failed or was throttled."""
    error: Mapping[str, JsonValue] | None
    """The error object (``errorType``, ``errorMessage``, …); ``None`` if all went well."""
    log: tuple[str, ...]
    """The lines of the log's tail, at most the 4 KB that Lambda returns."""
    request_id: str
    version: str
    """The version that ran: ``$LATEST`` or a number; empty if none did."""
    throttled: bool = False


class World:
    """What a check may look at. The learner's process is not there.

    Parameters
    ----------
    lab, task
        Ids.
    box
        The sandbox the answers worked in.
    outputs
        The task's variables.
    calls
        Function -> what it gave for each input.
    events
        The sandbox's records from before the checks.
    clients
        Clients made so far, by service: checks of one process share them.
    """

    def __init__(
        self,
        *,
        lab: str,
        task: str,
        box: Sandbox,
        outputs: Outputs,
        calls: Mapping[str, Sequence[CallResult]],
        events: Sequence[Event],
        clients: dict[str, Any] | None = None,
    ) -> None:
        self.lab = lab
        self.task = task
        self.outputs: Mapping[str, JsonValue] = outputs
        """The variables the answer left, those of ``outputs`` in ``lab.toml``."""
        self.events = tuple(events)
        """The sandbox's records from before the checks began, oldest first."""
        self._box = box
        self._calls = calls
        self._clients = {} if clients is None else clients

    def calls(self, function: str) -> list[CallResult]:
        """Return what a function of the answer gave, for each input in order.

        Raises
        ------
        KeyError
            ``lab.toml`` names no such function for this task.
        """
        return list(self._calls[function])

    # -- the sandbox ----------------------------------------------------------------------

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Return a boto3 client of the sandbox that does not retry."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
            session: Any = boto3.Session()
            self._clients[service] = session.client(
                service, endpoint_url=self._box.url, config=config
            )
        return self._clients[service]

    def function(self, name: str, qualifier: str | None = None) -> dict[str, Any] | None:
        """Return a function's configuration as AWS gives it; ``None`` if there is none."""
        client = self.client("lambda")
        wanted = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        try:
            found: dict[str, Any] = client.get_function_configuration(**wanted)
        except client.exceptions.ResourceNotFoundException:
            return None
        found.pop("ResponseMetadata", None)
        return found

    def invoke(
        self, name: str, payload: JsonValue = None, qualifier: str | None = None
    ) -> Invocation:
        """Invoke a function synchronously.

        Raises
        ------
        botocore.exceptions.ClientError
            It could not be invoked at all (it does not exist, say); throttling is no error.
        """
        client = self.client("lambda")
        wanted: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
        try:
            answer = client.invoke(
                FunctionName=name, Payload=json.dumps(payload).encode(), LogType="Tail", **wanted
            )
        except client.exceptions.TooManyRequestsException as error:
            request = error.response["ResponseMetadata"].get("RequestId", "")
            return Invocation(None, None, (), request, "", throttled=True)
        body = answer["Payload"].read()
        found = json.loads(body) if body else None
        failed = "FunctionError" in answer
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        return Invocation(
            value=None if failed else found,
            error=found if failed else None,
            log=tuple(log.splitlines()),
            request_id=answer["ResponseMetadata"].get("RequestId", ""),
            version=answer.get("ExecutedVersion", ""),
        )

    def send(self, name: str, payload: JsonValue = None, qualifier: str | None = None) -> str:
        """Invoke a function asynchronously; return the request id the event has from now on."""
        wanted: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
        answer = self.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps(payload), InvocationType="Event", **wanted
        )
        return str(answer["ResponseMetadata"]["RequestId"])

    @property
    def clock(self) -> ServiceClock:
        """Service time: ``advance`` does in order all that falls due, and waits for it."""
        return self._box.clock

    def shutdown_idle(self, name: str) -> int:
        """Retire a function's idle environments, so that its next start is cold; count them."""
        return self._box.shutdown_idle(name)

    # -- what happened --------------------------------------------------------------------

    def records(self, kind: type[_Kind], **attributes: object) -> list[_Kind]:
        """Return those of :attr:`events` that are of a type and have these attributes.

        >>> world.records(InvokeFinished, function="hello", status="success")  # doctest: +SKIP
        """
        return _matching(self.events, kind, attributes)

    def new_events(self) -> list[Event]:
        """Return the records since the checks began: what your own invocations caused."""
        return read_events(self._box, self.events[-1].seq if self.events else 0)

    def log_lines(self, name: str) -> list[str]:
        """Return the lines of a function's log, oldest first, START to REPORT included.

        Those of the check's own invocations are among them.
        """
        found = _matching((*self.events, *self.new_events()), LogLine, {"function": name})
        return [event.line for event in found]


def _matching(
    events: Sequence[Event], kind: type[_Kind], attributes: Mapping[str, object]
) -> list[_Kind]:
    return [
        event
        for event in events
        if isinstance(event, kind)
        and all(getattr(event, name) == value for name, value in attributes.items())
    ]


def read_events(box: Sandbox, after: int = 0) -> list[Event]:
    """Return every record of a sandbox that is numbered above ``after``."""
    found: list[Event] = []
    while True:
        page = box.events(found[-1].seq if found else after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found
