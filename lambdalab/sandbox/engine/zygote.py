"""The zygote: a small process with the runtime preloaded, forked once per environment.

It is process 1 of its own pid namespace where the kernel allows, so when it ends the
kernel ends every process it ever made, whatever those have done to hide or stop.
Orders arrive as lines of JSON on a socket, each with its descriptors.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import psutil

from lambdalab.sandbox.engine import child, filesystem, linux, preload
from lambdalab.sandbox.engine.spare import Spare
from lambdalab.sandbox.engine.spec import ProcessSpec

__all__ = ["main"]

_DESCRIPTORS = 2
_ROUNDS = 20
"""How often to look again for processes that make others while they are being killed."""
_RSS_PER_MB = 1024 if sys.platform == "linux" else 1024 * 1024


def _mount_space(pid: int) -> int | None:
    """Return the number of a process's mount namespace; whatever it starts is in the same one."""
    try:
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino  # noqa: PTH116 - for every process there is
    except OSError:
        return None


def _marked(process: psutil.Process, environment: str) -> bool:
    """Tell an environment's process by a variable it was given, where there is no namespace."""
    try:
        stream = process.environ().get("AWS_LAMBDA_LOG_STREAM_NAME", "")
    except (psutil.Error, OSError):
        return False
    return bool(stream.endswith(environment))


