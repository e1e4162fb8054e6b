"""A stand-in for a cloud's metadata service, at its real address on a network of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ADDRESS = "169.254.169.254"
SECRET = "the-machines-own-secret"
_SERVE = f"""
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{SECRET}")
# Not HTTPServer, which asks for the name of its own address before it listens.
server = socketserver.ThreadingTCPServer(("{ADDRESS}", 80), Handler)
print("ready", flush=True)
server.serve_forever()
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def cloud_metadata() -> Iterator[None]:
    """The service answers this machine, and whatever this machine passes on to it."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("only root makes networks")
    name = f"md{os.getpid()}"
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", "169.254.169.253/30", "dev", name)
        ip("link", "set", name, "up")
        for words in (
            ("addr", "add", f"{ADDRESS}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", "169.254.169.253"),
        ):
            ip("-n", name, *words)
        command = ["ip", "netns", "exec", name, sys.executable, "-c", _SERVE]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout and server.stdout.readline() == "ready\n"
                yield
            finally:
                server.kill()
    finally:
        ip("netns", "del", name)
