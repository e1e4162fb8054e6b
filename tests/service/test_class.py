"""A class that opens one link at once: servers start a few at a time, and everybody gets theirs."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

from gitserver import GitServer
from realhub import PREFIX, RealHub

_TWO_AT_ONCE = "c.Launcher.concurrent_starts = 2"
_STUDENTS = 3

Events = list[dict[str, Any]]


async def launched(hub: RealHub, token: str, **wanted: str) -> Events:
    """What somebody is told of a launch, to its end."""
    async with hub.browser() as client:
        authorized = {"Authorization": f"Bearer {token}"}
        url = client.url(f"{PREFIX}api/launches")
        async with client.session.post(url, json=wanted, headers=authorized) as response:
            id = (await response.json())["id"]
        return await client.told(id, headers=authorized)


def start_of(events: Events) -> tuple[float, float]:
    """When the Hub was asked for the server, and when it said that it is ready."""
    asked = next(e["time"] for e in events if e["message"].startswith("Starting your server."))
    return asked, max(e["time"] for e in events if e["step"] == "server")


async def test_a_class_starts_in_turns(tmp_path: Path, repos: GitServer) -> None:
    repo = f"{repos.url}/me/mine"
    with RealHub(tmp_path, _TWO_AT_ONCE) as hub:
        tokens = [await hub.token(f"student{number}") for number in range(_STUDENTS)]
        greedy = await hub.token("greedy")
        told = await asyncio.gather(
            *(launched(hub, greedy, repo=repo, server=f"s{number}") for number in range(2)),
            *(launched(hub, token, repo=repo) for token in tokens),
        )
    assert [events[-1]["phase"] for events in told] == ["ready"] * (_STUDENTS + 2)
    starts = [start_of(events) for events in told]
    at_once = [sum(began <= asked < ended for began, ended in starts) for asked, _ in starts]
    assert max(at_once) == 2
    own = sorted(starts[:2])
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(own)), "one at a time"
    waited = [
        [e["ahead"] for e in events if e["phase"] == "launching" and "ahead" in e]
        for events in told
    ]
    assert any(waited) and all(ahead == sorted(ahead, reverse=True) for ahead in waited)
    bars = [[e["progress"] for e in events] for events in told]
    assert all(bar == sorted(bar) for bar in bars)