class Zygote:
    """Makes processes, reaps them, ends them."""

    def __init__(self, control: socket.socket, folder: Path, isolated: bool) -> None:
        self._control = control
        self._folder = folder
        self._runtime = filesystem.RUNTIME if isolated else str(folder / "runtime")
        self._isolated = isolated
        self._status: dict[int, int] = {}
        """Process id -> descriptor that is told how it ended."""
        self._members: dict[str, set[int]] = {}
        """Environment -> its processes."""
        self._spaces: dict[str, list[int]] = {}
        """Environment -> descriptors of the mount namespaces of its processes.

        Held open, because the kernel gives the number of a namespace that is gone to the
        next one, and that is another environment's.
        """
        self._introductions, self._introduce = socket.socketpair(type=socket.SOCK_DGRAM)
        self._introductions.setblocking(False)
        self._folders: dict[str, Path] = {}
        self._buffer = b""
        self._descriptors: list[int] = []
        self._spare: Spare | None = None

    def serve(self) -> None:
        """Work until the sandbox closes the control socket."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._make_spare()
        self._control.sendall(b"ready\n")
        while True:
            waited: list[socket.socket | int] = [self._control, reader, self._introductions]
            ready, _, _ = select.select(waited, [], [])
            if reader in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 4096)
                self._reap()
            if self._introductions in ready:
                self._meet()
            if self._control in ready and not self._receive():
                break
        for environment in list(self._members):
            self._kill(environment)
        if self._spare is not None:
            self._spare.close()

    def _receive(self) -> bool:
        space = socket.CMSG_SPACE(_DESCRIPTORS * array.array("i").itemsize)
        data, ancillary, _, _ = self._control.recvmsg(65536, space)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % numbers.itemsize])
                self._descriptors.extend(numbers)
        if not data:
            return False
        self._buffer += data
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            self._obey(json.loads(line))
        return True

    def _obey(self, order: dict[str, Any]) -> None:
        if order["op"] == "spawn":
            log, status = self._descriptors.pop(0), self._descriptors.pop(0)
            self._spawn(ProcessSpec.loads(order["spec"]), log, status)
            return
        answer = self._descriptors.pop(0)
        self._kill(order["environment"])
        if order["op"] == "destroy":
            self._members.pop(order["environment"], None)
            folder = self._folders.pop(order["environment"], None)
            if folder is not None:
                if self._isolated:
                    with contextlib.suppress(OSError):
                        linux.unmount(str(folder))
                shutil.rmtree(folder.parent, ignore_errors=True)
        self._tell(answer, b"done\n")
        os.close(answer)

    def _spawn(self, spec: ProcessSpec, log: int, status: int) -> None:
        try:
            if spec.environment not in self._folders:
                folder = Path(spec.temporary)
                filesystem.temporary_folder(folder, spec.ephemeral_mb, isolated=self._isolated)
                self._folders[spec.environment] = folder
            pid = self._hand_over(spec, log, status)
        except OSError as error:
            self._tell(status, f"failed {error}\n".encode())
            os.close(log)
            os.close(status)
            return
        os.close(log)
        self._status[pid] = status
        self._members.setdefault(spec.environment, set()).add(pid)
        self._make_spare()

    def _hand_over(self, spec: ProcessSpec, log: int, status: int) -> int:
        """Have the spare become the process; return its id."""
        spare, self._spare = self._spare, None
        if spare is not None:
            with contextlib.suppress(OSError):  # something killed it
                spare.give(spec, log, status)
                return spare.pid
        spare = Spare(self._become)
        spare.give(spec, log, status)
        return spare.pid

    def _make_spare(self) -> None:
        with contextlib.suppress(OSError):  # the next order tries again, and says why not
            self._spare = Spare(self._become)

    def _become(self, channel: socket.socket) -> NoReturn:
        introduce = self._introduce.fileno() if self._isolated else None
        child.run(channel, self._runtime, introduce)

    def _reap(self) -> None:
        while True:
            try:
                pid, result, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare is not None and pid == self._spare.pid:
                self._spare.close()
                self._spare = None
            status = self._status.pop(pid, None)
            if status is None:
                continue  # a grandchild that came to us when its parent ended
            peak = usage.ru_maxrss / _RSS_PER_MB
            signalled = os.WIFSIGNALED(result)
            number = os.WTERMSIG(result) if signalled else os.WEXITSTATUS(result)
            word = "signal" if signalled else "exit"
            self._tell(status, f"{word} {number} {peak:.1f}\n".encode())
            os.close(status)

    def _kill(self, environment: str) -> None:
        """Kill every process of an environment, daemons that left its group included."""
        for pid in self._members.get(environment, set()) & self._status.keys():
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        members = self._members.get(environment, set())
        for _ in range(_ROUNDS):
            found = self._stragglers(environment)
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            if members.issuperset(found):
                break  # else one may have made another since it was found
        for space in self._spaces.pop(environment, []):
            os.close(space)
        self._reap()

    def _stragglers(self, environment: str) -> list[int]:
        if not self._isolated:
            return [
                process.pid for process in psutil.process_iter() if _marked(process, environment)
            ]
        self._meet()
        spaces = {os.fstat(space).st_ino for space in self._spaces.get(environment, [])}
        if not spaces:
            return []
        found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [pid for pid in found if _mount_space(pid) in spaces]

    def _meet(self) -> None:
        """Take in which namespaces processes have made for their environments."""
        with contextlib.suppress(BlockingIOError):
            while True:
                name, spaces, _, _ = socket.recv_fds(self._introductions, 256, 1)
                if name.decode() in self._members:
                    self._spaces.setdefault(name.decode(), []).extend(spaces)
                else:  # ended before it was heard
                    for space in spaces:
                        os.close(space)

    @staticmethod
    def _tell(descriptor: int, message: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(descriptor, message)


def _isolate() -> bool:
    """Enter namespaces; the caller goes on as process 1 of the new pid namespace."""
    try:
        linux.unshare_mounts_and_pids()
    except OSError:
        return False
    pid = os.fork()
    if pid:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        os.closerange(3, 256)
        _, result = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(result) & 0xFF)
    linux.die_with_parent()
    return True


def main() -> NoReturn:
    """Serve the control socket given by number; ends with the sandbox."""
    parser = argparse.ArgumentParser(description="Forks execution environments.")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--isolate", choices=("yes", "no"), default="yes")
    options = parser.parse_args()
    linux.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=options.control)
    runtime = options.folder / "runtime"
    preload.link_runtime(runtime)
    isolated = options.isolate == "yes" and linux.AVAILABLE and _isolate()
    if isolated:
        try:
            filesystem.prepare_host_view(options.folder / "host", runtime)
        except OSError as error:
            isolated = False
            print(f"zygote: no private folders: {error}", file=sys.stderr)
    preload.load()
    control.sendall(b"isolated\n" if isolated else b"shared\n")
    gc.collect()
    gc.freeze()
    Zygote(control, options.folder, isolated).serve()
    sys.exit(0)


if __name__ == "__main__":
    main()
