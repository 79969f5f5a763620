"""JupyterLab on a course folder: ``python -m lambdalab.course.jupyterlab``.

Started by ``lambdalab start`` with the environment of :mod:`lambdalab.course.launch`.
The process is the notebook server itself, so that its end, whatever it is, ends all.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lambdalab.i18n import as_language, message

__all__ = ["main"]

_TAIL_LINES = 15


def main(words: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C, a signal, or JupyterLab's own Shut Down."""
    parser = argparse.ArgumentParser(prog="python -m lambdalab.course.jupyterlab")
    parser.add_argument("--root", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--more-ports", type=int, default=0, help="how many others to try")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--lang", type=as_language, required=True)
    parser.add_argument("--browser", action="store_true")
    args = parser.parse_args(words)
    terminal = _talk_to(args.log)
    os.chdir(args.root)
    try:
        _serve(args, terminal)
    except (SystemExit, Exception) as error:  # noqa: BLE001 - whatever it is, the log knows more
        if not isinstance(error, SystemExit):
            sys.excepthook(type(error), error, error.__traceback__)
        _say(terminal, message("workspace.start.failed", args.lang, log=args.log))
        _say(terminal, _tail(args.log))
        return 1
    _say(terminal, message("workspace.start.ended", args.lang))
    return 0


def _talk_to(log: Path) -> TextIO:
    """Send what JupyterLab and its kernels say to a file; return the way to the terminal."""
    terminal = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace")
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    return terminal


def _serve(args: argparse.Namespace, terminal: TextIO) -> None:
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    server = LabApp.initialize_server(_options(args))
    # Once is enough, and no question asked: notebooks are saved.
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    url = f"http://127.0.0.1:{server.port}{args.page}?token={server.identity_provider.token}"

    def greet() -> None:
        key = "opening" if args.browser else "open_this"
        _say(terminal, f"{message(f'workspace.start.{key}', args.lang)}\n\n    {url}\n")
        _say(terminal, message("workspace.start.stop", args.lang))

    server.io_loop.add_callback(greet)
    server.start()


def _options(args: argparse.Namespace) -> list[str]:
    """Return JupyterLab's options; on the command line they outdo every file."""
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        *root,
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={args.port}",
        f"--ServerApp.port_retries={args.more_ports}",
        "--ServerApp.allow_remote_access=False",
        f"--ServerApp.root_dir={args.root}",
        f"--ServerApp.open_browser={args.browser}",
        "--ServerApp.use_redirect_file=False",  # browsers in a snap cannot read hidden folders
        f"--LabApp.default_url={args.page}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]


def _say(terminal: TextIO, text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(text, file=terminal, flush=True)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])
    return ""


if __name__ == "__main__":
    sys.exit(main())
