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
from collections.abc import Mapping
from pathlib import Path

from lambdalab.i18n import language, message
from lambdalab.sandbox import credentials, registry
from lambdalab.sandbox.owner import identity
from lambdalab.sandbox.registry import Record, SandboxError

__all__ = ["LOG", "start"]

LOG = "server.log"
_PATIENCE_S = 30.0
_TAIL_LINES = 15


def start(workspace: Path, *, port: int | None, owner: int | None) -> tuple[Record, bool]:
    """Start the sandbox of a workspace, or find the one that runs.

    Parameters
    ----------
    workspace
        The folder it belongs to.
    port
        Its port; ``None`` for any that is free.
    owner
        Process whose end is the sandbox's end; ``None``: it runs until it is stopped.

    Returns
    -------
    tuple
        The record, and whether it was started just now.

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
            return record, False
        try:
            registry.clean(folder)
            registry.sweep(folder)
            run = folder / f"run-{secrets.token_hex(8)}"
            run.mkdir(mode=0o700)
            return _spawn(workspace, run, port, owner), True
        except OSError as error:
            raise registry.storage_error(folder, error) from error


def _spawn(workspace: Path, run: Path, port: int | None, owner: int | None) -> Record:
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


def _judge(answer: bytes, run: Path, owner: int | None) -> Record:
    said: Mapping[str, str] = json.loads(answer) if answer else {"error": "died"}
    path = run.parent / registry.RECORD
    record = registry.read(path)
    if "error" not in said and record is not None:
        return record
    key = said.get("error", "owner_gone")
    values: dict[str, object] = {name: text for name, text in said.items() if name != "error"}
    values.setdefault("pid", owner)
    if key in ("died", "slow"):
        values["log"] = _tail(run / LOG)
    registry.remove_tree(run)
    raise SandboxError(message(f"sandbox.start.{key}", **values))


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])
    return ""
