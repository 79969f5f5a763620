"""The handle of a sandbox: what notebooks, commands, widgets and the grader hold."""

from __future__ import annotations

import html
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from lambdalab.i18n import message
from lambdalab.sandbox import credentials, guard, owner, registry, starter
from lambdalab.sandbox.events import Event, event_from_json
from lambdalab.sandbox.registry import Record, SandboxError
from lambdalab.sandbox.service_clock import ServiceClock

__all__ = ["NoSandboxError", "Sandbox", "SandboxError"]

_VARIABLE = "LAMBDALAB_SANDBOX"
_LONG_POLL_S = 20.0
_STOP_ANSWER_S = 5.0
_STOP_S = 15.0
"""More than the server allows itself before it leaves with whatever hangs."""


class NoSandboxError(SandboxError):
    """No sandbox runs here."""


class Sandbox:
    """A running sandbox. Made by :meth:`start` or :meth:`connect`, never directly."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.news = ""
        """What to know of its start, such as what was restored; empty if there is nothing."""

    # -- finding one ----------------------------------------------------------------------

    @classmethod
    def start(
        cls,
        port: int | None = None,
        *,
        owner: int | Literal["none"] | None = None,
        workspace: Path | str | None = None,
        configure: bool = True,
        quiet: bool = False,
        time_scale: float | None = None,
        durable: bool = True,
    ) -> Self:
        """Start the workspace's sandbox, or re-join the one that runs.

        Parameters
        ----------
        port
            Port of 127.0.0.1; any free one if ``None``.
        owner
            Process with which the sandbox ends: the notebook server in a notebook, this
            process elsewhere, unless you name one. ``"none"``: it runs until stopped.
        workspace
            The folder it belongs to; found from the current one if ``None``.
        configure
            Set this process's AWS variables, and refuse its botocore any other host.
        quiet
            Say nothing.
        time_scale
            Seconds of service time in a second of the machine's, of a sandbox that runs
            already, too; ``None`` leaves it: 1 at first.
        durable
            Have what is accepted outlive a crash, and restore what a sandbox of this
            workspace that died had accepted. Of one that runs already it changes nothing.

        Raises
        ------
        SandboxError
            It cannot start; the message says why and what to do.
        """
        registry.check_platform()
        record, news = _named() if workspace is None and port is None else None, ""
        if record is None:
            place = registry.find_workspace() if workspace is None else Path(workspace).resolve()
            started = starter.start(place, port=port, owner=_owner(owner), durable=durable)
            record, news = started.record, started.news
        box = cls(record)
        box.news = news
        if news and not quiet:
            print(news, file=sys.stderr)
        if time_scale is not None:
            box.settings(time_scale=time_scale)
        if configure:
            box._adopt(quiet=quiet)
        return box

    @classmethod
    def connect(cls, *, workspace: Path | str | None = None, configure: bool = True) -> Self:
        """Join the sandbox that ``LAMBDALAB_SANDBOX`` names, or the workspace's.

        Raises
        ------
        NoSandboxError
            None runs.
        """
        registry.check_platform()
        record = _named() if workspace is None else None
        place = registry.find_workspace() if workspace is None else Path(workspace).resolve()
        if record is None:
            record = registry.read(registry.workspace_folder(place) / registry.RECORD)
        if record is None or not record.alive:
            raise NoSandboxError(message("sandbox.connect.none", workspace=place))
        box = cls(record)
        if configure:
            box._adopt(quiet=True)
        return box

    def _adopt(self, *, quiet: bool) -> None:
        removed = credentials.adopt(os.environ, self.environment())
        boto3 = sys.modules.get("boto3")
        if boto3 is not None:
            vars(boto3)["DEFAULT_SESSION"] = None  # it may remember a real account
        guard.install()
        if removed and not quiet:
            print(message("sandbox.start.set_aside", names=", ".join(removed)), file=sys.stderr)

    # -- facts ----------------------------------------------------------------------------

    @property
    def record(self) -> Record:
        """Where it runs and how to speak to it: what another process needs of this handle."""
        return self._record

    @property
    def url(self) -> str:
        """The address of every AWS service here."""
        return self._record.url

    @property
    def port(self) -> int:
        """The port of 127.0.0.1."""
        return self._record.port

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._record.pid

    @property
    def workspace(self) -> Path:
        """The folder it belongs to."""
        return Path(self._record.workspace)

    @property
    def folder(self) -> Path:
        """The folder of its temporary files."""
        return self._record.folder

    @property
    def alive(self) -> bool:
        """Whether its process exists."""
        return self._record.alive

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables a process needs to work in this sandbox.

        ``variables`` is the environment they will be added to (this process's own by
        default). Give a child process all of it but ``credentials.unwanted``.
        """
        record = self._record
        return credentials.environment(record.url, record.folder, record.path, variables)

    # -- control --------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return what runs, as docs/architecture.md lists it."""
        return self._call("GET", "status")

    def events(self, after: int = 0, *, wait: float = 0.0, limit: int = 10_000) -> list[Event]:
        """Return the events numbered above ``after``, waiting ``wait`` seconds for one."""
        answer = self._call(
            "GET", f"events?after={after}&wait={wait}&limit={limit}", timeout=wait + 10
        )
        return [event_from_json(data) for data in answer["events"]]

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Yield events as they happen; ends with the sandbox."""
        while True:
            try:
                batch = self.events(after, wait=_LONG_POLL_S)
            except NoSandboxError:
                return
            for event in batch:
                after = event.seq
                yield event

    def settings(self, **values: float) -> dict[str, Any]:
        """Change settings, such as ``idle_lifetime`` (seconds); return all of them."""
        return self._call("POST", "settings", values)

    @property
    def clock(self) -> ServiceClock:
        """Service time: to look at, pause, jump and put forward."""
        return ServiceClock(self._call)

    def reset(self) -> None:
        """Empty everything: state, environments, logs; service time is the machine's again."""
        self._call("POST", "reset", timeout=60)

    def shutdown_idle(self, function: str | None = None) -> int:
        """Retire idle environments (of one function) as their idle lifetime would; count them."""
        answer = self._call("POST", "environments/shutdown", {"function": function}, timeout=60)
        return int(answer["count"])

    def save(self, path: Path | str) -> Path:
        """Write all state to a file; return its path."""
        place = Path(path).expanduser().resolve()
        self._call("POST", "save", {"path": str(place)}, timeout=120)
        return place

    def load(self, path: Path | str) -> None:
        """Replace all state by that of a file made by :meth:`save`."""
        place = Path(path).expanduser().resolve()
        self._call("POST", "load", {"path": str(place)}, timeout=120)

    def stop(self) -> None:
        """End the sandbox and everything in it; returns when it is gone. Twice is fine.

        One that does not answer, or does not end in time, is killed.

        Raises
        ------
        SandboxError
            It is still there.
        """
        import time

        if not self.alive:
            return
        asked = True
        try:
            self._call("POST", "stop", timeout=_STOP_ANSWER_S)
        except NoSandboxError:
            pass  # it ends already
        except SandboxError:
            asked = False
        deadline = time.monotonic() + (_STOP_S if asked else 0)
        while self.alive or self._record.folder.exists():
            if time.monotonic() > deadline:
                if registry.end(self._record):
                    return
                raise SandboxError(message("sandbox.stop.slow", pid=self.pid))
            time.sleep(0.01)

    def _call(
        self, method: str, path: str, body: object = None, *, timeout: float = 15.0
    ) -> dict[str, Any]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(
                method,
                f"/_lambdalab/{path}",
                body=None if body is None else json.dumps(body),
                headers={"X-Lambdalab-Token": self._record.token},
            )
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            if not self.alive or isinstance(error, ConnectionError):
                raise NoSandboxError(
                    message("sandbox.connect.gone", workspace=self.workspace)
                ) from error
            raise SandboxError(message("sandbox.connect.silent", reason=str(error))) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise SandboxError(str(answer.get("error", response.reason)))
        return answer

    # -- showing --------------------------------------------------------------------------

    def __repr__(self) -> str:
        if not self.alive:
            return f"<Sandbox: {message('sandbox.show.stopped')}>"
        return f"<Sandbox: {message('sandbox.show.running', url=self.url, pid=self.pid)}>"

    def _repr_html_(self) -> str:
        if not self.alive:
            return f"<p>{html.escape(message('sandbox.show.stopped'))}</p>"
        try:
            status = self.status()
        except SandboxError as error:
            return f"<p>{html.escape(str(error))}</p>"
        rows = {
            "address": self.url,
            "functions": status["functions"],
            "environments": len(status["environments"]),
            "invocations": status["invocations"],
        }
        cells = "".join(
            f"<tr><th scope='row' style='text-align:left'>"
            f"{html.escape(message(f'sandbox.show.{name}'))}</th><td>{html.escape(str(value))}</td>"
            f"</tr>"
            for name, value in rows.items()
        )
        title = html.escape(message("sandbox.show.title"))
        return f"<table><caption>{title}</caption>{cells}</table>"


def _named() -> Record | None:
    """Return the live sandbox that the environment names."""
    path = os.environ.get(_VARIABLE)
    record = registry.read(Path(path)) if path else None
    return record if record is not None and record.alive else None


def _owner(given: int | Literal["none"] | None) -> int | None:
    if given == "none":
        return None
    pid = owner.notebook_owner() if given is None else given
    if owner.identity(pid) is None:
        raise SandboxError(message("sandbox.start.no_owner", pid=pid))
    return pid
