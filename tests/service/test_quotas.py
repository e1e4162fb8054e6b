"""Banned networks, launches per hour as clients see them, and how many may be under way.

Also a class that opens one link at once: servers start a few at a time, and everybody gets theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from gitserver import GitServer
from patience import wait_until
from realhub import PREFIX, RealHub
from traitlets import TraitError
from yarl import URL

from binderhub_ext.core.errors import NotAllowed, TooMany
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.sse import Parser
from binderhub_ext.service.access import Access
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.orders import LaunchOrder
from binderhub_ext.service.launching.quotas import Quotas

_LIMITED = """
c.Launches.per_hour = 2
c.Access.ban_networks = {"192.0.2.0/24": "automated traffic"}
c.Launcher.concurrent_starts = 2
"""
_STUDENTS = 3

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with RealHub(tmp_path_factory.mktemp("limited"), _LIMITED) as hub:
        yield hub


async def test_limits_and_bans_are_told(hub: RealHub, repos: GitServer) -> None:
    token = await hub.token("ana")
    repo = quote(f"{repos.url}/me/mine", safe="")
    async with hub.browser() as client:
        url = URL(client.url(f"{PREFIX}build/git/{repo}/main"), encoded=True)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        for remaining, phase in (("1", "ready"), ("0", "ready"), ("0", "failed")):
            async with client.session.get(url, headers=headers) as response:
                last = Parser().feed(await response.read())[-1]
                assert (last["phase"], response.status) == (phase, 200)
                assert response.headers["x-ratelimit-limit"] == "2"
                assert response.headers["x-ratelimit-remaining"] == remaining
                assert int(response.headers["x-ratelimit-reset"]) > time.time()
        assert last["status_code"] == 429

        banned = {**headers, "X-Real-IP": "192.0.2.7"}
        async with client.session.get(url, headers=banned) as response:
            [event] = Parser().feed(await response.read())
        assert event["status_code"] == 403
        assert "automated traffic" in event["message"]
        page = await client.send("GET", PREFIX, headers={"X-Real-IP": "192.0.2.7"})
        assert page.status == 403
        health = await client.send("GET", f"{PREFIX}health", headers={"X-Real-IP": "192.0.2.7"})
        assert health.status == 200


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


async def test_a_class_starts_in_turns(hub: RealHub, repos: GitServer) -> None:
    repo = repos.create_repo("me/of-a-class", {"requirements.txt": "of a class"}).url
    students = [f"student{number}" for number in range(_STUDENTS)]
    tokens = [await hub.token(student) for student in students]
    greedy = await hub.token("greedy")
    launches = [
        *(launched(hub, greedy, repo=repo, server=f"s{number}") for number in range(2)),
        *(launched(hub, token, repo=repo) for token in tokens),
    ]
    everybody = ["greedy", *students]
    with hub.holds(*everybody):
        telling = asyncio.gather(*launches)
        wait = (wait_until, lambda: hub.starting(*everybody) > 1, "two do not start at once")
        await asyncio.to_thread(*wait)
    told = await telling
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


@pytest.mark.parametrize(
    ("address", "banned"),
    [
        ("192.0.2.1", True),
        ("::ffff:192.0.2.1", True),
        ("2001:db8::1", True),
        ("192.0.3.1", False),
        ("", False),
        (None, False),
        ("nonsense", False),
    ],
)
def test_networks(address: str | None, banned: bool) -> None:
    bans = Access(ban_networks={"192.0.2.0/24": "", "2001:db8::/32": "why"}).bans()
    if banned:
        with pytest.raises(NotAllowed):
            bans.check(address)
    else:
        bans.check(address)


def test_a_network_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(TraitError, match="ban_networks"):
        Access(ban_networks={"192.0.2.1/24": "host bits"})


def order(name: str) -> LaunchOrder:
    repo = Repo("gh", name, f"https://github.com/{name}")
    return LaunchOrder(Person("ana", token=""), LaunchRequest(repo=repo))


@pytest.mark.parametrize(
    ("quotas", "under_way", "refused"),
    [
        (Quotas(), ["a/b"] * 9, False),
        (Quotas(total=2), ["a/b"], False),
        (Quotas(total=2), ["a/b", "c/d"], True),
        (Quotas(per_repo=2), ["a/b", "c/d", "c/d"], False),
        (Quotas(per_repo=2), ["A/b", "a/B"], True),
    ],
)
def test_quotas(quotas: Quotas, under_way: list[str], refused: bool) -> None:
    orders = [order(name) for name in under_way]
    if refused:
        with pytest.raises(TooMany):
            quotas.check(order("a/b"), orders)
    else:
        quotas.check(order("a/b"), orders)


class Uncompared(Repo):
    """A repository that nobody has a reason to tell from others."""

    @property
    def identity(self) -> str:
        raise AssertionError("compared")


def test_of_a_class_nobody_is_compared_with_all_the_others_in_vain() -> None:
    same = Uncompared("gh", "a/b", "https://github.com/a/b")
    orders = [LaunchOrder(Person("bo", token=""), LaunchRequest(repo=same))] * 9
    Quotas(per_person=10, total=10).check(order("a/b"), orders)
