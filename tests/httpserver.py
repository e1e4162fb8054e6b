"""A server of HTTP in a thread."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


class Quiet(BaseHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


class Files(Quiet, SimpleHTTPRequestHandler):
    """A folder's files."""


@contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The address of a server whose requests are handled so."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serving_files(folder: Path, tls: ssl.SSLContext | None = None) -> AbstractContextManager[str]:
    """The address of a server of a folder's files."""
    return serving(partial(Files, directory=str(folder)), tls)
