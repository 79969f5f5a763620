"""What a fork of the zygote does: take on its environment, then run the program."""

from __future__ import annotations

import atexit
import contextlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lambdalab.rules.limits import FILE_DESCRIPTORS
from lambdalab.sandbox import guard
from lambdalab.sandbox.engine import (
    awslambdaric_main,
    filesystem,
    linux,
    preload,
    runtime_client,
)
from lambdalab.sandbox.engine.filesystem import View
from lambdalab.sandbox.engine.spare import receive
from lambdalab.sandbox.engine.spec import (
    PLACE_LAYERS,
    PLACE_RUNTIME,
    PLACE_TASK,
    PLACE_TMP,
    ProcessSpec,
)

__all__ = ["NO_ENTRYPOINT", "run"]

NO_ENTRYPOINT = 126
"""Exit status that says: none of the programs can be executed."""

_TELEMETRY_FD = 3


def run(channel: socket.socket, runtime: str, introduce: int | None) -> NoReturn:
    """Get ready for any environment, wait to be told which one, become its process.

    Parameters
    ----------
    channel
        Brings the order as a line of JSON, with the descriptor that takes stdout, stderr
        and the framed log, and the one on which to say that this process is up.
    runtime
        Folder with the packages of the managed runtime.
    introduce
        Socket on which to hand over this process's mount namespace; ``None`` where there
        are no namespaces.
    """
    code = 1
    try:
        needed = _prepare([channel.fileno(), *([] if introduce is None else [introduce])])
        order = receive(channel)
        channel.close()
        if order is None:
            os._exit(0)
        spec, log, status = order
        os.write(status, f"up {os.getpid()}\n".encode())
        view = _take_on(spec, log, introduce, runtime, needed)
        code = _exec(spec, view) if spec.kind == "exec" else _python(spec, view, runtime)
    except SystemExit as leave:
        code = _exit_status(leave)
    except BaseException:  # noqa: BLE001 - the last frame of the process
        traceback.print_exc()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def _prepare(kept: list[int]) -> list[str]:
    """Do all that is the same for every environment; return the folders Python needs."""
    os.setsid()
    linux.die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # before it is lowered
    with contextlib.suppress(OSError, ValueError):
        limit = FILE_DESCRIPTORS.value
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.clear()
    # The course's own code is not on a Lambda machine: a handler cannot import it.
    for name in [name for name in sys.modules if name.partition(".")[0] == "lambdalab"]:
        del sys.modules[name]
    folders = {entry for entry in sys.path if entry and Path(entry).is_dir()}
    sys.path_importer_cache.clear()
    return [sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), *folders]


def _exit_status(leave: SystemExit) -> int:
    if leave.code is None:
        return 0
    if isinstance(leave.code, int):
        return leave.code & 0xFF
    print(leave.code, file=sys.stderr)
    return 1


def _take_on(
    spec: ProcessSpec, log: int, introduce: int | None, runtime: str, needed: list[str]
) -> View:
    view = View(spec.code, spec.layers, spec.temporary)
    if introduce is not None:
        view = filesystem.show_environment(
            spec.code, spec.layers, spec.temporary, dict.fromkeys(needed)
        )
        space = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        with socket.socket(fileno=introduce) as host:
            socket.send_fds(host, [spec.environment.encode()], [space])
    for descriptor in (1, 2, _TELEMETRY_FD):
        os.dup2(log, descriptor)
    os.closerange(_TELEMETRY_FD + 1, FILE_DESCRIPTORS.value)
    places = _places(view) | {PLACE_RUNTIME: runtime}
    for name, value in spec.variables.items():
        os.environ[name] = _fill(value, places)
    time.tzset()
    os.chdir(view.task)
    return view


def _places(view: View) -> dict[str, str]:
    return {PLACE_TASK: view.task, PLACE_LAYERS: view.layers, PLACE_TMP: view.temporary}


def _fill(text: str, places: dict[str, str]) -> str:
    for name, path in places.items():
        text = text.replace(name, path)
    return text


def _exec(spec: ProcessSpec, view: View) -> int:
    os.close(_TELEMETRY_FD)
    candidates: Sequence[str] = [_fill(path, _places(view)) for path in spec.program]
    for path in candidates:
        if not os.access(path, os.X_OK) or Path(path).is_dir():
            continue
        try:
            os.execve(path, [path], os.environ.copy())  # noqa: S606
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr, flush=True)
    return NO_ENTRYPOINT


def _python(spec: ProcessSpec, view: View, runtime: str) -> int:
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - lives as long as we do
    sys.path[:] = preload.search_path(view.task, view.layers, runtime)
    sys.argv = ["bootstrap", spec.variables["_HANDLER"]]
    own = preload.shadowed(sys.path[:3])
    if own:
        preload.forget()
    guard.install()
    run = runtime_client.run
    if spec.client == "awslambdaric":
        os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(_TELEMETRY_FD)
        run = awslambdaric_main.run
    else:
        os.close(_TELEMETRY_FD)
    run(spec.variables["_HANDLER"], os.environ["AWS_LAMBDA_RUNTIME_API"], spec.poll_in_thread)
    return 0
