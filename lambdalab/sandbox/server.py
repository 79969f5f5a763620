"""The sandbox's process: ``python -m lambdalab.sandbox.server``. Started by :mod:`.starter`.

Imports of weight are made inside, in the order in which they are needed: the port is
taken and the zygote starts while moto is still being imported.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import secrets
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

__all__ = ["main"]

_BACKLOG = 1024
_DESCRIPTORS = 10_240
"""As many as macOS ever gives, and enough for a thousand environments."""
_HOUSEKEEPING_S = 2.0
_LOG_MAX = 4 * 1024 * 1024
_LOG_KEEP = 1024 * 1024
_CLOSE_PATIENCE_S = 10.0


class _CannotStartError(Exception):
    """Carries a message key of ``sandbox.start`` and its values to the one who started us."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.said = {"error": key} | {name: str(value) for name, value in values.items()}


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lambdalab.sandbox.server")
    parser.add_argument("--run-folder", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--owner", default="", help="PID:IDENTITY; empty for none")
    parser.add_argument("--ready", type=int, help="descriptor to tell when it is up")
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--rather", type=int, default=0, help="port to take if it is free")
    parser.add_argument("--forgetful", action="store_true", help="keep nothing for a successor")
    parser.add_argument("--restore", type=Path, help="what a sandbox that died had kept")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Run a sandbox until it is stopped or its owner ends."""
    args = _arguments(words)
    _allow_many_descriptors()
    if args.detach and os.fork():
        os._exit(0)
    try:
        listener = _listen(args.host, args.port, args.rather)
        server = _Server(args, listener)
        said = server.prepare()
    except _CannotStartError as error:
        _tell(args.ready, error.said)
        print(error.said, file=sys.stderr)
        return 1
    except OSError as error:
        from lambdalab.sandbox.registry import storage_reason

        said = storage_reason(args.run_folder, error)
        _tell(args.ready, said)
        print(said, file=sys.stderr)
        return 1
    _tell(args.ready, {"ready": "yes"} | said)
    server.serve()
    return 0


def _allow_many_descriptors() -> None:
    """Raise the soft limit, often 256 or 1024: an environment takes about seven here."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _tell(descriptor: int | None, said: dict[str, str]) -> None:
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.write(descriptor, json.dumps(said).encode() + b"\n")
            os.close(descriptor)


def _listen(host: str, port: int, rather: int = 0) -> socket.socket:
    from lambdalab.sandbox.guard import is_loopback

    if not is_loopback(host):
        raise _CannotStartError("host", host=host)
    if rather and not port:
        with contextlib.suppress(_CannotStartError):
            return _listen(host, rather)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        import errno

        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise _CannotStartError("port_in_use", port=port) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise _CannotStartError("bad_port", port=port, reason=reason) from error
    return listener


class _Server:
    """Holds the parts together from the first to the last moment."""

    def __init__(self, args: argparse.Namespace, listener: socket.socket) -> None:
        from lambdalab.sandbox import registry
        from lambdalab.sandbox.owner import identity

        self._listener = listener
        self._stopping = threading.Event()
        pid, _, self._owner_identity = args.owner.partition(":")
        self._owner = int(pid) if pid else None
        self._durable = not args.forgetful
        self._restore: Path | None = args.restore
        run_folder: Path = args.run_folder
        self.record = registry.Record(
            pid=os.getpid(),
            identity=identity(os.getpid()) or "",
            port=listener.getsockname()[1],
            token=secrets.token_urlsafe(24),
            run=run_folder.name.removeprefix("run-"),
            workspace=str(args.workspace),
            path=run_folder.parent / registry.RECORD,
        )

    def prepare(self) -> dict[str, str]:
        """Get everything ready to answer, and write the record; return what to say of it."""
        # moto reads these while it is imported.
        os.environ["MOTO_PORT"] = str(self.record.port)
        os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # roles attach AWS's own policies
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())
        from lambdalab.sandbox import guard, mototime, registry
        from lambdalab.sandbox.clock import VirtualClock
        from lambdalab.sandbox.engine.executor import Executor
        from lambdalab.sandbox.eventlog import EventLog
        from lambdalab.sandbox.logsink import CloudWatchSink
        from lambdalab.sandbox.timekeeper import Timekeeper

        guard.install()
        clock = VirtualClock()
        mototime.install(clock)  # before moto is imported
        self._events = EventLog(clock)
        timekeeper = Timekeeper(clock, self._events)
        self._sink = CloudWatchSink(_logs_backends)
        self._executor = Executor(
            run_dir=self.record.folder / "engine",
            endpoint_url=self.record.url,
            scheduler=timekeeper.scheduler,
            events=self._events,
            logs=self._sink,
        )
        self._executor.start()
        from lambdalab.sandbox.core import Core
        from lambdalab.sandbox.front import handler_for
        from lambdalab.sandbox.listener import FrontServer

        self._core = Core(
            self.record,
            executor=self._executor,
            events=self._events,
            sink=self._sink,
            timekeeper=timekeeper,
            owner=self._owner,
            stop=self._stopping.set,
            durable=self._durable,
        )
        said = self._begin_with_past()
        self._sink.start()
        timekeeper.scheduler.start()
        self._http = FrontServer(self._listener, handler_for(self._core))
        gc.collect()
        gc.freeze()
        registry.write(self.record)
        return said

    def _begin_with_past(self) -> dict[str, str]:
        """Restore what is there to restore, and begin to keep; return what to say of it."""
        from lambdalab.sandbox.registry import remove_tree

        left = self._restore
        if left is None:
            self._core.keeping.start(restored=False)
            return {}
        try:
            said = self._core.recover(left).told()
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise _CannotStartError("not_restored", reason=error) from error
        self._core.keeping.start(restored=True)
        if self._core.keeping.keeps:
            remove_tree(left)
        return said

    def serve(self) -> None:
        """Answer until it is time to stop, then leave nothing behind."""
        from lambdalab.sandbox import owner

        threading.Thread(target=self._http.serve_forever, name="http", daemon=True).start()
        if self._owner is not None:
            owner.watch(self._owner, self._owner_identity, self._stopping.set)
        while not self._stopping.wait(_HOUSEKEEPING_S):
            self._core.housekeep()
            _trim_log(self.record.folder)
        self._close()

    def _close(self) -> None:
        from lambdalab.sandbox import registry

        # Whatever hangs, the process ends: it must never outlive its owner for long.
        last = threading.Timer(_CLOSE_PATIENCE_S, os._exit, (1,))
        last.daemon = True
        last.start()
        self.record.path.unlink(missing_ok=True)
        if self._restore is not None:  # where it could not be replaced, it ends with this one
            registry.remove_tree(self._restore)
        # No shutdown(): it waits for the next poll, and the process ends anyway.
        self._http.server_close()
        self._core.keeping.close()
        self._core.scheduler.close()
        self._core.service.close()
        self._executor.close()
        self._sink.close()
        registry.discard(self.record)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _logs_backends() -> object:
    from moto.logs.models import logs_backends

    return logs_backends


def _trim_log(folder: Path) -> None:
    """Keep the log file small; it is opened for appending, so cutting it is safe."""
    from lambdalab.sandbox.starter import LOG

    path = folder / LOG
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LOG_MAX:
            tail = path.read_bytes()[-_LOG_KEEP:]
            os.truncate(path, 0)
            with path.open("ab") as file:
                file.write(tail)


if __name__ == "__main__":
    sys.exit(main())
