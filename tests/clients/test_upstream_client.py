"""What upstream's own tests of its client ask of a server they made up, asked of the service.

Those that ask the client alone (how it writes an address) are upstream's; `test_official_client.py`
has a whole launch.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gitserver import RepoHandle
from homehub import HomeHub
from patience import SOON, START
from test_event_order import events, order, record
from test_official_client import fetch, spec


@pytest.fixture(scope="module")
def repo(hub: HomeHub) -> RepoHandle:
    return hub.git.create_repo("clients/upstream", {"requirements.txt": "cowsay\n"})


def same(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events without what each stream has for itself."""
    return [{k: v for k, v in event.items() if k != "token"} for event in told]


def test_the_client_yields_the_whole_stream(
    clients: Path, hub: HomeHub, token: str, repo: RepoHandle
) -> None:
    """All events, in their order, to its end: two watch one launch."""
    raw: list[str] = []
    watching = threading.Thread(target=lambda: raw.extend(record(hub, token, spec(repo))))
    watching.start()
    yielded = fetch(hub, token, spec(repo))
    watching.join(START)
    assert same(yielded) == same(events(raw))
    assert order(raw)[-1] == "ready"


def test_an_image_alone(clients: Path, hub: HomeHub, token: str, repo: RepoHandle) -> None:
    """The client hands the wish over; as with BinderHub, only a service without pages grants it."""
    (refused,) = fetch(hub, token, spec(repo), "--build-only")
    assert (refused["phase"], refused["status_code"]) == ("failed", 400)
    assert "build_only" in refused["message"]


def test_with_a_build_token(clients: Path, hub: HomeHub, token: str, repo: RepoHandle) -> None:
    """As a page gets one for the stream that it is about to read; and no other stream."""
    request = urllib.request.Request(
        f"{hub.main_page}api/build-tokens",
        data=json.dumps({"link": f"v2/{spec(repo)}"}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SOON) as answer:
        made = json.load(answer)["build_token"]
    assert fetch(hub, token, spec(repo), "--build-token", made)[-1]["phase"] == "ready"
    (refused,) = fetch(hub, token, spec(repo, "other"), "--build-token", made)
    assert (refused["phase"], refused["status_code"]) == ("failed", 403)


def test_the_endpoint_with_and_without_its_slash(
    clients: Path, hub: HomeHub, token: str, repo: RepoHandle
) -> None:
    for endpoint in ("build", "build/"):
        told = fetch(hub, token, spec(repo), endpoint=endpoint)
        assert told[-1]["phase"] == "ready"
