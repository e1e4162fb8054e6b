"""A server that ended by itself: the Hub notices within half a minute, and we ask the server."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from homehub import HomeHub
from patience import SOON
from test_event_order import CACHED, events, order, record, spec_of

End = Callable[[HomeHub, dict[str, Any]], None]


def asked(hub: HomeHub, ready: dict[str, Any], path: str, method: str = "GET") -> int:
    """The status with which a server, or the proxy in its place, answers."""
    server = urlsplit(ready["server_url"])
    request = urllib.request.Request(
        f"{hub.url}{server.path}{path}",
        method=method,
        headers={"Host": server.netloc, "Authorization": f"token {ready['token']}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def shut_down(hub: HomeHub, ready: dict[str, Any]) -> None:
    """As *File*, *Shut Down* of JupyterLab does it."""
    assert asked(hub, ready, "api/shutdown", "POST") == 200


def kill(hub: HomeHub, ready: dict[str, Any]) -> None:
    """End all its processes at once."""
    mark = f"JUPYTERHUB_SERVICE_PREFIX={urlsplit(ready['server_url']).path}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


@pytest.mark.parametrize("end", [shut_down, kill])
def test_launched_again_at_once(hub: HomeHub, token: str, end: End) -> None:
    spec = spec_of(hub, f"ended/{end.__name__.replace('_', '-')}", {"requirements.txt": ""})
    ready = events(record(hub, token, spec))[-1]
    assert asked(hub, ready, "api") == 200, ready
    end(hub, ready)
    deadline = time.monotonic() + SOON
    while asked(hub, ready, "api") == 200 and time.monotonic() < deadline:
        time.sleep(0.1)

    # by another name for the same commit, as upstream's tests do it in one go
    ref = {"shut_down": "HEAD", "kill": ready["binder_persistent_request"].rpartition("/")[2]}
    again = record(hub, token, spec.replace("/main", f"/{ref[end.__name__]}"))
    assert order(again) == CACHED
    assert asked(hub, events(again)[-1], "api") == 200
