"""The peers: where they are installed, and how. All below ``benchmarks/.peers``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.errors import BenchmarkError

__all__ = [
    "FOLDER",
    "PYTHON",
    "SERVERLESS",
    "install_ministack",
    "install_serverless_offline",
    "node_versions",
    "python_versions",
]

FOLDER = Path(__file__).parent / ".peers"
PYTHON = FOLDER / "python" / "bin" / "python"
"""Python of ministack and of both peers' handlers: with boto3 and nothing of ours."""

SERVERLESS = FOLDER / "node" / "node_modules" / "serverless" / "bin" / "serverless.js"

_PYTHON_PACKAGES = ("ministack==1.5.33", "boto3")
# serverless-offline 14 wants serverless 4, which asks for an account.
_NODE_PACKAGES = ("serverless@3.40.0", "serverless-offline@13.10.1")
_PATIENCE_S = 600


def install_ministack(report: Callable[[str], None]) -> None:
    """Install ministack from PyPI into an environment of its own.

    Raises
    ------
    BenchmarkError
        It cannot be installed, for want of a network perhaps.
    """
    if not PYTHON.exists():
        report("making a Python environment")
        _run("ministack", [sys.executable, "-m", "venv", str(PYTHON.parents[1])])
    report(f"installing {' and '.join(_PYTHON_PACKAGES)}")
    quiet = ("--quiet", "--disable-pip-version-check")
    try:
        _run("ministack", [str(PYTHON), "-m", "pip", "install", *quiet, *_PYTHON_PACKAGES])
    except BenchmarkError:
        if not _has("ministack"):
            shutil.rmtree(PYTHON.parents[1], ignore_errors=True)
        raise


def install_serverless_offline(report: Callable[[str], None]) -> None:
    """Install serverless-offline and the framework it plugs into from npm.

    Raises
    ------
    BenchmarkError
        It cannot be installed: there is no npm or no network.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise BenchmarkError(
            "serverless-offline cannot be installed: there is no npm. Install Node.js 18 or later."
        )
    folder = SERVERLESS.parents[3]
    folder.mkdir(parents=True, exist_ok=True)
    report(f"installing {' and '.join(_NODE_PACKAGES)}")
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--save-exact")
    _run("serverless-offline", [npm, "install", "--prefix", str(folder), *options, *_NODE_PACKAGES])


def _run(peer: str, command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"{peer} cannot be installed: {error}") from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise BenchmarkError(
            f"{peer} cannot be installed: `{' '.join(command[:4])} …` failed. Is there a network?\n"
            f"{said}"
        )


def _has(package: str) -> bool:
    try:
        return bool(python_versions((package,)))
    except BenchmarkError:
        return False


def python_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return versions of packages in the peers' Python.

    Raises
    ------
    BenchmarkError
        One is not there.
    """
    names = list(packages)
    code = (
        "import importlib.metadata as m, json, sys;"
        "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    )
    try:
        done = subprocess.run(
            [str(PYTHON), "-I", "-c", code, *names], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(f"{', '.join(names)}: not all are installed in {PYTHON}") from error
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def node_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return versions of Node.js and of packages beside the framework."""
    folder = SERVERLESS.parents[2]
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    found = {"Node.js": said.stdout.strip().removeprefix("v")}
    for name in packages:
        manifest = json.loads((folder / name / "package.json").read_text(encoding="utf-8"))
        found[name] = str(manifest["version"])
    return found
