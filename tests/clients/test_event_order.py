"""Recorded streams of `/build`: their framing and the order of phases (PROTOCOL 1.4).

What differs from BinderHub on purpose is in docs/reference/binderhub.md.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from itertools import groupby
from typing import Any
from urllib.parse import quote

import pytest
from gitserver import Executable
from homehub import HomeHub
from patience import SOON, START

BUILT = ["waiting", "fetching", "building", "built", "launching", "ready"]
CACHED = ["waiting", "built", "launching", "ready"]
FORKED = ["waiting", "fetching", "built", "launching", "ready"]


def record(
    hub: HomeHub, token: str, spec: str, on_line: Callable[[str], None] = lambda line: None
) -> list[str]:
    """The lines of a stream to its end; the server is who ends it."""
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{hub.main_page}build/{spec}", headers=headers)
    lines = []
    with urllib.request.urlopen(request, timeout=START) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-cache"
        for line in answer:
            lines.append(line.decode().rstrip("\n"))
            on_line(lines[-1])
    return lines


def events(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def order(lines: list[str]) -> list[str]:
    """The phases, each run of one as one."""
    return [phase for phase, _ in groupby(event["phase"] for event in events(lines))]


def spec_of(hub: HomeHub, name: str, files: dict[str, Any]) -> str:
    repo = hub.git.create_repo(name, files)
    return f"git/{quote(repo.url, safe='')}/main"


def test_built_then_cached_then_forked(hub: HomeHub, token: str) -> None:
    spec = spec_of(hub, "order/built", {"requirements.txt": "humanize\n", "a.txt": "1"})
    built = record(hub, token, spec)
    assert order(built) == BUILT
    assert order(record(hub, token, spec)) == CACHED
    fork = spec_of(hub, "order/fork", {"requirements.txt": "humanize\n", "a.txt": "2"})
    assert order(record(hub, token, fork)) == FORKED
    for line in built:
        assert line == "" or line.startswith(("data: {", "id: ", ":keepalive")), line
    told = events(built)
    assert all(event["message"].endswith("\n") for event in told)
    [image] = {event["imageName"] for event in told if event["phase"] in ("built", "ready")}
    ready = told[-1]
    assert ready["image"] == image
    assert ready["url"].startswith(f"{hub.servers_of('maria')}/built-")
    assert ready["url"].endswith("/")
    assert ready["binder_launch_host"] == hub.main_page
    assert ready["binder_request"] == f"v2/{spec}"
    assert ready["binder_persistent_request"].startswith(f"v2/{spec.removesuffix('main')}")
    assert len(ready["binder_persistent_request"].rpartition("/")[2]) == 40


def test_failed(hub: HomeHub, token: str) -> None:
    files = {"requirements.txt": "humanize==999\n"}
    recorded = record(hub, token, spec_of(hub, "order/failed", files))
    assert order(recorded) == ["waiting", "fetching", "building", "failed"]
    last = events(recorded)[-1]
    assert (last["code"], last["status_code"]) == ("build-failed", 422)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ("nowhere/x/main", 400),
        ("gh/only-an-owner", 400),
        ("git/file%3A%2F%2F%2Fetc/main", 400),
        ("gh/a/b/main?build_only=true", 400),
        ("gh/a/b/main?build_token=forged", 403),
        ("image/quay.io%2Fa%2Fb", 400),
    ],
)
def test_refused(hub: HomeHub, token: str, spec: str, status: int) -> None:
    [refusal] = events(record(hub, token, spec))
    assert (refusal["phase"], refusal["status_code"]) == ("failed", status)


def test_no_such_ref(hub: HomeHub, token: str) -> None:
    spec = spec_of(hub, "order/branches", {"requirements.txt": ""})
    recorded = record(hub, token, spec.replace("/main", "/gone"))
    assert order(recorded) == ["waiting", "failed"]
    assert events(recorded)[-1]["code"] == "ref-not-found"


def test_cancelled(hub: HomeHub, token: str) -> None:
    files = {"requirements.txt": "", "postBuild": Executable("#!/bin/sh\nsleep 300\n")}
    asked = threading.Event()

    def cancel(line: str) -> None:
        if '"building"' in line and not asked.is_set():
            asked.set()
            _api(hub, token, "POST", f"launches/{_running(hub, token)}/cancel")

    began = time.monotonic()
    recorded = record(hub, token, spec_of(hub, "order/cancelled", files), cancel)
    assert order(recorded) == ["waiting", "fetching", "building", "failed"]
    assert events(recorded)[-1]["code"] == "cancelled"
    assert time.monotonic() - began < 240


def _running(hub: HomeHub, token: str) -> str:
    launches = _api(hub, token, "GET", "launches")["launches"]
    return next(launch["id"] for launch in launches if launch["can_cancel"])


def _api(hub: HomeHub, token: str, method: str, path: str) -> Any:
    request = urllib.request.Request(
        f"{hub.main_page}api/{path}",
        method=method,
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=SOON) as answer:
        return json.load(answer)
