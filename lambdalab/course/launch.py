"""What JupyterLab needs to show a course folder: settings of its own, variables, a port.

Everything JupyterLab writes goes to ``.lambdalab/jupyter`` in the course folder, so that
the user's own Jupyter is neither changed nor obeyed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lambdalab.course import folder
from lambdalab.course.errors import CourseError
from lambdalab.course.storage import write_atomically
from lambdalab.i18n import Language, message
from lambdalab.sandbox import credentials

__all__ = ["LOG", "Plan", "browser_available", "plan", "running"]

LOG = "server.log"
"""Beside JupyterLab's settings: what it says of itself."""
_FIRST_PORT = 8888
_PORTS_TRIED = 100
_NOWHERE = "http://127.0.0.1:9"
"""Where AWS calls go before there is a sandbox: nothing answers, and nothing leaves."""
_FOREIGN = ("AWS_", "JUPYTER", "JPY_", "LAMBDALAB_SANDBOX", "IPYTHON")
_TOKEN_BYTES = 24
_ANSWER_S = 2.0

_SERVER = {
    "ServerApp": {
        "jpserver_extensions": {
            "jupyterlab": True,
            "jupyter_lsp": False,
            "jupyterlab_jupytext": False,
            "nbgrader.server_extensions.assignment_list": False,
            "nbgrader.server_extensions.course_list": False,
            "nbgrader.server_extensions.formgrader": False,
            "nbgrader.server_extensions.validate_assignment": False,
            "notebook": False,
        }
    }
}
_PAGE = {
    "disabledExtensions": {
        "@jupyter/nbgrader": True,  # for teachers; its panels would only confuse
        "@jupyter-notebook/lab-extension": True,
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
        "@jupyterlab/lsp-extension": True,
        "jupyterlab-jupytext": True,
    }
}
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": False,
    }
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start JupyterLab: a command, and all of its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def plan(
    workspace: Path, notebook: Path, lang: Language, *, port: int | None, browser: bool
) -> Plan:
    """Write JupyterLab's settings into the course folder, and return how to start it.

    Parameters
    ----------
    workspace
        The course folder.
    notebook
        What to open, relative to it.
    lang
        The learner's language.
    port
        Port of 127.0.0.1; the first free one from 8888 on if ``None``.
    browser
        Whether to open a browser on it.

    Raises
    ------
    CourseError
        The settings cannot be written, or the port cannot be had.
    """
    if port is not None:
        _check(port)
    state = workspace / folder.STATE
    try:
        config, shared = _write_settings(state)
    except OSError as error:
        raise folder.storage_error(state / "jupyter", error) from error
    page = f"/lab/tree/{quote(notebook.as_posix())}"
    command = (
        sys.executable,
        "-Pm",  # a learner's json.py must not be taken for Python's
        "lambdalab.course.jupyterlab",
        f"--root={workspace}",
        f"--log={state / 'jupyter' / LOG}",
        f"--page={page}",
        f"--port={port or _FIRST_PORT}",
        f"--more-ports={0 if port else _PORTS_TRIED}",
        f"--lang={lang}",
        *(["--browser"] if browser else []),
    )
    variables = _environment(workspace, lang, os.environ)
    variables |= {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(shared),
        "JUPYTER_TOKEN": secrets.token_hex(_TOKEN_BYTES),
    }
    return Plan(command, variables)


def _write_settings(state: Path) -> tuple[Path, Path]:
    config = state / "jupyter" / "config"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    for name, values in (
        ("jupyter_server_config.json", _SERVER),
        ("labconfig/page_config.json", _PAGE),
        ("labconfig/default_setting_overrides.json", _SETTINGS),
    ):
        write_atomically(config / name, json.dumps(values, indent=1).encode())
    aws = state / "aws"
    aws.mkdir(exist_ok=True)
    return credentials.write_files(aws)


def _environment(workspace: Path, lang: Language, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the server's variables: ours, with a fake account and folders of its own."""
    kept = {name: value for name, value in variables.items() if not name.startswith(_FOREIGN)}
    state = workspace / folder.STATE
    fake = credentials.environment(_NOWHERE, state / "aws", state, variables)
    del fake["LAMBDALAB_SANDBOX"]  # there is none yet
    programs = str(Path(sys.executable).parent)
    path = [part for part in kept.get("PATH", os.defpath).split(os.pathsep) if part]
    jupyter = state / "jupyter"
    return (
        kept
        | fake
        | {
            "IPYTHONDIR": str(jupyter / "ipython"),
            "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
            "JUPYTER_DATA_DIR": str(jupyter / "data"),
            "JUPYTER_RUNTIME_DIR": str(jupyter / "runtime"),
            "LAMBDALAB_LANG": lang,
            "PATH": os.pathsep.join(path if programs in path else [programs, *path]),
            "PWD": str(workspace),
        }
    )


def _check(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # As the server will: what a server that ended just now left behind does not count.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CourseError(message("workspace.port.taken", port=port, reason=reason)) from error


def running(workspace: Path) -> str | None:
    """Return the address, with its token, of a JupyterLab that already shows this folder."""
    runtime = workspace / folder.STATE / "jupyter" / "runtime"
    for record in sorted(runtime.glob("jpserver-*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            facts = json.loads(record.read_bytes())
            address, token = str(facts["url"]), str(facts["token"])
            if _answers(f"{address}api/status?token={token}"):
                return f"{address}?token={token}"
    return None


def _answers(url: str) -> bool:
    if not url.startswith("http://127.0.0.1:"):
        return False
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_ANSWER_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def browser_available(variables: Mapping[str, str] | None = None) -> bool:
    """Tell whether a browser with windows can be opened from here."""
    values = os.environ if variables is None else variables
    if sys.platform == "linux" and not any(
        values.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
