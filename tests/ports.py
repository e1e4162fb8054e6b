"""Ports for what tests start: below those that the system gives to anybody, and apart for each of
the processes that share the work (pytest-xdist), so that what is free when it is chosen is still
free when it is used."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

_FIRST, _SHARE, _SHARES = 20_000, 3_000, 4

_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_share = _FIRST + int(_worker.removeprefix("gw")) % _SHARES * _SHARE
# Runs beside each other begin at different places.
_next = os.getpid() * 37 % _SHARE


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, none given before while there are others."""
    global _next
    for _ in range(_SHARE):
        begin = _next if _next + count <= _SHARE else 0
        _next = begin + count
        if _are_free(range(_share + begin, _share + _next)):
            return _share + begin
    raise RuntimeError("no free ports")


def _are_free(ports: range) -> bool:
    with ExitStack() as held:
        try:
            for port in ports:
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
