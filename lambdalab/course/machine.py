"""What works on this machine: each check is one function that looks and judges."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lambdalab.course import catalogue, folder
from lambdalab.errors import LambdalabError
from lambdalab.i18n import as_language, message
from lambdalab.sandbox import credentials

__all__ = ["CHECKS", "Finding", "Level", "look"]

Level = Literal["ok", "warning", "problem"]

_MB = 1024 * 1024
_DISK_LEAST_MB, _DISK_GOOD_MB = 200, 1024
_MEMORY_LEAST_MB, _MEMORY_GOOD_MB = 256, 1024
_TRIAL_S = 90.0
_PARTS = ("jupyterlab", "ipywidgets", "anywidget", "nbgrader", "boto3", "moto")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    level: Level
    text: str
    advice: str = ""
    """What to do; empty if there is nothing to be done."""


def _finding(name: str, level: Level, key: str = "", /, **values: object) -> Finding:
    """Return a finding, with the advice that goes with it unless all is well."""
    key = key or level
    advice = "" if level == "ok" else message(f"doctor.{name}.{key}_advice", **values)
    return Finding(name, level, message(f"doctor.{name}.{key}", **values), advice)


def look() -> Iterator[Finding]:
    """Make every check, one after the other; a check that fails itself is a problem."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001 - a doctor does not faint
            name = check.__name__.strip("_")
            yield Finding(name, "problem", repr(error), message("doctor.broken"))


def _system() -> Iterator[Finding]:
    shown = f"{platform.system()} {platform.release()} ({platform.machine()})"
    if sys.platform in ("linux", "darwin"):
        yield _finding("system", "ok", system=shown)
    else:
        yield _finding("system", "problem", system=shown)


def _python() -> Iterator[Finding]:
    yield _finding("python", "ok", version=platform.python_version(), path=sys.executable)


def _parts() -> Iterator[Finding]:
    versions, missing = [], []
    for name in _PARTS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield _finding("parts", "problem", names=", ".join(missing))
    else:
        yield _finding("parts", "ok", names=", ".join(versions))


def _course() -> Iterator[Finding]:
    try:
        entries = catalogue.catalogue()
    except LambdalabError as error:
        yield Finding("course", "problem", str(error))
        return
    labs = sum(one.kind == "lab" for one in entries)
    yield _finding("course", "ok", lessons=len(entries) - labs, labs=labs)


def _language() -> Iterator[Finding]:
    chosen = os.environ.get("LAMBDALAB_LANG", "")
    try:
        if chosen:
            as_language(chosen)
    except ValueError:
        yield _finding("language", "warning", chosen=chosen)


def _disk() -> Iterator[Finding]:
    places = {folder.find() or Path.cwd(), Path(tempfile.gettempdir())}
    path = min(places, key=lambda one: shutil.disk_usage(one).free)
    free = shutil.disk_usage(path).free // _MB
    yield _finding("disk", _level(free, _DISK_LEAST_MB, _DISK_GOOD_MB), mb=free, path=path)


def _memory() -> Iterator[Finding]:
    import psutil

    free = psutil.virtual_memory().available // _MB
    yield _finding("memory", _level(free, _MEMORY_LEAST_MB, _MEMORY_GOOD_MB), mb=free)


def _level(value: int, least: int, good: int) -> Level:
    if value >= good:
        return "ok"
    return "warning" if value >= least else "problem"


def _folders() -> Iterator[Finding]:
    from lambdalab.sandbox import registry

    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        run = registry.root()
        with tempfile.NamedTemporaryFile(dir=run) as file:
            file.write(b"x")
    except LambdalabError as error:
        yield Finding("folders", "problem", str(error))
    except OSError as error:
        where = error.filename or tempfile.gettempdir()
        yield _finding("folders", "problem", path=where, reason=error.strerror or error)
    else:
        yield _finding("folders", "ok", path=run)


def _loopback() -> Iterator[Finding]:
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=5) as caller,
        ):
            answering, _ = server.accept()
            with answering:
                answering.sendall(b"x")
            caller.recv(1)
    except OSError as error:
        yield _finding("loopback", "problem", reason=error.strerror or error)
    else:
        yield _finding("loopback", "ok")


def _sandbox() -> Iterator[Finding]:
    if sys.platform == "win32":
        return  # told by _system
    said = _trial()
    if "error" in said:
        yield _finding("sandbox", "problem", reason=said["error"])
        return
    yield _finding(
        "sandbox",
        "ok",
        ready=f"{said['ready_s']:.1f}",
        cold=f"{said['cold_ms']:.0f}",
        warm=f"{said['warm_ms']:.1f}",
    )
    kept_apart = len(said["isolation"]) > 2  # more than processes that share a /tmp
    yield _finding("isolation", "ok" if kept_apart else "warning", how=", ".join(said["isolation"]))


def _trial() -> Mapping[str, Any]:
    command = [sys.executable, "-Pm", "lambdalab.course.trial"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": message("doctor.sandbox.slow", seconds=f"{_TRIAL_S:.0f}")}
    try:
        found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"error": done.stderr.strip() or f"exit status {done.returncode}"}
    return found


def _client() -> Iterator[Finding]:
    try:
        version = importlib.metadata.version("awslambdaric")
    except importlib.metadata.PackageNotFoundError:
        yield _finding("client", "ok", "own")
    else:
        yield _finding("client", "ok", version=version)


def _account() -> Iterator[Finding]:
    found = [*credentials.real_credentials(os.environ)]
    found += [f"~/.aws/{name}" for name in ("credentials", "config") if _at_home(name)]
    if found:
        yield _finding("account", "ok", names=", ".join(found))
    else:
        yield _finding("account", "ok", "none")


def _at_home(name: str) -> bool:
    return (Path.home() / ".aws" / name).exists()


def _font() -> Iterator[Finding]:
    """Look for a Chinese font where fontconfig can tell; elsewhere the system brings one."""
    program = shutil.which("fc-list")
    if sys.platform != "linux" or program is None:
        return
    listed = subprocess.run(
        [program, ":lang=zh", "family"], capture_output=True, text=True, timeout=20, check=False
    )
    name = listed.stdout.partition("\n")[0].partition(",")[0].strip()
    yield _finding("font", "ok", name=name) if name else _finding("font", "warning")


def _browser() -> Iterator[Finding]:
    names = (os.environ.get("LAMBDALAB_CHROMIUM", ""), *_BROWSERS)
    path = next(filter(None, (shutil.which(name) for name in names if name)), None)
    yield _finding("browser", "ok", path=path) if path else _finding("browser", "ok", "none")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _system,
    _python,
    _parts,
    _course,
    _language,
    _disk,
    _memory,
    _folders,
    _loopback,
    _sandbox,
    _client,
    _account,
    _font,
    _browser,
)
"""In the order in which they are shown."""
