"""Addresses and ports of `up`.

All ports follow from one, so that servers which outlived their Hub find the next one where the
last one was.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from dataclasses import dataclass

from ..core.errors import CannotStart


@dataclass(frozen=True)
class Ports:
    """The four ports of one `up`; only `public` may listen beyond loopback."""

    public: int

    @property
    def hub(self) -> int:
        return self.public + 1

    @property
    def proxy_api(self) -> int:
        return self.public + 2

    @property
    def service(self) -> int:
        return self.public + 3


def is_loopback(ip: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip.strip("[]")).is_loopback
    except ValueError:
        return False


def check_free(ip: str, ports: Ports, *, patience: float = 3) -> None:
    """Make sure that all ports can be listened on.

    Args:
        ip: where the public port listens; empty for every address.
        ports: the four.
        patience: seconds to wait for what is left of a run that was killed.

    Raises:
        CannotStart: one is taken or not to be had; says which and what to do.
    """
    loopback = "127.0.0.1"
    wanted = {
        ports.public: ip,
        ports.hub: loopback,
        ports.proxy_api: loopback,
        ports.service: loopback,
    }
    deadline = time.monotonic() + patience
    for port, address in wanted.items():
        while (problem := _problem(address, port)) == errno.EADDRINUSE:
            if time.monotonic() > deadline:
                raise CannotStart(
                    "Port {port} is taken by another program. Choose another one with --port;"
                    " it and the next three are used.",
                    port=port,
                )
            time.sleep(0.1)
        if problem == errno.EACCES:
            raise CannotStart(
                "Only root may listen on port {port}. Use --port 8000 or higher.", port=port
            )
        if problem:
            raise CannotStart(
                "Cannot listen on {address} port {port}: no such address on this machine."
                " Leave --ip away to be reached from this machine only.",
                address=address,
                port=port,
            )


def _problem(ip: str, port: int) -> int:
    """The error number of listening there, 0 if it works."""
    try:
        family, *_, address = socket.getaddrinfo(
            ip or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return 0
