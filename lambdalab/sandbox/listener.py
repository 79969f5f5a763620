"""werkzeug's threaded server on a socket that is already listening."""

from __future__ import annotations

import socket
import sys

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from lambdalab.sandbox.untyped import Untyped

__all__ = ["FrontServer"]


class FrontServer(ThreadedWSGIServer):  # type: ignore[misc]
    """One thread a connection; says nothing.

    Parameters
    ----------
    listener
        Bound and listening.
    handler
        Class that answers.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[WSGIRequestHandler]) -> None:
        host, port = listener.getsockname()
        super().__init__(host, port, _no_app, handler, fd=listener.fileno())
        listener.close()

    def handle_error(self, request: Untyped, client_address: Untyped) -> None:
        """Pass over callers who hung up; print anything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _no_app(_environ: Untyped, _start: Untyped) -> Untyped:
    raise AssertionError("the front answers every request itself")
