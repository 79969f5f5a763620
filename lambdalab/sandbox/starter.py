"""Starting the sandbox's process and waiting until it answers."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lambdalab.i18n import language, message
from lambdalab.sandbox import credentials, registry
from lambdalab.sandbox.owner import identity
from lambdalab.sandbox.registry import Record, Salvage, SandboxError

__all__ = ["LOG", "Started", "start"]

LOG = "server.log"
_PATIENCE_S = 30.0
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Started:
    """A sandbox that runs now; ``news``: what its learner should know, in their language."""

    record: Record
    news: str = ""


class _NotRestoredError(Exception):
    """What the sandbox before had kept cannot be used; says why."""


def start(workspace: Path, *, port: int | None, owner: int | None, durable: bool = True) -> Started:
    """Start the sandbox of a workspace, or find the one that runs.

    Parameters
    ----------
    workspace
        The folder it belongs to.
    port
        Its port; ``None`` for any that is free.
    owner
        Process whose end is the sandbox's end; ``None``: it runs until it is stopped.
    durable
        Keep what is accepted, and restore what one that died had kept.

    Raises
    ------
    SandboxError
        It cannot start; the message says why.
    """
    folder = registry.workspace_folder(workspace)
    with registry.lock(folder):
        record = registry.read(folder / registry.RECORD)
        if record is not None and record.alive:
            if port not in (None, record.port):
                raise SandboxError(
                    message("sandbox.start.other_port", port=record.port, wanted=port)
                )
            return Started(record)
        try:
            left = registry.salvage(folder)
            registry.clean(folder)
            registry.sweep(folder)
            options = [] if durable else ["--forgetful"]
            if port is None and record is not None:
                options.append(f"--rather={record.port}")  # clients of before go on with it
            if left is None or not durable:
                return Started(_spawn(workspace, _new_run(folder), port, owner, options)[0])
            return _restore(workspace, folder, port, owner, options, left)
        except OSError as error:
            raise registry.storage_error(folder, error) from error


def _new_run(folder: Path) -> Path:
    run = folder / f"run-{secrets.token_hex(8)}"
    run.mkdir(mode=0o700)
    return run


def _restore(  # noqa: PLR0917 - what start() was given
    workspace: Path,
    folder: Path,
    port: int | None,
    owner: int | None,
    options: list[str],
    left: Salvage,
) -> Started:
    """Start a sandbox with what the one before had kept; without, if that cannot be."""
    reason = message("sandbox.recovery.again")
    if left.begin():
        try:
            restoring = [*options, f"--restore={left.path}"]
            record, said = _spawn(workspace, _new_run(folder), port, owner, restoring)
            return Started(record, message(said.pop("news"), **said))
        except _NotRestoredError as error:
            reason = str(error)
    news = message("sandbox.recovery.failed", path=left.put_aside(), reason=reason)
    return Started(_spawn(workspace, _new_run(folder), port, owner, options)[0], news)


def _spawn(
    workspace: Path, run: Path, port: int | None, owner: int | None, options: list[str]
) -> tuple[Record, dict[str, str]]:
    ready, tell = os.pipe()
    command = [
        sys.executable,
        "-m",
        "lambdalab.sandbox.server",
        f"--run-folder={run}",
        f"--workspace={workspace}",
        f"--port={port or 0}",
        f"--ready={tell}",
        "--detach",
        *options,
    ]
    if owner is not None:
        command.append(f"--owner={owner}:{identity(owner) or 'gone'}")
    try:
        with (run / LOG).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[tell],
                start_new_session=True,
                cwd=run,
                env=_variables(run),
            )
    finally:
        os.close(tell)
    try:
        answer = _listen(ready)
    finally:
        os.close(ready)
        process.wait()  # the process we started is gone at once: the server is its child
    return _judge(answer, run, owner)


def _variables(run: Path) -> dict[str, str]:
    """Return the server's environment: ours, without anything of a real account."""
    hidden = ("AWS_", "MOTO_", "JPY_", "LAMBDALAB_SANDBOX")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    kept.pop("PWD", None)
    config, shared = credentials.write_files(run)
    return kept | {
        "AWS_ACCESS_KEY_ID": credentials.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": credentials.SECRET_KEY,
        "AWS_DEFAULT_REGION": credentials.default_region(),
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(shared),
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDALAB_LANG": language(),
    }


def _listen(ready: int) -> bytes:
    """Return the one line the server says when it is up or has failed; empty if it died."""
    deadline = time.monotonic() + _PATIENCE_S
    words = b""
    while not words.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([ready], [], [], left)[0]:
            return b'{"error": "slow"}'
        data = os.read(ready, 4096)
        if not data:
            return words
        words += data
    return words


def _judge(answer: bytes, run: Path, owner: int | None) -> tuple[Record, dict[str, str]]:
    said: dict[str, str] = json.loads(answer) if answer else {"error": "died"}
    path = run.parent / registry.RECORD
    record = registry.read(path)
    if "error" not in said and record is not None:
        return record, said
    key = said.get("error", "owner_gone")
    values: dict[str, object] = {name: text for name, text in said.items() if name != "error"}
    values.setdefault("pid", owner)
    if key in ("died", "slow"):
        values["log"] = _tail(run / LOG)
    registry.remove_tree(run)
    if key == "not_restored":
        raise _NotRestoredError(said["reason"])
    raise SandboxError(message(f"sandbox.start.{key}", **values))


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])
    return ""
